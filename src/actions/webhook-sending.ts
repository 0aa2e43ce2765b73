import { mintDeliveryId } from '../auth/webhook-secrets.ts'
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
import { changesBody } from '../formats/webhook-out.ts'
import type { Transaction } from '../store/database.ts'
import { type DeliveryRow, firstWaiting } from '../store/webhook-deliveries.ts'
import type { SubscriptionRow } from '../store/webhook-subscriptions.ts'
import {
  bury,
  countDead,
  type Held,
  heartbeat,
  type Looked,
  letGo,
  pauseHeld,
  postpone,
  readHeld,
  settleFailed,
  settleTaken,
  stopBeating,
  takeDue,
  writeDelivery,
} from '../store/webhook-work.ts'
import type { Context } from './context.ts'
import type { Change, FollowFilter } from './follow.ts'
import { administrative } from './organisations.ts'
import { record } from './verb.ts'
import { type Batch, type KeptStep, remakeBatch, takeBatch } from './webhook-batch.ts'
import { callerOf } from './webhook-caller.ts'
import { signed } from './webhook-upkeep.ts'

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

export type { Held }

/** Says that this process sends and is alive. @param sender a UUID of its own */
export const beat = (context: Context, sender: string): Promise<void> =>
  heartbeat(context.database, sender, limits.webhookLeaseMs)

export const stopSending = (context: Context, sender: string): Promise<void> => stopBeating(context.database, sender)

/** Subscriptions for which there is something to do and that nobody else works on. */
export const takeSubscriptions = (
  context: Context,
  sender: string,
  room: number,
  working: readonly string[],
): Promise<Held[]> =>
  takeDue(context.database, sender, context.clock(), { room, ofAccount: limits.webhookSendsOfAccount, working })

/** Gives others their turn: what is left is due still. */
export const letOthers = (context: Context, held: Held): Promise<void> => letGo(context.database, held)

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

/** Begins to work on a subscription that was taken; undefined when nothing may be sent: it is let go then. */
export async function beginWork(context: Context, held: Held): Promise<Work | undefined> {
  const row = await readHeld(context.database, held)
  if (row === undefined) return undefined
  const { cursor, failingSince } = row
  try {
    const caller = await callerOf(context, row)
    return { ...held, row, caller, provenMs: context.clock().getTime(), cursor, failingSince, mayWait: true }
  } catch (error) {
    await stopped(context, held, row, error)
    return undefined
  }
}

/**
 * What is to be sent next to this endpoint, made and written down under the policy of this moment; undefined when there is nothing, or
 * nothing may be sent: it is let go then.
 */
export async function nextSending(context: Context, work: Work): Promise<Sending | undefined> {
  try {
    while (work.mayWait) {
      const waiting = await firstWaiting(context.database, work.id)
      if (waiting === undefined) break
      const again = await remade(context, work, waiting)
      if (again !== undefined) return again
      // Nothing of it may be told any more, or need be.
      const { held } = await settleTaken(context.database, work, waiting.id, {
        at: context.clock(),
        outcome: undefined,
      })
      if (!held) return undefined
    }
    work.mayWait = false
    return await fresh(context, work)
  } catch (error) {
    await stopped(context, work, work.row, error)
    return undefined
  }
}

/** A new delivery from the feed. */
async function fresh(context: Context, work: Work): Promise<Sending | undefined> {
  const [id, createdAt] = [mintDeliveryId(), context.clock()]
  const { batch, body } = await fitting(context, work, createdAt)
  if (batch.told.length === 0) {
    await letGo(context.database, work, lookedAt(batch, createdAt))
    return undefined
  }
  const steps = batch.told.map(({ position, change }): KeptStep => [change.change, position, change.id])
  const delivery = { id, steps: JSON.stringify(steps), feedEpoch: context.node.feedEpoch, createdAt }
  if (!(await writeDelivery(context.database, work, delivery, lookedAt(batch, createdAt)))) return undefined
  work.cursor = batch.cursor
  return sendingOf(context, work.row, { id, attempts: 0 }, body)
}

/**
 * As many changes as fit into a body; one that is larger than all of it goes alone. Stretches without any are passed
 * over, so many at a time: then the place is kept, and others have their turn.
 */
async function fitting(context: Context, work: Work, createdAt: Date) {
  const { row } = work
  let [limit, { cursor }, empty] = [row.batch, work, 0]
  for (;;) {
    const input = { ...inputOf(row), limit, ...(cursor === null ? {} : { cursor }) }
    const batch = await asProven(context, work, (caller) => takeBatch(context, caller, input))
    const changes = batch.told.map(({ change }) => change)
    const body = bodyOf(row, createdAt, changes, batch.cursor)
    if (changes.length === 0 && batch.more && ++empty < limits.webhookEmptyPages) {
      cursor = batch.cursor
      // What the filter leaves out is passed over faster.
      limit = limits.pageRecords
    } else if (changes.length > row.batch) limit = row.batch
    else if (changes.length <= 1 || Buffer.byteLength(body) <= limits.webhookBodyBytes) return { batch, body }
    else limit = Math.ceil(Math.min(limit, changes.length) / 2)
  }
}

/** A delivery that was made before, as it may be sent now; undefined when nothing is left of it. */
async function remade(context: Context, work: Work, waiting: DeliveryRow): Promise<Sending | undefined> {
  const { row } = work
  // Positions of a feed that is no more mean nothing: it was restored from a backup.
  if (waiting.feedEpoch !== context.node.feedEpoch) return undefined
  const steps = JSON.parse(waiting.steps) as KeptStep[]
  const input = { ...inputOf(row), steps }
  const { changes } = await asProven(context, work, (caller) => remakeBatch(context, caller, input))
  if (changes.length === 0) return undefined
  return sendingOf(context, row, waiting, bodyOf(row, waiting.createdAt, changes, waiting.cursor))
}

/** How long a proof of a credential that may end by itself is good for. */
const provenForMs = 1_000

/**
 * Asks as the subscription's caller, with its credential proven under the very epoch that the answer was decided by: what raised the
 * epoch may have been its end.
 * @throws {Fault} `credentials_invalid`
 */
async function asProven<Answer extends { readonly epoch: bigint }>(
  context: Context,
  work: Work,
  ask: (caller: Caller) => Promise<Answer>,
): Promise<Answer> {
  for (;;) {
    if (context.clock().getTime() - work.provenMs >= provenForMs) await proveWork(context, work)
    const answer = await ask(work.caller)
    if (answer.epoch === work.caller.provenAt) return answer
    await proveWork(context, work)
  }
}

async function proveWork(context: Context, work: Work): Promise<void> {
  work.caller = await callerOf(context, work.row)
  work.provenMs = context.clock().getTime()
}

const inputOf = (row: SubscriptionRow) => ({ filter: JSON.parse(row.filter) as FollowFilter, leaves: !row.ownSystem })

const bodyOf = (row: SubscriptionRow, at: Date, changes: readonly Change[], cursor: string): string =>
  changesBody({ subscription: row.id, timestamp: at.toISOString(), changes, cursor })

const sendingOf = (
  context: Context,
  row: SubscriptionRow,
  { id, attempts }: { readonly id: string; readonly attempts: number },
  body: string,
): Sending => ({ id, attempts, url: row.url, body, headers: signed(context, row, id, context.clock(), body) })

/** Looked for by the clock at most so often. */
const lookAgainMs = 1_000

/** A page that is not the last leaves the subscription due. */
const lookedAt = ({ cursor, more, upto, epoch, freshUntil }: Batch, at: Date): Looked => ({
  cursor,
  position: more ? -1 : upto,
  epoch: more ? -1n : epoch,
  again: Number.isFinite(freshUntil) ? new Date(Math.max(freshUntil, at.getTime() + lookAgainMs)) : null,
})

/** Faults of the follower itself; with others it is the node that cannot, for the moment. */
const reasons: Partial<Record<FaultCode, PauseReason>> = {
  credentials_invalid: 'credential_ended',
  role_required: 'not_permitted',
  scope_required: 'not_permitted',
  cursor_invalid: 'cursor_outdated',
  cursor_outdated: 'cursor_outdated',
  cursor_from_future: 'cursor_outdated',
}

async function stopped(context: Context, held: Held, row: SubscriptionRow, error: unknown): Promise<void> {
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
