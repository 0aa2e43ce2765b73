import { createHash, createHmac } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { identify } from '../../src/actions/identify.ts'
import type { Draft } from '../../src/domain/draft.ts'
import { canonicalHandling, handlingText } from '../../src/domain/handling.ts'
import { correlationKey } from '../../src/domain/observables/keys.ts'

const idKey = Buffer.alloc(32, 7)
const handling = canonicalHandling({
  originator: 'cert-"br',
  tlp: 'amber',
  pap: 'green',
  organisations: ['cert-br'],
  communities: [],
  people: [],
  lawEnforcement: 'on-request',
  personalData: false,
  maskable: false,
  attribution: 'named',
})

/** What JSON escapes, what it does not, and halves of pairs. */
const text = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.constantFrom('"', '\\', '\u007f', '\ud800', '\n'))
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined })

const asserted = fc.record(
  {
    class: fc.constantFrom('phishing', 'c2-server'),
    confidence: fc.integer({ min: 0, max: 100 }),
    name: text,
    description: text,
    pattern: text,
    validFrom: text,
    validUntil: text,
    firstSeen: text,
    lastSeen: text,
    modified: text,
    finding: text,
  },
  { requiredKeys: [] },
)
const observables = fc.array(
  text.map((value) => ({ type: 'filename', value })),
  { minLength: 1, maxLength: 3 },
)

t.test('ids and digests are made of the JSON they were always made of', (t) => {
  fc.assert(
    fc.property(asserted, observables, fc.array(text, { maxLength: 3 }), maybe(fc.uuid()), (said, seen, labels, id) => {
      const draft = {
        ...said,
        observables: seen,
        labels,
        ...(id === undefined ? {} : { id: `indicator--${id}` }),
      } as unknown as Draft
      const { uuid, digest } = identify(draft, handling, idKey)
      const orNull = (member: keyof typeof said) => said[member] ?? null
      const content = [
        handlingText(handling),
        seen,
        orNull('class'),
        orNull('confidence'),
        orNull('name'),
        orNull('description'),
        labels,
        orNull('pattern'),
        orNull('validFrom'),
        orNull('validUntil'),
        orNull('firstSeen'),
        orNull('lastSeen'),
        orNull('modified'),
      ]
      t.equal(digest, createHash('sha256').update(JSON.stringify(content)).digest('hex'))
      const finding = said.finding === undefined ? [] : [said.finding]
      const identity = [handling.originator, 'filename', seen.map(correlationKey), ...finding]
      const hex = createHmac('sha256', idKey).update(JSON.stringify(identity)).digest('hex')
      const derived = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}`
      if (id === undefined) t.equal(uuid.slice(0, 18), derived)
      else t.equal(uuid, id)
    }),
    { numRuns: 500 },
  )
  t.end()
})
