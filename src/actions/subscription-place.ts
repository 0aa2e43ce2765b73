import type { Caller } from '../domain/caller.ts'
import { Fault } from '../domain/errors.ts'
import type { Context } from './context.ts'
import { checkCursor, follow } from './follow.ts'
import type { Asked } from './follow-filter.ts'

/** Where in the feed it begins. */
export interface Place {
  /** `beginning`: with everything that may be seen; `now`, when absent: with what comes. */
  readonly from?: 'beginning' | 'now'
  /** Of a delivery, or of the feed under the same filter. */
  readonly cursor?: string
}

/** @returns null for the beginning @throws {Fault} `invalid_request`, `cursor_invalid`, `cursor_outdated` */
export async function cursorAt(
  context: Context,
  caller: Caller,
  asked: Asked,
  { from, cursor }: Place,
): Promise<string | null> {
  // Asked wherever it begins: who may not follow learns it now.
  const { cursor: now } = await follow(context, caller, { ...asked, fromNow: true })
  if (cursor !== undefined) {
    if (from !== undefined) {
      throw new Fault('invalid_request', 'It begins at a cursor or at a place, not at both.', {
        position: { pointer: '/from' },
      })
    }
    await checkCursor(context, caller, asked, cursor)
    return cursor
  }
  return from === 'beginning' ? null : now
}
