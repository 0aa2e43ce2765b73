import type { FastifyRequest } from 'fastify'
import { actions } from '../../actions/index.ts'
import type { AskWideningInput, ListWideningInput } from '../../actions/widening.ts'
import type { AcceptWideningInput, RefuseWideningInput } from '../../actions/widening-answers.ts'
import { handlingFromRecord } from '../../formats/handling-fields.ts'
import type { JsonObject } from '../../formats/json-text.ts'
import type { Handler } from './handler.ts'
import { asList, present, type Query } from './query.ts'

const idOf = (request: FastifyRequest): string => (request.params as { readonly request: string }).request

/** The doors of requests to widen: each a verb, nothing decided here. */
export const widening = {
  /** `POST /v1/indicators/{id}/widening-requests` */
  askWidening: async (context, request, reply) => {
    const { id } = request.params as { readonly id: string }
    const { originator } = request.query as { originator?: string }
    const input = { ...(request.body as Omit<AskWideningInput, 'id'>), id }
    const asked = { ...input, ...present<{ originator?: string }>({ originator }) }
    return reply.status(201).send(await actions['ask-widening'](context, request.caller, asked))
  },
  listWideningRequests: (context, request) => {
    const { state, ...others } = request.query as Query
    const states = asList(state)
    const input = { ...others, ...(states === undefined ? {} : { state: states }) }
    return actions['list-widening'](context, request.caller, input as ListWideningInput)
  },
  readWideningRequest: (context, request) => actions['read-widening'](context, request.caller, { id: idOf(request) }),
  acceptWidening: (context, request) => {
    const { handling, ...others } = (request.body ?? {}) as Omit<AcceptWideningInput, 'id'>
    const said = handling === undefined ? {} : { handling: handlingFromRecord(handling as JsonObject, '/handling') }
    return actions['accept-widening'](context, request.caller, { ...others, ...said, id: idOf(request) })
  },
  refuseWidening: (context, request) =>
    actions['refuse-widening'](context, request.caller, {
      ...(request.body as Omit<RefuseWideningInput, 'id'>),
      id: idOf(request),
    }),
  withdrawWidening: (context, request) => actions['withdraw-widening'](context, request.caller, { id: idOf(request) }),
} as const satisfies Record<string, Handler>
