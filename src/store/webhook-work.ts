import { and, eq, isNull } from 'drizzle-orm'
import type { Queries, Transaction } from './database.ts'
import { webhookSubscription } from './tables/webhooks.ts'
import type { SubscriptionRow } from './webhook-subscriptions.ts'

/** A subscription that this process works on: nobody else writes under this fence. */
export interface Held {
  readonly id: string
  readonly fence: bigint
}

/** There is something to send, or to look for: the feed, the policy or time is beyond what was looked at. `$at` is an instant. */
const isDue = (at: string) => `w.paused_at is null and (w.not_before is null or w.not_before <= ${at}) and (
  w.checked_position < (select position from feed_head) or w.checked_epoch <> (select epoch from policy_state)
  or w.check_at <= ${at} or exists (select from webhook_delivery d where d.subscription = w.id and d.dead_at is null))`

/** Its process is alive, as far as anybody knows. */
const isHeld = 'w.holder in (select id from webhook_sender where alive_until > clock_timestamp())'

/** Says that this process is alive for so long, and forgets those that are not since a minute. */
export async function heartbeat({ client }: Queries, sender: string, leaseMs: number): Promise<void> {
  await client.query(
    `with gone as (delete from webhook_sender where alive_until < clock_timestamp() - interval '1 minute' and id <> $1)
     insert into webhook_sender (id, alive_until) values ($1, clock_timestamp() + $2 * interval '1 millisecond')
     on conflict (id) do update set alive_until = excluded.alive_until`,
    [sender, leaseMs],
  )
}

/** Others need not wait until it is dead. */
export async function stopBeating({ client }: Queries, sender: string): Promise<void> {
  await client.query('delete from webhook_sender where id = $1', [sender])
}

/**
 * Takes subscriptions that are due and that no living process holds, the longest unserved first. Of one account only so many are
 * held at once, so that its slow endpoints do not use up the places of others.
 * @param working what this process works on already
 */
export async function takeDue(
  { client }: Queries,
  sender: string,
  at: Date,
  {
    room,
    ofAccount,
    working,
  }: { readonly room: number; readonly ofAccount: number; readonly working: readonly string[] },
): Promise<Held[]> {
  const { rows } = await client.query<Held>(
    `with due as (
       select w.id, w.served_at, w.account, row_number() over (partition by w.account order by w.served_at, w.id) as nth
       from webhook_subscription w
       where ${isDue('$2')} and not (w.id = any($5::uuid[])) and (w.holder is null or w.holder = $1 or not ${isHeld})
     ), held as (
       select w.account, count(*) as busy from webhook_subscription w where ${isHeld} and (w.holder <> $1 or w.id = any($5::uuid[]))
       group by w.account
     ), taken as (
       select w.id from webhook_subscription w join due on due.id = w.id left join held on held.account = w.account
       where due.nth + coalesce(held.busy, 0) <= $4
         and (w.holder is null or w.holder = $1 or not ${isHeld})
       order by due.served_at limit $3 for update of w skip locked
     )
     update webhook_subscription w set holder = $1, fence = fence + 1, served_at = clock_timestamp()
     from taken where w.id = taken.id returning w.id, w.fence`,
    [sender, at.toISOString(), room, ofAccount, working],
  )
  return rows
}

/** As it is now, if it is still held under this fence and not paused. */
export async function readHeld({ db }: Queries, { id, fence }: Held): Promise<SubscriptionRow | undefined> {
  const [row] = await db
    .select()
    .from(webhookSubscription)
    .where(
      and(eq(webhookSubscription.id, id), eq(webhookSubscription.fence, fence), isNull(webhookSubscription.pausedAt)),
    )
  return row
}

/** How far was looked: the feed's position, the policy's epoch, and when to look again whatever happens. */
export interface Looked {
  readonly cursor: string
  readonly position: number
  readonly epoch: bigint
  readonly again: Date | null
}

const lookedValues = ({ cursor, position, epoch, again }: Looked): unknown[] => [
  cursor,
  position,
  epoch,
  again?.toISOString() ?? null,
]

/** There was nothing more: it is let go until there may be. */
export async function letGo({ client }: Queries, { id, fence }: Held, looked?: Looked): Promise<void> {
  if (looked === undefined) {
    await client.query('update webhook_subscription set holder = null where id = $1 and fence = $2', [id, fence])
    return
  }
  await client.query(
    `update webhook_subscription set holder = null, cursor = $3, checked_position = $4, checked_epoch = $5, check_at = $6
     where id = $1 and fence = $2 and paused_at is null`,
    [id, fence, ...lookedValues(looked)],
  )
}

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

/** Waits without an attempt having failed: something of the node's own was not available. */
export async function postpone({ client }: Queries, { id, fence }: Held, notBefore: Date): Promise<void> {
  await client.query('update webhook_subscription set holder = null, not_before = $3 where id = $1 and fence = $2', [
    id,
    fence,
    notBefore.toISOString(),
  ])
}

/** Gives a delivery up. */
export async function bury({ client }: Queries, delivery: string, at: Date, reason: string): Promise<void> {
  await client.query('update webhook_delivery set dead_at = $2, dead_reason = $3 where id = $1 and dead_at is null', [
    delivery,
    at.toISOString(),
    reason,
  ])
}

/** Pauses a subscription that is held, or was failed under this fence. @returns whether it was not paused before */
export async function pauseHeld({ client }: Queries, { id, fence }: Held, reason: string, at: Date): Promise<boolean> {
  const { rowCount } = await client.query(
    `update webhook_subscription set paused_at = $3, paused_reason = $4, holder = null, not_before = null
     where id = $1 and fence = $2 and paused_at is null`,
    [id, fence, at.toISOString(), reason],
  )
  return rowCount === 1
}

/** Dead letters of one subscription. */
export async function countDead({ client }: Queries, subscription: string): Promise<number> {
  const { rows } = await client.query<{ dead: number }>(
    'select count(*)::integer as dead from webhook_delivery where subscription = $1 and dead_at is not null',
    [subscription],
  )
  return rows[0]?.dead ?? 0
}
