import type { ActionName } from '../domain/action-names.ts'
import type { Caller } from '../domain/caller.ts'
import { Fault } from '../domain/errors.ts'
import {
  type DecidingSide,
  isConfidential,
  type LegalRequest,
  type LegalStepName,
  type Side,
  stateAfterDecisions,
} from '../domain/legal-request.ts'
import { preserves } from '../domain/legal-words.ts'
import { awaitsConsent } from '../policy/disclosure.ts'
import { dutyRefusal, knowsLegalRequest, shownTo, sidesOf } from '../policy/duties.ts'
import type { Refusal } from '../policy/permissions.ts'
import { readLegalRequest } from '../store/legal-requests.ts'
import type { Context, Standing } from './context.ts'
import { callerUnder } from './legal-filter.ts'
import { refuseDuty, takeStep } from './legal-step.ts'
import { prose } from './legal-text.ts'
import { absent } from './read.ts'
import { verb } from './verb.ts'

/** A step of one request, with what is said about it. */
export interface StepInput {
  readonly id: string
  readonly note?: string
}

/** A decision; on whose part, where the caller could decide for the node and for its organisation. */
export interface DecisionInput extends StepInput {
  /** The node first when absent. */
  readonly as?: DecidingSide
}

/** Hands a draft in: from now on others see it. @throws {Fault} `not_found`, `request_state` */
export const fileRequest = stepOf('file-request', 'file', 'liaison', (now) => ({
  state: 'filed',
  filedAt: now.toISOString(),
}))

/** Says that somebody is looking at it. @throws {Fault} `not_found`, `request_state` */
export const reviewRequest = decision('review-request', 'review')

/** Approves it, for the node or for an originator. @throws {Fault} `not_found`, `request_state`, `separation_of_duties` */
export const approveRequest = decision('approve-request', 'approve')

/** Refuses it, or takes an approval back; says why. @throws {Fault} as {@link approveRequest}, `invalid_request` */
export const refuseRequest = decision('refuse-request', 'refuse')

/** The liaison wants it no more. @throws {Fault} `not_found`, `request_state` */
export const withdrawRequest = stepOf('withdraw-request', 'withdraw', 'liaison', () => ({ state: 'withdrawn' }))

/** It gives nothing any more. @throws {Fault} `not_found`, `request_state` */
export const closeRequest = stepOf('close-request', 'close', 'any', () => ({ state: 'closed' }))

/**
 * Takes back what was given under it: the liaison is told, must delete or stop using it, and confirm; until then it is listed as waiting.
 * @throws {Fault} `not_found`, `request_state`, `invalid_request`
 */
export const clawBackRequest = stepOf('claw-back-request', 'claw-back', 'others', () => ({ state: 'clawed-back' }))

/** The liaison says what it did with what was taken back. @throws {Fault} as {@link clawBackRequest} */
export const confirmRequest = stepOf('confirm-request', 'confirm', 'liaison', () => ({ state: 'closed' }))

/** A note, for all who have a part in it. @throws {Fault} `not_found`, `invalid_request` */
export const annotateRequest = stepOf('annotate-request', 'note', 'any', () => ({}))

/** Steps of the liaison, and those that anybody with a part may take. */
function stepOf(
  action: ActionName,
  step: LegalStepName,
  who: 'liaison' | 'others' | 'any',
  change: (now: Date) => Partial<LegalRequest>,
) {
  return verb(action, async (context: Context, caller: Caller, input: StepInput, standing): Promise<LegalRequest> => {
    const now = context.clock()
    const note = noteOf(input, step === 'note' || step === 'claw-back' || step === 'confirm')
    return await context.database.transaction(async (transaction) => {
      const known = await readLegalRequest(transaction, input.id, true)
      if (known === undefined || !knowsLegalRequest(caller, known, now)) throw absent()
      const own = known.liaison === caller.reader.account
      // Only the liaison could take this step of its own; of others it is not there.
      if (who === 'liaison' && !own) throw absent()
      if (who === 'others' && own) throw new Fault('not_yours', 'A liaison withdraws or closes.', { rule: 'duty.side' })
      const [side = 'liaison'] = own ? [] : sidesOf(caller, known, now)
      if (step === 'close' && !own && side !== 'node') throw absent()
      if (step === 'claw-back' && side !== 'node' && preserves(known.instrument))
        throw new Fault('request_state', 'What is preserved is of others too: an originator refuses its own part.')
      const taken = { step, side, note }
      const request = await takeStep(transaction, context, caller, standing, action, known, taken, () => change(now))
      return shownTo(caller, request, now)
    })
  })
}

function decision(action: ActionName, step: 'review' | 'approve' | 'refuse') {
  return verb(
    action,
    async (context: Context, caller: Caller, input: DecisionInput, standing): Promise<LegalRequest> => {
      const now = context.clock()
      const note = noteOf(input, step === 'refuse')
      const outcome = await context.database.transaction(async (transaction) => {
        const known = await readLegalRequest(transaction, input.id, true)
        if (known === undefined || !knowsLegalRequest(caller, known, now)) throw absent()
        const chosen = sideFor(caller, known, input.as, now)
        if ('refusal' in chosen) return chosen
        const taken = { step, side: chosen.side, note }
        const request = await takeStep(transaction, context, caller, standing, action, known, taken, (stepped) =>
          afterDecision(stepped, standing, step, now),
        )
        return { request: shownTo(caller, request, now) }
      })
      if ('request' in outcome) return outcome.request
      // On the log in a transaction of its own: this one did nothing.
      await refuseDuty(context, caller, standing, action, outcome.refusal, { legal: input.id })
      throw absent()
    },
  )
}

function sideFor(
  caller: Caller,
  request: LegalRequest,
  as: DecidingSide | undefined,
  now: Date,
): { readonly side: Side } | { readonly refusal: Refusal } {
  const mine = sidesOf(caller, request, now)
  const sides = as === undefined ? mine : mine.filter((side) => (side === 'node') === (as === 'node'))
  const refusals = sides.map((side) => dutyRefusal(caller, request, side))
  const side = sides.find((_, n) => refusals[n] === undefined)
  if (side !== undefined) return { side }
  const refusal = refusals[0] ?? dutyRefusal(caller, request, 'node')
  if (refusal !== undefined) return { refusal }
  throw new Fault('not_yours', 'This is decided by the node or by an originator that it names.', { rule: 'duty.side' })
}

/** What the request has become; the instant of approval is that of the first, as long as it stands. */
function afterDecision(
  request: LegalRequest,
  standing: Standing,
  step: 'review' | 'approve' | 'refuse',
  now: Date,
): Partial<LegalRequest> {
  if (step === 'review') return { state: 'under-review' }
  const next = stateAfterDecisions(request.scope, request.steps, askedOf(request, standing, now))
  if (next !== 'approved') return { state: next }
  const already = request.state === 'approved' || request.state === 'fulfilled'
  return already ? {} : { state: 'approved', approvedAt: now.toISOString() }
}

/** Originators in the scope that could give this liaison something on request; those that must not know cannot be asked, and give nothing of it. */
function askedOf(request: LegalRequest, standing: Standing, now: Date): string[] {
  const reader = callerUnder(standing, request)?.reader
  if (isConfidential(request, now) || reader === undefined) return []
  const { visibility } = standing
  const found = new Set<string>()
  for (let id = 0; id < visibility.size; id++) {
    const handling = visibility.handling(id)
    if (handling !== undefined && awaitsConsent(reader, handling, now)) found.add(handling.originator)
  }
  return request.scope.originators.filter((id) => found.has(id))
}

const noteOf = ({ note = '' }: StepInput, required: boolean): string =>
  note.trim() === '' && !required ? '' : prose(note, '/note')
