import { randomUUID } from 'node:crypto'
import type { Queries } from './database.ts'

/** A push as the node remembers it. `answer` is absent while it runs. */
export interface Receipt {
  readonly id: string
  readonly requestDigest?: Buffer
  readonly status?: number
  readonly answer?: string
}

/**
 * Opens a receipt. With an idempotency key that this account used before, the earlier receipt is returned instead.
 * A receipt left open by a crash counts as never made after `abandonedAfterMs`: the same key may then run again.
 */
export async function openReceipt(
  { client }: Queries,
  account: string,
  at: Date,
  idempotencyKey: string | undefined,
  abandonedAfterMs: number,
): Promise<{ readonly opened: string } | { readonly earlier: Receipt }> {
  const id = randomUUID()
  if (idempotencyKey !== undefined) {
    await client.query(
      'delete from receipt where account = $1 and idempotency_key = $2 and status is null and at < $3',
      [account, idempotencyKey, new Date(at.getTime() - abandonedAfterMs).toISOString()],
    )
  }
  const inserted = await client.query(
    `insert into receipt (id, account, at, idempotency_key) values ($1, $2, $3, $4)
     on conflict (account, idempotency_key) where idempotency_key is not null do nothing`,
    [id, account, at.toISOString(), idempotencyKey ?? null],
  )
  if (inserted.rowCount === 1) return { opened: id }
  const { rows } = await client.query<{
    id: string
    request_digest: Buffer | null
    status: number | null
    answer: string | null
  }>('select id, request_digest, status, answer from receipt where account = $1 and idempotency_key = $2', [
    account,
    idempotencyKey,
  ])
  const [row] = rows
  // Whoever had it failed, and gave it back just now: that was under way.
  if (row === undefined) return { earlier: { id } }
  return {
    earlier: {
      id: row.id,
      ...(row.request_digest === null ? {} : { requestDigest: row.request_digest }),
      ...(row.status === null ? {} : { status: row.status }),
      ...(row.answer === null ? {} : { answer: row.answer }),
    },
  }
}

/** @returns false when it is not there any more: its key runs again already */
export async function closeReceipt(
  { client }: Queries,
  id: string,
  requestDigest: Buffer,
  status: number,
  answer: string,
): Promise<boolean> {
  const { rowCount } = await client.query(
    'update receipt set request_digest = $2, status = $3, answer = $4 where id = $1',
    [id, requestDigest, status, answer],
  )
  return rowCount === 1
}

/** Says that it still runs, in the transaction of one of its batches. */
export async function touchReceipt({ client }: Queries, id: string, at: Date): Promise<void> {
  await client.query('update receipt set at = $2 where id = $1', [id, at.toISOString()])
}

/** Forgets a receipt whose push failed as a whole, so that the same idempotency key may be tried again. */
export async function dropReceipt({ client }: Queries, id: string): Promise<void> {
  await client.query('delete from receipt where id = $1 and status is null', [id])
}
