import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import {
  anyIpAddress,
  mispTypeOf,
  mispValueOf,
  observableTypes,
  parseObservable,
  refusedTypes,
  stixComparisons,
  stixPathOf,
  typeOfMisp,
  typeOfStixPath,
  unmappedMispTypes,
} from '../../src/domain/observables/index.ts'

const hex = (digits: number): string => 'abcdef0123456789'.repeat(8).slice(0, digits)
const onion = '3wnqf6ejrbg3covroklfxcdxtfsksxinkn3xcuifnafmg2he2djsalyd.onion'

t.test('reads STIX object paths in the spellings that are about', async (t) => {
  const rows = [
    ['ipv4-addr:value', '192.0.2.1', 'ipv4-address'],
    ['ipv4-addr:value', '192.0.2.0/24', 'ipv4-prefix'],
    ['ipv6-addr:value', '2001:db8::1', 'ipv6-address'],
    ['domain-name:value', 'evil.com', 'domain-name'],
    ['domain-name:value', onion, 'onion-address'],
    ['domain-name:value', 'localhost', 'hostname'],
    ['domain-name:resolves_to_refs[0].value', '192.0.2.1', 'ipv4-address'],
    ['network-traffic:dst_ref.value', 'evil.com', 'domain-name'],
    ['network-traffic:dst_ref.value', 'c2.internal', 'hostname'],
    ["file:hashes.'SHA-256'", hex(64), 'sha256'],
    ['file:hashes.md5', hex(32), 'md5'],
    ['file:hashes.ssdeep', '3:a:b', 'ssdeep'],
    ['artifact:hashes."SHA-1"', hex(40), 'sha1'],
    ["x509-certificate:hashes.'SHA-1'", hex(40), 'x509-fingerprint-sha1'],
    ['email-message:body_multipart[*].body_raw_ref.hashes.MD5', hex(32), 'md5'],
    ['email-message:body_multipart[3].body_raw_ref.name', 'a.exe', 'filename'],
    ['email-message:from_ref.value', 'ana@evil.com', 'email-address'],
    ['email-message:to_refs[*].value', 'ana@evil.com', 'email-address'],
    ['file:parent_directory_ref.path', '/tmp', 'directory'],
    ['windows-registry-key:values[0].data', 'x', 'registry-value'],
    ["network-traffic:extensions.'http-request-ext'.request_header.'User-Agent'", 'x', 'user-agent'],
    ['x-opencti-cryptocurrency-wallet:value', '1FEHVsKwhtebdJ414SspxkpreWXGzo3KoQ', 'bitcoin-address'],
    ['file:size', '1', undefined],
    ['constructor', '1', undefined],
  ] as const
  for (const [path, value, type] of rows) t.equal(typeOfStixPath(path, value), type, path)
})

t.test('every STIX path that is written is read as the same type', async (t) => {
  for (const { id } of observableTypes.values()) {
    const shared = ['ipv4-prefix', 'ipv6-prefix', 'hostname', 'onion-address'].includes(id)
    if (!shared) t.equal(typeOfStixPath(stixPathOf(id), 'x.y'), id, stixPathOf(id))
  }
  t.strictSame(stixComparisons(parseObservable('autonomous-system', 'AS64512')), [
    { path: 'autonomous-system:number', value: 64_512 },
  ])
  t.strictSame(stixComparisons(parseObservable('ip-port', '192.0.2.1:80')), [
    { path: 'network-traffic:dst_ref.value', value: '192.0.2.1' },
    { path: 'network-traffic:dst_port', value: 80 },
  ])
})

t.test('maps MISP attribute types, composites and refused ones', async (t) => {
  const rows: readonly (readonly [string, readonly string[] | undefined])[] = [
    ['ip-dst', [anyIpAddress]],
    ['domain|ip', ['domain-name', anyIpAddress]],
    ['filename|sha256', ['filename', 'sha256']],
    ['filename|sha512/256', ['filename', 'sha512-256']],
    ['filename|imphash', ['filename', 'imphash']],
    ['malware-sample', ['filename', 'md5']],
    ['ip-dst|port', ['ip-port']],
    ['hostname|port', ['host-port']],
    ['regkey|value', ['registry-key', 'registry-value']],
    ['passport-number', ['passport-number']],
    ['filename|text', undefined],
    ['filename|md5|sha1', undefined],
    ['no-such-type', undefined],
  ]
  for (const [misp, types] of rows) t.strictSame(typeOfMisp(misp), types, misp)
  for (const misp of unmappedMispTypes) t.equal(typeOfMisp(misp), undefined, misp)
  for (const { id, misp } of observableTypes.values()) {
    t.equal(mispTypeOf(id), misp[0] ?? 'other')
    for (const name of misp) t.ok(typeOfMisp(name), name)
  }
  const endpoint = parseObservable('ip-port', '[2001:db8::1]:443')
  t.equal(mispValueOf(endpoint), '2001:db8::1|443')
  t.strictSame(parseObservable('ip-port', mispValueOf(endpoint)), endpoint)
})

/** MISP's attribute types (describeTypes.json); `~` stands for a space. */
const mispTypes = `
  AS aba-rtn anonymised attachment authentihash azure-application-id bank-account-nr bic bin boolean bro btc
  campaign-id campaign-name cc-number cdhash chrome-extension-id comment community-id cookie cortex counter
  country-of-residence cpe dash date-of-birth datetime dkim dkim-signature dns-soa-email dom-hash domain domain|ip
  edge-extension-id email email-attachment email-body email-dst email-dst-display-name email-header email-message-id
  email-mime-boundary email-reply-to email-src email-src-display-name email-subject email-thread-index email-x-mailer
  eppn favicon-mmh3 filename filename-pattern filename|authentihash filename|impfuzzy filename|imphash filename|md5
  filename|pehash filename|sha1 filename|sha224 filename|sha256 filename|sha3-224 filename|sha3-256 filename|sha3-384
  filename|sha3-512 filename|sha384 filename|sha512 filename|sha512/224 filename|sha512/256 filename|ssdeep
  filename|tlsh filename|vhash first-name float frequent-flyer-number full-name gender gene git-commit-id
  github-organisation github-repository github-username hassh-md5 hasshserver-md5 hex hostname hostname|port
  http-method iban identity-card-number impfuzzy imphash integer ip-dst ip-dst|port ip-src ip-src|port
  issue-date-of-the-visa ja3-fingerprint-md5 jabber-id jarm-fingerprint kusto-query last-name link mac-address
  mac-eui-64 malware-sample malware-type md5 middle-name mime-type mobile-application-id mutex named~pipe nationality
  onion-address other passenger-name-record-locator-number passport-country passport-expiration passport-number
  pattern-in-file pattern-in-memory pattern-in-traffic payment-details pdb pehash pgp-private-key pgp-public-key
  phone-number place-of-birth place-port-of-clearance place-port-of-onward-foreign-destination
  place-port-of-original-embarkation port primary-residence process-state prtn redress-number regkey regkey|value sha1
  sha224 sha256 sha3-224 sha3-256 sha3-384 sha3-512 sha384 sha512 sha512/224 sha512/256 sigma size-in-bytes snort
  special-service-request ssdeep ssh-fingerprint stix2-pattern target-email target-external target-location
  target-machine target-org target-user telfhash text threat-actor tlsh travel-details twitter-id uri url user-agent
  vhash visa-number vulnerability weakness whois-creation-date whois-registrant-email whois-registrant-name
  whois-registrant-org whois-registrant-phone whois-registrar windows-scheduled-task windows-service-displayname
  windows-service-name x509-fingerprint-md5 x509-fingerprint-sha1 x509-fingerprint-sha256 xmr yara zeek
`

t.test('every attribute type of MISP is mapped, refused or left out on purpose', async (t) => {
  const types = mispTypes
    .trim()
    .split(/\s+/)
    .map((type) => type.replace('~', ' '))
  const lost = types.filter((type) => typeOfMisp(type) === undefined && !unmappedMispTypes.has(type))
  t.strictSame(lost, [])
})

const events = join(process.cwd(), '../shared/data/misp-events')

t.test('real MISP events', { skip: existsSync(events) ? false : 'no ../shared/data here' }, async (t) => {
  const attributes: { readonly type: string; readonly value: string }[] = []
  for (const file of readdirSync(events).filter((name) => name.endsWith('.json'))) {
    const text = readFileSync(join(events, file), 'utf8')
    for (const [, fields = ''] of text.matchAll(/\{([^{}]*"category"[^{}]*)\}/g)) {
      const type = /"type"\s*:\s*"([^"]*)"/.exec(fields)?.[1]
      const value = /"value"\s*:\s*("(?:[^"\\]|\\.)*")/.exec(fields)?.[1]
      if (type !== undefined && value !== undefined) attributes.push({ type, value: JSON.parse(value) })
    }
  }
  t.ok(attributes.length > 1_000, `${attributes.length} attributes`)
  const missing = attributes.filter(({ type }) => typeOfMisp(type) === undefined && !unmappedMispTypes.has(type))
  t.strictSame([...new Set(missing.map(({ type }) => type))], [], 'every type is mapped or left out on purpose')
  const faults = attributes.flatMap(({ type, value }) => {
    const types = typeOfMisp(type) ?? []
    const parts = types.length > 1 ? value.split('|') : [value]
    return types.flatMap((id, index) => {
      try {
        parseObservable(id, parts[index] ?? '')
        return []
      } catch (error) {
        return [`${type} ${error instanceof Error ? error.message : ''}`]
      }
    })
  })
  t.comment(faults.slice(0, 20).join('\n'))
  t.ok(faults.length * 50 <= attributes.length, `${faults.length} values are refused`)
  t.notOk(attributes.some(({ type }) => refusedTypes.has(type)))
})
