import type { FastifyRequest } from 'fastify'
import { actions } from '../../actions/index.ts'
import type { ListOutstandingInput } from '../../actions/outstanding-recalls.ts'
import type { Handler } from './handler.ts'
import { present } from './query.ts'

const idOf = (request: FastifyRequest): string => (request.params as { readonly id: string }).id

/** Where indicators came from, and where they went. */
export const provenance = {
  /** `GET /v1/indicators/{id}/provenance` */
  readProvenance: (context, request) => {
    const { originator } = request.query as { originator?: string }
    return actions['read-provenance'](context, request.caller, {
      id: idOf(request),
      ...present<{ originator?: string }>({ originator }),
    })
  },
  /** `GET /v1/indicators/{id}/holders` */
  readHolders: (context, request) => actions['read-holders'](context, request.caller, { id: idOf(request) }),
  /** `GET /v1/outstanding-recalls` */
  listOutstandingRecalls: (context, request) =>
    actions['list-outstanding-recalls'](context, request.caller, request.query as ListOutstandingInput),
} as const satisfies Record<string, Handler>
