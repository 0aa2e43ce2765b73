import { randomUUID } from 'node:crypto'
import type { ActionName } from '../domain/action-names.ts'
import type { Caller } from '../domain/caller.ts'
import { readerOfOrganisation } from '../domain/directory.ts'
import { Fault } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import type { Reply, ReplyMessage } from '../domain/reply.ts'
import { replyHandling, replySideOf, speakerShown } from '../policy/broker.ts'
import { sourceOf } from '../policy/release.ts'
import type { Queries, Transaction } from '../store/database.ts'
import {
  appendReplyMessage,
  holdReply,
  openReply,
  repliesOf,
  replyMessagesOf,
  type StoredReply,
} from '../store/replies.ts'
import { wordsVisibleTo } from './assistance-view.ts'
import type { Context, Standing } from './context.ts'
import { invalid, prose } from './legal-text.ts'
import { absent } from './read.ts'
import { findSource, type SourceInput } from './sources.ts'
import { record, verb } from './verb.ts'
import { releaseFacts } from './visible.ts'

/** An exchange with what was said in it. */
export interface ReplyView extends Reply {
  readonly messages: readonly ReplyMessage[]
}

export interface SendReplyInput extends SourceInput {
  readonly text: string
}

/**
 * Says something to the source of an indicator, whoever it is. What the caller's organisation said about it before goes on.
 * @throws {Fault} `not_found`, `invalid_request`
 */
export const sendReply = verb(
  'send-reply',
  async (context: Context, caller: Caller, input: SendReplyInput, standing): Promise<ReplyView> => {
    const text = prose(input.text, '/text')
    const home = caller.reader.organisation?.id ?? ''
    const { indicator, uuid, handling, alias } = await findSource(context, caller, standing, input)
    const { originator } = indicator
    if (originator === home) throw invalid('/indicator', 'Your own organisation is its source.')
    const [handlingId] = await context.policy.intern([replyHandling(handling, home, originator, 'named')])
    if (handlingId === undefined) throw new Error('a handling was not interned')
    const judged = await context.policy.current()
    const at = context.clock().toISOString()
    const row = { id: randomUUID(), originator, uuid, replier: home, alias: alias ?? null, handlingId, createdAt: at }
    return await context.database.transaction(async (transaction) => {
      const id = await openReply(transaction, row)
      const account = caller.reader.account ?? ''
      await appendReplyMessage(transaction, id, { from: 'replier', account, text, at }, handlingId)
      await leave(transaction, context, caller, judged, 'send-reply', { reply: id, indicator: indicator.id, text })
      return await wholeOf(transaction, context, caller, judged, id)
    })
  },
)

export interface ListRepliesInput {
  /** Only those in which the other spoke last. */
  readonly queue?: boolean
  /** `next` of the page before. */
  readonly before?: string
  /** 1–1,000; 100 when absent. */
  readonly limit?: number
}

export interface ReplyPage {
  readonly items: readonly Reply[]
  /** Absent on the last page. */
  readonly next?: string
}

/** What the caller's organisation said to sources, and what was said to it as one; the newest first. */
export const listReplies = verb(
  'list-replies',
  async (context: Context, caller: Caller, input: ListRepliesInput, standing): Promise<ReplyPage> => {
    const visible = wordsVisibleTo(context, caller, standing)
    const { queue = false, before, limit = limits.pageRecordsDefault } = input
    const [last] = before === undefined ? [] : await repliesOf(context.database, visible, { id: before, limit: 1 })
    if (before !== undefined && last === undefined)
      throw new Fault('cursor_invalid', 'This cursor was not given to this reader.')
    const more = last === undefined ? {} : { before: last }
    const found = await repliesOf(context.database, visible, { queue, limit: limit + 1, ...more })
    const page = found.slice(0, limit)
    const next = found.length > limit ? page.at(-1)?.id : undefined
    if (page.length > 0)
      await context.database.transaction((transaction) =>
        leave(transaction, context, caller, standing, 'list-replies', { replies: page.map(({ id }) => id) }),
      )
    return {
      items: page.map((each) => shown(context, caller, standing, each)),
      ...(next === undefined ? {} : { next }),
    }
  },
)

/** One, with what was said. @throws {Fault} `not_found` alike for what does not exist and for what is not the caller's to know */
export const readReply = verb(
  'read-reply',
  async (context: Context, caller: Caller, { id }: { readonly id: string }, standing): Promise<ReplyView> => {
    const view = await wholeOf(context.database, context, caller, standing, id)
    await context.database.transaction((transaction) =>
      leave(transaction, context, caller, standing, 'read-reply', { reply: id, messages: view.messages.length }),
    )
    return view
  },
)

/** Goes on with one, on either side; the source does so under its alias. @throws {Fault} `not_found`, `invalid_request` */
export const answerReply = verb(
  'answer-reply',
  async (
    context: Context,
    caller: Caller,
    input: { readonly id: string; readonly text: string },
    standing,
  ): Promise<ReplyView> => {
    const text = prose(input.text, '/text')
    const home = caller.reader.organisation?.id ?? ''
    const known = await knownTo(context.database, context, caller, standing, input.id)
    const from = replySideOf(caller, known)
    const about = standing.visibility.handling(known.handlingId)
    if (from === undefined || about === undefined) throw absent()
    const [other, attribution] =
      from === 'replier'
        ? ([known.originator, 'named'] as const)
        : ([known.replier, aliasOf(context, caller, standing, known) === null ? 'named' : 'anonymous'] as const)
    const [handlingId] = await context.policy.intern([replyHandling(about, home, other, attribution)])
    if (handlingId === undefined) throw new Error('a handling was not interned')
    const judged = await context.policy.current()
    return await context.database.transaction(async (transaction) => {
      await holdReply(transaction, home, input.id)
      const message = { from, account: caller.reader.account ?? '', text, at: context.clock().toISOString() }
      await appendReplyMessage(transaction, input.id, message, handlingId)
      await leave(transaction, context, caller, judged, 'answer-reply', { reply: input.id, text })
      return await wholeOf(transaction, context, caller, judged, input.id)
    })
  },
)

async function knownTo(queries: Queries, context: Context, caller: Caller, standing: Standing, id: string) {
  const [found] = await repliesOf(queries, wordsVisibleTo(context, caller, standing), { id, limit: 1 })
  if (found === undefined) throw absent()
  return found
}

async function wholeOf(
  queries: Queries,
  context: Context,
  caller: Caller,
  standing: Standing,
  id: string,
): Promise<ReplyView> {
  const found = await knownTo(queries, context, caller, standing, id)
  const reading = replySideOf(caller, found)
  if (reading === undefined) throw absent()
  const messages = await replyMessagesOf(queries, wordsVisibleTo(context, caller, standing), id)
  const anonymous = aliasOf(context, caller, standing, found) !== null
  return {
    ...shown(context, caller, standing, found),
    messages: messages.map(({ account, ...message }) =>
      speakerShown(reading, message.from, anonymous) ? { ...message, account } : message,
    ),
  }
}

/** What the replier knows the source by, where that is no name: also of one that was named when they began, and is not any more. */
function aliasOf(context: Context, caller: Caller, standing: Standing, stored: StoredReply): string | null {
  const { alias, presentHandlingId, replier } = stored
  const now = presentHandlingId === null ? undefined : standing.visibility.handling(presentHandlingId)
  if (alias !== null || now === undefined) return alias
  const isReplier = replySideOf(caller, stored) === 'replier'
  const reader = isReplier ? caller.reader : readerOfOrganisation(standing.directory, replier)
  return sourceOf(now, reader, releaseFacts(context, standing)).alias ?? null
}

function shown(context: Context, caller: Caller, standing: Standing, stored: StoredReply): Reply {
  const { id, originator, uuid, replier, createdAt, last } = stored
  return {
    id,
    indicator: `indicator--${uuid}`,
    source: aliasOf(context, caller, standing, stored) ?? originator,
    replier,
    createdAt,
    waiting: last !== null && last !== replySideOf(caller, { replier, originator }),
  }
}

/** Which exchange it was stands in the subject alone: leaves of the two sides must not lead from one to the other. */
const leave = (
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
