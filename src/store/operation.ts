import type { Queries } from './database.ts'

/** How far things are and what waits, of the whole node; nothing of it is about anybody. */
export interface Operation {
  readonly feedPosition: number
  readonly auditPending: number
  readonly webhooksActive: number
  readonly webhooksFailing: number
  readonly webhooksPaused: number
  readonly deliveriesWaiting: number
  readonly deliveriesDead: number
  /** Age of the delivery that has waited longest; 0 where none waits. */
  readonly deliverySeconds: number
  readonly peersActive: number
  readonly peersFailing: number
  readonly peersStale: number
  /** Since the last page of the active peer that gave none for longest; 0 where there is none. */
  readonly peerSeconds: number
}

/** What is waited for with webhooks and peers, by one statement: tables of as many rows as there are endpoints, peers and things that wait. */
export async function operation({ client }: Queries, at: Date, staleSeconds: number): Promise<Operation> {
  const { rows } = await client.query<Operation>(
    `with endpoint as (
       select count(*) filter (where paused_at is null and failing_since is null) as active,
         count(*) filter (where paused_at is null and failing_since is not null) as failing,
         count(*) filter (where paused_at is not null) as paused
       from webhook_subscription
     ), delivery as (
       select count(*) filter (where dead_at is null) as waiting, count(dead_at) as dead,
         min(created_at) filter (where dead_at is null) as oldest
       from webhook_delivery
     ), taken as (
       select s.failing_since is not null as failing,
         greatest(0, extract(epoch from $1::timestamptz - coalesce(s.last_page_at, p.enrolled_at))) as seconds
       from peer p left join peer_state s on s.peer = p.id
       where p.state = 'active' and p.direction in ('both', 'receive')
     ), peers as (
       select count(*) filter (where failing) as failing, count(*) filter (where seconds > $2) as stale,
         coalesce(max(seconds), 0) as seconds from taken
     )
     select (select position from feed_head)::float8 as "feedPosition", (select count(*) from audit_pending)::float8 as "auditPending",
       e.active::float8 as "webhooksActive", e.failing::float8 as "webhooksFailing", e.paused::float8 as "webhooksPaused",
       d.waiting::float8 as "deliveriesWaiting", d.dead::float8 as "deliveriesDead",
       greatest(0, coalesce(extract(epoch from $1::timestamptz - d.oldest), 0))::float8 as "deliverySeconds",
       (select count(*) from peer where state = 'active')::float8 as "peersActive",
       p.failing::float8 as "peersFailing", p.stale::float8 as "peersStale", p.seconds::float8 as "peerSeconds"
     from endpoint e, delivery d, peers p`,
    [at.toISOString(), staleSeconds],
  )
  const [row] = rows
  if (row === undefined) throw new Error('the node said nothing of itself')
  return row
}
