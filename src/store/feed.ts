import type { Transaction } from './database.ts'

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
 */
export async function takePositions({ client }: Transaction, count: number, at: Date): Promise<Run> {
  const { rows } = await client.query<{ last: bigint; last_micros: string }>(
    `with taken as (
       update feed_head set position = position + $1,
         at = greatest($2::timestamptz, at + interval '1 microsecond') + ($1 - 1) * interval '1 microsecond'
       returning position as last, (extract(epoch from at) * 1000000)::bigint::text as last_micros
     )
     select last, last_micros, pg_notify('${feedChannel}', last::text) from taken`,
    [count, at.toISOString()],
  )
  const [row] = rows
  if (row === undefined) throw new Error('the feed has no head')
  const first = row.last - BigInt(count) + 1n
  if (first / partitionRows !== (row.last + 1n) / partitionRows || first === 1n) {
    await client.query('select ensure_partitions($1, $2)', ['feed', String(row.last + partitionRows)])
  }
  return { first, firstAtMicros: BigInt(row.last_micros) - BigInt(count) + 1n }
}
