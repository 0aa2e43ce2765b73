import type { Queries, Transaction } from './database.ts'

/** The last period of this node's log in an epoch of its feed; undefined before the first. */
export async function lastPeriod(
  { client }: Queries,
  epoch: string,
): Promise<{ readonly size: number; readonly at: Date } | undefined> {
  const { rows } = await client.query<{ size: number; at: Date }>(
    'select size, at from period where epoch = $1 order by size desc limit 1',
    [epoch],
  )
  return rows[0]
}

export interface NewPeriod {
  readonly epoch: string
  readonly size: number
  /** 32 bytes. */
  readonly salt: Uint8Array
  /** Of its leaf and of the subtrees that it ends, the smallest first. */
  readonly hashes: readonly Uint8Array[]
  readonly uptoSeal: bigint
  readonly at: Date
}

export async function insertPeriod(
  { client }: Transaction,
  { epoch, size, salt, hashes, uptoSeal, at }: NewPeriod,
): Promise<void> {
  await client.query('insert into period (epoch, size, salt, hashes, upto_seal, at) values ($1, $2, $3, $4, $5, $6)', [
    epoch,
    size,
    salt,
    Buffer.concat(hashes),
    String(uptoSeal),
    at.toISOString(),
  ])
}

/** The hashes that are kept with these periods, one behind the other. */
export async function keptWith(
  { client }: Queries,
  epoch: string,
  sizes: readonly number[],
): Promise<Map<number, Buffer>> {
  const { rows } = await client.query<{ size: number; hashes: Buffer }>(
    'select size, hashes from period where epoch = $1 and size = any($2::integer[])',
    [epoch, sizes],
  )
  return new Map(rows.map(({ size, hashes }) => [size, hashes]))
}

/** This node's seals that no period covers yet, in the order in which they were made. */
export async function uncoveredSeals(
  { client }: Transaction,
  node: string,
): Promise<{ readonly seals: string[]; readonly upto: bigint }> {
  const { rows } = await client.query<{ id: bigint; jws: string }>(
    'select id, jws from seal where node = $1 and id > coalesce((select max(upto_seal) from period), 0) order by id',
    [node],
  )
  const { rows: before } = await client.query<{ upto: bigint }>(
    'select coalesce(max(upto_seal), 0)::bigint as upto from period',
  )
  return { seals: rows.map(({ jws }) => jws), upto: rows.at(-1)?.id ?? before[0]?.upto ?? 0n }
}
