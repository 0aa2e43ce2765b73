import type { Role } from '../../src/domain/account.ts'
import type { Agreement, Purpose } from '../../src/domain/agreement.ts'
import type { Effect, RuleId } from '../../src/domain/decision.ts'
import type { Handling } from '../../src/domain/handling.ts'
import type { Reader, World } from '../../src/domain/reader.ts'
import type { Tlp } from '../../src/domain/tlp.ts'

/** What the written policy says of one question. */
export interface Verdict {
  readonly effect: Effect
  /** `own` or the `tlp.*` rule of a permit, `jurisdiction.redact` of a redaction, the first refusal of a denial. */
  readonly reason: RuleId
  /** Ids, sorted, of every agreement a permit or redaction may rest on; absent when it needs none. */
  readonly agreement?: readonly string[]
}

/**
 * The policy read aloud: the table of rules in its order, each as plainly as the page has it. It is the second
 * reading that `decide` is compared with, so it shares no code with it, and is never made fast.
 */
export function oracle(reader: Reader, handling: Handling, purpose: Purpose, at: Date, world: World): Verdict {
  // `own` permits at once: RED, expired and unknown included.
  if (isOwn(reader, handling)) return { effect: 'permit', reason: 'own' }
  // `unknown` comes after `expired`.
  if (isExpired(handling, at)) return { effect: 'deny', reason: 'expired' }
  if (handling.unknown === true) return { effect: 'deny', reason: 'unknown' }
  // Exactly one `tlp.*` rule applies, and it is the reason of a permit.
  const tlpRule = tlpRules[handling.tlp]
  if (!reaches(reader, handling)) return { effect: 'deny', reason: tlpRule }
  if (isExcluded(reader, handling)) return { effect: 'deny', reason: 'jurisdiction.excluded' }
  const border = crossing(reader, handling, purpose, at, world)
  if (border.passes === 'never') return { effect: 'deny', reason: 'jurisdiction.agreement' }
  if (!lawEnforcementMay(reader, handling, purpose, at)) return { effect: 'deny', reason: 'purpose.le' }

  const restsOn = border.agreements === undefined ? {} : { agreement: border.agreements.map(({ id }) => id).sort() }
  if (border.passes === 'masked') return { effect: 'redact', reason: 'jurisdiction.redact', ...restsOn }
  return { effect: 'permit', reason: tlpRule, ...restsOn }
}

const tlpRules: Record<Tlp, RuleId> = {
  clear: 'tlp.clear',
  green: 'tlp.green',
  amber: 'tlp.amber',
  'amber+strict': 'tlp.amber-strict',
  red: 'tlp.red',
}

/** `own`: without a reading role it does not apply, and the other rules go on as for anybody. */
function isOwn(reader: Reader, handling: Handling): boolean {
  const reading: readonly Role[] = ['reader', 'publisher', 'liaison', 'approver']
  return reader.organisation?.id === handling.originator && reader.roles.some((role) => reading.includes(role))
}

/** `expired`: `expiresAt` ≤ `at`. */
function isExpired(handling: Handling, at: Date): boolean {
  return handling.expiresAt !== undefined && Date.parse(handling.expiresAt) <= at.getTime()
}

/** The `tlp.*` rules. Being the originator's organisation does not by itself put anyone in the audience. */
function reaches(reader: Reader, handling: Handling): boolean {
  switch (handling.tlp) {
    case 'clear':
      return true
    case 'green':
      if (reader.organisation === undefined) return false
      return reader.organisation.kind !== 'law-enforcement' || reader.greenMember
    case 'amber':
      return inAudience(reader, handling) || isClientOfAudience(reader, handling)
    case 'amber+strict':
      return inAudience(reader, handling)
    case 'red':
      return reader.account !== undefined && handling.people.includes(reader.account)
  }
}

function inAudience(reader: Reader, handling: Handling): boolean {
  if (reader.organisation === undefined) return false
  if (handling.organisations.includes(reader.organisation.id)) return true
  return handling.communities.some((community) => reader.communities.includes(community))
}

/** One step only: a client of a client of the audience is not reached. */
function isClientOfAudience(reader: Reader, handling: Handling): boolean {
  return reader.providers.some(
    (provider) =>
      handling.organisations.includes(provider.id) ||
      handling.communities.some((community) => provider.communities.includes(community)),
  )
}

/** `jurisdiction.excluded`, CLEAR included. The anonymous public is under no known law, so any limit keeps it out. */
function isExcluded(reader: Reader, handling: Handling): boolean {
  const refused = handling.notReleasableTo ?? []
  if (reader.organisation === undefined) return handling.releasableTo !== undefined || refused.length > 0
  const { jurisdiction } = reader.organisation
  if (refused.includes(jurisdiction)) return true
  return handling.releasableTo !== undefined && !handling.releasableTo.includes(jurisdiction)
}

interface Crossing {
  readonly passes: 'whole' | 'masked' | 'never'
  /** Those it may rest on; absent when no border is crossed. */
  readonly agreements?: readonly Agreement[]
}

/** `jurisdiction.agreement` and `jurisdiction.redact`: one agreement must cover everything; two never add up. */
function crossing(reader: Reader, handling: Handling, purpose: Purpose, at: Date, world: World): Crossing {
  if (handling.tlp === 'clear') return { passes: 'whole' }
  const from = world.jurisdictions.get(handling.originator)
  const to = reader.organisation?.jurisdiction
  // An originator or a reader under no known law: no agreement can be shown to cover them.
  if (from === undefined || to === undefined) return { passes: 'never' }
  if (from === to) return { passes: 'whole' }

  const covering = world.agreements.filter(
    (agreement) =>
      inForce(agreement, at) &&
      agreement.parties.includes(from) &&
      agreement.parties.includes(to) &&
      notStricter(handling.tlp, agreement.maxTlp) &&
      agreement.purposes.includes(purpose),
  )
  const whole = covering.filter((agreement) => agreement.personalData || !handling.personalData)
  if (whole.length > 0) return { passes: 'whole', agreements: whole }
  if (covering.length > 0 && handling.maskable) return { passes: 'masked', agreements: covering }
  return { passes: 'never' }
}

/** `validFrom` ≤ `at` < `validTo`. */
function inForce(agreement: Agreement, at: Date): boolean {
  const begun = Date.parse(agreement.validFrom) <= at.getTime()
  const over = agreement.validTo !== undefined && Date.parse(agreement.validTo) <= at.getTime()
  return begun && !over
}

function notStricter(label: Tlp, most: Tlp): boolean {
  const order: readonly Tlp[] = ['clear', 'green', 'amber', 'amber+strict', 'red']
  return order.indexOf(label) <= order.indexOf(most)
}

/** `purpose.le`: asked of that purpose under any label, and of that kind of organisation above CLEAR. */
function lawEnforcementMay(reader: Reader, handling: Handling, purpose: Purpose, at: Date): boolean {
  const police = reader.organisation?.kind === 'law-enforcement'
  const applies = purpose === 'law-enforcement' || (police && handling.tlp !== 'clear')
  if (!applies || handling.lawEnforcement === 'allowed') return true
  if (handling.lawEnforcement === 'never') return false
  return reader.grants.some(
    (grant) =>
      grant.originators.includes(handling.originator) &&
      Date.parse(grant.approvedAt) <= at.getTime() &&
      at.getTime() < Date.parse(grant.expiresAt),
  )
}
