import { createHash } from 'node:crypto'
import type { Caller } from '../domain/caller.ts'
import { Fault } from '../domain/errors.ts'
import type { Transaction } from '../store/database.ts'
import { closeReceipt, openReceipt } from '../store/receipts.ts'
import type { Context } from './context.ts'

/** What an `Idempotency-Key` is given with. */
export interface Keyed {
  /** The same key and input are said once. */
  readonly idempotencyKey?: string
}

/**
 * Makes something once for each key of an account, in the transaction of what is made. The receipt keeps its id and nothing that was said:
 * whoever asks again is answered as anybody who reads it then.
 * @param said what makes two requests the same
 * @param make @returns the id of what was made
 * @throws {Fault} `idempotency_key_reused`, `idempotency_in_progress`
 */
export async function once<View>(
  transaction: Transaction,
  context: Context,
  { reader }: Caller,
  { idempotencyKey }: Keyed,
  said: readonly unknown[],
  make: () => Promise<string>,
  read: (id: string) => Promise<View>,
): Promise<View> {
  if (idempotencyKey === undefined) return await read(await make())
  const receipt = await openReceipt(
    transaction,
    reader.account ?? '',
    context.clock(),
    idempotencyKey,
    abandonedAfterMs,
  )
  const digest = createHash('sha256').update(JSON.stringify(said)).digest()
  if ('opened' in receipt) {
    const id = await make()
    await closeReceipt(transaction, receipt.opened, digest, 201, JSON.stringify({ id }))
    return await read(id)
  }
  const { answer, requestDigest } = receipt.earlier
  if (answer === undefined || requestDigest === undefined)
    throw new Fault('idempotency_in_progress', 'A request with this Idempotency-Key is under way.', {
      retryAfterSeconds: 5,
    })
  if (!requestDigest.equals(digest))
    throw new Fault('idempotency_key_reused', 'This Idempotency-Key was used for a different request.')
  return await read((JSON.parse(answer) as { readonly id: string }).id)
}

const abandonedAfterMs = 5 * 60 * 1000
