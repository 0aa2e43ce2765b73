import * as cert from '../formats/cert-samples.ts'

/** Good input of every format, to be spoilt. Values are from documentation ranges and reserved names. */

const uuid = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`
const times = { created: '2026-01-01T00:00:00.000Z', modified: '2026-01-02T00:00:00.000Z' }

const values = [
  '192.0.2.1',
  '192.0.2.0/24',
  '192[.]0[.]2[.]1',
  '2001:db8::1',
  '2001:db8::/32',
  '::ffff:192.0.2.1',
  '[2001:db8::1]:443',
  '192.0.2.1:8080',
  'AS64496',
  'www.example.com',
  'evil[.]example',
  'xn--bcher-kva.example',
  'bücher.example',
  '*.example.com',
  'https://example.com/login?a=b#c',
  'hxxps://example[.]com/%41',
  'ana@example.com',
  'ana[at]example[.]com',
  'd41d8cd98f00b204e9800998ecf8427e',
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '3:AXGBicFlgVNhBGcL6wCrFQEv:AXGHsNhxLsr2C',
  'C:\\Windows\\System32\\evil.exe',
  '/etc/passwd',
  '00:00:5e:00:53:01',
  'CVE-2026-12345',
  'GB82WEST12345698765432',
  'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4',
  '0x52908400098527886E0F7030069857D2E4169EE7',
  '+5491100000000',
  'expyuzz4wqqyqhjn.onion',
  't13d1516h2_8daaf6152771_e5627efa2ab1',
  'alert tcp any any -> any any (msg:"x"; sid:1;)',
  'rule x { condition: true }',
  'BR',
  'cpe:2.3:a:example:x:1.0:*:*:*:*:*:*:*',
]

const patterns = [
  "[ipv4-addr:value = '192.0.2.1']",
  "[domain-name:value = 'example.com' OR url:value = 'https://example.com/']",
  "[file:hashes.'SHA-256' = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855' AND file:size > 5]",
  "([ipv4-addr:value ISSUBSET '192.0.2.0/24'] FOLLOWEDBY [email-addr:value LIKE '%@example.com']) WITHIN 300 SECONDS",
  "[network-traffic:dst_ref.value IN ('192.0.2.1', '192.0.2.2')] START t'2026-01-01T00:00:00Z' STOP t'2026-01-02T00:00:00Z'",
  "[NOT (file:name MATCHES '^a+$')] REPEATS 5 TIMES",
]

const record = {
  value: 'www.example.com',
  type: 'domain-name',
  class: 'phishing',
  tlp: 'amber',
  audience: ['community:lac-csirts'],
  labels: ['a', 'b'],
  confidence: 50,
  ...times,
}

const bundle = {
  type: 'bundle',
  id: `bundle--${uuid(1)}`,
  objects: [
    {
      type: 'marking-definition',
      spec_version: '2.1',
      id: `marking-definition--${uuid(2)}`,
      created: times.created,
      definition_type: 'statement',
      definition: { statement: 'x' },
    },
    {
      type: 'identity',
      spec_version: '2.1',
      id: `identity--${uuid(3)}`,
      name: 'CERT',
      identity_class: 'organization',
      ...times,
    },
    {
      type: 'indicator',
      spec_version: '2.1',
      id: `indicator--${uuid(4)}`,
      pattern: patterns[2],
      pattern_type: 'stix',
      valid_from: times.created,
      object_marking_refs: [
        'marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb',
        `marking-definition--${uuid(2)}`,
      ],
      granular_markings: [
        { selectors: ['name'], marking_ref: 'marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421' },
      ],
      ...times,
    },
    { type: 'ipv4-addr', spec_version: '2.1', id: `ipv4-addr--${uuid(5)}`, value: '192.0.2.1' },
  ],
}

const event = {
  Event: {
    uuid: uuid(6),
    info: 'phishing',
    date: '2026-01-01',
    timestamp: '1767225600',
    distribution: '3',
    Tag: [{ name: 'tlp:green' }, { name: 'rsit:fraud="phishing"' }],
    Orgc: { name: 'CERT.br', uuid: uuid(7) },
    Attribute: [
      {
        uuid: uuid(8),
        type: 'ip-dst|port',
        category: 'Network activity',
        value: '192.0.2.1|443',
        to_ids: true,
        timestamp: '1767225600',
        distribution: '5',
        Tag: [{ name: 'tlp:amber' }],
      },
      { uuid: uuid(9), type: 'sha256', category: 'Payload delivery', value: values[19], to_ids: true },
    ],
    Object: [
      {
        uuid: uuid(10),
        name: 'file',
        'meta-category': 'file',
        Attribute: [{ uuid: uuid(11), type: 'filename|md5', object_relation: 'x', value: `evil.exe|${values[18]}` }],
      },
    ],
  },
}

const csv = [
  'value,type,tlp,audience,class,confidence,description',
  '192.0.2.1,ipv4-address,green,,c2-server,80,"a ""quoted"" text, with commas"',
  'evil[.]example,,amber,community:lac-csirts,phishing,,"two\nlines"',
].join('\r\n')

export const samples = {
  values,
  patterns,
  documents: [
    JSON.stringify(record),
    JSON.stringify([record, { value: '192.0.2.1', tlp: 'green' }]),
    values.map((value) => JSON.stringify({ value, tlp: 'clear' })).join('\n'),
    JSON.stringify(bundle),
    JSON.stringify(bundle, null, 2),
    JSON.stringify(event),
    JSON.stringify({ response: [event, event] }),
    csv,
    `# a list\n${values.join('\n')}\n`,
    csv.replaceAll(',', '\t'),
    ...[cert.capNew, cert.capOld, cert.sinkhole, cert.openDns, cert.malwareUrl, cert.openioc10, cert.openioc11],
    JSON.stringify(cert.intelmqEvent),
    JSON.stringify([cert.intelmqNested, cert.intelmqEvent], null, 1),
    JSON.stringify(cert.n6Events),
    cert.n6Events.map((event) => JSON.stringify(event)).join('\n'),
  ],
} as const
