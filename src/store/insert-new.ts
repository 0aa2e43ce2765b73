import type { Transaction } from './database.ts'
import type { Run } from './feed.ts'
import { copyNew, type PreparedBatch } from './staging.ts'

/**
 * Writes a batch of which nothing is there at a run of positions ({@link takePositions}), without comparing them with anything. A row that
 * is there after all fails them all (`already_exists`). @returns what is left to send, to be waited for together with what else the
 * transaction holds ({@link Database.sendTogether})
 */
export async function insertPrepared(
  transaction: Transaction,
  originator: string,
  batch: PreparedBatch,
  run: Run,
): Promise<() => readonly Promise<unknown>[]> {
  const { rows } = batch
  await copyNew(transaction, batch, run)
  return () => [enterNew(transaction, rows.length, run), insertOthers(transaction, originator, rows)]
}

/** Feed entries of indicators that were just published at a run of positions. */
export async function enterNew({ client }: Transaction, count: number, { first }: Run): Promise<void> {
  await client.query(
    `insert into feed (position, at, kind, originator, stix_id, version, handling_id)
     select position, date_added, 'published', originator, stix_id, version, handling_id
     from indicator where position between $1 and $2`,
    [String(first), String(first + BigInt(count) - 1n)],
  )
}

/** The further observables of compound indicators. */
export async function insertOthers(
  { client }: Transaction,
  originator: string,
  rows: PreparedBatch['rows'],
): Promise<void> {
  const others = rows.flatMap(({ stixId, others }) =>
    others.map((other, ordinal) => ({ ...other, stixId, ordinal: ordinal + 1 })),
  )
  if (others.length === 0) return
  await client.query(
    `insert into indicator_observable (originator, stix_id, ordinal, type, value, value_key)
     select $1, * from unnest($2::uuid[], $3::integer[], $4::text[], $5::text[], $6::bytea[])`,
    [
      originator,
      others.map((other) => other.stixId),
      others.map((other) => other.ordinal),
      others.map((other) => other.type),
      others.map((other) => other.value),
      others.map((other) => `\\x${other.valueKey}`),
    ],
  )
}
