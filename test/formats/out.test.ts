import { readFileSync } from 'node:fs'
import path from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import fc from 'fast-check'
import t from 'tap'
import { type Observable, observableTypes, parseObservable } from '../../src/domain/observables/index.ts'
import type { Released } from '../../src/domain/released.ts'
import { stixMarkings } from '../../src/domain/stix-markings.ts'
import { markingOfTlp, tlps } from '../../src/domain/tlp.ts'
import { decodeCsv } from '../../src/formats/csv.ts'
import { csvCell, encodeCsv } from '../../src/formats/csv-out.ts'
import { membersOf, objectText } from '../../src/formats/json-members.ts'
import { encodeJson, encodeNdjson, indicatorJson } from '../../src/formats/json-out.ts'
import { decodeStix } from '../../src/formats/stix.ts'
import { encodeBundle, identityId, identityObject } from '../../src/formats/stix-bundle.ts'
import {
  amendStix,
  rewriteMarkings,
  type StixFields,
  stixIndicator,
  stixOfReceived,
} from '../../src/formats/stix-out.ts'
import { markingDefinition } from '../../src/formats/tlp-objects.ts'
import { collect, jsonFiles, sharedData, sorted, sourceOf } from './sources.ts'

const fieldsOf = (members: Partial<StixFields> = {}): StixFields => ({
  id: 'indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f',
  created: '2024-01-01T00:00:00.000Z',
  modified: '2024-01-02T00:00:00.000Z',
  validFrom: '2024-01-01T00:00:00.000Z',
  observables: [parseObservable('domain-name', 'c2.example.org')],
  tlp: 'amber+strict',
  labels: [],
  ...members,
})

const released = (members: Partial<Released> = {}): Released =>
  ({
    id: 'indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f',
    version: 1,
    status: 'active',
    originator: { id: 'cert-br', name: 'CERT.br', jurisdiction: 'BR' },
    type: 'domain-name',
    value: 'c2.example.org',
    masked: false,
    observables: [{ type: 'domain-name', value: 'c2.example.org' }],
    labels: ['a', 'b'],
    created: '2024-01-01T00:00:00.000Z',
    modified: '2024-01-02T00:00:00.000Z',
    dateAdded: '2024-01-02T00:00:00.000001Z',
    validFrom: '2024-01-01T00:00:00.000Z',
    handling: {
      tlp: 'amber+strict',
      pap: 'green',
      audience: ['cert-cl'],
      people: [],
      lawEnforcement: 'never',
      personalData: false,
    },
    stix: stixIndicator(fieldsOf({ originator: 'cert-br' })),
    ...members,
  }) as unknown as Released

t.test('an indicator is written with everything it has, and nothing it has not', async (t) => {
  const text = stixIndicator(
    fieldsOf({
      originator: 'cert-br',
      validUntil: '2024-02-01T00:00:00.000Z',
      name: 'C2',
      description: 'two\nlines',
      class: 'c2-server',
      confidence: 0,
      labels: ['botnet'],
    }),
  )
  t.same(JSON.parse(text), {
    type: 'indicator',
    spec_version: '2.1',
    id: 'indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f',
    created_by_ref: identityId('cert-br'),
    created: '2024-01-01T00:00:00.000Z',
    modified: '2024-01-02T00:00:00.000Z',
    name: 'C2',
    description: 'two\nlines',
    indicator_types: ['malicious-activity'],
    pattern: "[domain-name:value = 'c2.example.org']",
    pattern_type: 'stix',
    valid_from: '2024-01-01T00:00:00.000Z',
    valid_until: '2024-02-01T00:00:00.000Z',
    labels: ['botnet', 'rsit:malicious-code="c2-server"'],
    confidence: 0,
    object_marking_refs: ['marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003'],
  })
  t.notOk(text.includes('\n'), 'on one line')
  const plain = JSON.parse(stixIndicator(fieldsOf()))
  for (const name of ['created_by_ref', 'labels', 'confidence', 'name', 'revoked', 'indicator_types', 'valid_until']) {
    t.notOk(name in plain, `${name} is absent`)
  }
})

t.test('what is written is read again as the same draft', async (t) => {
  const observables: readonly (readonly [Observable, ...Observable[]])[] = [
    [parseObservable('url', "http://a.example.org/'\\x")],
    [parseObservable('yara-rule', 'rule a { condition: true }')],
    [parseObservable('stix-pattern', "[x-thing:colour = 'red']")],
    [parseObservable('filename', "it's.exe"), parseObservable('md5', 'd41d8cd98f00b204e9800998ecf8427e')],
  ]
  for (const each of observables) {
    const fields = fieldsOf({ observables: each, class: 'phishing', confidence: 5, name: 'n' })
    const { drafts, faults } = await sorted(decodeStix(sourceOf(stixIndicator(fields))))
    t.same(faults, [])
    t.match(drafts, [
      {
        observables: each,
        class: 'phishing',
        confidence: 5,
        name: 'n',
        id: fields.id,
        handling: { tlp: 'amber+strict' },
      },
    ])
  }
})

t.test('the id of an organisation is a UUID of version 5, and always the same', async (t) => {
  t.equal(identityId('cert-br'), identityId('cert-br'))
  t.not(identityId('cert-br'), identityId('cert-cl'))
  t.match(identityId('cert-br'), /^identity--[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
})

const received = `{
  "type": "indicator", "spec_version": "2.1",
  "id": "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
  "created": "2024-01-01T00:00:00.000Z", "modified": "2024-01-02T00:00:00.1234Z",
  "pattern": "[domain-name:value = 'a b\\u00e9.example.org']", "pattern_type": "stix",
  "valid_from": "2024-01-01T00:00:00Z",
  "created_by_ref": "identity--00000000-0000-4000-8000-000000000000",
  "external_references": [{ "source_name": "CERT.br" }],
  "x_exact": 1234567890123456789.10,
  "object_marking_refs": ["marking-definition--11111111-0000-4000-8000-000000000000"],
  "granular_markings": [
    { "selectors": ["pattern"], "marking_ref": "marking-definition--11111111-0000-4000-8000-000000000000" },
    { "selectors": ["name"], "lang": "es" }
  ]
}`

t.test('a received indicator keeps its spelling and gets the one marking', async (t) => {
  const text = rewriteMarkings(received, 'green')
  t.ok(text.includes('"x_exact":1234567890123456789.10'), 'numbers are not rounded')
  t.ok(text.includes('a b\\u00e9.example.org'), 'escapes and white space in strings stay')
  t.notOk(text.includes('\n'))
  const object = JSON.parse(text)
  t.same(object.object_marking_refs, [markingOfTlp.green])
  t.same(object.granular_markings, [{ selectors: ['name'], lang: 'es' }])
  t.equal(object.created_by_ref, 'identity--00000000-0000-4000-8000-000000000000')
  t.equal(rewriteMarkings(text, 'green'), text, 'twice is once')
})

t.test('what a node wrote itself is passed on as it is, and what is a little otherwise is not', async (t) => {
  const own = stixIndicator(fieldsOf({ class: 'phishing', labels: ['x'], name: 'a', tlp: 'green' }))
  t.equal(stixOfReceived(own, 'green', { anonymous: false }), own)
  t.match(JSON.parse(stixOfReceived(own, 'amber', { anonymous: false })), { object_marking_refs: [markingOfTlp.amber] })
  const { object_marking_refs: marks, ...rest } = JSON.parse(own)
  const others = {
    'two marks': { object_marking_refs: [...marks, markingOfTlp.red] },
    'no mark': {},
    'marks of parts': {
      object_marking_refs: marks,
      granular_markings: [{ selectors: ['name'], marking_ref: marks[0] }],
    },
    'an empty list': { object_marking_refs: marks, external_references: [] },
    'a time without milliseconds': { object_marking_refs: marks, modified: '2026-06-01T00:00:00Z' },
  }
  for (const [what, more] of Object.entries(others)) {
    const object = JSON.parse(stixOfReceived(JSON.stringify({ ...rest, ...more }), 'green', { anonymous: false }))
    t.same(object.object_marking_refs, marks, what)
    t.notOk('granular_markings' in object || 'external_references' in object, what)
    t.match(object.modified, /\.\d{3}Z$/, what)
  }
  t.equal(stixOfReceived(own.replace(':', ' : '), 'green', { anonymous: false }), own)
  t.notMatch(stixOfReceived(own, 'green', { anonymous: true }), /identity--/)
})

t.test('what the standard forbids is read and not passed on', async (t) => {
  const loose = received.replace('00:00:00.000Z', '00:00:00Z').replace('"x_exact"', '"labels": [], "x_exact"')
  const object = JSON.parse(stixOfReceived(loose, 'green', { anonymous: false }))
  t.equal(object.created, '2024-01-01T00:00:00.000Z')
  t.equal(object.modified, '2024-01-02T00:00:00.1234Z', 'what is finer stays as fine as it was')
  t.notOk('labels' in object)
})

t.test('an anonymous indicator holds nothing that could name its source', async (t) => {
  const text = stixOfReceived(received, 'red', { anonymous: true })
  t.notOk(/identity--|CERT|x_exact/.test(text))
  t.equal(JSON.parse(text).pattern, JSON.parse(received).pattern)
  t.ok(stixOfReceived(received, 'red', { anonymous: false }).includes('CERT.br'))
})

t.test('an amended indicator changes where it was told to', async (t) => {
  const before = stixIndicator(fieldsOf({ class: 'phishing', labels: ['x'], name: 'old', confidence: 1 }))
  const members = {
    modified: '2024-03-01T00:00:00.000Z',
    name: 'new',
    confidence: 0,
    revoked: true,
    tlp: 'red',
  } as const
  const after = JSON.parse(amendStix(before, members))
  const { tlp: _, ...shown } = members
  t.same(after, { ...JSON.parse(before), ...shown, object_marking_refs: [markingOfTlp.red] })
  t.same(JSON.parse(amendStix(before, { labels: ['y'] })).labels, ['y', 'rsit:fraud="phishing"'], 'the class stays')
  t.match(JSON.parse(amendStix(before, { class: 'infected-system' })), {
    labels: ['x', 'rsit:malicious-code="infected-system"'],
    indicator_types: ['compromised'],
  })
  t.notOk('labels' in JSON.parse(amendStix(stixIndicator(fieldsOf({ labels: ['x'] })), { labels: [] })))
  t.equal(amendStix(before, {}), before)
})

t.test('the members of any object are found, whatever their values hold', async (t) => {
  const value = fc.jsonValue({ maxDepth: 3 })
  fc.assert(
    fc.property(fc.dictionary(fc.string(), value), fc.boolean(), (object, pretty) => {
      const json = JSON.stringify(object, null, pretty ? 2 : 0)
      const members = membersOf(json)
      t.same([...members.keys()], Object.keys(JSON.parse(json)))
      t.equal(objectText(members), JSON.stringify(JSON.parse(json)))
    }),
    { numRuns: 200 },
  )
})

t.test('a bundle holds each marking and each author once, before what refers to them', async (t) => {
  const items = [released(), released(), released({ stix: stixIndicator(fieldsOf()), alias: 'source-1' })]
  const text = (await collect(encodeBundle(items, '5d0092c5-5f74-4287-9642-33f4c354e56d'))).join('')
  const bundle = JSON.parse(text)
  t.equal(bundle.id, 'bundle--5d0092c5-5f74-4287-9642-33f4c354e56d')
  t.same(
    bundle.objects.map((object: { type: string }) => object.type),
    ['marking-definition', 'identity', 'indicator', 'indicator', 'indicator'],
  )
  t.match(bundle.objects[1], { id: identityId('cert-br'), name: 'CERT.br', identity_class: 'organization' })
  const empty = (await collect(encodeBundle([], '5d0092c5-5f74-4287-9642-33f4c354e56d'))).join('')
  t.notOk('objects' in JSON.parse(empty), 'a list that would be empty is absent')
})

t.test('what is anonymous to a reader has no author in the bundle', async (t) => {
  const { originator: _, ...anonymous } = released({ alias: 'source-1', stix: stixIndicator(fieldsOf()) })
  const text = (await collect(encodeBundle([anonymous as Released], '5d0092c5-5f74-4287-9642-33f4c354e56d'))).join('')
  t.notOk(text.includes('identity--'))
})

t.test('JSON, NDJSON and an indicator alone say the same; none holds the STIX text', async (t) => {
  const item = released()
  const array = JSON.parse((await collect(encodeJson([item, item]))).join(''))
  const lines = (await collect(encodeNdjson([item, item]))).join('').trimEnd().split('\n')
  t.same(array, [indicatorJson(item), indicatorJson(item)])
  t.same(
    lines.map((line) => JSON.parse(line)),
    array,
  )
  t.notOk('stix' in indicatorJson(item))
  t.notOk('name' in indicatorJson(item), 'absent stays absent')
  t.equal((await collect(encodeJson([]))).join(''), '[]\n')
})

t.test('a cell is never a formula and never more than one line', async (t) => {
  for (const start of ['=1+1', '+1', '-1', '@x', '\tx', '\rx']) t.ok(/^"?'/.test(csvCell(start)), JSON.stringify(start))
  t.equal(csvCell('a=b'), 'a=b')
  t.equal(csvCell('say "hi", you'), '"say ""hi"", you"')
  t.equal(csvCell(undefined), '')
  t.equal(csvCell(-1), '-1', 'a number is no text')
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      t.notOk(/[\r\n]/.test(csvCell(text)))
      t.notOk(/^"?[=+\-@\t\r]/.test(csvCell(text)))
    }),
    { numRuns: 300 },
  )
})

t.test('CSV is one line a record, and is read again', async (t) => {
  const items = [
    released({ description: 'two\nlines, "quoted"', name: '=cmd()', classType: 'phishing', confidence: 3 }),
    released(),
  ]
  const text = (await collect(encodeCsv(items))).join('')
  t.equal(text.split('\n').length, 4, 'a header, two lines and the end')
  const { drafts, faults } = await sorted(decodeCsv(sourceOf(text)))
  t.same(faults, [])
  t.match(drafts, [
    {
      id: items[0]?.id,
      observables: [{ type: 'domain-name', value: 'c2.example.org' }],
      description: 'two lines, "quoted"',
      name: '=cmd()',
      class: 'phishing',
      confidence: 3,
      labels: ['a', 'b'],
      handling: {
        tlp: 'amber+strict',
        pap: 'green',
        audience: ['cert-cl'],
        lawEnforcement: 'never',
        personalData: false,
      },
    },
    {},
  ])
})

const schemas = sharedData('stix21-schemas')
t.test(
  'what is written is valid by the schemas of STIX 2.1',
  { skip: schemas === undefined && 'no schemas here' },
  async (t) => {
    for (const markings of stixMarkings)
      for (const tlp of tlps)
        t.ok(valid('common/marking-definition', markingDefinition(tlp, markings)), `${markings} TLP:${tlp}`)
    t.ok(valid('sdos/identity', identityObject({ id: 'cert-br', name: 'CERT.br' })))
    const values = new Map<string, string>([
      ['sha1', 'da39a3ee5e6b4b0d3255bfef95601890afd80709'],
      ['url', 'http://a.example.org/\'"\\'],
    ])
    for (const [type, value] of values) {
      t.ok(observableTypes.has(type))
      const fields = fieldsOf({
        observables: [parseObservable(type, value)],
        labels: ['x'],
        class: 'scanner',
        confidence: 100,
      })
      t.ok(valid('sdos/indicator', stixIndicator(fields)), type)
    }
    t.ok(valid('sdos/indicator', stixIndicator(fieldsOf({ originator: 'cert-br', description: 'é', revoked: true }))))
    const text = (await collect(encodeBundle([released(), released()], '5d0092c5-5f74-4287-9642-33f4c354e56d'))).join(
      '',
    )
    t.ok(valid('common/bundle', text), 'the bundle')
    t.notOk(valid('sdos/indicator', stixIndicator(fieldsOf({ confidence: 101 }))), 'and what is not is refused')
  },
)

const files = sharedData('stix21')
t.test(
  'every real indicator is passed on as valid STIX',
  { skip: (schemas && files) === undefined && 'no real data here' },
  async (t) => {
    const refused: string[] = []
    let passed = 0
    for (const file of jsonFiles(files ?? '')) {
      const { drafts } = await sorted(decodeStix(sourceOf(readFileSync(file))))
      for (const draft of drafts) {
        const again =
          draft.id === undefined
            ? stixIndicator(fieldsOf({ observables: draft.observables }))
            : stixOfReceived(draft.received, 'green', { anonymous: false })
        if (valid('sdos/indicator', again)) passed++
        else refused.push(`${file} ${draft.position.pointer}`)
      }
    }
    t.same(refused, [])
    t.ok(passed > 1_000, `${passed} indicators`)
  },
)

let ajv: Ajv2020 | undefined

/** Validates by one of the schemas; each is compiled when first asked for: all of them would take seconds. */
function valid(name: string, text: string): boolean {
  ajv ??= withSchemas(path.join(schemas ?? '', 'schemas'))
  const base = 'http://raw.githubusercontent.com/oasis-open/cti-stix2-json-schemas/stix2.1/schemas'
  const validate = ajv.getSchema(`${base}/${name}.json`)
  if (validate === undefined) throw new Error(`there is no schema ${name}`)
  return validate(JSON.parse(text)) === true
}

function withSchemas(folder: string): Ajv2020 {
  const loaded = new Ajv2020({ strict: false, unicodeRegExp: false })
  addFormats.default(loaded)
  for (const file of jsonFiles(folder)) loaded.addSchema(JSON.parse(readFileSync(file, 'utf8')))
  return loaded
}
