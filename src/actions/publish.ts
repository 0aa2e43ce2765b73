import type { Caller } from '../domain/caller.ts'
import { Fault, type RecordFault } from '../domain/errors.ts'
import type { HandlingInput } from '../domain/handling.ts'
import { limits } from '../domain/limits.ts'
import type { DecodedGroups } from '../formats/decoded.ts'
import { closeReceipt, dropReceipt, openReceipt } from '../store/receipts.ts'
import { Batch } from './batch.ts'
import type { Context } from './context.ts'
import { verb } from './verb.ts'

export interface PublishInput {
  /** Drafts and faults as a codec yields them; read once, to the end. */
  readonly decoded: DecodedGroups
  /** Handling for what the input does not say; where both speak, the stricter holds. */
  readonly defaults: HandlingInput
  readonly idempotencyKey?: string
  /** SHA-256 of the body and of what was asked beside it; called once the body was read. */
  readonly requestDigest: () => Buffer
}

export interface PublishReceipt {
  /** UUID. */
  readonly receipt: string
  /** Indicators that are new, or a new version. */
  readonly accepted: number
  /** Indicators that were there already, and equal. */
  readonly unchanged: number
  /** The first 10,000 records that were refused; `rejectedTotal` counts all. */
  readonly rejected: readonly RecordFault[]
  readonly rejectedTotal: number
}

/** A push without a batch for this long has died with its process; if not, two of one content do no harm. */
const abandonedAfterMs = 5 * 60 * 1000

/**
 * Publishes a stream of drafts as the caller's organisation, in batches that commit row, feed entry and audit leaf together.
 * What a batch committed stays if the stream breaks later; pushing it again leaves it as it is.
 * @throws {Fault} `idempotency_key_reused`, `idempotency_in_progress`
 */
export const publish = verb(
  'publish',
  async (context: Context, caller: Caller, input: PublishInput, standing): Promise<PublishReceipt> => {
    const account = caller.reader.account ?? ''
    const opened = await openReceipt(context.database, account, context.clock(), input.idempotencyKey, abandonedAfterMs)
    if ('earlier' in opened) return await replay(opened.earlier, input)
    try {
      const receipt = await take(
        new Batch(context, caller, standing, input.defaults, opened.opened),
        input,
        opened.opened,
      )
      await closeReceipt(context.database, opened.opened, input.requestDigest(), 200, JSON.stringify(receipt))
      return receipt
    } catch (error) {
      await dropReceipt(context.database, opened.opened)
      throw error
    }
  },
)

async function take(batch: Batch, input: PublishInput, receipt: string): Promise<PublishReceipt> {
  const rejected: RecordFault[] = []
  let rejectedTotal = 0
  const reject = (faults: readonly RecordFault[]) => {
    rejectedTotal += faults.length
    for (const fault of faults) if (rejected.length < limits.faultsListed) rejected.push(fault)
  }
  try {
    for await (const group of input.decoded) {
      for (const decoded of group) {
        if ('fault' in decoded) reject([decoded.fault])
        else reject(await batch.add(decoded.draft))
      }
    }
  } catch (error) {
    // A body that breaks off is a fault at its end: what came before it stands.
    if (!(error instanceof Fault) || error.kind !== 'invalid') throw error
    reject([error.asRecordFault({})])
  }
  reject(await batch.flush())
  rejected.sort((a, b) => (a.position.record ?? 0) - (b.position.record ?? 0))
  return { receipt, accepted: batch.accepted, unchanged: batch.unchanged, rejected, rejectedTotal }
}

/** The answer given before, if the request is the same one. */
async function replay(
  earlier: { readonly requestDigest?: Buffer; readonly answer?: string },
  input: PublishInput,
): Promise<PublishReceipt> {
  if (earlier.answer === undefined || earlier.requestDigest === undefined) {
    throw new Fault('idempotency_in_progress', 'A push with this Idempotency-Key is under way.', {
      retryAfterSeconds: 5,
    })
  }
  for await (const _ of input.decoded) {
    // Read to the end for its digest; nothing is written.
  }
  if (!earlier.requestDigest.equals(input.requestDigest())) {
    throw new Fault('idempotency_key_reused', 'This Idempotency-Key was used for a different request.')
  }
  return JSON.parse(earlier.answer) as PublishReceipt
}
