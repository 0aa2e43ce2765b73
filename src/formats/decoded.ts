import type { Decoded, Draft } from '../domain/draft.ts'
import { Fault, type Position } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'

/**
 * Drafts and faults of a body in its order, in groups, one for each slice of the source: an asynchronous step for each record costs
 * as much as reading it.
 */
export type DecodedGroups = AsyncIterable<readonly Decoded[]>

/** The same one by one. */
export async function* oneByOne(groups: DecodedGroups): AsyncGenerator<Decoded> {
  for await (const group of groups) yield* group
}

/** The draft that `read` makes of a record, or the fault it found. Only faults are caught: a bug stays a bug. */
export const decoded = (position: Position, read: () => Draft): Decoded =>
  decodedAs(position, () => ({ draft: read() }))

/** The same where a record may be something else than a draft. */
export function decodedAs(position: Position, read: () => Decoded): Decoded {
  try {
    return read()
  } catch (error) {
    return { fault: faultAt(position, error) }
  }
}

/** A fault as it stands in a receipt; anything else is thrown on. */
export function faultAt(position: Position, error: unknown) {
  if (!(error instanceof Fault)) throw error
  return error.asRecordFault(position)
}

export const recordTooLarge = (position: Position): Decoded => ({
  fault: { position, code: 'record_too_large', message: `A record may have ${limits.recordBytes} bytes` },
})
