import { mintDeliveryId } from '../auth/webhook-secrets.ts'
import type { Caller } from '../domain/caller.ts'
import { limits } from '../domain/limits.ts'
import { changesBody } from '../formats/webhook-out.ts'
import { type DeliveryRow, firstWaiting } from '../store/webhook-deliveries.ts'
import type { SubscriptionRow } from '../store/webhook-subscriptions.ts'
import { type Held, heartbeat, type Looked, letGo, readHeld, stopBeating, takeDue } from '../store/webhook-taking.ts'
import { settleTaken, writeDelivery } from '../store/webhook-work.ts'
import type { Context } from './context.ts'
import type { Change, FollowFilter } from './follow.ts'
import { type Batch, type KeptStep, remakeBatch, takeBatch } from './webhook-batch.ts'
import { callerOf } from './webhook-caller.ts'
import { type Sending, stopped, type Work } from './webhook-settling.ts'
import { signed } from './webhook-upkeep.ts'

export type { Held, Sending, Work }

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
  takeDue(context.database, sender, context.clock(), {
    room,
    ofAccount: limits.webhookSendsOfAccount,
    ofOrganisation: limits.webhookSendsOfOrganisation,
    working,
  })

/** Gives others their turn: what is left is due still. */
export const letOthers = (context: Context, held: Held): Promise<void> => letGo(context.database, held)

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
