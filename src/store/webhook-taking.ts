import { and, eq, isNull } from 'drizzle-orm'
import type { Queries } from './database.ts'
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
 * held at once, and of one organisation, so that their slow endpoints do not use up the places of others.
 * @param working what this process works on already
 */
export async function takeDue(
  { client }: Queries,
  sender: string,
  at: Date,
  {
    room,
    ofAccount,
    ofOrganisation,
    working,
  }: {
    readonly room: number
    readonly ofAccount: number
    readonly ofOrganisation: number
    readonly working: readonly string[]
  },
): Promise<Held[]> {
  const { rows } = await client.query<Held>(
    `with due as (
       select w.id, w.served_at, w.account, a.organisation,
         row_number() over (partition by w.account order by w.served_at, w.id) as nth
       from webhook_subscription w join account a on a.id = w.account
       where ${isDue('$2')} and not (w.id = any($5::uuid[])) and (w.holder is null or w.holder = $1 or not ${isHeld})
     ), held as (
       select w.account, a.organisation, count(*) as busy from webhook_subscription w join account a on a.id = w.account
       where ${isHeld} and (w.holder <> $1 or w.id = any($5::uuid[])) group by w.account, a.organisation
     ), possible as (
       select due.*, row_number() over (partition by due.organisation order by due.served_at, due.id) as nth_of_all
       from due left join held on held.account = due.account where due.nth + coalesce(held.busy, 0) <= $4
     ), taken as (
       select w.id from webhook_subscription w join possible due on due.id = w.id
       where due.nth_of_all + coalesce((select sum(busy) from held where held.organisation = due.organisation), 0) <= $6
         and (w.holder is null or w.holder = $1 or not ${isHeld})
       order by due.served_at limit $3 for update of w skip locked
     )
     update webhook_subscription w set holder = $1, fence = fence + 1, served_at = clock_timestamp()
     from taken where w.id = taken.id returning w.id, w.fence`,
    [sender, at.toISOString(), room, ofAccount, working, ofOrganisation],
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

export const lookedValues = ({ cursor, position, epoch, again }: Looked): unknown[] => [
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

/** Waits without an attempt having failed: something of the node's own was not available. */
export async function postpone({ client }: Queries, { id, fence }: Held, notBefore: Date): Promise<void> {
  await client.query('update webhook_subscription set holder = null, not_before = $3 where id = $1 and fence = $2', [
    id,
    fence,
    notBefore.toISOString(),
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
