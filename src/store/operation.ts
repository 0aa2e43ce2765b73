import type { Queries } from './database.ts'

/** How far things are and what waits, of the whole node; nothing of it is about anybody. */
export interface OperationRow {
  readonly feed_position: number
  readonly audit_pending: number
  readonly webhooks_active: number
  readonly webhooks_failing: number
  readonly webhooks_paused: number
  readonly deliveries_waiting: number
  readonly deliveries_dead: number
  /** Age of the delivery that has waited longest; 0 where none waits. */
  readonly delivery_seconds: number
  readonly peers_active: number
  readonly peers_failing: number
  readonly peers_stale: number
  /** Since the last page of the active peer that gave none for longest; 0 where there is none. */
  readonly peer_seconds: number
}

/** What is waited for with webhooks and peers, by one statement: tables of as many rows as there are endpoints, peers and things that wait. */
export async function operation({ client }: Queries, at: Date, staleSeconds: number): Promise<OperationRow> {
  const { rows } = await client.query<OperationRow>(
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
     select (select position from feed_head)::float8 as feed_position, (select count(*) from audit_pending)::float8 as audit_pending,
       e.active::float8 as webhooks_active, e.failing::float8 as webhooks_failing, e.paused::float8 as webhooks_paused,
       d.waiting::float8 as deliveries_waiting, d.dead::float8 as deliveries_dead,
       greatest(0, coalesce(extract(epoch from $1::timestamptz - d.oldest), 0))::float8 as delivery_seconds,
       (select count(*) from peer where state = 'active')::float8 as peers_active,
       p.failing::float8 as peers_failing, p.stale::float8 as peers_stale, p.seconds::float8 as peer_seconds
     from endpoint e, delivery d, peers p`,
    [at.toISOString(), staleSeconds],
  )
  const [row] = rows
  if (row === undefined) throw new Error('the node said nothing of itself')
  return row
}
