import fc from 'fast-check'
import t from 'tap'
import type { Draft } from '../../src/domain/draft.ts'
import {
  anyIpAddress,
  mispTypeOf,
  type Observable,
  observableType,
  parseObservable,
  typeOfMisp,
} from '../../src/domain/observables/index.ts'
import { paps } from '../../src/domain/pap.ts'
import type { Released } from '../../src/domain/released.ts'
import { type RsitType, rsit } from '../../src/domain/rsit.ts'
import { tlps } from '../../src/domain/tlp.ts'
import { encodeCsv } from '../../src/formats/csv-out.ts'
import { encodeJson, encodeNdjson } from '../../src/formats/json-out.ts'
import { mispEvents } from '../../src/formats/misp-out-indicators.ts'
import { decode, type InputFormat } from '../../src/formats/sniff.ts'
import { encodeBundle } from '../../src/formats/stix-bundle.ts'
import { stixIndicator } from '../../src/formats/stix-out.ts'
import { forms } from '../domain/forms.ts'
import { released } from './released.ts'
import { collect, cuts, sorted, sourceOf } from './sources.ts'

/**
 * Whatever an indicator is, what is written of it is read as the same; and whatever a body holds, its faults have their places and its
 * good records come through. (CAP, IntelMQ and n6 write findings: cert-out.test.ts.)
 */

const values = Object.entries(forms).flatMap(([type, rows]) => rows.map(([text]) => parseObservable(type, text)))
const anyValue = fc.constantFrom(...values)
/** Text that can be stored, and would break out of its cell, its line, its string or its list. */
const text = fc
  .oneof(
    fc.string({ minLength: 1, maxLength: 40 }),
    fc.constantFrom(
      '=1+1',
      "'=1",
      "''",
      '-x',
      'a,b;c',
      '"',
      "it's",
      '{"a":1}',
      '\u2028x',
      'é\u0301',
      '#x',
      '</a>',
      '\\"',
    ),
  )
  // What is kept is trimmed and has no control characters.
  .map((each) => each.replace(/[\p{Cc}\p{Surrogate}]/gu, '').trim())
  .filter((each) => each !== '')
const label = fc.stringMatching(/^[a-z][a-z0-9:=-]{0,12}$/)
const time = fc.integer({ min: 1_500_000_000_000, max: 1_780_000_000_000 }).map((ms) => new Date(ms).toISOString())
const early = fc.integer({ min: 1_400_000_000_000, max: 1_499_999_999_999 }).map((ms) => new Date(ms).toISOString())
const country = fc.constantFrom('BR', 'CL', 'EC', 'UY')
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined })

const facts = fc.record({
  id: fc.uuid({ version: 4 }).map((uuid) => `indicator--${uuid}`),
  name: maybe(text),
  description: maybe(text),
  class: maybe(fc.constantFrom(...(Object.values(rsit).flat() as readonly RsitType[]))),
  confidence: maybe(fc.integer({ min: 0, max: 100 })),
  labels: fc.uniqueArray(label, { maxLength: 4 }),
  created: early,
  modified: time,
  validFrom: early,
  validUntil: maybe(time),
  firstSeen: maybe(time),
  lastSeen: maybe(time),
  handling: fc.record({
    tlp: fc.constantFrom(...tlps),
    pap: fc.constantFrom(...paps),
    audience: fc.subarray(['cert-br', 'community:lac-csirts']),
    people: fc.constant<string[]>([]),
    releasableTo: maybe(fc.uniqueArray(country, { maxLength: 3 })),
    notReleasableTo: maybe(fc.uniqueArray(country, { minLength: 1, maxLength: 3 })),
    lawEnforcement: fc.constantFrom('allowed', 'on-request', 'never'),
    personalData: fc.boolean(),
    expiresAt: maybe(time),
  }),
})
type Facts = typeof facts extends fc.Arbitrary<infer T> ? T : never

/** Without what is undefined: absent is absent. */
const present = <T extends object>(members: T): T =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as T

function indicatorOf(observables: readonly [Observable, ...Observable[]], facts: Facts): Released {
  const { class: type, handling, ...members } = facts
  const stix = stixIndicator({ ...facts, observables, tlp: handling.tlp, originator: 'cert-br' })
  const draft = { observables, ...(type === undefined ? {} : { class: type }) }
  return released(draft, present({ ...members, handling: present(handling), stix }) as unknown as Partial<Released>)
}

/** What a draft says, in one order; times to the millisecond. */
const said = ({
  position: _,
  received: _r,
  object: _o,
  format: _f,
  compound: _c,
  pattern: _p,
  patternType: _t,
  ...draft
}: Draft) => sortedMembers({ ...draft, handling: present(draft.handling) })

const sortedMembers = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(sortedMembers)
    : typeof value === 'object' && value !== null
      ? Object.fromEntries(
          Object.entries(value)
            .filter(([, each]) => each !== undefined)
            .sort(([a], [b]) => (a < b ? -1 : 1))
            .map(([name, each]) => [name, sortedMembers(each)]),
        )
      : value

/** What the draft of such an indicator says, as a format that loses nothing has it. */
const wholeOf = ({ handling, ...facts }: Facts, observables: readonly Observable[]) =>
  present({ ...facts, observables, handling: present(handling) })

async function readAgain(format: InputFormat, body: string, pieces: readonly number[]): Promise<Draft> {
  const { drafts, faults } = await sorted(decode(format, sourceOf(body, pieces)))
  const [draft] = drafts
  if (draft === undefined || drafts.length > 1 || faults.length > 0)
    throw new Error(`${body}\n${JSON.stringify(faults)}`)
  return draft
}

function same(body: string, found: unknown, expected: unknown): void {
  const [a, b] = [JSON.stringify(sortedMembers(found)), JSON.stringify(sortedMembers(expected))]
  if (a !== b) throw new Error(`${body}\n${a}\n${b}`)
}

/** A record as it is published, of the members that JSON has: what a node adds (version, status, originator …) no record has. */
function recordOf(json: Record<string, unknown>): Record<string, unknown> {
  const { version: _, status: _s, originator: _o, masked: _m, observables: _v, dateAdded: _d, ...rest } = json
  const { handling, classType, class: _c, ...members } = rest
  return { ...members, ...(classType === undefined ? {} : { class: classType }), ...(handling as object) }
}

t.test('native: JSON and NDJSON', async (t) => {
  await fc.assert(
    fc.asyncProperty(anyValue, facts, cuts, fc.boolean(), async (value, facts, pieces, lines) => {
      const items = [indicatorOf([value], facts)]
      const written = (await collect(lines ? encodeNdjson(items) : encodeJson(items))).join('')
      const parsed = JSON.parse(written)
      const body = JSON.stringify(lines ? recordOf(parsed) : [recordOf(parsed[0])])
      const draft = await readAgain(lines ? 'puente-ndjson' : 'puente-json', body, pieces)
      same(body, said(draft), wholeOf(facts, [value]))
    }),
    { numRuns: 150 },
  )
  t.pass()
})

t.test('CSV: whatever a cell holds', async (t) => {
  await fc.assert(
    fc.asyncProperty(anyValue, facts, cuts, async (value, facts, pieces) => {
      fc.pre(!observableType(value.type).multiline && !/[\u2028\u2029]/.test(value.value))
      const written = (await collect(encodeCsv([indicatorOf([value], facts)]))).join('')
      const draft = await readAgain('csv', written, pieces)
      const oneLine = (text: string | undefined) => text?.replace(/[\u2028\u2029]/g, ' ').trim()
      const { audience, ...handling } = facts.handling
      const { labels, ...rest } = wholeOf(
        // An empty cell says nothing, so that an empty list is absent.
        { ...facts, handling: { ...handling, ...(audience.length === 0 ? {} : { audience }) } as Facts['handling'] },
        [value],
      )
      const { people: _, ...kept } = rest.handling
      const name = oneLine(facts.name)
      const description = oneLine(facts.description)
      same(written, said(draft), present({ ...rest, labels, name, description, handling: kept }))
    }),
    { numRuns: 150 },
  )
  t.pass()
})

/** STIX has one path for names of domains and of hosts. */
const asStixHasIt = (observable: Observable): Observable =>
  observable.type === 'hostname' && observable.value.includes('.') ? { ...observable, type: 'domain-name' } : observable

const pair = fc.constantFrom<readonly [Observable, ...Observable[]]>(
  [parseObservable('filename', "it's.exe"), parseObservable('md5', 'd41d8cd98f00b204e9800998ecf8427e')],
  [parseObservable('url', 'http://evil.example.com/a'), parseObservable('ipv4-address', '192.0.2.1')],
)

t.test('STIX: any value, alone or with another', async (t) => {
  const observables = fc.oneof(
    // A pattern is read as what it looks for.
    anyValue.filter(({ type }) => type !== 'stix-pattern').map((value) => [value] as readonly [Observable]),
    pair,
  )
  await fc.assert(
    fc.asyncProperty(observables, facts, cuts, async (observables, facts, pieces) => {
      const bundle = '8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f'
      const written = (await collect(encodeBundle([indicatorOf(observables, facts)], bundle))).join('')
      const { drafts, faults } = await sorted(decode('stix', sourceOf(written, pieces)))
      const [draft] = drafts
      if (draft === undefined || faults.length > 0) throw new Error(`${written}\n${JSON.stringify(faults)}`)
      // STIX has no place for when something was seen, nor for handling beyond TLP.
      const { firstSeen: _, lastSeen: _l, handling, ...rest } = wholeOf(facts, observables.map(asStixHasIt))
      // The class is read from its tag, which stays among the labels.
      const labels = draft.labels.filter((label) => !label.startsWith('rsit:'))
      same(written, said({ ...draft, labels }), { ...rest, handling: { tlp: handling.tlp } })
    }),
    { numRuns: 150 },
  )
  t.pass()
})

/** Types that MISP has a word for, and one alone; of the others it has the value as `other`, which is context. */
const hasMispWord = ({ type }: Observable): boolean => {
  const [word, another] = typeOfMisp(mispTypeOf(type)) ?? []
  return another === undefined && type !== 'text' && (word === type || word === anyIpAddress)
}

t.test('MISP: any value that it has a word for, with its class and its handling', async (t) => {
  t.ok(values.filter(hasMispWord).length > 100)
  await fc.assert(
    fc.asyncProperty(anyValue.filter(hasMispWord), facts, cuts, async (value, facts, pieces) => {
      const events = mispEvents([indicatorOf([value], facts)], [])
      const written = JSON.stringify({ response: events.map((event) => ({ Event: event })) })
      // MISP has no place for a confidence.
      const { observables, class: type, handling } = await readAgain('misp', written, pieces)
      const { tlp, pap } = facts.handling
      same(
        written,
        present({ observables, class: type, tlp: handling.tlp, pap: handling.pap ?? 'green' }),
        present({ observables: [value], class: facts.class, tlp, pap }),
      )
    }),
    { numRuns: 150 },
  )
  t.pass()
})

/** A body of records, each good (the n-th address) or bad, and where the fault of the n-th is. */
interface Body {
  readonly record: (n: number, good: boolean) => string
  readonly whole: (records: readonly string[]) => string
  readonly place: (n: number) => object
  readonly report?: string
}

const uuid = (n: number) => `8e2e2d2b-17d4-4cbf-938f-98ee46b3c${String(n).padStart(3, '0')}`
const address = (n: number, good: boolean) => `192.0.2.${good ? n : 999}`
const list = (records: readonly string[]) => `[${records.join(',\n')}]`
const lines =
  (...head: readonly string[]) =>
  (records: readonly string[]) =>
    [...head, ...records, ''].join('\n')
const at = (first: number) => (n: number) => ({ record: n, line: first + n })

const bodies: Readonly<Record<InputFormat, Body>> = {
  'puente-json': {
    record: (n, good) => JSON.stringify({ type: 'ipv4-address', value: address(n, good) }),
    whole: list,
    place: (n) => ({ record: n, pointer: `/${n}/value` }),
  },
  'puente-ndjson': {
    record: (n, good) => JSON.stringify({ type: 'ipv4-address', value: address(n, good) }),
    whole: lines(),
    place: (n) => ({ ...at(1)(n), pointer: '/value' }),
  },
  stix: {
    record: (n, good) =>
      stixIndicator({
        id: `indicator--${uuid(n)}`,
        created: '2026-06-01T00:00:00.000Z',
        modified: '2026-06-01T00:00:00.000Z',
        validFrom: '2026-06-01T00:00:00.000Z',
        observables: [],
        pattern: `[ipv4-addr:value = ${good ? `'${address(n, true)}'` : ''}]`,
        tlp: 'green',
        labels: [],
      }),
    whole: (records) => `{"type":"bundle","id":"bundle--${uuid(0)}","objects":${list(records)}}`,
    place: (n) => ({ record: n, pointer: `/objects/${n}/pattern` }),
  },
  misp: {
    record: (n, good) =>
      JSON.stringify({ uuid: uuid(n), type: 'ip-dst', to_ids: true, timestamp: '1700000000', value: address(n, good) }),
    whole: (records) => `{"Event":{"info":"x","Tag":[{"name":"tlp:green"}],"Attribute":${list(records)}}}`,
    place: (n) => ({ record: n, pointer: `/Event/Attribute/${n}/value` }),
  },
  csv: {
    record: (n, good) => `ipv4-address,${address(n, good)},green`,
    whole: lines('type,value,tlp'),
    place: (n) => ({ ...at(2)(n), pointer: '/value' }),
  },
  cap: {
    record: (n, good) => `bot|${address(n, good)}|64496|2019-03-22 11:18:52|family: x;|Example, AT`,
    whole: lines('#generated on 20190326', '#category|address|asn|timestamp|optional_information|asninfo'),
    place: at(3),
  },
  shadowserver: {
    record: (n, good) => `2026-06-01 00:00:01,medium,"${address(n, good)}",53`,
    whole: lines('timestamp,severity,ip,port'),
    place: at(2),
    report: 'scan_dns',
  },
  intelmq: {
    record: (n, good) =>
      JSON.stringify({ 'classification.type': 'scanner', 'source.ip': address(n, good), tlp: 'GREEN' }),
    whole: list,
    place: (n) => ({ record: n, pointer: `/${n}/source.ip` }),
  },
  n6: {
    record: (n, good) =>
      JSON.stringify({
        ...{ category: 'bots', source: 'x', restriction: 'public', time: '2026-06-01T10:00:00Z' },
        address: [{ ip: address(n, good) }],
      }),
    whole: list,
    place: (n) => ({ record: n, pointer: `/${n}/address` }),
  },
  openioc: {
    record: (n, good) =>
      `<IndicatorItem id="${uuid(n)}" condition="is"><Context document="PortItem" search="PortItem/remoteIP"/>` +
      `<Content type="IP">${address(n, good)}</Content></IndicatorItem>`,
    whole: (records) =>
      lines(
        `<ioc xmlns="http://schemas.mandiant.com/2010/ioc" id="${uuid(0)}"><links><link rel="tlp">amber</link></links><definition>`,
        '<Indicator operator="OR" id="x">',
      )([...records, '</Indicator></definition></ioc>']),
    place: at(3),
  },
}

for (const [format, { record, whole, place, report }] of Object.entries(bodies) as [InputFormat, Body][]) {
  t.test(`${format}: each fault at its place, each good record kept, however the stream is cut`, async (t) => {
    const marks = fc.array(fc.boolean(), { minLength: 1, maxLength: 30 })
    await fc.assert(
      fc.asyncProperty(marks, cuts, async (marks, pieces) => {
        const body = whole(marks.map((good, n) => record(n, good)))
        const options = report === undefined ? {} : { report }
        const { drafts, faults } = await sorted(decode(format, sourceOf(body, pieces), options))
        const good = marks.flatMap((each, n) => (each ? [address(n, true)] : []))
        same(
          body,
          drafts.map((draft) => draft.observables[0].value.replace(/:53$/, '')),
          good,
        )
        const bad = marks.flatMap((each, n) => (each ? [] : [place(n)]))
        same(
          body,
          faults.map(({ position }) => position),
          bad,
        )
      }),
      { numRuns: 30 },
    )
    t.pass()
  })
}
