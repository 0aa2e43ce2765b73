import { Readable } from 'node:stream'
import type { FastifyRequest } from 'fastify'
import type { ConfirmClawBacksInput, ListClawBacksInput } from '../../actions/claw-backs.ts'
import type { StartExportInput } from '../../actions/exports.ts'
import { actions } from '../../actions/index.ts'
import type { DecisionInput, StepInput } from '../../actions/legal-decisions.ts'
import type { ListRequestsInput } from '../../actions/legal-requests.ts'
import type { LegalRequestInput } from '../../actions/legal-text.ts'
import type { ListPreservationsInput, RenewInput } from '../../actions/preservations.ts'
import type { TrailInput } from '../../actions/read-trail.ts'
import type { SetRetentionInput } from '../../actions/retention.ts'
import type { Handler } from './handler.ts'
import { asList, type Query } from './query.ts'

const idOf = (request: FastifyRequest): string => (request.params as { readonly request: string }).request

const exportOf = (request: FastifyRequest): string => (request.params as { readonly export: string }).export

/** A step: its request from the path, and what is said about it, if anything. */
const step = (request: FastifyRequest): StepInput & DecisionInput => ({
  ...((request.body ?? {}) as Omit<DecisionInput, 'id'>),
  id: idOf(request),
})

/** The doors of legal requests: each a verb, nothing decided here. */
export const legal = {
  listLegalRequests: (context, request) => {
    const { state, ...others } = request.query as Query
    const states = asList(state)
    const input = { ...others, ...(states === undefined ? {} : { state: states }) }
    return actions['list-requests'](context, request.caller, input as ListRequestsInput)
  },
  draftLegalRequest: async (context, request, reply) =>
    reply.status(201).send(await actions['draft-request'](context, request.caller, request.body as LegalRequestInput)),
  readLegalRequest: (context, request) => actions['read-request'](context, request.caller, { id: idOf(request) }),
  amendLegalRequest: (context, request) =>
    actions['amend-request'](context, request.caller, { ...(request.body as LegalRequestInput), id: idOf(request) }),
  fileLegalRequest: (context, request) => actions['file-request'](context, request.caller, step(request)),
  reviewLegalRequest: (context, request) => actions['review-request'](context, request.caller, step(request)),
  approveLegalRequest: (context, request) => actions['approve-request'](context, request.caller, step(request)),
  refuseLegalRequest: (context, request) => actions['refuse-request'](context, request.caller, step(request)),
  withdrawLegalRequest: (context, request) => actions['withdraw-request'](context, request.caller, step(request)),
  closeLegalRequest: (context, request) => actions['close-request'](context, request.caller, step(request)),
  annotateLegalRequest: (context, request) => actions['annotate-request'](context, request.caller, step(request)),
  clawBackLegalRequest: (context, request) => actions['claw-back-request'](context, request.caller, step(request)),
  confirmLegalRequest: (context, request) => actions['confirm-request'](context, request.caller, step(request)),
  renewLegalRequest: async (context, request, reply) => {
    const input = { ...(request.body as Omit<RenewInput, 'id'>), id: idOf(request) }
    return reply.status(201).send(await actions['renew-request'](context, request.caller, input))
  },
  listPreservations: async (context, request) => ({
    items: await actions['list-preservations'](context, request.caller, request.query as ListPreservationsInput),
  }),
  listClawBacks: async (context, request) => ({
    items: await actions['list-claw-backs'](context, request.caller, request.query as ListClawBacksInput),
  }),
  confirmClawBacks: async (context, request) => {
    const input = { ...(request.body as Omit<ConfirmClawBacksInput, 'id'>), id: exportOf(request) }
    return { items: await actions['confirm-claw-backs'](context, request.caller, input) }
  },
  readFigures: (context, request) =>
    actions['read-figures'](context, request.caller, { year: Number((request.params as { year: string }).year) }),
  listRetention: async (context, request) => ({
    rules: await actions['list-retention'](context, request.caller, {}),
  }),
  setRetention: async (context, request) => ({
    rules: await actions['set-retention'](context, request.caller, request.body as SetRetentionInput),
  }),
  previewRetention: async (context, request) => ({
    items: await actions['preview-retention'](context, request.caller, {}),
  }),
  listDisclosures: async (context, request) => ({
    items: await actions['list-disclosures'](context, request.caller, request.query as { limit?: number }),
  }),
  legalTrail: (context, request) =>
    actions['read-trail'](context, request.caller, { ...(request.query as Omit<TrailInput, 'id'>), id: idOf(request) }),
  listExports: async (context, request) => ({
    items: await actions['list-exports'](context, request.caller, { request: idOf(request) }),
  }),
  startExport: async (context, request, reply) => {
    const input = { ...((request.body ?? {}) as Omit<StartExportInput, 'request'>), request: idOf(request) }
    return reply.status(202).send(await actions['start-export'](context, request.caller, input))
  },
  export: (context, request) => actions['read-export'](context, request.caller, { id: exportOf(request) }),
  cancelExport: (context, request) => actions['cancel-export'](context, request.caller, { id: exportOf(request) }),
  downloadExport: async (context, request, reply) => {
    const id = exportOf(request)
    const { parts, bytes, digest } = await actions['download-export'](context, request.caller, { id })
    return reply
      .header('content-type', 'application/zip')
      .header('content-length', bytes)
      .header('content-disposition', `attachment; filename="puente-export-${id}.zip"`)
      .header('repr-digest', `sha-256=:${digest.toString('base64')}:`)
      .header('cache-control', 'no-store')
      .send(Readable.from(parts, { objectMode: false }))
  },
} as const satisfies Record<string, Handler>
