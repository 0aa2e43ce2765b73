import type { ActionName } from '../domain/action-names.ts'
import type { Caller } from '../domain/caller.ts'
import { readerOfOrganisation } from '../domain/directory.ts'
import type { Reply, ReplyMessage } from '../domain/reply.ts'
import { replySideOf, speakerShown } from '../policy/broker.ts'
import { sourceOf } from '../policy/release.ts'
import type { Queries, Transaction } from '../store/database.ts'
import { repliesOf, replyMessagesOf, type StoredReply } from '../store/replies.ts'
import { wordsVisibleTo } from './assistance-view.ts'
import type { Context, Standing } from './context.ts'
import { absent } from './read.ts'
import { record } from './verb.ts'
import { releaseFacts } from './visible.ts'

/** An exchange with what was said in it. */
export interface ReplyView extends Reply {
  readonly messages: readonly ReplyMessage[]
}

/** One that the caller may have. @throws {Fault} `not_found` */
export async function knownReply(queries: Queries, context: Context, caller: Caller, standing: Standing, id: string) {
  const [found] = await repliesOf(queries, wordsVisibleTo(context, caller, standing), { id, limit: 1 })
  if (found === undefined) throw absent()
  return found
}

/** One with what was said, as the caller may have it. @throws {Fault} `not_found` */
export async function replyView(
  queries: Queries,
  context: Context,
  caller: Caller,
  standing: Standing,
  id: string,
): Promise<ReplyView> {
  const found = await knownReply(queries, context, caller, standing, id)
  const reading = replySideOf(caller, found)
  if (reading === undefined) throw absent()
  const messages = await replyMessagesOf(queries, wordsVisibleTo(context, caller, standing), id)
  const anonymous = replyAlias(context, caller, standing, found) !== null
  return {
    ...replyShown(context, caller, standing, found),
    messages: messages.map(({ account, ...message }) =>
      speakerShown(reading, message.from, anonymous) ? { ...message, account } : message,
    ),
  }
}

/** What the replier knows the source by, where that is no name: also of one that was named when they began, and is not any more. */
export function replyAlias(context: Context, caller: Caller, standing: Standing, stored: StoredReply): string | null {
  const { alias, presentHandlingId, replier } = stored
  const now = presentHandlingId === null ? undefined : standing.visibility.handling(presentHandlingId)
  if (alias !== null || now === undefined) return alias
  const isReplier = replySideOf(caller, stored) === 'replier'
  const reader = isReplier ? caller.reader : readerOfOrganisation(standing.directory, replier)
  return sourceOf(now, reader, releaseFacts(context, standing)).alias ?? null
}

export function replyShown(context: Context, caller: Caller, standing: Standing, stored: StoredReply): Reply {
  const { id, originator, uuid, replier, createdAt, last } = stored
  return {
    id,
    indicator: `indicator--${uuid}`,
    source: replyAlias(context, caller, standing, stored) ?? originator,
    replier,
    createdAt,
    waiting: last !== null && last !== replySideOf(caller, { replier, originator }),
  }
}

/** Which exchange it was stands in the subject alone: leaves of the two sides must not lead from one to the other. */
export const leaveReply = (
  transaction: Transaction,
  context: Context,
  caller: Caller,
  standing: Standing,
  action: ActionName,
  subject: object,
): Promise<void> =>
  record(transaction, context, caller, standing, {
    ...{ action, decision: 'permit', rules: ['broker.two'] },
    subject: JSON.stringify(subject),
  })
