import type { FastifyRequest } from 'fastify'
import type { AskAttributionInput } from '../../actions/ask-attribution.ts'
import type { AttributionStepInput } from '../../actions/attribution-steps.ts'
import { actions } from '../../actions/index.ts'
import type { AnswerReplyInput, ListRepliesInput, SendReplyInput } from '../../actions/replies.ts'
import type { Handler } from './handler.ts'
import { keyed } from './publish.ts'

const idOf = (request: FastifyRequest): string => (request.params as { readonly reply: string }).reply

const asked = (request: FastifyRequest): { readonly id: string } => ({
  id: (request.params as { readonly request: string }).request,
})

const step = (request: FastifyRequest): AttributionStepInput => ({
  ...((request.body ?? {}) as Omit<AttributionStepInput, 'id'>),
  ...asked(request),
})

/** The doors by which the node stands between a source and a reader: each a verb, nothing decided here. */
export const broker = {
  listReplies: (context, request) =>
    actions['list-replies'](context, request.caller, request.query as ListRepliesInput),
  sendReply: async (context, request, reply) =>
    reply.status(201).send(await actions['send-reply'](context, request.caller, keyed<SendReplyInput>(request))),
  readReply: (context, request) => actions['read-reply'](context, request.caller, { id: idOf(request) }),
  answerReply: (context, request) =>
    actions['answer-reply'](context, request.caller, {
      ...keyed<AnswerReplyInput>(request),
      id: idOf(request),
    }),
  listAttribution: (context, request) =>
    actions['list-attribution'](context, request.caller, request.query as ListRepliesInput),
  askAttribution: async (context, request, reply) =>
    reply
      .status(201)
      .send(await actions['ask-attribution'](context, request.caller, keyed<AskAttributionInput>(request))),
  readAttribution: (context, request) => actions['read-attribution'](context, request.caller, asked(request)),
  approveAttribution: (context, request) => actions['approve-attribution'](context, request.caller, step(request)),
  refuseAttribution: (context, request) => actions['refuse-attribution'](context, request.caller, step(request)),
  withdrawAttribution: (context, request) => actions['withdraw-attribution'](context, request.caller, step(request)),
} as const satisfies Record<string, Handler>
