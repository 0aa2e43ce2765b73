import type { FastifyRequest } from 'fastify'
import type { AskAssistanceInput } from '../../actions/ask-assistance.ts'
import type { ListAssistanceInput } from '../../actions/assistance.ts'
import type { AssistanceStepInput } from '../../actions/assistance-steps.ts'
import { actions } from '../../actions/index.ts'
import type { Handler } from './handler.ts'
import { keyed } from './publish.ts'
import { asList, type Query } from './query.ts'

const idOf = (request: FastifyRequest): string => (request.params as { readonly assistance: string }).assistance

/** A step: its asking from the path, and what is said, if anything. */
const step = (request: FastifyRequest): AssistanceStepInput => ({
  ...((request.body ?? {}) as Omit<AssistanceStepInput, 'id'>),
  id: idOf(request),
})

/** The doors of assistance between partners: each a verb, nothing decided here. */
export const assistance = {
  listAssistance: (context, request) => {
    const { state, ...others } = request.query as Query
    const states = asList(state)
    const input = { ...others, ...(states === undefined ? {} : { state: states }) }
    return actions['list-assistance'](context, request.caller, input as ListAssistanceInput)
  },
  askAssistance: async (context, request, reply) => {
    const asked = await actions['ask-assistance'](context, request.caller, keyed<AskAssistanceInput>(request))
    return reply.status(201).send(asked)
  },
  readAssistance: (context, request) => actions['read-assistance'](context, request.caller, { id: idOf(request) }),
  acceptAssistance: (context, request) => actions['accept-assistance'](context, request.caller, step(request)),
  declineAssistance: (context, request) => actions['decline-assistance'](context, request.caller, step(request)),
  answerAssistance: (context, request) => actions['answer-assistance'](context, request.caller, step(request)),
  closeAssistance: (context, request) => actions['close-assistance'](context, request.caller, step(request)),
  withdrawAssistance: (context, request) => actions['withdraw-assistance'](context, request.caller, step(request)),
  annotateAssistance: (context, request) => actions['annotate-assistance'](context, request.caller, step(request)),
} as const satisfies Record<string, Handler>
