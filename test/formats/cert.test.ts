// alone: it measures how much memory the process takes
import fc from 'fast-check'
import t from 'tap'
import type { Draft } from '../../src/domain/draft.ts'
import { limits } from '../../src/domain/limits.ts'
import { csvMapping } from '../../src/formats/csv-mapping.ts'
import { reportType, rsitOfReport } from '../../src/formats/shadowserver-types.ts'
import { type DecodeOptions, decode, formatOf, type InputFormat } from '../../src/formats/sniff.ts'
import * as samples from './cert-samples.ts'
import { codeOf, cuts, generatedSource, peakBytes, sorted, sourceOf } from './sources.ts'

const read = (format: InputFormat, body: string | Buffer, options?: DecodeOptions) =>
  sorted(decode(format, sourceOf(body), options))

/** What a draft is about, and what is said of it. */
const gist = ({ observables, class: type, labels, lastSeen, handling }: Draft) => ({
  values: observables.map(({ value }) => value),
  class: type,
  labels,
  lastSeen,
  handling,
})

t.test('CAP, the new form: families, ports, glitches, and the URL whole', async (t) => {
  const { drafts, faults } = await read('cap', samples.capNew)
  t.same(faults, [])
  t.equal(drafts.length, 13)
  const of = (address: string) => drafts.find(({ received }) => received.split('|')[1] === address)
  const gistOf = (address: string) => {
    const found = of(address)
    return found === undefined ? undefined : gist(found)
  }
  t.match(gistOf('192.0.2.22'), {
    class: 'infected-system',
    labels: ['malware:nivdort', 'protocol:tcp', 'asn:64496', 'country:AT', 'destination:198.51.100.22'],
    lastSeen: '2019-03-25T03:44:22.000Z',
  })
  t.match(gistOf('192.0.2.25')?.labels, [
    'cap:darknet',
    'protocol:tcp',
    'asn:64496',
    'country:AT',
    'destination-port:23',
  ])
  t.ok(gistOf('192.0.2.25')?.labels.includes('destination-port:2323'), 'several ports are labels of one finding')
  t.same(gistOf('192.0.2.26')?.values, ['http://www.example.com/a;b|c', '192.0.2.26'], 'a URL may hold ; and |')
  t.same(gistOf('192.0.2.28')?.values, ['192.0.2.28:61039'], 'a bare value of a proxy')
  t.same(gistOf('192.0.2.31')?.values, ['192.0.2.31:80', 'sub.example.com'], 'two pairs without what parts them')
  t.notOk(
    gistOf('192.0.2.30')?.labels.some((label) => label.startsWith('asn:')),
    'AS 0 is unknown',
  )
  t.match(gistOf('192.0.2.30')?.labels, ['malware:conficker'], 'the old words in a new file')
  t.notOk(gistOf('192.0.2.32')?.labels.includes('destination-port:19'), 'the total is no port')
  t.same(gistOf('192.0.2.33')?.values, ['192.0.2.33'], "a scanner's own port is nobody's")
  t.ok(gistOf('192.0.2.33')?.labels.includes('asn:64498'), 'several AS numbers')
  t.same(of('192.0.2.21')?.position, { record: 0, line: 4 })
})

t.test('CAP, the old form', async (t) => {
  const { drafts, faults } = await read('cap', samples.capOld)
  t.same(faults, [])
  t.same(
    drafts.map((draft) => [draft.class, draft.observables[0].value]),
    [
      ['brute-force', '192.0.2.1'],
      ['ddos-amplifier', '192.0.2.2'],
      ['phishing', 'http://www.example.com/'],
      ['other', '192.0.2.4:8080'],
      ['spam', '192.0.2.5'],
      ['infected-system', '192.0.2.6'],
      ['infected-system', '192.0.2.7'],
      ['infected-system', '192.0.2.8'],
    ],
  )
  t.ok(drafts[5]?.labels.includes('malware:mirai mirai bot'), 'a type may have spaces')
  t.equal(drafts[6]?.description, 'Some Botnet')
  t.equal(drafts[7]?.confidence, 80)
})

t.test('CAP: a bad line is a fault of its own', async (t) => {
  const body = [
    'bot|192.0.2.300|1|2026-01-01 00:00:00||X',
    'bot|192.0.2.1|1|yesterday||X',
    'three|cells|only',
    'bot|192.0.2.1|1|2026-01-01 00:00:00|tlp: purple;|X',
    'bot|192.0.2.1|1|2026-01-01 00:00:00|tlp: amber;|X',
    'a-new-one|192.0.2.1|1|2026-01-01 00:00:00|k: v;|X',
    '=cmd|192.0.2.1|1|2026-01-01 00:00:00||X',
  ].join('\n')
  const { drafts, faults } = await read('cap', body)
  t.match(faults, [
    { position: { record: 0, line: 1 }, code: 'invalid_value' },
    { position: { record: 1, line: 2 }, code: 'invalid_record' },
    { position: { record: 2, line: 3 }, code: 'invalid_record' },
    { position: { record: 3, line: 4 }, code: 'marking_unknown' },
    { position: { record: 6, line: 7 }, code: 'invalid_record' },
  ])
  t.match(drafts.map(gist), [{ handling: { tlp: 'amber' } }, { class: undefined, labels: ['cap:a-new-one', 'asn:1'] }])
})

t.test(
  'Shadowserver: columns by name, the class from the type, what is unknown stays in what was received',
  async (t) => {
    const sinkhole = await read('shadowserver', samples.sinkhole, { report: 'event4_sinkhole' })
    t.match(sinkhole.faults, [{ position: { record: 2, line: 4 }, code: 'invalid_value' }])
    const [first, second] = sinkhole.drafts
    t.match(first === undefined ? undefined : gist(first), { values: ['192.0.2.41'], class: 'infected-system' })
    t.ok(first?.labels.includes('malware:andromeda'))
    t.match(first?.received, /x_new_column"\n.*kept ""as it is""/)
    t.equal(first?.finding, second?.finding, 'one machine, one finding')
    const dns = await read('shadowserver', samples.openDns, { report: 'scan6_dns' })
    t.same(
      dns.drafts.map(({ observables, class: type }) => [observables[0].value, type]),
      [
        ['192.0.2.51:53', 'ddos-amplifier'],
        ['[2001:db8::53]:53', 'ddos-amplifier'],
      ],
      'a service is an address with its port',
    )
    const [url] = (await read('shadowserver', samples.malwareUrl, { report: 'malware_url' })).drafts
    t.same(
      url?.observables.map(({ type }) => type),
      ['url', 'ipv4-address', 'sha256'],
    )
    const [unclassed] = (await read('shadowserver', samples.openDns)).drafts
    t.equal(unclassed?.class, undefined, 'nothing is guessed without the type')
    const account = 'timestamp,severity,email,detail\n2026-06-01 00:00:00,critical,ana@example.com,hunter2\n'
    const [leak] = (await read('shadowserver', account, { report: 'compromised_account' })).drafts
    t.match(leak, { observables: [{ type: 'email-address' }], class: 'data-leak' })
    t.equal(leak?.description, undefined, 'no secret is passed on')
    const headless = await read('shadowserver', 'a,b\n1,2\n3,4\n')
    t.same(
      headless.faults.map(({ position, code }) => [position.line, code]),
      [
        [1, 'invalid_csv'],
        [2, 'invalid_csv'],
        [3, 'invalid_csv'],
      ],
    )
  },
)

t.test('Shadowserver: types of today and tomorrow', async (t) => {
  t.equal(reportType('/in/2026-06-01-event4_sinkhole_http-example-asn.csv'), 'event4_sinkhole_http')
  t.equal(reportType('scan_dns'), 'scan_dns')
  t.equal(reportType('what is this?'), undefined)
  const types = [
    ['event4_sinkhole_http', 'infected-system'],
    ['event6_sinkhole', 'infected-system'],
    ['event4_honeypot_brute_force', 'brute-force'],
    ['event4_honeypot_ikev2_scan', 'scanner'],
    ['compromised_iot6', 'system-compromise'],
    ['scan6_rdp', 'potentially-unwanted-accessible'],
    ['scan_ssl_poodle', 'weak-crypto'],
    ['scan_ntpmonitor', 'ddos-amplifier'],
    ['scan_of_tomorrow', 'potentially-unwanted-accessible'],
    ['something_else', undefined],
  ] as const
  for (const [type, rsit] of types) t.equal(rsitOfReport(type), rsit, type)
})

t.test('IntelMQ: flat and nested, an array, one, or one a line', async (t) => {
  const { intelmqEvent: flat, intelmqNested: nested } = samples
  const expected = [
    {
      values: ['192.0.2.71:8080', 'c2.example.com'],
      class: 'c2-server',
      handling: { tlp: 'amber' },
      lastSeen: '2026-06-01T12:00:00.000Z',
    },
    { values: ['192.0.2.72'], class: 'infected-system', handling: { tlp: 'green' } },
  ]
  const bodies = [
    JSON.stringify([flat, nested]),
    JSON.stringify([flat, nested], null, 2),
    `${JSON.stringify(flat)}\n${JSON.stringify(nested)}\n`,
    `\ufeff\n${JSON.stringify(flat)}\r\n\n${JSON.stringify(nested)}`,
  ]
  for (const body of bodies) {
    const { drafts, faults } = await read('intelmq', body)
    t.same(faults, [])
    t.match(drafts.map(gist), expected)
  }
  t.match(
    (await read('intelmq', JSON.stringify(flat, null, 2))).drafts.map(gist),
    [expected[0]],
    'one, over several lines',
  )
  const bad = [
    { ...flat, __type: 'Report' },
    { ...flat, tlp: 'PURPLE' },
    { ...flat, 'source.ip': '192.0.2.999' },
    { ...flat, source: { ip: '192.0.2.1' } },
    { ...flat, 'time.source': 'now' },
    { 'classification.type': 'scanner' },
  ]
  const { faults, drafts } = await read(
    'intelmq',
    `{"source.ip":\n${bad.map((each) => JSON.stringify(each)).join('\n')}`,
  )
  t.equal(drafts.length, 0)
  t.equal(faults.length > 0, true)
  const lines = await read('intelmq', [...bad, flat].map((each) => JSON.stringify(each)).join('\n'))
  t.same(
    lines.faults.map(({ position, code }) => [position.line, position.pointer, code]),
    [
      [1, '/__type', 'object_not_kept'],
      [2, '/tlp', 'marking_unknown'],
      [3, '/source.ip', 'invalid_value'],
      [4, undefined, 'duplicate_key'],
      [5, '/time.source', 'invalid_record'],
      [6, undefined, 'invalid_record'],
    ],
  )
  t.equal(lines.drafts.length, 1)
})

t.test('n6: restriction is a marking, an unknown one refuses', async (t) => {
  const { drafts, faults } = await read('n6', JSON.stringify(samples.n6Events))
  t.same(faults, [])
  t.match(drafts.map(gist), [
    { values: ['192.0.2.81'], class: 'infected-system', handling: { tlp: 'clear' } },
    {
      values: ['http://phish.example.com/login', '192.0.2.82', '192.0.2.83'],
      class: 'phishing',
      handling: { tlp: 'amber+strict', audience: ['@own'] },
    },
  ])
  const [event] = samples.n6Events
  const bad = [
    { ...event, restriction: 'friends' },
    { ...event, restriction: 'public', tlp: 'red' },
    { ...event, category: undefined },
    { ...event, address: [{ cc: 'PL' }] },
    { ...event, address: undefined },
  ]
  const refused = await read('n6', bad.map((each) => JSON.stringify(each)).join('\n'))
  t.same(
    refused.faults.map(({ position, code }) => [position.line, code]),
    [
      [1, 'marking_unknown'],
      [3, 'invalid_record'],
      [4, 'invalid_record'],
      [5, 'invalid_record'],
    ],
  )
  t.match(refused.drafts.map(gist), [{ handling: { tlp: 'red' } }], 'the stricter of the two')
})

t.test('OpenIOC: alternatives apart, what belongs together as one or not at all', async (t) => {
  const { drafts, faults } = await read('openioc', samples.openioc10)
  t.match(
    drafts.map((draft) => ({ id: draft.id, name: draft.name, ...gist(draft) })),
    [
      {
        id: 'indicator--7a4b0000-0000-4000-8000-000000000002',
        name: 'Example & test',
        values: ['d41d8cd98f00b204e9800998ecf8427e'],
        handling: { tlp: 'amber' },
      },
      { values: ['da39a3ee5e6b4b0d3255bfef95601890afd80709', 'evil.exe'] },
    ],
  )
  t.match(faults, [
    { position: { record: 1, line: 13 }, code: 'object_not_kept' },
    { position: { record: 3, line: 27 }, code: 'object_not_kept' },
  ])
  const second = await read('openioc', samples.openioc11)
  t.match(second.drafts.map(gist), [{ values: ['c2.example.org'] }])
  t.match(second.faults, [{ code: 'object_not_kept' }], 'what must not be there is no indicator')
})

const bomb = `<!DOCTYPE lolz [<!ENTITY a "aaaaaaaaaa">${[...'bcdefghi']
  .map((name, at) => `<!ENTITY ${name} "${`&${'abcdefgh'[at]};`.repeat(10)}">`)
  .join('')}]><ioc><short_description>&i;</short_description></ioc>`

t.test('OpenIOC: no entities, nothing fetched, nothing deep, nothing of other kinds', async (t) => {
  const inner = '<definition><Indicator operator="OR"/></definition>'
  const documents: readonly (readonly [string, string | Buffer, string])[] = [
    ['a bomb', bomb, 'invalid_xml'],
    ['a file', '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><ioc>&f;</ioc>', 'invalid_xml'],
    ['an external type', '<!DOCTYPE ioc SYSTEM "http://192.0.2.1/x.dtd"><ioc/>', 'invalid_xml'],
    ['an unknown entity', '<ioc>&nbsp;</ioc>', 'invalid_xml'],
    ['too deep', `<ioc>${'<a>'.repeat(100)}`, 'too_deep'],
    ['not closed', `<ioc>${inner}`, 'invalid_xml'],
    ['crossed', '<ioc><a></ioc></a>', 'invalid_xml'],
    ['NUL', '<ioc>\0</ioc>', 'invalid_xml'],
    ['NUL by number', '<ioc>&#0;</ioc>', 'invalid_xml'],
    ['half a pair', '<ioc>&#xD800;</ioc>', 'invalid_xml'],
    ['Latin 1', Buffer.from('<?xml version="1.0" encoding="iso-8859-1"?><ioc>é</ioc>', 'latin1'), 'invalid_xml'],
    ['UTF-16', Buffer.from('\ufeff<ioc/>', 'utf16le'), 'invalid_xml'],
    [
      'one huge text',
      `<ioc><description>${'a'.repeat(limits.recordBytes + 65_536)}</description></ioc>`,
      'record_too_large',
    ],
    ['one huge tag', `<ioc ${'a'.repeat(limits.recordBytes + 65_536)}="1"/>`, 'record_too_large'],
    ['HTML', '<html><body/></html>', 'invalid_xml'],
    ['nothing', '', 'invalid_xml'],
  ]
  for (const [what, body, code] of documents) {
    const { drafts, faults } = await read('openioc', body)
    t.same([drafts.length, ...faults.map((fault) => fault.code)], [0, code], what)
  }
})

t.test('the longest lines take time in proportion', async (t) => {
  const fillers = [';', 'a', '|', 'aport: ', 'port: ', ';a: ', 'mwtype ', ' ', '(total_count:', '1,', '"', '-', '\\']
  for (const filler of fillers) {
    const info = filler.repeat(900_000 / filler.length)
    for (const line of [
      `bot|192.0.2.1|1|2026-01-01 00:00:00|${info}!|X`,
      `bot|192.0.2.1|1|2026-01-01 00:00:00|hostname: ${info}!|X`,
    ]) {
      const began = performance.now()
      await read('cap', line)
      await read('shadowserver', `timestamp,ip\n${line}`)
      t.ok(performance.now() - began < 3_000, filler)
    }
  }
})

const everything: readonly (readonly [InputFormat, string])[] = [
  ['cap', samples.capNew],
  ['cap', samples.capOld],
  ['shadowserver', samples.sinkhole],
  ['shadowserver', samples.malwareUrl],
  ['intelmq', JSON.stringify([samples.intelmqEvent, samples.intelmqNested], null, 1)],
  ['intelmq', `${JSON.stringify(samples.intelmqEvent)}\n${JSON.stringify(samples.intelmqNested)}`],
  ['n6', JSON.stringify(samples.n6Events)],
  ['openioc', samples.openioc10],
  ['openioc', samples.openioc11],
]

t.test('wherever a file is cut, it says the same', async (t) => {
  for (const [format, body] of everything) {
    const whole = await read(format, body)
    await fc.assert(
      fc.asyncProperty(cuts, async (pieces) => {
        t.same(await sorted(decode(format, sourceOf(body, pieces))), whole)
      }),
      { numRuns: 15 },
    )
    t.same(await sorted(decode(format, sourceOf(body, [1]))), whole, `${format}, byte by byte`)
  }
})

t.test('lines: NUL, other encodings, marks, line ends, and what is never closed', async (t) => {
  const line = 'bot|192.0.2.1|1|2026-01-01 00:00:00|family: x;|X'
  const latin = Buffer.from('bot|192.0.2.1|1|2026-01-01 00:00:00|family: é;|X\n', 'latin1')
  const body = Buffer.concat([
    Buffer.from(`\ufeff${line}\r\n`),
    latin,
    Buffer.from(`bot|192.0.2.1|1|2026-01-01 00:00:00|family: \0;|X\n`),
    Buffer.from(`bot|192.0.2.1|1|2026-01-01 00:00:00|family: ${'x'.repeat(limits.recordBytes)};|X\n`),
    Buffer.from(`${line}`),
  ])
  const { drafts, faults } = await read('cap', body)
  t.equal(drafts.length, 2)
  t.same(
    faults.map(({ position, code }) => [position.line, code]),
    [
      [2, 'invalid_text'],
      [3, 'invalid_text'],
      [4, 'record_too_large'],
    ],
  )
  const rows = 'timestamp,ip\n2026-01-01 00:00:00,"192.0.2.1\n2026-01-01 00:00:00,192.0.2.2\n'
  const report = await read('shadowserver', rows)
  t.match([report.drafts.length, report.faults], [1, [{ position: { line: 2 }, code: 'invalid_csv' }]])
  const [surrogate] = (await read('intelmq', '{"source.ip":"192.0.2.1","malware.name":"\\ud800"}')).faults
  t.equal(surrogate?.code, 'invalid_text')
  const huge = `{"source.ip":"192.0.2.1","raw":"${'a'.repeat(limits.recordBytes)}"}\n{"source.ip":"192.0.2.2"}`
  const lines = await read('intelmq', huge)
  t.match([lines.drafts.length, lines.faults], [1, [{ position: { line: 1 }, code: 'record_too_large' }]])
  const wide = await read('shadowserver', `timestamp,ip,${'x'.repeat(9_000)}\n2026-01-01 00:00:00,192.0.2.1\n`)
  t.equal(wide.drafts.length, 0, 'a header is beside each row, and must be small')
})

t.test('generic CSV: the caller says what the columns are', async (t) => {
  const places = csvMapping(['value', '-', 'class', 'lastSeen', 'labels'])
  const { drafts, faults } = await read(
    'csv',
    'evil.example.com;7;phishing;2026-01-01 10:00:00;a|b\n192.0.2.1;8;scanner;;\n',
    {
      columns: places,
    },
  )
  t.same(faults, [])
  t.match(drafts.map(gist), [
    { values: ['evil.example.com'], class: 'phishing', labels: ['a', 'b'], lastSeen: '2026-01-01T10:00:00.000Z' },
    { values: ['192.0.2.1'], class: 'scanner' },
  ])
  const named = csvMapping(['ja3=Huella', 'description=Nota, larga'])
  const body = `Huella,"Nota, larga",tlp,ip\n${'ab'.repeat(16)},x,red,192.0.2.1\n`
  const spanish = await read('csv', body, { columns: named })
  t.match(spanish.drafts, [{ observables: [{ type: 'ja3' }], description: 'x', handling: { tlp: 'red' } }])
  t.equal(spanish.drafts[0]?.observables.length, 1, 'a column that is not named is no value')
  const missing = await read('csv', 'a,b\n1,2\n', { columns: named })
  t.same(
    missing.faults.map(({ position, code }) => [position.line, code]),
    [
      [1, 'invalid_csv'],
      [2, 'invalid_csv'],
    ],
  )
  const wrong = [[], ['class'], ['value', 'value'], ['value', 'colour'], ['value=a', 'class=a'], ['value=a', 'class']]
  for (const items of wrong)
    t.equal(
      codeOf(() => csvMapping(items)),
      'invalid_request',
      items.join(),
    )
})

t.test('the beginning tells whose file it is, and never takes what is native', async (t) => {
  const cases: readonly (readonly [string, string, InputFormat])[] = [
    ['text/plain', samples.capNew, 'cap'],
    ['text/csv', samples.capOld, 'cap'],
    ['text/csv', 'bot|192.0.2.1|1|2026-01-01 00:00:00||X', 'cap'],
    ['text/csv', samples.sinkhole, 'shadowserver'],
    ['text/csv', 'timestamp,ip\n', 'csv'],
    ['text/plain', '# a list\nexample.com\n', 'csv'],
    ['application/json', JSON.stringify(samples.intelmqEvent), 'intelmq'],
    ['application/json', JSON.stringify([samples.intelmqNested], null, 2), 'intelmq'],
    ['application/x-ndjson', JSON.stringify(samples.intelmqEvent), 'intelmq'],
    ['application/x-ndjson', JSON.stringify(samples.n6Events[0]), 'n6'],
    ['application/json', JSON.stringify(samples.n6Events, null, 2), 'n6'],
    ['application/json', '{"value":"192.0.2.1","class":"scanner"}', 'puente-json'],
    ['application/x-ndjson', '{"value":"192.0.2.1"}', 'puente-ndjson'],
    ['application/json', '{"source":"x","time":"y","value":"192.0.2.1"}', 'puente-json'],
    ['application/xml', samples.openioc10, 'openioc'],
  ]
  for (const [type, body, format] of cases)
    t.equal(formatOf(type, undefined, Buffer.from(body)), format, body.slice(0, 40))
})

t.test('a file of any length takes little memory', { timeout: 240_000 }, async (t) => {
  const many = (head: string, row: (n: number) => string, count: number, tail = '') =>
    generatedSource(function* () {
      yield head
      for (let n = 0; n < count; n += 100) yield Array.from({ length: 100 }, (_, i) => row(n + i)).join('')
      yield tail
    })
  const address = (n: number) => `192.0.2.${n % 250}`
  const item = (n: number) =>
    `<IndicatorItem condition="is"><Context search="Network/DNS"/><Content>h${n}.example.com</Content></IndicatorItem>`
  const files: readonly (readonly [InputFormat, ReturnType<typeof many>])[] = [
    ['cap', many('', (n) => `bot|${address(n)}|1|2026-01-01 00:00:00|family: x;|X\n`, 30_000)],
    ['shadowserver', many('timestamp,ip,tag\n', (n) => `2026-01-01 00:00:00,${address(n)},x\n`, 30_000)],
    ['intelmq', many('', (n) => `{"source.ip":"${address(n)}","raw":"${'a'.repeat(300)}"}\n`, 20_000)],
    [
      'n6',
      many(
        '[{"category":"bots","restriction":"public","address":[{"ip":"192.0.2.1"}]}',
        (n) => `,{"category":"bots","address":[{"ip":"${address(n)}"}]}`,
        20_000,
        ']',
      ),
    ],
    ['openioc', many('<ioc><definition><Indicator operator="OR">', item, 20_000, '</Indicator></definition></ioc>')],
  ]
  for (const [format, source] of files) {
    const { items, peak } = await peakBytes(decode(format, source), 5_000)
    t.ok(items >= 20_000, `${format}: ${items} records`)
    t.ok(peak < 12 * 1024 * 1024, `${format}: ${Math.round(peak / 1024)} KiB`)
  }
})
