import type { Caller } from '../domain/caller.ts'
import { Fault } from '../domain/errors.ts'
import type { ObservationFormat } from '../formats/observations.ts'
import { dropObservations } from '../store/observations.ts'
import { closeReceipt, dropReceipt, openReceipt } from '../store/receipts.ts'
import type { Context } from './context.ts'
import { type ObservationNews, ObservationStream, type ObservationTotals } from './observation-stream.ts'
import { verb } from './verb.ts'

export interface ObserveInput {
  readonly format: ObservationFormat
  /** Read once, to its end. */
  readonly body: AsyncIterable<Buffer>
  /** Only the totals, or each hit as it is found. */
  readonly answer: 'counts' | 'hits'
  /** With it the stream counts as a whole or not at all, and once however often it is sent; with `counts` only. */
  readonly idempotencyKey?: string
  /** SHA-256 of the body and of what was asked beside it; called once the body was read, if there is a key. */
  readonly requestDigest: () => Buffer
}

/** News as the body is read, and the totals when everything that they count is committed. */
export type Observing = AsyncGenerator<readonly ObservationNews[], ObservationTotals>

/** A stream with a key that was not heard of for this long has died with its process. */
const abandonedAfterMs = 5 * 60 * 1000

/**
 * Takes observations of the caller's organisation: values are matched against what the caller may see, and counted for each
 * indicator by the hour. Nothing happens before the first step of what is returned.
 * @throws {Fault} `unavailable` with too many streams, `invalid_request`
 */
export const observe = verb(
  'observe',
  async (context: Context, caller: Caller, input: ObserveInput): Promise<Observing> => {
    if (input.idempotencyKey !== undefined && input.answer === 'hits') {
      throw new Fault('invalid_request', 'An Idempotency-Key goes with answer=counts: hits are not kept.')
    }
    const account = caller.reader.account ?? ''
    context.observing.refuseBeyond(account)
    // Loading may take a while: before anything is said.
    await context.known.current()
    return context.observing.during(account, () => observing(context, caller, input))
  },
)

async function* observing(context: Context, caller: Caller, input: ObserveInput): Observing {
  return input.idempotencyKey === undefined
    ? yield* await read(context, caller, input)
    : await readOnce(context, caller, input, input.idempotencyKey)
}

async function read(context: Context, caller: Caller, input: ObserveInput, receipt?: string): Promise<Observing> {
  const stream = new ObservationStream(context, caller, await context.known.current(), {
    format: input.format,
    wantsHits: input.answer === 'hits',
    ...(receipt === undefined ? {} : { receipt }),
  })
  return stream.run(input.body)
}

/** Counts all of it with the receipt, or nothing. */
async function readOnce(
  context: Context,
  caller: Caller,
  input: ObserveInput,
  idempotencyKey: string,
): Promise<ObservationTotals> {
  const { database, clock } = context
  const account = caller.reader.account ?? ''
  const opened = await openReceipt(database, account, clock(), idempotencyKey, abandonedAfterMs)
  if ('earlier' in opened) return await replay(opened.earlier, input)
  try {
    const totals = await toTheEnd(await read(context, caller, input, opened.opened))
    if (!(await closeReceipt(database, opened.opened, input.requestDigest(), 200, JSON.stringify(totals))))
      throw takenOver()
    return totals
  } catch (error) {
    await dropReceipt(database, opened.opened)
    await dropObservations(database, opened.opened)
    throw error
  }
}

/** Its receipt counted as abandoned, and somebody sends the same again: nothing of this stream is counted. */
const takenOver = (): Fault =>
  new Fault(
    'idempotency_in_progress',
    'A stream with this Idempotency-Key began again meanwhile: this one is not counted.',
    {
      retryAfterSeconds: 5,
    },
  )

/** The totals of a stream whose news nobody wants. */
export async function toTheEnd(observing: Observing): Promise<ObservationTotals> {
  for (let next = await observing.next(); ; next = await observing.next()) if (next.done === true) return next.value
}

async function replay(
  earlier: { readonly requestDigest?: Buffer; readonly answer?: string },
  input: ObserveInput,
): Promise<ObservationTotals> {
  if (earlier.answer === undefined || earlier.requestDigest === undefined) {
    throw new Fault('idempotency_in_progress', 'A stream with this Idempotency-Key is under way.', {
      retryAfterSeconds: 5,
    })
  }
  for await (const _ of input.body) {
    // Read to the end for its digest; nothing is counted.
  }
  if (!earlier.requestDigest.equals(input.requestDigest())) {
    throw new Fault('idempotency_key_reused', 'This Idempotency-Key was used for a different request.')
  }
  return JSON.parse(earlier.answer) as ObservationTotals
}
