import type { Queries, Transaction } from './database.ts'
import { reserveTime } from './feed.ts'
import { askVisible, Parameters, type VisibleTo } from './visible.ts'

/** What a reader of collections could see at its last look, and since when: see `collection_view`. */
export interface CollectionView {
  readonly version: number
  /** A byte for each handling id: 0 nothing, 1 whole, 2 masked. */
  readonly handlings: Uint8Array
  /** For each handling id the arrival by which it came to be shown; 0: it always was. */
  readonly arrivals: Uint32Array
  /** Where the feed reached at the first look. */
  readonly began: number
}

/** What was there already when it became visible. */
export interface Arrival {
  readonly arrival: number
  readonly upto: number
  readonly reserved: number
  readonly atMs: number
  readonly rows: number
}

/** Rows of an arrival in one millisecond. */
export const blockRows = 1_000

/** Which view is the present one, and how far the feed reaches, if the policy is the one decided by. @throws {PolicyMoved} */
export async function latestCollectionView(
  queries: Queries,
  policy: Pick<VisibleTo, 'epoch' | 'handlings'>,
  follower: Buffer,
): Promise<{ readonly present?: { readonly version: number; readonly judged: number }; readonly head: number }> {
  const parameters = new Parameters()
  const body = `select version, length(handlings) as judged from collection_view where follower = ${parameters.add(follower)}`
  const { rows, head } = await askVisible<{ version: number; judged: number }>(
    queries,
    policy,
    body,
    parameters,
    'latest collection view',
  )
  return rows[0] === undefined ? { head } : { present: rows[0], head }
}

export async function readCollectionView(
  { client }: Queries,
  follower: Buffer,
): Promise<{ readonly view: CollectionView; readonly arrivals: readonly Arrival[] } | undefined> {
  const { rows } = await client.query<{
    version: number
    handlings: Buffer
    arrivals: Buffer
    began: bigint
    list: readonly { arrival: number; upto: number; reserved: number; at_ms: number; rows: number }[] | null
  }>(
    `select version, handlings, arrivals, began,
       (select json_agg(a order by a.arrival) from (
          select arrival, upto, reserved, at_ms, rows from collection_arrival where follower = $1) a) as list
     from collection_view where follower = $1`,
    [follower],
  )
  const [row] = rows
  if (row === undefined) return undefined
  const numbers = new Uint32Array(row.arrivals.length / 4)
  for (let id = 0; id < numbers.length; id++) numbers[id] = row.arrivals.readUInt32LE(id * 4)
  return {
    view: { version: row.version, handlings: row.handlings, arrivals: numbers, began: Number(row.began) },
    arrivals: (row.list ?? []).map(({ at_ms, ...others }) => ({ ...others, atMs: at_ms })),
  }
}

/** @returns false when another process was first: look again */
export async function beginCollectionView(
  { client }: Queries,
  follower: Buffer,
  view: CollectionView,
): Promise<boolean> {
  const { rowCount } = await client.query(
    `insert into collection_view (follower, version, handlings, arrivals, began) values ($1, $2, $3, $4, $5)
     on conflict do nothing`,
    [follower, view.version, Buffer.from(view.handlings), bytesOf(view.arrivals), view.began],
  )
  return rowCount === 1
}

/** Adds handlings that were judged since. */
export async function extendCollectionView({ client }: Queries, follower: Buffer, view: CollectionView): Promise<void> {
  await client.query(
    `update collection_view set handlings = $3, arrivals = $4
     where follower = $1 and version = $2 and length(handlings) < length($3::bytea)`,
    [follower, view.version, Buffer.from(view.handlings), bytesOf(view.arrivals)],
  )
}

/**
 * Replaces a view by the next version, with what arrives by it, at a time that is taken from the feed for it.
 * @param view its `arrivals` name `arrival.arrival` where something came
 * @returns false when another process was first: look again
 */
export async function replaceCollectionView(
  transaction: Transaction,
  follower: Buffer,
  view: CollectionView,
  arrival: { readonly arrival: number; readonly upto: number; readonly positions: readonly number[] } | undefined,
  at: Date,
): Promise<boolean> {
  const { client } = transaction
  const { rowCount } = await client.query(
    `update collection_view set version = $2, handlings = $3, arrivals = $4 where follower = $1 and version = $2 - 1`,
    [follower, view.version, Buffer.from(view.handlings), bytesOf(view.arrivals)],
  )
  if (rowCount !== 1) return false
  // What nothing came by any more is nobody's time.
  await client.query('delete from collection_arrival where follower = $1 and not arrival = any($2::integer[])', [
    follower,
    [...new Set(view.arrivals)],
  ])
  if (arrival === undefined) return true
  const blocks = Math.ceil(arrival.positions.length / blockRows)
  for (let block = 0; block < blocks; block++) {
    const positions = arrival.positions.slice(block * blockRows, (block + 1) * blockRows)
    const [first = 0] = positions
    await client.query(
      `insert into collection_arrival_block (follower, arrival, block, first_position, last_position, offsets)
       values ($1, $2, $3, $4, $5, $6)`,
      [
        follower,
        arrival.arrival,
        block,
        first,
        positions.at(-1) ?? first,
        bytesOf(Uint32Array.from(positions, (p) => p - first)),
      ],
    )
  }
  // The feed is locked last: whoever publishes waits for one more row.
  const atMs = blocks === 0 ? 0 : await reserveTime(transaction, blocks, at)
  await client.query(
    `insert into collection_arrival (follower, arrival, upto, reserved, at_ms, rows)
     values ($1, $2, $3, case when $5 = 0 then $3 else (select position from feed_head) end, $4, $5)`,
    [follower, arrival.arrival, arrival.upto, atMs, arrival.positions.length],
  )
  return true
}

/** Positions of an arrival by their blocks, from a block on. */
export async function arrivedBlocks(
  { client }: Queries,
  follower: Buffer,
  arrival: number,
  from: number,
  count: number,
): Promise<ReadonlyMap<number, readonly number[]>> {
  const { rows } = await client.query<Block>(
    `select block, first_position, offsets from collection_arrival_block
     where follower = $1 and arrival = $2 and block >= $3 order by block limit $4`,
    [follower, arrival, from, count],
  )
  return new Map(rows.map((row) => [row.block, positionsOf(row)]))
}

/** Where a position is among those of an arrival, counted from 0; undefined when it is not. */
export async function arrivedAt(
  { client }: Queries,
  follower: Buffer,
  arrival: number,
  position: number,
): Promise<number | undefined> {
  const { rows } = await client.query<Block>(
    `select block, first_position, offsets from collection_arrival_block
     where follower = $1 and arrival = $2 and first_position <= $3 and last_position >= $3`,
    [follower, arrival, position],
  )
  const [row] = rows
  if (row === undefined) return undefined
  const n = positionsOf(row).indexOf(position)
  return n < 0 ? undefined : row.block * blockRows + n
}

interface Block {
  readonly block: number
  readonly first_position: bigint
  readonly offsets: Buffer
}

function positionsOf({ first_position, offsets }: Block): number[] {
  const first = Number(first_position)
  return Array.from({ length: offsets.length / 4 }, (_, n) => first + offsets.readUInt32LE(n * 4))
}

function bytesOf(numbers: Uint32Array): Buffer {
  const bytes = Buffer.alloc(numbers.length * 4)
  for (const [n, number] of numbers.entries()) bytes.writeUInt32LE(number, n * 4)
  return bytes
}
