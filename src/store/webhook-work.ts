import type { Queries, Transaction } from './database.ts'
import { type Held, type Looked, lookedValues } from './webhook-taking.ts'

export interface NewDelivery {
  readonly id: string
  readonly steps: string
  readonly feedEpoch: string
  readonly createdAt: Date
}

/**
 * Writes a delivery and moves the subscription's cursor behind what is in it, both or neither.
 * @returns whether it was still held, and not paused
 */
export async function writeDelivery(
  { client }: Queries,
  { id, fence }: Held,
  delivery: NewDelivery,
  looked: Looked,
): Promise<boolean> {
  const { rowCount } = await client.query(
    `with moved as (
       update webhook_subscription set cursor = $3, checked_position = $4, checked_epoch = $5, check_at = $6,
         next_number = next_number + 1
       where id = $1 and fence = $2 and paused_at is null
       returning next_number - 1 as number
     )
     insert into webhook_delivery (id, subscription, number, steps, feed_epoch, cursor, created_at)
     select $7, $1, number, $8, $9, $3, $10 from moved`,
    [
      ...[id, fence, ...lookedValues(looked)],
      ...[delivery.id, delivery.steps, delivery.feedEpoch, delivery.createdAt.toISOString()],
    ],
  )
  return rowCount === 1
}

/**
 * A delivery was taken.
 * @returns `held`: whether this process may go on; `waiting`: whether other deliveries wait; `due`: whether there is more to do at all
 */
export async function settleTaken(
  { client }: Queries,
  { id, fence }: Held,
  delivery: string,
  { at, outcome }: { readonly at: Date; readonly outcome: string | undefined },
): Promise<{ readonly held: boolean; readonly waiting: boolean; readonly due: boolean }> {
  const { rows } = await client.query<{ held: boolean; waiting: boolean; looks: boolean }>(
    `with settled as (
       update webhook_subscription set not_before = null, failing_since = null,
         last_outcome = coalesce($5, last_outcome),
         last_attempt_at = case when $5::text is null then last_attempt_at else $4::timestamptz end,
         last_delivered_at = case when $5::text is null then last_delivered_at else $4::timestamptz end
       where id = $1 and fence = $2 returning id
     ), done as (
       delete from webhook_delivery where id = $3 and subscription in (select id from settled) and dead_at is null
     )
     select exists (select from settled) as held,
       w.checked_position < (select position from feed_head) or w.checked_epoch <> (select epoch from policy_state)
         or coalesce(w.check_at <= $4, false) as looks,
       exists (select from webhook_delivery d where d.subscription = w.id and d.dead_at is null and d.id <> $3) as waiting
     from webhook_subscription w where w.id = $1`,
    [id, fence, delivery, at.toISOString(), outcome ?? null],
  )
  const [found] = rows
  if (found === undefined) return { held: false, waiting: false, due: false }
  return { held: found.held, waiting: found.waiting, due: found.waiting || found.looks }
}

/** What a failed attempt changes. */
export interface FailedAttempt {
  readonly at: Date
  readonly outcome: string
  /** Not before then; null: at once. */
  readonly notBefore: Date | null
}

/**
 * An attempt failed: the subscription is let go until the next one is due.
 * @returns how often this delivery was tried and since when nothing was taken; undefined when the lease was lost
 */
export async function settleFailed(
  { client }: Transaction,
  { id, fence }: Held,
  delivery: string,
  { at, outcome, notBefore }: FailedAttempt,
): Promise<boolean> {
  const { rowCount } = await client.query(
    `with failed as (
       update webhook_subscription set holder = null, not_before = $5, last_attempt_at = $4, last_outcome = $6,
         failing_since = coalesce(failing_since, $4)
       where id = $1 and fence = $2 returning id
     )
     update webhook_delivery set attempts = attempts + 1 where id = $3 and subscription in (select id from failed)`,
    [id, fence, delivery, at.toISOString(), notBefore?.toISOString() ?? null, outcome],
  )
  return rowCount === 1
}

/** Gives a delivery up. */
export async function bury({ client }: Queries, delivery: string, at: Date, reason: string): Promise<void> {
  await client.query('update webhook_delivery set dead_at = $2, dead_reason = $3 where id = $1 and dead_at is null', [
    delivery,
    at.toISOString(),
    reason,
  ])
}

/** Dead letters of one subscription. */
export async function countDead({ client }: Queries, subscription: string): Promise<number> {
  const { rows } = await client.query<{ dead: number }>(
    'select count(*)::integer as dead from webhook_delivery where subscription = $1 and dead_at is not null',
    [subscription],
  )
  return rows[0]?.dead ?? 0
}
