import { type Caller, publicCaller } from '../domain/caller.ts'
import { Fault, type FaultCode } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import { anonymous } from '../domain/reader.ts'
import {
  type AttemptOutcome,
  isTaken,
  nextAttempt,
  outcomeText,
  type PauseReason,
  type RetryPlan,
} from '../domain/webhook.ts'
import type { Transaction } from '../store/database.ts'
import type { SubscriptionRow } from '../store/webhook-subscriptions.ts'
import { type Held, letGo, pauseHeld, postpone } from '../store/webhook-taking.ts'
import { bury, countDead, settleFailed, settleTaken } from '../store/webhook-work.ts'
import type { Context } from './context.ts'
import { administrative } from './organisations.ts'
import { record } from './verb.ts'

/** A delivery as it is to be sent now. */
export interface Sending {
  /** The webhook-id. */
  readonly id: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** Attempts before this one. */
  readonly attempts: number
}

/**
 * One subscription while this process holds it: as it was when it was taken. Whatever its owner changes raises the fence, under which
 * nothing can be written then, so it need not be read again for each delivery.
 */
export interface Work extends Held {
  readonly row: SubscriptionRow
  /** As last proven, and when. */
  caller: Caller
  provenMs: number
  /** Where the next page begins. */
  cursor: string | null
  /** Since then nothing was taken. */
  failingSince: Date | null
  /** Whether deliveries may wait that were written before. */
  mayWait: boolean
}

/** Faults of the follower itself; with others it is the node that cannot, for the moment. */
const reasons: Partial<Record<FaultCode, PauseReason>> = {
  credentials_invalid: 'credential_ended',
  role_required: 'not_permitted',
  scope_required: 'not_permitted',
  cursor_invalid: 'cursor_outdated',
  cursor_outdated: 'cursor_outdated',
  cursor_from_future: 'cursor_outdated',
}

/** What becomes of an endpoint for which nothing could be made. */
export async function stopped(context: Context, held: Held, row: SubscriptionRow, error: unknown): Promise<void> {
  const reason = error instanceof Fault ? reasons[error.code] : undefined
  if (reason !== undefined) {
    await context.database.transaction((transaction) => pause(transaction, context, held, row, reason))
    return
  }
  const wait = error instanceof Fault ? (error.detail.retryAfterSeconds ?? 5) : 60
  context.log.error({ error, subscription: row.id }, 'a webhook delivery could not be made')
  await postpone(context.database, held, new Date(context.clock().getTime() + wait * 1000))
}

/**
 * Writes down what an attempt came to.
 * @param chance from 0 to 1, for the jitter
 * @returns whether to go on with this endpoint at once
 */
export async function settleSending(
  context: Context,
  work: Work,
  { id, attempts }: Sending,
  outcome: AttemptOutcome,
  plan: RetryPlan,
  chance: number,
): Promise<boolean> {
  const at = context.clock()
  if (isTaken(outcome)) {
    const settled = await settleTaken(context.database, work, id, { at, outcome: outcomeText(outcome) })
    work.failingSince = null
    work.mayWait = settled.waiting
    if (settled.held && !settled.due) await letGo(context.database, work)
    return settled.held && settled.due
  }
  const tried = attempts + 1
  const next = nextAttempt(plan, tried, outcome, at, chance)
  await context.database.transaction(async (transaction) => {
    const failed = { at, outcome: outcomeText(outcome), notBefore: next ?? null }
    if (!(await settleFailed(transaction, work, id, failed))) return
    const reason = await giveUp(transaction, work, { id, at, outcome, plan, isLast: next === undefined })
    if (reason !== undefined) await pause(transaction, context, work, work.row, reason)
  })
  context.log.warn(
    { subscription: work.id, delivery: id, tried, outcome: outcomeText(outcome) },
    'a webhook was not taken',
  )
  return false
}

/** What becomes of an endpoint that did not take something: nothing, a dead letter, or a pause and its reason. */
async function giveUp(
  transaction: Transaction,
  work: Work,
  failure: {
    readonly id: string
    readonly at: Date
    readonly outcome: AttemptOutcome
    readonly plan: RetryPlan
    readonly isLast: boolean
  },
): Promise<PauseReason | undefined> {
  const { id, at, outcome, plan, isLast } = failure
  if ('status' in outcome && outcome.status === 410) return 'gone'
  const since = work.failingSince?.getTime() ?? at.getTime()
  if (at.getTime() - since >= plan.failingMs) return 'failing'
  if (!isLast) return undefined
  // There is no room for another: the delivery waits with the subscription, so that nothing is lost.
  if ((await countDead(transaction, work.id)) >= limits.webhookDeadLetters) return 'dead_letters_full'
  await bury(transaction, id, at, outcomeText(outcome))
  return undefined
}

/** Stops sending until the owner resumes it, and says so: in the list, on the audit log and to the operator. */
async function pause(
  transaction: Transaction,
  context: Context,
  held: Held,
  row: SubscriptionRow,
  reason: PauseReason,
): Promise<void> {
  if (!(await pauseHeld(transaction, held, reason, context.clock()))) return
  const standing = await context.policy.known()
  const organisation = standing.directory.organisations.get(
    standing.directory.accounts.get(row.account)?.organisation ?? '',
  )
  // The node does it: there is no actor, and its organisation's administrators find it among their leaves.
  const node: Caller = { ...publicCaller, reader: { ...anonymous, ...(organisation && { organisation }) } }
  const subject = { id: row.id, paused: reason }
  await record(transaction, context, node, standing, administrative('amend-subscription', subject))
  context.log.warn({ subscription: row.id, account: row.account, reason }, 'a webhook was paused')
}
