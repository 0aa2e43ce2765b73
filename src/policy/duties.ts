import type { Caller } from '../domain/caller.ts'
import { decisionsOf, isConfidential, type LegalRequest, type Side } from '../domain/legal-request.ts'
import type { Refusal } from './permissions.ts'

/**
 * Who has which part in a legal request, and what nobody may do to his own. A liaison has what it drafted; the node's policy officers
 * have what was filed; an originator's approvers have what names their organisation, once it is no secret to them.
 */
export function knowsLegalRequest(caller: Caller, request: LegalRequest, at: Date): boolean {
  const { account } = caller.reader
  if (account === undefined) return false
  if (account === request.liaison) return true
  return sidesOf(caller, request, at).length > 0
}

/** On whose part the caller may decide, if nothing stands against it: the node first. */
export function sidesOf(caller: Caller, request: LegalRequest, at: Date): Side[] {
  if (request.filedAt === undefined) return []
  const { reader, operator } = caller
  const home = reader.organisation?.id
  const sides: Side[] = []
  if (operator && reader.roles.includes('policy-officer')) sides.push('node')
  if (
    home !== undefined &&
    reader.roles.includes('approver') &&
    request.scope.originators.includes(home) &&
    !isConfidential(request, at)
  )
    sides.push(`originator:${home}`)
  return sides
}

/**
 * Whose acts under a request the caller may have from the log: all, as liaison or node; those of its own organisation, as an originator, to whom
 * the others of the scope stay unnamed; undefined where there is no such request for it.
 */
export function trailOf(caller: Caller, request: LegalRequest, at: Date): 'all' | 'organisation' | undefined {
  if (!knowsLegalRequest(caller, request, at)) return undefined
  return caller.reader.account === request.liaison || sidesOf(caller, request, at).includes('node')
    ? 'all'
    : 'organisation'
}

/** Why this account may not decide on this side; undefined when it may. Two approvals are of two people, and neither is who filed it. */
export function dutyRefusal(caller: Caller, request: LegalRequest, side: Side): Refusal | undefined {
  const { account } = caller.reader
  if (account === request.liaison || request.steps.some((each) => each.side === 'liaison' && each.account === account))
    return refusal('duty.own-request', 'Nobody decides on a request that he filed.')
  for (const [other, step] of decisionsOf(request.steps))
    if (other !== side && step.account === account)
      return refusal(
        'duty.two-people',
        'This account decided for another side already: two approvals are of two people.',
      )
  return undefined
}

/**
 * Whether whoever took a step may have what its leaf was about, which names these originators. Leaves of originators' steps name no others
 * now ({@link shownTo}); those of before do.
 */
export const stepSubjectShown = (side: string, originators: readonly string[]): boolean =>
  !side.startsWith('originator:') || originators.every((id) => side === `originator:${id}`)

/** Only units of law enforcement file requests, whoever holds the role. */
export const filingRefusal = ({ reader }: Caller): Refusal | undefined =>
  reader.organisation?.kind === 'law-enforcement'
    ? undefined
    : refusal('duty.law-enforcement', 'Legal requests are filed by accounts of law-enforcement organisations.')

const refusal = (rule: string, sentence: string): Refusal => ({ code: 'separation_of_duties', rule, sentence })

/** A request as the caller may have it: an originator learns of no other, neither of its name nor of its words. */
export function shownTo(caller: Caller, request: LegalRequest, at: Date): LegalRequest {
  if (caller.reader.account === request.liaison) return request
  const sides = sidesOf(caller, request, at)
  if (sides.includes('node')) return request
  const home = caller.reader.organisation?.id ?? ''
  const own: Side = `originator:${home}`
  return {
    ...request,
    scope: { ...request.scope, originators: request.scope.originators.filter((id) => id === home) },
    consents: request.consents.filter((id) => id === home),
    steps: request.steps.filter(({ side }) => side === own || !side.startsWith('originator:')),
  }
}
