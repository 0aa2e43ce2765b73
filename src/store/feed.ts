import type { Queries, Transaction } from './database.ts'

/** A run of positions handed to one transaction: `first` … `first + count - 1`, one microsecond apart. */
export interface Run {
  readonly first: bigint
  /** Microseconds since 1970 of the first position. */
  readonly firstAtMicros: bigint
}

/** Tells every process, when the transaction commits, how far the feed reaches. */
export const feedChannel = 'puente_feed'

/** Rows a partition of a log holds; the same number as in `ensure_partitions`. */
const partitionRows = 10_000_000n

/**
 * Takes the feed's head for this transaction. The row stays locked until commit or rollback, so positions are given out
 * in the order in which they become visible: a follower at position N never misses a smaller one that commits later (ADR 4).
 */
export async function lockFeed({ client }: Transaction): Promise<void> {
  await client.query('select 1 from feed_head for update')
}

/**
 * Hands out `count` positions and their times, each at least `at` and later than every one before.
 * Call with the feed locked.
 * @param runs of what is new altogether and replaces nothing ({@link runsText}): whoever hears of it need not read it
 */
export async function takePositions({ client }: Transaction, count: number, at: Date, runs = ''): Promise<Run> {
  const { rows } = await client.query<{ last: bigint; last_micros: string }>(
    `with taken as (
       update feed_head set position = position + $1,
         at = greatest($2::timestamptz, at + interval '1 microsecond') + ($1 - 1) * interval '1 microsecond'
       returning position as last, (extract(epoch from at) * 1000000)::bigint::text as last_micros
     )
     select last, last_micros, pg_notify('${feedChannel}', concat_ws(' ', last, last_micros, $3::text)) from taken`,
    [count, at.toISOString(), runs],
  )
  const [row] = rows
  if (row === undefined) throw new Error('the feed has no head')
  const first = row.last - BigInt(count) + 1n
  if (first / partitionRows !== (row.last + 1n) / partitionRows || first === 1n) {
    await client.query('select ensure_partitions($1, $2)', ['feed', String(row.last + partitionRows)])
  }
  return { first, firstAtMicros: BigInt(row.last_micros) - BigInt(count) + 1n }
}

/**
 * Takes time from the feed without a position: so many whole milliseconds, at least `at`, in which nothing is or will be published.
 * @returns the first of them, in milliseconds since 1970. Locks the feed until commit
 */
export async function reserveTime({ client }: Transaction, milliseconds: number, at: Date): Promise<number> {
  const { rows } = await client.query<{ end: string }>(
    `update feed_head set at =
       greatest($1::timestamptz, date_trunc('milliseconds', at) + interval '1 millisecond')
         + $2::bigint * interval '1 millisecond' - interval '1 microsecond'
     returning (extract(epoch from at) * 1000000)::bigint::text as end`,
    [at.toISOString(), milliseconds],
  )
  const [row] = rows
  if (row === undefined) throw new Error('the feed has no head')
  return Number((BigInt(row.end) + 1n) / 1000n) - milliseconds
}

/**
 * Ends the millisecond of the last position, so that nothing can be added to it: whoever sorts what lies in one millisecond must have all
 * of it. Does not wait for whoever is publishing.
 * @returns the last position, and the first one of its millisecond where that could not be ended
 */
export async function endMillisecond({ client }: Queries): Promise<{ readonly head: number; readonly open?: number }> {
  const ended = await client.query<{ position: bigint }>(
    `update feed_head set at = date_trunc('milliseconds', at) + interval '999 microseconds'
     where singleton in (select singleton from feed_head for update skip locked) returning position`,
  )
  const [row] = ended.rows
  if (row !== undefined) return { head: Number(row.position) }
  const { rows } = await client.query<{ position: bigint; slot: number }>(
    'select position, extract(microseconds from at)::int % 1000 as slot from feed_head',
  )
  const [head] = rows
  if (head === undefined) throw new Error('the feed has no head')
  const position = Number(head.position)
  return head.slot === 999 ? { head: position } : { head: position, open: position - head.slot }
}

/**
 * Where a time lies in the feed.
 * @param micros microseconds since 1970
 * @returns `before`: the last position of an earlier millisecond, 0 where there is none; `start`: the first position of this very
 * millisecond, where something was published in it
 */
export async function placeOfTime(
  { client }: Queries,
  micros: bigint,
): Promise<{ readonly before: number; readonly start?: number }> {
  const { rows } = await client.query<{ before: bigint; start: bigint | null }>(
    `with recursive wanted as (
       select timestamptz 'epoch' + $1::bigint * interval '1 millisecond' as from_at
     ), search as (
       select 0::bigint as low, (select position + 1 from feed_head) as high
       union all
       select case when f.at is null or f.at < w.from_at then s.middle else s.low end,
         case when f.at is null or f.at < w.from_at then s.high else s.middle end
       from (select low, high, (low + high) / 2 as middle from search where high - low > 1) s cross join wanted w
       left join lateral (
         select at from (
           (select position, at from feed where position > s.low and position <= s.middle order by position desc limit 1)
           union all
           (select position, date_added from stix_object where position > s.low and position <= s.middle
            order by position desc limit 1)) both_kinds order by position desc limit 1) f on true
     ), found as (select low, high from search where high - low <= 1)
     select low as before, (select position - extract(microseconds from at)::int % 1000 from (
         select position, at from feed where position = high
         union all select position, date_added from stix_object where position = high) last
       where at < (select from_at from wanted) + interval '1 millisecond') as start from found`,
    [String(micros / 1000n)],
  )
  const [row] = rows
  if (row === undefined) throw new Error('the feed answered nothing')
  return { before: Number(row.before), ...(row.start === null ? {} : { start: Number(row.start) }) }
}

/** Whether among the newest entries there is one since then that is, or was, under one of these handlings (a byte for each id). */
export async function newsFor(
  { client }: Queries,
  since: Date,
  handlings: Uint8Array,
  entries: number,
): Promise<boolean> {
  const { rows } = await client.query<{ news: boolean }>(
    `select exists (
       select from (select at, handling_id, previous_handling_id from feed order by position desc limit $3) f
       where f.at > $1 and (
         (f.handling_id < length($2::bytea) and get_byte($2::bytea, f.handling_id) <> 0)
         or (f.previous_handling_id < length($2::bytea) and get_byte($2::bytea, f.previous_handling_id) <> 0))) as news`,
    [since.toISOString(), Buffer.from(handlings), entries],
  )
  return rows[0]?.news === true
}
