import { and, asc, eq, gt } from 'drizzle-orm'
import type { Queries, Transaction } from './database.ts'
import { quarantine } from './tables/federation.ts'

export type QuarantineRow = typeof quarantine.$inferSelect

export interface NewQuarantined {
  readonly originator: string | null
  readonly item: string | null
  readonly version: number | null
  readonly code: string
  readonly detail: string
  /** Null where it will never be applied. */
  readonly entry: string | null
  readonly retryAt: string | null
  readonly retryVersion: boolean
}

/** How much of one peer is kept. */
export async function quarantineSize(
  { client }: Queries,
  peer: string,
): Promise<{ readonly items: number; readonly bytes: number; readonly names: number }> {
  const { rows } = await client.query<{ items: bigint; bytes: bigint; names: bigint }>(
    `select count(*) as items, coalesce(sum(bytes), 0)::bigint as bytes, count(*) filter (where entry is null) as names
     from quarantine where peer = $1`,
    [peer],
  )
  return { items: Number(rows[0]?.items ?? 0), bytes: Number(rows[0]?.bytes ?? 0), names: Number(rows[0]?.names ?? 0) }
}

/** Keeps what was not applied; the same again only changes when. */
export async function keepQuarantined(
  { client }: Transaction,
  peer: string,
  items: readonly NewQuarantined[],
  at: Date,
): Promise<void> {
  if (items.length === 0) return
  await client.query(
    `insert into quarantine (peer, originator, item, version, code, detail, entry, bytes, retry_at, retry_version, at)
     select distinct on (coalesce(q.originator, ''), coalesce(q.item, ''), coalesce(q.version, 0), q.code)
       $1::uuid, q.originator, q.item, q.version, q.code, q.detail, q.entry, coalesce(octet_length(q.entry), 0), q.retry_at, q.retry_version,
       $10::timestamptz
     from unnest($2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::timestamptz[], $9::boolean[])
       q (originator, item, version, code, detail, entry, retry_at, retry_version)
     on conflict (peer, coalesce(originator, ''), coalesce(item, ''), coalesce(version, 0), code) do update set at = excluded.at`,
    [
      peer,
      items.map(({ originator }) => originator),
      items.map(({ item }) => item),
      items.map(({ version }) => version),
      items.map(({ code }) => code),
      items.map(({ detail }) => detail),
      items.map(({ entry }) => entry),
      items.map(({ retryAt }) => retryAt),
      items.map(({ retryVersion }) => retryVersion),
      at.toISOString(),
    ],
  )
}

/** A page of what is kept, the oldest first. */
export async function quarantined(
  { db }: Queries,
  { peer, code, after, limit }: { peer?: string; code?: string; after?: bigint; limit: number },
): Promise<QuarantineRow[]> {
  const conditions = [
    ...(peer === undefined ? [] : [eq(quarantine.peer, peer)]),
    ...(code === undefined ? [] : [eq(quarantine.code, code)]),
    ...(after === undefined ? [] : [gt(quarantine.id, after)]),
  ]
  return await db
    .select()
    .from(quarantine)
    .where(and(...conditions))
    .orderBy(asc(quarantine.id))
    .limit(limit)
}

export async function quarantinedById({ db }: Queries, id: bigint): Promise<QuarantineRow | undefined> {
  const [row] = await db.select().from(quarantine).where(eq(quarantine.id, id))
  return row
}

export async function dropQuarantined({ client }: Queries, ids: readonly bigint[]): Promise<number> {
  const { rowCount } = await client.query('delete from quarantine where id = any($1::bigint[])', [ids.map(String)])
  return rowCount ?? 0
}

/** What may be examined again by itself: its time has come, or its indicator got a version since. */
export async function dueAgain({ client }: Queries, at: Date, limit: number): Promise<bigint[]> {
  const { rows } = await client.query<{ id: bigint }>(
    `select id from quarantine where retry_at <= $1
     union all
     select q.id from quarantine q join envelope e on e.stix_id = substring(q.item from 12)::uuid and e.originator = q.originator
       where q.retry_version and e.at > q.at limit $2`,
    [at.toISOString(), limit],
  )
  return rows.map(({ id }) => id)
}

/** What a peer was not told of yet. */
export async function unreported({ client }: Queries, peer: string, limit: number): Promise<QuarantineRow[]> {
  const { rows } = await client.query<QuarantineRow>(
    `select id, originator, item, version, code from quarantine where peer = $1 and not reported and item like 'indicator--%'
     order by id limit $2`,
    [peer, limit],
  )
  return rows
}

export async function markReported({ client }: Queries, ids: readonly bigint[]): Promise<void> {
  await client.query('update quarantine set reported = true where id = any($1::bigint[])', [ids.map(String)])
}

/** What is kept with its bytes, by id. */
export async function quarantinedEntries(
  { client }: Queries,
  after: bigint,
  limit: number,
): Promise<{ readonly id: bigint; readonly entry: string }[]> {
  const { rows } = await client.query<{ id: bigint; entry: string }>(
    'select id, entry from quarantine where id > $1 and entry is not null order by id limit $2',
    [String(after), limit],
  )
  return rows
}

/** No organisation here may have them any more: their names stay. */
export async function forgetQuarantinedContent({ client }: Queries, ids: readonly bigint[]): Promise<void> {
  if (ids.length === 0) return
  await client.query(
    `update quarantine set entry = null, bytes = 0, retry_at = null, retry_version = false,
       detail = 'No organisation homed here may have it any more.' where id = any($1::bigint[])`,
    [ids.map(String)],
  )
}
