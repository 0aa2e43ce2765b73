import type { AttributionDecider, AttributionRequest, AttributionStep } from '../domain/attribution-request.ts'
import { attributionDeciders } from '../domain/attribution-request.ts'
import type { Caller } from '../domain/caller.ts'
import { type Attribution, canonicalHandling, type Handling } from '../domain/handling.ts'
import type { ReplySide } from '../domain/reply.ts'
import type { Refusal } from './permissions.ts'

/**
 * What one of the two says about an indicator is under: its label, with the other as whole audience. Nothing else of its handling is
 * taken over, so that what let it through lets the words back, whoever the source is (ADR 35).
 * @param about the handling of the indicator, or of what was said before
 */
export const replyHandling = (about: Handling, author: string, other: string, attribution: Attribution): Handling =>
  canonicalHandling({
    originator: author,
    // The replier cannot name people of whom it does not know.
    tlp: about.tlp === 'red' ? 'amber+strict' : about.tlp,
    pap: 'green',
    organisations: [other],
    communities: [],
    people: [],
    lawEnforcement: 'allowed',
    personalData: false,
    maskable: false,
    attribution,
  })

/** On which side of it the caller is; undefined for everybody but the two organisations. */
export function replySideOf(
  { reader }: Caller,
  { replier, originator }: { readonly replier: string; readonly originator: string },
): ReplySide | undefined {
  const home = reader.organisation?.id
  if (home === undefined) return undefined
  return home === replier ? 'replier' : home === originator ? 'source' : undefined
}

/** Whether whoever reads on this side may know which account spoke: of a source that stays anonymous the replier may not. */
export const speakerShown = (reading: ReplySide, from: ReplySide, anonymous: boolean): boolean =>
  from === 'replier' || reading === 'source' || !anonymous

/** On whose part the caller may decide whether somebody is told who a source is, if nothing stands against it. */
export function attributionSidesOf(
  { reader, operator }: Caller,
  { originator }: AttributionRequest,
): AttributionDecider[] {
  const may: Record<AttributionDecider, boolean> = {
    node: operator && reader.roles.includes('policy-officer'),
    source: reader.organisation?.id === originator && reader.roles.includes('approver'),
  }
  return attributionDeciders.filter((side) => may[side])
}

/** Whoever asked, the node's policy officers, and approvers of the source. */
export const knowsAttribution = (caller: Caller, request: AttributionRequest): boolean =>
  (caller.reader.account !== undefined && caller.reader.account === request.account) ||
  attributionSidesOf(caller, request).length > 0

/** Why this account may not decide for this side; undefined where it may. Two approvals are of two people, and neither is who asked. */
export function attributionRefusal(
  caller: Caller,
  { account, steps }: AttributionRequest,
  side: AttributionDecider,
): Refusal | undefined {
  const refusal = (rule: string, sentence: string): Refusal => ({ code: 'separation_of_duties', rule, sentence })
  if (caller.reader.account === account) return refusal('duty.own-request', 'Nobody decides on what he asked for.')
  const decided = steps.some((each) => each.account === caller.reader.account && each.side !== side)
  return decided
    ? refusal('duty.two-people', 'This account decided for the other side already: two approvals are of two people.')
    : undefined
}

/** Whether the caller is told who the source is: whoever asked, once two people approved. */
export const sourceDisclosed = ({ reader }: Caller, { account, state }: AttributionRequest): boolean =>
  state === 'approved' && reader.account !== undefined && reader.account === account

/** Steps as the caller may have them: an account of the source would say who it is, and who asked learns of no decider. */
export function attributionStepsShown(caller: Caller, request: AttributionRequest): AttributionStep[] {
  const sides = attributionSidesOf(caller, request)
  return request.steps.filter(
    ({ side }) => side === 'requester' || side === 'clock' || sides.some((each) => each === side),
  )
}
