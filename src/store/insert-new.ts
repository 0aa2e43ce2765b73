import type { Transaction } from './database.ts'
import type { Run } from './feed.ts'
import { copyNew, type NewIndicator, type PreparedBatch } from './staging.ts'

/**
 * Writes a batch of which nothing is there at a run of positions ({@link takePositions}), without comparing them with anything. A row that
 * is there after all fails them all (`already_exists`). @returns what was sent one behind the other, to be waited for together with what
 * else the transaction holds ({@link Database.sendTogether})
 */
export function insertPrepared(
  transaction: Transaction,
  originator: string,
  batch: PreparedBatch,
  run: Run,
): readonly Promise<unknown>[] {
  const { rows } = batch
  return [
    copyNew(transaction, batch, run),
    enterNew(transaction, rows.length, run),
    insertOthers(transaction, compoundOf(originator, rows)),
  ]
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

/** Writes the further observables of compound indicators. */
export async function insertOthers(
  { client }: Transaction,
  rows: readonly (Pick<NewIndicator, 'stixId' | 'others'> & { readonly originator: string })[],
): Promise<void> {
  const others = rows.flatMap(({ originator, stixId, others }) =>
    others.map((other, ordinal) => ({ ...other, originator, stixId, ordinal: ordinal + 1 })),
  )
  if (others.length === 0) return
  await client.query(
    `insert into indicator_observable (originator, stix_id, ordinal, type, value, value_key)
     select * from unnest($1::text[], $2::uuid[], $3::integer[], $4::text[], $5::text[], $6::bytea[])`,
    [
      others.map(({ originator }) => originator),
      others.map(({ stixId }) => stixId),
      others.map(({ ordinal }) => ordinal),
      others.map(({ type }) => type),
      others.map(({ value }) => value),
      others.map(({ valueKey }) => `\\x${valueKey}`),
    ],
  )
}

/** The compound ones of an originator's rows. */
export const compoundOf = (originator: string, rows: PreparedBatch['rows']): Parameters<typeof insertOthers>[1] =>
  rows.flatMap(({ stixId, others }) => (others.length === 0 ? [] : [{ originator, stixId, others }]))
