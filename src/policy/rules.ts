import { readingRoles } from '../domain/account.ts'
import { type Agreement, inForce, type Purpose } from '../domain/agreement.ts'
import type { Effect, RuleId } from '../domain/decision.ts'
import type { Handling } from '../domain/handling.ts'
import type { LegalGrant, Reader, World } from '../domain/reader.ts'
import { strictness, tlpLabel } from '../domain/tlp.ts'

/** What the policy is asked. */
export interface Question {
  readonly reader: Reader
  readonly handling: Handling
  readonly purpose: Purpose
  readonly at: Date
  readonly world: World
}

/** What one rule answers; `undefined` when it does not apply. `final` ends the asking with a permission. */
export interface Answer {
  readonly outcome: Effect
  readonly sentence: string
  readonly agreement?: string
  readonly request?: string
  readonly final?: true
}

export interface Rule {
  readonly id: RuleId
  readonly source: string
  readonly judge: (question: Question) => Answer | undefined
}

const permit = (sentence: string, grounds: Pick<Answer, 'agreement' | 'request' | 'final'> = {}): Answer => ({
  outcome: 'permit',
  sentence,
  ...grounds,
})
const deny = (sentence: string): Answer => ({ outcome: 'deny', sentence })

const tlp20 = 'TLP 2.0 (FIRST, 2022)'
const house = "Puente's policy"

/** Everything that decides who may see an indicator, in the order in which it is asked. There is no other place. */
export const rules: readonly Rule[] = [
  { id: 'own', source: house, judge: own },
  { id: 'expired', source: house, judge: expired },
  { id: 'unknown', source: house, judge: unknown },
  { id: 'tlp.clear', source: tlp20, judge: tlpClear },
  { id: 'tlp.green', source: tlp20, judge: tlpGreen },
  { id: 'tlp.amber', source: tlp20, judge: tlpAmber },
  { id: 'tlp.amber-strict', source: tlp20, judge: tlpAmberStrict },
  { id: 'tlp.red', source: tlp20, judge: tlpRed },
  { id: 'jurisdiction.excluded', source: house, judge: jurisdictionExcluded },
  { id: 'jurisdiction.agreement', source: 'agreements between jurisdictions', judge: jurisdictionAgreement },
  { id: 'jurisdiction.redact', source: 'agreements between jurisdictions', judge: jurisdictionRedact },
  { id: 'purpose.le', source: house, judge: purposeLe },
]

function own({ reader, handling }: Question): Answer | undefined {
  if (reader.organisation?.id !== handling.originator) return undefined
  if (!reader.roles.some((role) => readingRoles.includes(role))) return undefined
  return permit('The reader belongs to the organisation that published it.', { final: true })
}

function expired({ handling, at }: Question): Answer | undefined {
  if (handling.expiresAt === undefined || Date.parse(handling.expiresAt) > at.getTime()) return undefined
  return deny(`Its sharing ended at ${handling.expiresAt}.`)
}

function unknown({ handling }: Question): Answer | undefined {
  return handling.unknown === true ? deny('It carries a marking that this node does not know.') : undefined
}

function tlpClear({ handling }: Question): Answer | undefined {
  return handling.tlp === 'clear' ? permit('TLP:CLEAR may be read by anyone.') : undefined
}

function tlpGreen({ reader, handling }: Question): Answer | undefined {
  if (handling.tlp !== 'green') return undefined
  if (reader.organisation === undefined) return deny('TLP:GREEN is for enrolled organisations, never for the public.')
  if (reader.organisation.kind === 'law-enforcement' && !reader.greenMember) {
    return deny("TLP:GREEN reaches law enforcement only where the node's own community declares it a member.")
  }
  return permit('TLP:GREEN may be read by every enrolled organisation.')
}

function tlpAmber({ reader, handling }: Question): Answer | undefined {
  if (handling.tlp !== 'amber') return undefined
  const direct = inAudience(reader, handling)
  if (direct !== undefined) return permit(direct)
  const provider = reader.providers.find(
    (each) => handling.organisations.includes(each.id) || meets(each.communities, handling.communities),
  )
  if (provider !== undefined) {
    return permit("TLP:AMBER reaches clients, and the reader's organisation is a client of one in its audience.")
  }
  return deny("TLP:AMBER reaches its audience and their clients; the reader's organisation is neither.")
}

function tlpAmberStrict({ reader, handling }: Question): Answer | undefined {
  if (handling.tlp !== 'amber+strict') return undefined
  const direct = inAudience(reader, handling)
  if (direct !== undefined) return permit(direct)
  return deny("TLP:AMBER+STRICT reaches its audience only, not their clients; the reader's organisation is not in it.")
}

function tlpRed({ reader, handling }: Question): Answer | undefined {
  if (handling.tlp !== 'red') return undefined
  return reader.account !== undefined && handling.people.includes(reader.account)
    ? permit('TLP:RED names this reader in person.')
    : deny('TLP:RED reaches the people it names, and nobody else.')
}

function jurisdictionExcluded({ reader, handling }: Question): Answer | undefined {
  const { releasableTo, notReleasableTo = [] } = handling
  if (releasableTo === undefined && notReleasableTo.length === 0) return undefined
  const place = reader.organisation?.jurisdiction
  // The public has no known jurisdiction, so a limit cannot be shown to be kept: refuse.
  if (place === undefined) return deny('It is limited to jurisdictions, and the public has none.')
  if (notReleasableTo.includes(place)) return deny(`The originator excluded ${place}.`)
  if (releasableTo !== undefined && !releasableTo.includes(place)) {
    return deny(`The originator released it to other jurisdictions than ${place}.`)
  }
  return permit(`The originator's limits on jurisdictions let ${place} have it.`)
}

function jurisdictionAgreement(question: Question): Answer | undefined {
  const crossing = crossingOf(question)
  if (crossing === 'exempt') return undefined
  if (crossing === 'unknown') return deny('The jurisdiction of the originator or of the reader is not known.')
  if (crossing === 'same') return permit('Originator and reader are under the same jurisdiction.')
  const { full, withoutPersonalData } = covering(question, crossing)
  if (full !== undefined) {
    return permit(
      `"${full.name}" (${full.citation}) covers ${crossing.from} and ${crossing.to}, ${tlpLabel(question.handling.tlp)} and this purpose.`,
      { agreement: full.id },
    )
  }
  // The next rule answers what an agreement covers but for the personal data.
  if (withoutPersonalData !== undefined && question.handling.maskable) return undefined
  const lacking = withoutPersonalData === undefined ? '' : ', and the one that covers the rest leaves out personal data'
  return deny(
    `No agreement in force lets ${crossing.from} share ${tlpLabel(question.handling.tlp)} with ${crossing.to} for ${question.purpose}${lacking}.`,
  )
}

function jurisdictionRedact(question: Question): Answer | undefined {
  const crossing = crossingOf(question)
  if (typeof crossing === 'string' || !question.handling.maskable) return undefined
  const { full, withoutPersonalData } = covering(question, crossing)
  if (full !== undefined || withoutPersonalData === undefined) return undefined
  return {
    outcome: 'redact',
    sentence: `"${withoutPersonalData.name}" covers it but for personal data: the value is masked.`,
    agreement: withoutPersonalData.id,
  }
}

function purposeLe({ reader, handling, purpose, at }: Question): Answer | undefined {
  const police = reader.organisation?.kind === 'law-enforcement' && handling.tlp !== 'clear'
  if (purpose !== 'law-enforcement' && !police) return undefined
  switch (handling.lawEnforcement) {
    case 'never':
      return deny('The originator keeps it from law enforcement.')
    case 'allowed':
      return permit('The originator lets law enforcement have it.')
    case 'on-request': {
      const grant = reader.grants.find((each) => grants(each, handling, at))
      if (grant === undefined)
        return deny('Law enforcement may have it only under an approved legal request that covers it.')
      return permit(`The legal request ${grant.request} covers it.`, { request: grant.request })
    }
  }
}

const grants = (grant: LegalGrant, handling: Handling, at: Date): boolean =>
  grant.originators.includes(handling.originator) &&
  Date.parse(grant.approvedAt) <= at.getTime() &&
  at.getTime() < Date.parse(grant.expiresAt)

const meets = (a: readonly string[], b: readonly string[]): boolean => a.some((item) => b.includes(item))

function inAudience(reader: Reader, handling: Handling): string | undefined {
  const organisation = reader.organisation?.id
  if (organisation === undefined) return undefined
  if (handling.organisations.includes(organisation)) return `${organisation} is in its audience.`
  // The community is named to nobody here: a sentence may reach people outside it.
  if (meets(reader.communities, handling.communities)) return `${organisation} belongs to a community in its audience.`
  return undefined
}

interface Crossing {
  readonly from: string
  readonly to: string
}

function crossingOf({ reader, handling, world }: Question): Crossing | 'exempt' | 'same' | 'unknown' {
  if (handling.tlp === 'clear') return 'exempt'
  const from = world.jurisdictions.get(handling.originator)
  const to = reader.organisation?.jurisdiction
  if (from === undefined || to === undefined) return 'unknown'
  return from === to ? 'same' : { from, to }
}

/** The first agreement that covers everything, and the first that covers everything but personal data. */
function covering(
  { handling, purpose, at, world }: Question,
  { from, to }: Crossing,
): { readonly full?: Agreement; readonly withoutPersonalData?: Agreement } {
  const able = world.agreements.filter(
    (each) =>
      each.parties.includes(from) &&
      each.parties.includes(to) &&
      strictness(handling.tlp) <= strictness(each.maxTlp) &&
      each.purposes.includes(purpose) &&
      inForce(each, at),
  )
  const full = able.find((each) => each.personalData || !handling.personalData)
  const partial = able.find((each) => !each.personalData)
  return {
    ...(full === undefined ? {} : { full }),
    ...(partial === undefined || !handling.personalData ? {} : { withoutPersonalData: partial }),
  }
}
