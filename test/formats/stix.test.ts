// alone: it measures how much memory the process takes
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import { markingOfTlp, type Tlp, tlpOfMarking, tlps } from '../../src/domain/tlp.ts'
import { decode, formatOf, sniffBytes } from '../../src/formats/sniff.ts'
import { decodeStix } from '../../src/formats/stix.ts'
import { markingDefinition } from '../../src/formats/tlp-objects.ts'
import {
  codeOf,
  collect,
  cuts,
  generatedSource,
  jsonFiles,
  peakBytes,
  sharedData,
  sorted,
  sortedAll,
  sourceOf,
} from './sources.ts'

const indicator = (members: object = {}) => ({
  type: 'indicator',
  spec_version: '2.1',
  id: 'indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f',
  created: '2024-01-01T00:00:00.000Z',
  modified: '2024-01-02T00:00:00.123456Z',
  pattern: "[domain-name:value = 'c2.example.org']",
  pattern_type: 'stix',
  valid_from: '2024-01-01T00:00:00Z',
  ...members,
})
const bundle = (...objects: unknown[]) => ({
  type: 'bundle',
  id: 'bundle--5d0092c5-5f74-4287-9642-33f4c354e56d',
  objects,
})
const read = (document: unknown) => sorted(decodeStix(sourceOf(JSON.stringify(document))))
const uuidOf = (at: number) => `${String(at).padStart(8, '0')}-0000-4000-8000-000000000000`
const definition = (at: number, members: object) => ({
  type: 'marking-definition',
  spec_version: '2.1',
  id: `marking-definition--${uuidOf(at)}`,
  created: '2024-01-01T00:00:00.000Z',
  ...members,
})
const marked = (...ids: readonly string[]) => ({ object_marking_refs: ids })

t.test('an indicator becomes a draft with its exact text', async (t) => {
  const object = indicator({
    name: 'C2',
    description: 'seen',
    indicator_types: ['malicious-activity'],
    labels: ['botnet', 'rsit:malicious-code="c2-server"'],
    confidence: 70,
    valid_until: '2024-02-01T00:00:00Z',
    revoked: true,
    created_by_ref: `identity--${uuidOf(1)}`,
    x_internal: { kept: 'in the text' },
    ...marked(markingOfTlp.green),
  })
  const { drafts, faults } = await read(bundle(object))
  t.same(faults, [])
  t.same(drafts, [
    {
      position: { record: 0, pointer: '/objects/0' },
      id: object.id,
      modified: '2024-01-02T00:00:00.123456Z',
      created: '2024-01-01T00:00:00.000Z',
      observables: [{ type: 'domain-name', value: 'c2.example.org' }],
      compound: false,
      name: 'C2',
      description: 'seen',
      pattern: object.pattern,
      patternType: 'stix',
      class: 'c2-server',
      confidence: 70,
      labels: ['botnet', 'rsit:malicious-code="c2-server"'],
      validFrom: '2024-01-01T00:00:00.000Z',
      validUntil: '2024-02-01T00:00:00.000Z',
      revoked: true,
      handling: { tlp: 'green' },
      received: JSON.stringify(object),
      object,
      format: 'stix',
    },
  ])
})

t.test('a bundle, a TAXII envelope, an array and one object are read alike', async (t) => {
  const documents = [bundle(indicator()), { more: false, objects: [indicator()] }, [indicator()], indicator()]
  for (const document of documents) {
    const { drafts, faults } = await read(document)
    t.same([drafts.length, faults], [1, []], Object.keys(document).join())
  }
  t.same(await read(bundle()), { drafts: [], faults: [], kept: [] }, 'an empty bundle is empty')
  t.same(await read({ type: 'bundle', id: 'bundle--1' }), { drafts: [], faults: [], kept: [] })
})

t.test('each way an indicator can be wrong has its code and its place', async (t) => {
  const cases: readonly (readonly [object, string, string])[] = [
    [{ spec_version: '2.0' }, 'invalid_stix', '/spec_version'],
    [{ spec_version: undefined }, 'invalid_stix', '/spec_version'],
    [{ id: 'indicator--1' }, 'invalid_stix', '/id'],
    [{ id: `malware--${uuidOf(1)}` }, 'invalid_stix', '/id'],
    [{ id: `indicator--${uuidOf(1)}0` }, 'invalid_stix', '/id'],
    [{ id: 'indicator--d81f86b9-975b-bc0b-775e-810c5ad45a4f' }, 'invalid_stix', '/id'],
    [{ created: '2024-01-01' }, 'invalid_stix', '/created'],
    [{ created: '2024-01-01T00:00:00+00:00' }, 'invalid_stix', '/created'],
    [{ modified: undefined }, 'invalid_stix', '/modified'],
    [{ modified: '2023-12-31T00:00:00Z' }, 'invalid_stix', '/modified'],
    [{ valid_from: undefined }, 'invalid_stix', '/valid_from'],
    [{ valid_until: '2023-12-31T00:00:00Z' }, 'invalid_stix', '/valid_until'],
    [{ pattern: undefined }, 'invalid_stix', '/pattern'],
    [{ pattern: '[x]' }, 'invalid_pattern', '/pattern'],
    [{ pattern: "[ipv4-addr:value = 'x']" }, 'invalid_value', '/pattern'],
    [{ pattern_type: undefined }, 'invalid_stix', '/pattern_type'],
    [{ pattern_type: 'openioc' }, 'unknown_type', '/pattern_type'],
    [{ confidence: '70' }, 'invalid_stix', '/confidence'],
    [{ labels: 'x' }, 'invalid_stix', '/labels'],
    [{ revoked: 'no' }, 'invalid_stix', '/revoked'],
    [{ name: 1 }, 'invalid_stix', '/name'],
    [{ created_by_ref: 'me' }, 'invalid_stix', '/created_by_ref'],
    [{ type: undefined }, 'invalid_stix', '/type'],
    [{ object_marking_refs: 'x' }, 'invalid_stix', '/object_marking_refs'],
    [{ granular_markings: [{}] }, 'invalid_stix', '/granular_markings'],
  ]
  for (const [members, code, place] of cases) {
    const { drafts, faults } = await read(bundle(indicator(members), indicator()))
    t.equal(drafts.length, 1, 'the next object is read')
    t.match(faults, [{ code, position: { record: 0, pointer: `/objects/0${place}` } }], JSON.stringify(members))
  }
})

t.test('other objects are kept as they are, and those that are made of others come last', async (t) => {
  const dated = { spec_version: '2.1', created: '2024-01-01T00:00:00.000Z', modified: '2024-01-01T00:00:00.000Z' }
  const tie = { type: 'relationship', id: `relationship--${uuidOf(1)}`, ...dated }
  const malware = { type: 'malware', id: `malware--${uuidOf(1)}`, ...dated, is_family: false }
  const { drafts, objects, faults } = await sortedAll(
    decodeStix(
      sourceOf(
        JSON.stringify(
          bundle(
            { ...tie, relationship_type: 'uses', source_ref: malware.id, target_ref: `tool--${uuidOf(1)}` },
            { type: 'identity' },
            { type: 'x-thing', ...dated, id: `x-thing--${uuidOf(1)}` },
            definition(1, { definition_type: 'statement', definition: { statement: 'x' } }),
            definition(2, { id: markingOfTlp.green }),
            { type: 'network-traffic', id: `network-traffic--${uuidOf(1)}`, dst_port: 1 },
            17,
            malware,
          ),
        ).replace('"relationship"', '"relationship" '),
      ),
    ),
  )
  t.same(drafts, [])
  t.same(
    objects.map(({ type, position }) => [position.record, type]),
    [
      [3, 'marking-definition'],
      [7, 'malware'],
      [0, 'relationship'],
    ],
    'labels of TLP are the node’s own',
  )
  t.match(objects[2], { modified: dated.modified, received: /"relationship" ,/ }, 'the exact text')
  t.same(
    faults.map(({ code, position }) => [position.record, position.pointer, code]),
    [
      [1, '/objects/1/spec_version', 'invalid_stix'],
      [2, '/objects/2', 'object_not_kept'],
      [6, '/objects/6', 'invalid_stix'],
      [5, '/objects/5/protocols', 'invalid_stix'],
    ],
  )
  const escaped = JSON.stringify(
    bundle({ ...tie, relationship_type: 'uses', source_ref: malware.id, target_ref: malware.id }),
  )
  const spelled = await sortedAll(decodeStix(sourceOf(escaped.replace('"relationship"', '"\\u0072elationship"'))))
  t.equal(spelled.objects.length, 1, 'a type that is spelled with escapes is not lost')
})

t.test('every TLP id says its label, and of two the stricter counts', async (t) => {
  const older: readonly (readonly [string, Tlp])[] = [
    ['613f2e26-407d-48c7-9eca-b8e91df99dc9', 'clear'],
    ['34098fce-860f-48ae-8e50-ebd3cc5e41da', 'green'],
    ['f88d31f6-486f-44da-b317-01333bde0b82', 'amber'],
    ['5e57c739-391a-4eb3-b6be-7d15ca92d5ed', 'red'],
    ['826578e1-40ad-459f-bc73-ede076f81f37', 'amber+strict'],
  ]
  const ids = [
    ...older.map(([id, tlp]) => [`marking-definition--${id}`, tlp] as const),
    ...tlps.map((tlp) => [markingOfTlp[tlp], tlp] as const),
  ]
  for (const [id, tlp] of ids) {
    const { drafts } = await read(bundle(indicator(marked(id)), indicator(marked(markingOfTlp.green, id))))
    t.same(
      drafts.map(({ handling }) => handling.tlp),
      [tlp, tlp === 'clear' ? 'green' : tlp],
      id,
    )
  }
  t.same((await read(indicator())).drafts[0]?.handling, {}, 'no marking says nothing')
})

t.test('markings of parts count for the whole', async (t) => {
  const part = (id: string) => ({
    granular_markings: [
      { selectors: ['description'], marking_ref: id },
      { selectors: ['name'], lang: 'es' },
    ],
  })
  const { drafts } = await read(bundle(indicator({ ...marked(markingOfTlp.clear), ...part(markingOfTlp.red) })))
  t.same(drafts[0]?.handling, { tlp: 'red' })
  const { faults } = await read(
    bundle(indicator({ ...marked(markingOfTlp.clear), ...part(`marking-definition--${uuidOf(9)}`) })),
  )
  t.match(faults, [{ code: 'marking_unknown', position: { pointer: '/objects/0/granular_markings' } }])
})

const extension = (tlp: string) => ({
  extensions: {
    'extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d': {
      extension_type: 'property-extension',
      tlp_2_0: tlp,
    },
  },
})
const acs = {
  extensions: {
    'extension-definition--3a65884d-005a-4290-8335-cb2d778a83ce': { extension_type: 'property-extension' },
  },
}

t.test('definitions of the bundle are understood wherever they stand, or hide what they mark', async (t) => {
  const cases: readonly (readonly [string, object, object | undefined])[] = [
    ['TLP 1', { definition_type: 'tlp', definition: { tlp: 'amber' } }, { tlp: 'amber' }],
    ['TLP 1 white', { definition_type: 'tlp', definition: { tlp: 'white' } }, { tlp: 'clear' }],
    ['TLP 2', { name: 'TLP:AMBER+STRICT', ...extension('amber+strict') }, { tlp: 'amber+strict' }],
    ['TLP of no colour', { definition_type: 'tlp', definition: { tlp: 'purple' } }, undefined],
    ['TLP 2 of no colour', extension('purple'), undefined],
    [
      'OpenCTI TLP',
      { definition_type: 'TLP', name: 'TLP:AMBER+STRICT', definition: { TLP: 'TLP:AMBER+STRICT' } },
      { tlp: 'amber+strict' },
    ],
    ['OpenCTI PAP', { definition_type: 'pap', name: 'PAP:RED', definition: { pap: 'red' } }, { pap: 'red' }],
    [
      'OpenCTI PAP by its property',
      { definition_type: 'statement', definition: { statement: 'PAP:AMBER' }, x_opencti_definition_type: 'PAP' },
      { pap: 'amber' },
    ],
    ['PAP as a statement', { definition_type: 'statement', definition: { statement: 'pap:green' } }, { pap: 'green' }],
    ['a statement', { definition_type: 'statement', definition: { statement: 'Copyright 2024' } }, {}],
    [
      'a statement that adds to a label',
      { definition_type: 'statement', definition: { statement: 'TLP:RED, eyes only' } },
      undefined,
    ],
    ['AIS', acs, undefined],
    [
      'a statement with access control',
      { definition_type: 'statement', definition: { statement: 'x' }, ...acs },
      undefined,
    ],
    ['a type of its own', { definition_type: 'iep', definition: { tlp: 'white' } }, undefined],
    ['nothing', {}, undefined],
  ]
  for (const [name, members, handling] of cases) {
    const object = indicator(marked(`marking-definition--${uuidOf(1)}`))
    for (const document of [bundle(object, definition(1, members)), bundle(definition(1, members), object)]) {
      const { drafts, faults } = await read(document)
      t.same(
        drafts.map((draft) => draft.handling),
        handling === undefined ? [] : [handling],
        name,
      )
      t.same(
        faults.map(({ code }) => code),
        handling === undefined ? ['marking_unknown'] : [],
        name,
      )
    }
  }
})

t.test('a bundle cannot loosen a marking by defining it again', async (t) => {
  const red = definition(1, { definition_type: 'tlp', definition: { tlp: 'red' } })
  const clear = definition(1, { definition_type: 'tlp', definition: { tlp: 'white' } })
  const unknown = definition(1, acs)
  const object = indicator(marked(red.id))
  t.same((await read(bundle(red, clear, object))).drafts[0]?.handling, { tlp: 'red' })
  t.same(
    (await read(bundle(unknown, clear, object))).faults.map(({ code }) => code),
    ['marking_unknown'],
  )
  const known = { ...clear, id: markingOfTlp.red }
  t.same((await read(bundle(known, indicator(marked(markingOfTlp.red))))).drafts[0]?.handling, { tlp: 'red' })
})

t.test('what this node writes as definitions it reads as the same labels', async (t) => {
  for (const tlp of tlps) {
    const { drafts } = await read(bundle(JSON.parse(markingDefinition(tlp)), indicator(marked(markingOfTlp[tlp]))))
    t.same(drafts[0]?.handling, { tlp })
  }
})

t.test('observables are drafts of their own', async (t) => {
  const sha1 = 'da39a3ee5e6b4b0d3255bfef95601890afd80709'
  const md5 = 'd41d8cd98f00b204e9800998ecf8427e'
  const cases: readonly (readonly [string, object, readonly string[]])[] = [
    ['ipv4-addr', { value: '198.51.100.7' }, ['ipv4-address 198.51.100.7']],
    ['ipv4-addr', { value: '198.51.100.0/24' }, ['ipv4-prefix 198.51.100.0/24']],
    ['ipv6-addr', { value: '2001:DB8::1' }, ['ipv6-address 2001:db8::1']],
    ['domain-name', { value: 'a[.]example.org', defanged: true }, ['domain-name a.example.org']],
    ['url', { value: 'http://a.example.org/' }, ['url http://a.example.org/']],
    ['email-addr', { value: 'a@example.org' }, ['email-address a@example.org']],
    [
      'file',
      { name: 'a.exe', size: 1, hashes: { MD5: md5, 'SHA-1': sha1 } },
      [`sha1 ${sha1}`, `md5 ${md5}`, 'filename a.exe'],
    ],
    ['autonomous-system', { number: 64500 }, ['autonomous-system AS64500']],
    ['mac-addr', { value: 'd2:fb:49:24:37:18' }, ['mac-address d2:fb:49:24:37:18']],
    ['mutex', { name: 'm' }, ['mutex m']],
    ['directory', { path: '/tmp/x' }, ['directory /tmp/x']],
    ['process', { command_line: 'a -b' }, ['command-line a -b']],
    ['windows-registry-key', { key: 'HKEY_LOCAL_MACHINE\\x' }, ['registry-key HKEY_LOCAL_MACHINE\\x']],
    ['x509-certificate', { hashes: { 'SHA-1': sha1 } }, [`x509-fingerprint-sha1 ${sha1}`]],
    ['user-account', { account_login: 'ana' }, ['user-account ana']],
  ]
  for (const [type, members, expected] of cases) {
    const { drafts, faults } = await read(
      bundle({ type, spec_version: '2.1', id: `${type}--${uuidOf(1)}`, ...members, ...marked(markingOfTlp.amber) }),
    )
    t.same(faults, [], type)
    t.same(
      drafts[0]?.observables.map((each) => `${each.type} ${each.value}`),
      expected,
    )
    t.match(drafts[0], { compound: expected.length > 1, handling: { tlp: 'amber' }, format: 'stix' })
    t.notOk(drafts[0] && 'id' in drafts[0], 'an observable is no indicator, and its id is none')
  }
  const { faults } = await read(bundle({ type: 'artifact', id: `artifact--${uuidOf(1)}`, payload_bin: 'QQ==' }))
  t.match(faults, { length: 0 }, 'what holds no value that is known is an object alone')
})

t.test('rules and patterns about unknown things are kept whole', async (t) => {
  const yara = 'rule a { condition: true }'
  const { drafts } = await read(
    bundle(
      indicator({ pattern: yara, pattern_type: 'yara' }),
      indicator({ pattern: "[x-thing:colour = 'red']" }),
      indicator({ pattern: "[domain-name:value = 'a.example.org' AND x-thing:colour = 'red']" }),
    ),
  )
  t.match(drafts, [
    { observables: [{ type: 'yara-rule', value: yara }], compound: false, patternType: 'yara' },
    { observables: [{ type: 'stix-pattern', value: "[x-thing:colour = 'red']" }], compound: true },
    { observables: [{ type: 'domain-name' }], compound: true },
  ])
})

t.test('a document that is broken as a whole yields one fault and no draft', async (t) => {
  const object = JSON.stringify(indicator())
  for (const [body, code] of [
    [`{"type":"bundle","objects":[${object},`, 'invalid_json'],
    [`{"type":"bundle","objects":[${object}],"objects":[]}`, 'duplicate_key'],
    [`{"type":"bundle","objects":[${object}]} x`, 'invalid_json'],
    [`{"type":"bundle","objects":{"a":${object}}}`, 'invalid_stix'],
    [`{"type":"report","objects":[${object}]}`, 'invalid_stix'],
    ['7', 'invalid_stix'],
    ['', 'invalid_json'],
  ] as const) {
    const { drafts, faults } = await sorted(decodeStix(sourceOf(body)))
    t.same([drafts.length, faults.map((fault) => fault.code)], [0, [code]], body.slice(-40))
  }
})

t.test('one element that is no JSON does not stop the bundle', async (t) => {
  const body = `{"objects":[{"type" "x"},${JSON.stringify(indicator())},{"a":1,"a":2}]}`
  const { drafts, faults } = await sorted(decodeStix(sourceOf(body)))
  t.same(
    [drafts.length, faults.map(({ code, position }) => [position.pointer, code])],
    [
      1,
      [
        ['/objects/0', 'invalid_json'],
        ['/objects/2', 'duplicate_key'],
      ],
    ],
  )
})

t.test('the drafts do not depend on how the stream is cut', async (t) => {
  const document = JSON.stringify(
    bundle(
      indicator({ name: 'é' }),
      { type: 'tool' },
      definition(1, { definition_type: 'tlp', definition: { tlp: 'red' } }),
    ),
  )
  const whole = await collect(decodeStix(sourceOf(document)))
  await fc.assert(
    fc.asyncProperty(cuts, async (sizes) => {
      t.same(await collect(decodeStix(sourceOf(document, sizes))), whole)
    }),
    { numRuns: 25 },
  )
})

t.test('a bundle larger than memory passes in a few MB', async (t) => {
  const object = JSON.stringify(indicator({ description: 'x'.repeat(10_000) }))
  const source = generatedSource(function* () {
    yield '{"type":"bundle","objects":['
    for (let at = 0; at < 6_000; at++) yield `${object},`
    yield `${object}]}`
  })
  const { items, peak } = await peakBytes(decodeStix(source), 500)
  t.equal(items, 6_001)
  t.ok(peak < 10_000_000, `60 MB in ${Math.round(peak / 1e6)} MB`)
})

t.test('the format of a body is what was said, or what it looks like', async (t) => {
  const sniff = (text: string, type: string | undefined = 'application/json', parameter?: string) => {
    let format = ''
    const code = codeOf(() => {
      format = formatOf(type, parameter, Buffer.from(text))
    })
    return code === 'none' ? format : code
  }
  t.equal(sniff('{"id":"bundle--5d0092c5-5f74-4287-9642-33f4c354e56d","objects":[]}'), 'stix')
  t.equal(sniff('{"objects": ['), 'stix')
  t.equal(sniff('{"more":false,"objects": ['), 'stix')
  t.equal(sniff('[{"type":"indicator","spec_version":"2.1"'), 'stix')
  t.equal(sniff('[{"type":"ipv4-addr","id":"ipv4-addr--ff26c055-6336-5bc5-b98d-13d6226742dd"'), 'stix')
  t.equal(sniff(' {"Event":{"info":"objects"}}'), 'misp')
  t.equal(sniff('{"response": ['), 'misp')
  t.equal(sniff('[{"Event": {'), 'misp')
  t.equal(sniff('[{"value":"objects","name":"response"'), 'puente-json')
  t.equal(sniff('{"value":"x","labels":["Event"],"objects'), 'puente-json')
  t.equal(sniff('[{"id":"indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f","value":"x"}]'), 'puente-json')
  t.equal(sniff(''), 'puente-json')
  t.equal(sniff('', 'application/json; charset=utf-8', 'stix'), 'stix')
  t.equal(sniff('', 'application/octet-stream', 'csv'), 'csv')
  t.equal(sniff('{"Event":{}}', 'application/stix+json;version=2.1', 'json'), 'misp')
  t.equal(sniff('', 'application/stix+json;version=2.1'), 'stix')
  t.equal(sniff('', 'application/x-ndjson'), 'puente-ndjson')
  t.equal(sniff('', 'Text/CSV; header=present'), 'csv')
  t.equal(sniff('', 'text/plain'), 'csv')
  t.equal(sniff('', 'application/pdf'), 'unsupported_media_type')
  t.equal(sniff('', undefined), 'puente-json')
  t.equal(sniff('', 'application/json', 'constructor'), 'unsupported_media_type')
})

const real = sharedData('stix21')
t.test(
  'every object of the real files is a draft or a named fault',
  { skip: real === undefined && 'no real data here' },
  async (t) => {
    let drafts = 0
    for (const file of jsonFiles(real ?? '')) {
      const bytes = readFileSync(file)
      const document: { objects?: { id: string }[] } = JSON.parse(bytes.toString())
      const objects = document.objects ?? [document as { id: string }]
      // The labels of TLP are the node's own, and said without a word.
      const expected = objects.filter(({ id }) => tlpOfMarking(id) === undefined).length
      t.equal(formatOf('application/json', undefined, bytes.subarray(0, sniffBytes)), 'stix', file)
      const found = await sortedAll(decode('stix', sourceOf(bytes)))
      const told = [...found.drafts, ...found.objects, ...found.faults].map(({ position }) => position.record)
      t.equal(new Set(told).size, expected, file)
      t.ok(
        found.faults.every(({ position, message }) => position.record !== undefined && message !== ''),
        file,
      )
      drafts += found.drafts.length
    }
    t.ok(drafts > 1_000, `${drafts} drafts`)
  },
)
