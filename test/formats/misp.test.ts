// alone: it measures how much memory the process takes
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import { limits } from '../../src/domain/limits.ts'
import { decodeMisp } from '../../src/formats/misp.ts'
import { collect, cuts, generatedSource, jsonFiles, peakBytes, sharedData, sorted, sourceOf } from './sources.ts'

const uuid = '5bad1b96-53bc-4148-87eb-50d50a016219'
const attribute = (members: object = {}) => ({
  uuid,
  type: 'domain',
  value: 'c2.example.org',
  to_ids: true,
  timestamp: '1538000000',
  distribution: '5',
  comment: 'seen in a sample',
  deleted: false,
  ...members,
})
const event = (members: object = {}) => ({
  Event: { info: 'A campaign', uuid, distribution: '3', Attribute: [attribute()], ...members },
})
const read = (document: unknown) => sorted(decodeMisp(sourceOf(JSON.stringify(document))))
const tags = (...names: string[]) => ({ Tag: names.map((name) => ({ name })) })

t.test('an attribute becomes a draft with the words of its event', async (t) => {
  const { drafts, faults } = await read(event(tags('tlp:green', 'PAP:AMBER', 'rsit:fraud="phishing"', 'ESET')))
  t.same(faults, [])
  t.same(drafts, [
    {
      position: { record: 0, pointer: '/Event/Attribute/0' },
      id: `indicator--${uuid}`,
      modified: '2018-09-26T22:13:20.000Z',
      observables: [{ type: 'domain-name', value: 'c2.example.org' }],
      compound: false,
      name: 'A campaign',
      description: 'seen in a sample',
      class: 'phishing',
      labels: ['rsit:fraud="phishing"', 'ESET'],
      handling: { tlp: 'green', pap: 'amber' },
      received: JSON.stringify(attribute()),
      format: 'misp',
      parts: [
        {
          event: uuid,
          ordinal: 0,
          uuid,
          facts: { type: 'domain', category: 'Network activity', toIds: true, values: [0] },
        },
      ],
    },
  ])
})

t.test(
  'what an event says of itself, and its context, is kept beside the drafts, each with its handling',
  async (t) => {
    const members = {
      ...tags('tlp:green', 'APT'),
      date: '2026-05-04',
      threat_level_id: '2',
      analysis: 0,
      Orgc: { name: 'CERT', uuid: uuid.toUpperCase() },
      Attribute: [
        attribute({ type: 'comment', value: 'by hand', category: 'Other', to_ids: false, ...tags('tlp:amber') }),
      ],
      Object: [
        {
          name: 'domain-ip',
          uuid,
          distribution: '0',
          Attribute: [attribute({ type: 'port', value: 443, to_ids: false })],
        },
      ],
    }
    const { kept, faults } = await read(event(members))
    t.same(faults, [])
    t.match(kept, [
      {
        kind: 'context',
        handling: { tlp: 'amber' },
        body: { type: 'comment', value: 'by hand', toIds: false },
        event: uuid,
      },
      { kind: 'object', uuid, handling: { tlp: 'amber+strict' }, body: { name: 'domain-ip' } },
      { kind: 'context', object: uuid, handling: { tlp: 'amber+strict' }, body: { type: 'port', value: '443' } },
      {
        kind: 'event',
        uuid,
        handling: { tlp: 'green' },
        body: {
          info: 'A campaign',
          date: '2026-05-04',
          threatLevel: 2,
          analysis: 0,
          creator: { name: 'CERT', uuid },
          tags: ['APT'],
        },
      },
    ])
    for (const wrong of [{ date: '2026-13-01' }, { threat_level_id: 'high' }, { analysis: '9' }, { uuid: 'x' }]) {
      const found = await read(event(wrong))
      t.match(found.faults, [{ code: 'invalid_misp', position: { pointer: `/Event/${Object.keys(wrong)[0]}` } }])
      t.same([found.drafts.length, found.kept.length], [1, 0], 'the event is not kept, and its attributes are')
    }
  },
)

t.test('tags of this node say what MISP has no word for', async (t) => {
  const said = tags(
    'tlp:amber',
    'puente:audience="community:a"',
    'puente:audience="csirt-cl"',
    'puente:law-enforcement="never"',
  )
  const { drafts } = await read(event(said))
  t.same(drafts[0]?.handling, { tlp: 'amber', audience: ['community:a', 'csirt-cl'], lawEnforcement: 'never' })
  t.same(drafts[0]?.labels, [])
  for (const name of [
    'puente:moon="full"',
    'puente:audience',
    'puente:audience=""',
    'puente:law-enforcement="maybe"',
  ]) {
    const { drafts: none, faults } = await read(event(tags(name)))
    t.same(none, [], name)
    t.ok(faults.length > 0)
  }
})

t.test('every wrapper is read alike', async (t) => {
  const wrappers = [event(), { response: [event(), event()] }, { response: event() }, [event(), event()]]
  const found = await Promise.all(wrappers.map(async (wrapper) => (await read(wrapper)).drafts))
  t.same(
    found.map((drafts) => drafts.map(({ position }) => position.pointer)),
    [
      ['/Event/Attribute/0'],
      ['/response/0/Event/Attribute/0', '/response/1/Event/Attribute/0'],
      ['/response/Event/Attribute/0'],
      ['/0/Event/Attribute/0', '/1/Event/Attribute/0'],
    ],
  )
})

t.test('what the event says counts wherever it stands, and for its own attributes only', async (t) => {
  const first = { Event: { Attribute: [attribute()], info: 'first', ...tags('tlp:red') } }
  const { drafts } = await read({ response: [first, event(tags('tlp:clear')), { Event: { info: 'empty' } }, event()] })
  t.same(
    drafts.map(({ handling, name }) => [name, handling.tlp]),
    [
      ['first', 'red'],
      ['A campaign', 'clear'],
      ['A campaign', undefined],
    ],
  )
})

t.test('distribution and tags: the stricter wins', async (t) => {
  const own = { tlp: 'amber+strict', audience: ['@own'] }
  const cases: readonly (readonly [object, object, object])[] = [
    [{ distribution: '0' }, {}, own],
    [{ distribution: 1 }, {}, own],
    [{ distribution: '2' }, {}, {}],
    [{ distribution: '3' }, {}, {}],
    [{ distribution: '4' }, {}, { tlp: 'amber' }],
    [{ distribution: '0', ...tags('tlp:clear') }, {}, own],
    [{ distribution: '1', ...tags('tlp:red') }, {}, { tlp: 'red', audience: ['@own'] }],
    [{ distribution: '3', ...tags('TLP:WHITE') }, {}, { tlp: 'clear' }],
    [{ distribution: '3', ...tags('tlp:green') }, { distribution: '0' }, own],
    [{ distribution: '3', ...tags('tlp:amber') }, tags('tlp:green'), { tlp: 'amber' }],
    [
      { distribution: '3', ...tags('tlp:green') },
      tags('tlp: amber+strict', 'pap:red'),
      { tlp: 'amber+strict', pap: 'red' },
    ],
  ]
  for (const [ofEvent, ofAttribute, expected] of cases) {
    const { drafts } = await read(event({ ...ofEvent, Attribute: [attribute(ofAttribute)] }))
    t.same(drafts[0]?.handling, expected, JSON.stringify([ofEvent, ofAttribute]))
  }
})

t.test('a marking that is not known hides whatever it marks', async (t) => {
  const two = { Attribute: [attribute(), attribute()] }
  for (const name of ['tlp:ex:chr', 'tlp:unclear', 'PAP:BLACK', 'iep2-policy:tlp="red"']) {
    const { drafts, faults } = await read(event({ ...two, ...tags(name) }))
    t.same(drafts, [], name)
    t.same(
      faults.map(({ code, position }) => [code, position.pointer]),
      [
        ['marking_unknown', '/Event/Attribute/0'],
        ['marking_unknown', '/Event/Attribute/1'],
        ['marking_unknown', '/Event/Tag'],
      ],
    )
  }
  const one = await read(event({ Attribute: [attribute(tags('tlp:unclear')), attribute()] }))
  t.same(one.drafts.length, 1)
  t.match(one.faults, [{ code: 'marking_unknown', position: { record: 0, pointer: '/Event/Attribute/0/Tag' } }])
})

t.test('taxonomies of incidents become RSIT types', async (t) => {
  const cases = {
    'csirt-americas:infoleak': 'data-leak',
    'csirt-americas:phishing': 'phishing',
    'europol-incident:malware="c&c"': 'c2-server',
    'europol-incident:intrusion-attempt="login-attempt"': 'brute-force',
    'rsit:availability="ddos"': 'ddos',
    'rsit:availability': undefined,
    'veris:action="x"': undefined,
  }
  for (const [tag, type] of Object.entries(cases)) {
    const { drafts } = await read(event(tags(tag)))
    t.equal(drafts[0]?.class, type, tag)
  }
  const inner = await read(
    event({ ...tags('csirt-americas:spam'), Attribute: [attribute(tags('rsit:fraud="phishing"'))] }),
  )
  t.equal(inner.drafts[0]?.class, 'phishing', 'the attribute knows better than its event')
})

t.test('composites have several observables, the hash first', async (t) => {
  const hash = 'da39a3ee5e6b4b0d3255bfef95601890afd80709'
  const cases: readonly (readonly [string, string, readonly string[]])[] = [
    ['filename|sha1', `a.exe|${hash}`, ['sha1', 'filename']],
    ['domain|ip', 'a.example.org|198.51.100.7', ['domain-name', 'ipv4-address']],
    ['ip-dst|port', '198.51.100.7|443', ['ip-port']],
    ['ip-src', '198.51.100.0/24', ['ipv4-prefix']],
  ]
  for (const [type, value, expected] of cases) {
    const { drafts } = await read(event({ Attribute: [attribute({ type, value })] }))
    t.same(
      drafts[0]?.observables.map((each) => each.type),
      expected,
      type,
    )
    t.equal(drafts[0]?.compound, expected.length > 1, type)
  }
})

t.test('what is no indicator or no value is a fault with a sentence', async (t) => {
  const cases: readonly (readonly [object, string, RegExp])[] = [
    [{ type: 'text', value: 'x' }, 'object_not_kept', /type text is context, not an indicator/],
    [{ type: 'other', value: 'x', to_ids: true }, 'object_not_kept', /context/],
    [{ type: 'link', value: 'https://a.example.org/', to_ids: false }, 'object_not_kept', /context/],
    [{ type: 'port', value: '443', to_ids: false }, 'object_not_kept', /context/],
    [{ type: 'size-in-bytes', value: '1' }, 'object_not_kept', /context/],
    [{ type: 'colour', value: 'x' }, 'unknown_type', /type colour/],
    [{ type: 'passport-number', value: 'x' }, 'refused_type', /./],
    [{ type: 'ip-dst', value: 'nowhere' }, 'invalid_value', /./],
    [{ type: 'filename|sha1', value: 'a.exe' }, 'invalid_value', /2 parts/],
    [{ value: undefined }, 'invalid_misp', /"value"/],
    [{ type: 7 }, 'invalid_misp', /"type"/],
    [{ uuid: 'x' }, 'invalid_misp', /UUID/],
    [{ timestamp: 'soon' }, 'invalid_misp', /timestamp/],
    [{ distribution: '9' }, 'invalid_misp', /distribution/],
    [{ first_seen: 'soon' }, 'invalid_misp', /first_seen/],
    [{ Tag: 'tlp:red' }, 'invalid_misp', /Tag/],
    [{ value: 'x'.repeat(limits.recordBytes) }, 'record_too_large', /./],
  ]
  for (const [members, code, message] of cases) {
    // Context is kept with its event, where that is.
    const { drafts, faults } = await read(event({ uuid: undefined, Attribute: [attribute(members), attribute()] }))
    t.match(faults, [{ code, message, position: { record: 0 } }])
    t.ok(faults[0]?.position.pointer?.startsWith('/Event/Attribute/0'))
    t.equal(drafts.length, 1, 'the next attribute is read')
  }
})

t.test('deleted is revoked, and times may be null', async (t) => {
  const members = {
    deleted: true,
    first_seen: null,
    last_seen: '2020-01-01T00:00:00.000000+01:00',
    timestamp: 1538000000,
  }
  const { drafts } = await read(event({ Attribute: [attribute(members)] }))
  t.match(drafts, [{ revoked: true, lastSeen: '2019-12-31T23:00:00.000000Z', modified: '2018-09-26T22:13:20.000Z' }])
  t.notOk(drafts[0] && 'firstSeen' in drafts[0])
})

t.test('a UUID of no version that STIX knows gives no id', async (t) => {
  const { drafts } = await read(event({ Attribute: [attribute({ uuid: '00000000-0000-0000-0000-000000000001' })] }))
  t.equal(drafts.length, 1)
  t.notOk(drafts[0] && 'id' in drafts[0])
})

t.test('the name and hashes of a file object are one draft', async (t) => {
  const hash = 'da39a3ee5e6b4b0d3255bfef95601890afd80709'
  const file = {
    name: 'file',
    uuid,
    comment: 'the dropper',
    distribution: '5',
    timestamp: '1538000000',
    Attribute: [
      attribute({ type: 'filename', value: 'a.exe' }),
      attribute({ type: 'sha1', value: hash, ...tags('tlp:amber') }),
      attribute({ type: 'size-in-bytes', value: '10' }),
      attribute({ type: 'md5', value: 'd41d8cd98f00b204e9800998ecf8427e', deleted: true }),
      attribute({ type: 'sha256', value: 'no hash' }),
    ],
  }
  const other = {
    ...file,
    name: 'domain-ip',
    Attribute: [attribute({ object_relation: 'domain' }), attribute({ type: 'ip-dst', value: '198.51.100.7' })],
  }
  const { drafts, faults, kept } = await read(event({ Attribute: [], Object: [file, other] }))
  t.match(kept, [
    { kind: 'object', body: { name: 'file' } },
    { kind: 'context', object: uuid, body: { type: 'size-in-bytes', value: '10' } },
    { kind: 'object', body: { name: 'domain-ip' } },
    { kind: 'event' },
  ])
  t.match(drafts, [
    {
      position: { record: 2, pointer: '/Event/Object/0' },
      id: `indicator--${uuid}`,
      observables: [
        { type: 'sha1', value: hash },
        { type: 'filename', value: 'a.exe' },
      ],
      compound: true,
      description: 'the dropper',
      handling: { tlp: 'amber' },
      received: JSON.stringify(file),
    },
    { position: { record: 3, pointer: '/Event/Object/1/Attribute/0' }, received: JSON.stringify(other.Attribute[0]) },
    { position: { record: 4, pointer: '/Event/Object/1/Attribute/1' }, observables: [{ type: 'ipv4-address' }] },
  ])
  t.equal(drafts[0]?.observables.length, 2)
  t.same(
    faults.map(({ code, position }) => [position.record, position.pointer, code]),
    [[1, '/Event/Object/0/Attribute/4/value', 'invalid_value']],
  )
})

t.test('the handling of an object counts for its attributes', async (t) => {
  const object = { name: 'domain-ip', uuid, distribution: '0', Attribute: [attribute()] }
  const { drafts } = await read(event({ Attribute: [], Object: [object], ...tags('tlp:green') }))
  t.same(drafts[0]?.handling, { tlp: 'amber+strict', audience: ['@own'] })
})

t.test('a document that is no MISP document, or breaks off, is a fault', async (t) => {
  for (const [body, code] of [
    ['{"objects":[]}', 'invalid_misp'],
    ['"x"', 'invalid_misp'],
    ['{"Event":{"Attribute":[', 'invalid_json'],
    ['', 'invalid_json'],
    ['{"Event":{"info":1}}', 'invalid_misp'],
    ['{"Event":{"info":"a","info":"b"}}', 'duplicate_key'],
  ] as const) {
    const { drafts, faults } = await sorted(decodeMisp(sourceOf(body)))
    t.same([drafts.length, faults.map((fault) => fault.code)], [0, [code]], body)
  }
})

t.test('events before the one that breaks off are kept', async (t) => {
  const body = `{"response":[${JSON.stringify(event())},{"Event":{"Attribute":[${JSON.stringify(attribute())},`
  const { drafts, faults } = await sorted(decodeMisp(sourceOf(body)))
  t.equal(drafts.length, 1, 'the broken event may have said anything about its handling')
  t.same(
    faults.map(({ code }) => code),
    ['invalid_json'],
  )
})

t.test('the drafts do not depend on how the stream is cut', async (t) => {
  const document = JSON.stringify({
    response: [event(tags('tlp:green')), event({ Attribute: [attribute({ value: 'é.example.org' })] })],
  })
  const whole = await collect(decodeMisp(sourceOf(document)))
  await fc.assert(
    fc.asyncProperty(cuts, async (sizes) => {
      t.same(await collect(decodeMisp(sourceOf(document, sizes))), whole)
    }),
    { numRuns: 25 },
  )
})

t.test('a feed of events larger than memory passes in a few MB', async (t) => {
  const attributes = Array.from({ length: 400 }, (_, at) =>
    attribute({ type: 'text', value: `${at}`, comment: 'x'.repeat(2_000) }),
  )
  const text = JSON.stringify(event({ Attribute: attributes, Galaxy: [{ meta: 'y'.repeat(200_000) }] }))
  const source = generatedSource(function* () {
    yield '{"response":['
    for (let at = 0; at < 40; at++) yield `${at === 0 ? '' : ','}${text}`
    yield ']}'
  })
  const { items, peak } = await peakBytes(decodeMisp(source), 1_000)
  t.equal(items, 16_040)
  t.ok(peak < 15_000_000, `${Math.round((40 * text.length) / 1e6)} MB in ${Math.round(peak / 1e6)} MB`)
})

const real = sharedData('misp-events')
t.test(
  'every real attribute is a draft or a named fault',
  { skip: real === undefined && 'no real data here' },
  async (t) => {
    const codes = new Set<string>()
    let drafts = 0
    for (const file of jsonFiles(real ?? '')) {
      const bytes = readFileSync(file)
      const found = await sorted(decodeMisp(sourceOf(bytes)))
      const events = documentEvents(JSON.parse(bytes.toString()))
      const values = events.flatMap(({ Attribute = [], Object: objects = [] }) => [
        ...Attribute,
        ...objects.flatMap((object) => (object.name === 'file' ? [] : object.Attribute)),
      ])
      const files = events.flatMap(({ Object: objects = [] }) => objects.filter(({ name }) => name === 'file'))
      t.ok(found.drafts.length + found.faults.length + found.kept.length >= values.length + files.length, file)
      t.ok(
        found.faults.every(({ position, message }) => position.pointer !== undefined && message !== ''),
        file,
      )
      for (const { code } of found.faults) codes.add(code)
      drafts += found.drafts.length
    }
    t.same(
      [...codes].filter((code) => code !== 'invalid_value' && code !== 'object_not_kept'),
      [],
    )
    t.ok(drafts > 1_600, `${drafts} drafts`)
  },
)

interface RealEvent {
  readonly Attribute?: readonly unknown[]
  readonly Object?: readonly { readonly name: string; readonly Attribute: readonly unknown[] }[]
}

function documentEvents(document: { Event?: RealEvent; response?: { Event: RealEvent }[] }): RealEvent[] {
  return document.Event === undefined ? (document.response ?? []).map(({ Event }) => Event) : [document.Event]
}
