import type { ActionName } from '../domain/action-names.ts'
import type { Caller } from '../domain/caller.ts'
import { Fault } from '../domain/errors.ts'
import {
  consentsOf,
  type LegalRequest,
  type LegalStep,
  type LegalStepName,
  mayFollow,
  type Side,
} from '../domain/legal-request.ts'
import { shownTo } from '../policy/duties.ts'
import type { Refusal } from '../policy/permissions.ts'
import { appendAudit } from '../store/audit.ts'
import type { Transaction } from '../store/database.ts'
import { appendLegalStep, writeLegalRequest } from '../store/legal-requests.ts'
import type { Context, Standing } from './context.ts'
import { refuseTooMuchSaid } from './said-enough.ts'
import { record } from './verb.ts'

/** Takes one step of a request that this transaction holds: the step, what became of the request, and the audit leaf, or none of them. */
export async function takeStep(
  transaction: Transaction,
  context: Context,
  caller: Caller,
  standing: Standing,
  action: ActionName,
  known: LegalRequest,
  { step, side, note }: { readonly step: LegalStepName; readonly side: Side; readonly note: string },
  change: (stepped: LegalRequest) => Partial<LegalRequest> = () => ({}),
): Promise<LegalRequest> {
  const now = context.clock()
  refuseState(known, step, now)
  if (step === 'note') refuseTooMuchSaid([...notesOf(known, side), note])
  const { account } = caller.reader
  const taken: LegalStep = {
    step,
    side,
    ...(account === undefined ? {} : { account }),
    note,
    at: now.toISOString(),
  }
  const stepped = { ...known, steps: [...known.steps, taken] }
  const request: LegalRequest = { ...stepped, consents: consentsOf(known.scope, stepped.steps), ...change(stepped) }
  await writeLegalRequest(transaction, request, now)
  await appendLegalStep(transaction, known.id, known.steps.length, taken)
  await recordStep(transaction, context, caller, standing, action, request, taken)
  return request
}

const notesOf = ({ steps }: LegalRequest, side: Side): string[] =>
  steps.flatMap((each) => (each.step === 'note' && each.side === side ? [each.note ?? ''] : []))

/** Nothing but a note is added to what is over, or past its time. @throws {Fault} `request_state` */
export function refuseState(request: LegalRequest, step: LegalStepName, now: Date): void {
  const over = Date.parse(request.expiresAt) <= now.getTime()
  const past = over && !['note', 'expire', 'withdraw', 'close', 'claw-back', 'confirm'].includes(step)
  if (past || !mayFollow(request.state, step)) throw stateFault(request, step)
}

export const stateFault = ({ state, expiresAt }: LegalRequest, step: string): Fault =>
  new Fault('request_state', `A request that is ${state}, and ends at ${expiresAt}, has no step "${step}".`)

/** Every step is on the audit log, under the request that it is of, as whoever takes it may know it: they may read their own leaves. */
export async function recordStep(
  transaction: Transaction,
  context: Context,
  caller: Caller,
  standing: Standing,
  action: ActionName,
  request: LegalRequest,
  step: LegalStep,
): Promise<void> {
  const isOriginators = step.side.startsWith('originator:')
  const { steps: _, ...text } = isOriginators ? shownTo(caller, request, context.clock()) : request
  await appendAudit(transaction, {
    at: context.clock(),
    action,
    actor: caller.reader.account,
    organisation: caller.reader.organisation?.id,
    decision: 'permit',
    rules: [`action.${action}`],
    purpose: caller.purpose,
    requests: [request.id],
    policyEpoch: standing.directory.epoch,
    program: context.version,
    subject: JSON.stringify({ request: text, step }),
  })
}

/**
 * Puts a refusal on the log and throws it; nothing where there is none.
 * @param of the request that it is about; a legal one has it in its trail
 * @throws {Fault} `separation_of_duties`
 */
export async function refuseDuty(
  context: Context,
  caller: Caller,
  standing: Standing,
  action: ActionName,
  refusal: Refusal | undefined,
  { request, legal }: { readonly request?: string; readonly legal?: string } = {},
): Promise<void> {
  if (refusal === undefined) return
  const about = legal ?? request
  await context.database.transaction((transaction) =>
    record(transaction, context, caller, standing, {
      action,
      decision: 'deny',
      rules: [refusal.rule],
      subject: JSON.stringify(about === undefined ? {} : { request: about }),
      ...(legal === undefined ? {} : { requests: [legal] }),
    }),
  )
  throw new Fault(refusal.code, refusal.sentence, { rule: refusal.rule })
}
