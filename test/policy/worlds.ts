import fc from 'fast-check'
import { type Account, roles } from '../../src/domain/account.ts'
import { type Agreement, type Purpose, purposes } from '../../src/domain/agreement.ts'
import { attributions, type Handling, lawEnforcementUses } from '../../src/domain/handling.ts'
import type { Community, Organisation, OrganisationKind } from '../../src/domain/organisation.ts'
import { paps } from '../../src/domain/pap.ts'
import type { LegalGrant } from '../../src/domain/reader.ts'
import { type Tlp, tlps } from '../../src/domain/tlp.ts'
import type { CaseWorld } from './cases.ts'

/** One question to the policy, in a world of its own. */
export interface Question {
  readonly world: CaseWorld
  /** An account of the world, or `anonymous`. */
  readonly reader: string
  readonly grants: readonly LegalGrant[]
  readonly handling: Handling
  readonly purpose: Purpose
}

/** The instant every question is asked at; the worlds' other instants lie on it and around it. */
export const asked = new Date('2026-06-01T00:00:00.000Z')

/** The jurisdictions of the worlds. */
export const places = ['AR', 'BR', 'CL']

// Worlds are small on purpose: with few names, readers often are in the audience and agreements often apply.
const organisationIds = ['north', 'south', 'east', 'west']
const communityIds = ['node', 'banks', 'schools']
const accountIds = organisationIds.map((organisation) => `person.${organisation}`)
const kinds: readonly OrganisationKind[] = ['isp', 'national-cert', 'law-enforcement']

const dayMs = 86_400_000
const iso = (offsetMs: number): string => new Date(asked.getTime() + offsetMs).toISOString()
/** Mostly before the question is asked, or at that very instant. */
const begins = fc.constantFrom(...[-dayMs, 1, dayMs, 0, -1, -dayMs].map(iso))
/** Mostly after the question is asked, or at that very instant. */
const ends = fc.constantFrom(...[dayMs, 1, 0, -1, -dayMs, 1, dayMs].map(iso))

const oneOf = <T>(values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values)
/** Any subset of at least `minLength`, in one draw; fast-check shrinks towards the smaller ones. */
const some = <T>(values: readonly T[], minLength = 0): fc.Arbitrary<T[]> =>
  oneOf(subsets(values).filter((set) => set.length >= minLength))
const subsets = <T>(values: readonly T[]): T[][] =>
  Array.from({ length: 2 ** values.length }, (_, bits) => values.filter((_, index) => (bits >> index) & 1))

// Whole objects are drawn from lists made beforehand: twenty thousand worlds in seconds.
const organisations: fc.Arbitrary<Organisation[]> = fc.tuple(
  ...organisationIds.map((id) => {
    const known = { id, name: id, disabled: false }
    return oneOf(kinds.flatMap((kind) => places.map((jurisdiction) => ({ ...known, kind, jurisdiction }))))
  }),
)

/** One account each. Any set of roles: none at all, and only such as administer, among them. */
const accounts: fc.Arbitrary<Account[]> = fc.tuple(
  ...organisationIds.map((organisation) => {
    const known = {
      id: `person.${organisation}`,
      name: organisation,
      organisation,
      disabled: false,
      stixMarkings: 'tlp2' as const,
    }
    return oneOf(subsets(roles).map((held) => ({ ...known, roles: held })))
  }),
)

const communities: fc.Arbitrary<Community[]> = fc.tuple(
  ...communityIds.map((id) =>
    oneOf(subsets(organisationIds).map((members) => ({ id, name: id, description: '', members }))),
  ),
)

const pairs = organisationIds.flatMap((provider) =>
  organisationIds.filter((client) => client !== provider).map((client) => ({ provider, client })),
)

/** Broad ones are the more frequent, so that what they do not cover is decided by a single term. */
const agreements: fc.Arbitrary<Agreement[]> = fc
  .array(
    fc.record(
      {
        parties: oneOf([places, ...subsets(places).filter(({ length }) => length === 2), places]),
        maxTlp: oneOf<Tlp>([...tlps, 'red']),
        purposes: oneOf<readonly Purpose[]>([purposes, ...subsets(purposes).filter(({ length }) => length > 0)]),
        personalData: fc.boolean(),
        validFrom: begins,
        validTo: ends,
      },
      { requiredKeys: ['parties', 'maxTlp', 'purposes', 'personalData', 'validFrom'] },
    ),
    { maxLength: 3 },
  )
  .map((list) =>
    list.map((agreement, index) => ({
      ...{ id: `agreement-${index}`, name: `Agreement ${index}`, citation: `Text ${index}`, example: true },
      ...agreement,
    })),
  )

const worlds: fc.Arbitrary<CaseWorld> = fc.record({
  organisations,
  accounts,
  clients: some(pairs),
  communities,
  nodeCommunity: fc.constant('node'),
  agreements,
})

const addressed = {
  originator: oneOf([...organisationIds, 'nobody-knows', ...organisationIds]),
  tlp: oneOf(tlps),
  pap: oneOf(paps),
  organisations: some(organisationIds),
  communities: some(communityIds),
  people: some(accountIds),
  lawEnforcement: oneOf(lawEnforcementUses),
  personalData: fc.boolean(),
  maskable: oneOf([true, false, true]),
  attribution: oneOf(attributions),
}

const limits = {
  releasableTo: oneOf([places, ...subsets(places), places]),
  notReleasableTo: oneOf([[], ...subsets(places), []]),
  expiresAt: ends,
  unknown: oneOf([false, true, false]),
}

/**
 * Every shape, also those no door would accept: unknown, without audience, from an originator nobody knows. Half have
 * no limits, which would hide the rules that come after them.
 */
const handlings: fc.Arbitrary<Handling> = fc.oneof(
  fc.record(addressed),
  fc.record({ ...addressed, ...limits }, { requiredKeys: Object.keys(addressed) as (keyof typeof addressed)[] }),
)

const grants: fc.Arbitrary<LegalGrant[]> = fc
  .array(fc.tuple(some([...organisationIds, 'nobody-knows']), begins, ends), { maxLength: 2 })
  .map((list) =>
    list.map(([originators, approvedAt, expiresAt], index) => ({
      request: `request-${index}`,
      originators,
      approvedAt,
      expiresAt,
    })),
  )

/** Random questions in random worlds. */
export const questions: fc.Arbitrary<Question> = fc.record({
  world: worlds,
  reader: oneOf([...accountIds, 'anonymous']),
  grants,
  handling: handlings,
  purpose: oneOf(purposes),
})

/** Every instant of a question at which something begins or ends, with the milliseconds before and after; in order. */
export function instantsOf(question: Question): Date[] {
  const { world, handling, grants } = question
  const texts = [
    ...world.agreements.flatMap(({ validFrom, validTo }) => [validFrom, validTo]),
    ...grants.flatMap(({ approvedAt, expiresAt }) => [approvedAt, expiresAt]),
    handling.expiresAt,
  ]
  const times = texts.flatMap((text) => (text === undefined ? [] : [Date.parse(text)]))
  const around = times.flatMap((time) => [time - 1, time, time + 1])
  return [...new Set(around)].sort((a, b) => a - b).map((time) => new Date(time))
}
