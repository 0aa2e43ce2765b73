import { randomUUID } from 'node:crypto'
import type { Caller } from '../domain/caller.ts'
import type { Reply } from '../domain/reply.ts'
import { replyHandling, replySideOf } from '../policy/broker.ts'
import { appendReplyMessage, holdReply, openReply, repliesOf } from '../store/replies.ts'
import { wordsVisibleTo } from './assistance-view.ts'
import type { Context } from './context.ts'
import { invalid, prose } from './legal-text.ts'
import { newestFirst, type Page, type PageInput } from './newest-first.ts'
import { type Keyed, once } from './once.ts'
import { refuseMoreWords } from './open-askings.ts'
import { absent } from './read.ts'
import { knownReply, leaveReply, type ReplyView, replyAlias, replyShown, replyView } from './reply-view.ts'
import { findSource, type SourceInput } from './sources.ts'
import { verb } from './verb.ts'

export interface SendReplyInput extends SourceInput, Keyed {
  readonly text: string
}

/**
 * Says something to the source of an indicator, whoever it is. What the caller's organisation said about it before goes on.
 * @throws {Fault} `not_found`, `invalid_request`, `rate_limited`, `idempotency_key_reused`
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
    return await context.database.transaction((transaction) =>
      once(
        transaction,
        context,
        caller,
        input,
        ['reply', input.indicator, input.source, input.text],
        async () => {
          await refuseMoreWords(transaction, wordsVisibleTo(context, caller, judged), 'replier')
          const id = await openReply(transaction, row)
          const account = caller.reader.account ?? ''
          await appendReplyMessage(transaction, id, { from: 'replier', account, text, at }, handlingId)
          await leaveReply(transaction, context, caller, judged, 'send-reply', {
            reply: id,
            indicator: indicator.id,
            text,
          })
          return id
        },
        (id) => replyView(transaction, context, caller, judged, id),
      ),
    )
  },
)

export interface ListRepliesInput extends PageInput {
  /** Only those in which the other spoke last. */
  readonly queue?: boolean
}

export type ReplyPage = Page<Reply>

/** What the caller's organisation said to sources, and what was said to it as one; the newest first. */
export const listReplies = verb(
  'list-replies',
  async (context: Context, caller: Caller, input: ListRepliesInput, standing): Promise<ReplyPage> => {
    const visible = wordsVisibleTo(context, caller, standing)
    const { queue = false } = input
    const { items, ...more } = await newestFirst(
      input,
      async (id) => (await repliesOf(context.database, visible, { id, limit: 1 }))[0],
      (before, limit) =>
        repliesOf(context.database, visible, { queue, limit, ...(before === undefined ? {} : { before }) }),
    )
    if (items.length > 0)
      await context.database.transaction((transaction) =>
        leaveReply(transaction, context, caller, standing, 'list-replies', { replies: items.map(({ id }) => id) }),
      )
    return { items: items.map((each) => replyShown(context, caller, standing, each)), ...more }
  },
)

/** One, with what was said. @throws {Fault} `not_found` alike for what does not exist and for what is not the caller's to know */
export const readReply = verb(
  'read-reply',
  async (context: Context, caller: Caller, { id }: { readonly id: string }, standing): Promise<ReplyView> => {
    const view = await replyView(context.database, context, caller, standing, id)
    await context.database.transaction((transaction) =>
      leaveReply(transaction, context, caller, standing, 'read-reply', { reply: id, messages: view.messages.length }),
    )
    return view
  },
)

export interface AnswerReplyInput extends Keyed {
  readonly id: string
  readonly text: string
}

/** Goes on with one, on either side; the source does so under its alias. @throws {Fault} as {@link sendReply} */
export const answerReply = verb(
  'answer-reply',
  async (context: Context, caller: Caller, input: AnswerReplyInput, standing): Promise<ReplyView> => {
    const text = prose(input.text, '/text')
    const home = caller.reader.organisation?.id ?? ''
    const known = await knownReply(context.database, context, caller, standing, input.id)
    const from = replySideOf(caller, known)
    const about = standing.visibility.handling(known.handlingId)
    if (from === undefined || about === undefined) throw absent()
    const [other, attribution] =
      from === 'replier'
        ? ([known.originator, 'named'] as const)
        : ([known.replier, replyAlias(context, caller, standing, known) === null ? 'named' : 'anonymous'] as const)
    const [handlingId] = await context.policy.intern([replyHandling(about, home, other, attribution)])
    if (handlingId === undefined) throw new Error('a handling was not interned')
    const judged = await context.policy.current()
    const message = { from, account: caller.reader.account ?? '', text, at: context.clock().toISOString() }
    return await context.database.transaction((transaction) =>
      once(
        transaction,
        context,
        caller,
        input,
        ['answer', input.id, input.text],
        async () => {
          await refuseMoreWords(transaction, wordsVisibleTo(context, caller, judged), from)
          await holdReply(transaction, home, input.id)
          await appendReplyMessage(transaction, input.id, message, handlingId)
          await leaveReply(transaction, context, caller, judged, 'answer-reply', { reply: input.id, text })
          return input.id
        },
        (id) => replyView(transaction, context, caller, judged, id),
      ),
    )
  },
)
