import fc from 'fast-check'
import t from 'tap'
import { type Decision, type Effect, ruleIds } from '../../src/domain/decision.ts'
import { type Handling, lawEnforcementUses } from '../../src/domain/handling.ts'
import { type Tlp, tlps } from '../../src/domain/tlp.ts'
import { decide } from '../../src/policy/decide.ts'
import { mayBlock } from '../../src/policy/pap.ts'
import { loadCases, loadWorld, readerOf, worldOf } from './cases.ts'
import { oracle, type Verdict } from './oracle.ts'
import { asked, instantsOf, places, type Question, questions } from './worlds.ts'

/** Every rule as the reason of every effect it can have; a permit's reason is `own` or its `tlp.*` rule. */
const everyOutcome = [
  'deny expired',
  'deny jurisdiction.agreement',
  'deny jurisdiction.excluded',
  'deny purpose.le',
  'deny tlp.amber',
  'deny tlp.amber-strict',
  'deny tlp.green',
  'deny tlp.red',
  'deny unknown',
  'permit own',
  'permit tlp.amber',
  'permit tlp.amber-strict',
  'permit tlp.clear',
  'permit tlp.green',
  'permit tlp.red',
  'redact jurisdiction.redact',
]

t.test('every case of the truth table is decided as it says', async (t) => {
  const cast = loadWorld()
  const world = worldOf(cast)
  const met = new Set<string>()
  for (const { file, case: sentence, reader: id, grants, handling, purpose, at, expect } of loadCases()) {
    const reader = readerOf(cast, id, grants)
    const { mayBlock: blocks, ...verdict } = expect
    met.add(`${expect.effect} ${expect.reason}`)
    t.same(oracle(reader, handling, purpose, new Date(at), world), verdict, `${file}, the oracle: ${sentence}`)
    t.same(difference(decide(reader, handling, purpose, new Date(at), world), verdict), null, `${file}: ${sentence}`)
    if (blocks !== undefined) t.equal(mayBlock(handling), blocks, `${file}, in a blocklist: ${sentence}`)
  }
  t.same([...met].sort(), everyOutcome, 'every reason, with every effect it can have, is in the table')
})

t.test('decides as the oracle does in random worlds', async (t) => {
  const met = new Set<string>()
  const agree = fc.property(questions, (question) => {
    const verdict = ask(oracle, question)
    met.add(`${verdict.effect} ${verdict.reason}`)
    return difference(ask(decide, question), verdict) === null
  })
  fc.assert(agree, { numRuns: 20_000 })
  t.same([...met].sort(), everyOutcome, 'the random worlds had every reason with every effect')
})

t.test('a decision lists the rules it asked, in their order, and the last one refused if any did', async () => {
  holds(questions, (question) => {
    const { effect, reason, rules } = ask(decide, question)
    const order = rules.map(({ id }) => ruleIds.indexOf(id))
    const ascending = order.every((place, index) => place > (order[index - 1] ?? -1))
    const last = rules.at(-1)
    const refusals = rules.filter(({ outcome }) => outcome === 'deny').length
    if (effect === 'deny') return ascending && refusals === 1 && last?.outcome === 'deny' && last.id === reason
    return ascending && refusals === 0 && rules.some(({ id, outcome }) => id === reason && outcome === effect)
  })
})

t.test('narrowing a handling or the world never lets a reader have more', async () => {
  holds(fc.tuple(questions, fc.nat(99)), ([question, pick]) => {
    const before = howMuch(question)
    const widening = narrowings.find(([, narrow]) => howMuch(narrow(question, pick)) > before)
    if (widening !== undefined) throw new Error(`${widening[0]} let the reader have more`)
    return true
  })
})

t.test('a stricter label never reaches a reader it does not address', async () => {
  holds(questions, (question) => {
    if (inAudience(question) || question.handling.people.includes(question.reader)) return true
    const had = tlps.map((tlp) => howMuch(labelled(question, tlp)))
    return had.every((amount, index) => amount <= (had[index - 1] ?? amount))
  })
})

t.test('nobody has more under AMBER+STRICT than under AMBER, nor under any label than under CLEAR', async () => {
  holds(questions, (question) => {
    const strict = howMuch(labelled(question, 'amber+strict')) <= howMuch(labelled(question, 'amber'))
    return strict && howMuch(question) <= howMuch(labelled(question, 'clear'))
  })
})

t.test('a decision stays as it is at every instant before it expires', async () => {
  holds(questions, (question) => {
    const decision = ask(decide, question)
    const end = decision.expiresAt === undefined ? Number.POSITIVE_INFINITY : Date.parse(decision.expiresAt)
    const meanwhile = instantsOf(question).filter((at) => asked < at && at.getTime() < end)
    return end > asked.getTime() && meanwhile.every((at) => same(ask(decide, question, at), decision))
  })
})

t.test('a decision does not expire when nothing it could rest on begins or ends any more', async () => {
  holds(questions, (question) => {
    const afterwards = instantsOf(question).at(-1) ?? asked
    return ask(decide, question, afterwards).expiresAt === undefined
  })
})

/** Two thousand random questions; fast-check prints the seed and the smallest counterexample. */
function holds<T>(arbitrary: fc.Arbitrary<T>, predicate: (value: T) => boolean): void {
  fc.assert(fc.property(arbitrary, predicate), { numRuns: 2_000 })
}

function ask<Answer>(
  policy: (...question: Parameters<typeof oracle>) => Answer,
  question: Question,
  at = asked,
): Answer {
  const { world, reader, grants, handling, purpose } = question
  return policy(readerOf(world, reader, grants), handling, purpose, at, worldOf(world))
}

/** Null when a decision says what the oracle says; else both, for the report. */
function difference(decision: Decision, verdict: Verdict): unknown {
  const { effect, reason, rules } = decision
  const restsOn = rules.flatMap(({ agreement }) => (agreement === undefined ? [] : [agreement]))
  const may = verdict.agreement ?? []
  const agreements = restsOn.every((id) => may.includes(id)) && (restsOn.length > 0 || may.length === 0)
  if (effect === verdict.effect && reason === verdict.reason && (effect === 'deny' || agreements)) return null
  return { decision: { effect, reason, restsOn }, verdict }
}

const same = (one: Decision, other: Decision): boolean => JSON.stringify(one) === JSON.stringify(other)

const amounts: Record<Effect, number> = { deny: 0, redact: 1, permit: 2 }
const howMuch = (question: Question): number => amounts[ask(decide, question).effect]

const handled = (question: Question, change: Partial<Handling>): Question => ({
  ...question,
  handling: { ...question.handling, ...change },
})
const labelled = (question: Question, tlp: Tlp): Question => handled(question, { tlp })

/** In the audience or client of it, whatever the label. */
function inAudience({ world, reader: id, handling }: Question): boolean {
  const { organisation, communities, providers } = readerOf(world, id, [])
  const parties = [...(organisation === undefined ? [] : [{ id: organisation.id, communities }]), ...providers]
  return parties.some(
    (party) =>
      handling.organisations.includes(party.id) || party.communities.some((one) => handling.communities.includes(one)),
  )
}

const without = <T>(list: readonly T[], pick: number): T[] => list.filter((_, index) => index !== pick % list.length)
const placeAt = (pick: number): string[] => places.filter((_, index) => index === pick % places.length)

/** Ways to narrow a question; `pick` chooses which item where there are several. */
const narrowings: readonly (readonly [string, (question: Question, pick: number) => Question])[] = [
  [
    'releasing it to one jurisdiction less',
    (question, pick) => handled(question, { releasableTo: without(question.handling.releasableTo ?? places, pick) }),
  ],
  [
    'excluding one jurisdiction more',
    (question, pick) =>
      handled(question, { notReleasableTo: [...(question.handling.notReleasableTo ?? []), ...placeAt(pick)] }),
  ],
  [
    'addressing it to one organisation less',
    (question, pick) => handled(question, { organisations: without(question.handling.organisations, pick) }),
  ],
  [
    'addressing it to one community less',
    (question, pick) => handled(question, { communities: without(question.handling.communities, pick) }),
  ],
  [
    'naming one person less',
    (question, pick) => handled(question, { people: without(question.handling.people, pick) }),
  ],
  [
    'keeping it further from law enforcement',
    (question) => {
      const next = lawEnforcementUses[lawEnforcementUses.indexOf(question.handling.lawEnforcement) + 1]
      return handled(question, { lawEnforcement: next ?? 'never' })
    },
  ],
  ['finding that it is personal data', (question) => handled(question, { personalData: true })],
  ['finding that it cannot be masked', (question) => handled(question, { maskable: false })],
  ['letting it expire', (question) => handled(question, { expiresAt: asked.toISOString() })],
  ['finding something unknown in it', (question) => handled(question, { unknown: true })],
  [
    'ending an agreement',
    (question, pick) => {
      const agreements = without(question.world.agreements, pick)
      return { ...question, world: { ...question.world, agreements } }
    },
  ],
  ['withdrawing a legal request', (question, pick) => ({ ...question, grants: without(question.grants, pick) })],
  [
    'taking the roles of every account',
    (question) => {
      const accounts = question.world.accounts.map((account) => ({ ...account, roles: [] }))
      return { ...question, world: { ...question.world, accounts } }
    },
  ],
  ['asking without an account', (question) => ({ ...question, reader: 'anonymous' })],
]
