import { actions } from '../../actions/index.ts'
import type { ListLeavesInput } from '../../actions/list-leaves.ts'
import { parseInstant } from '../../domain/enrolment.ts'
import type { Handler } from './handler.ts'
import type { Query } from './query.ts'

/** The audit log's doors: signed heads, proofs, and leaves as far as the caller may have them. */
export const audit = {
  auditCheckpoint: async (context, request, reply) => {
    const { note } = await actions['read-checkpoint'](context, request.caller, undefined)
    return reply.header('content-type', 'text/plain; charset=utf-8').send(note)
  },
  auditKey: async (context, request) => {
    const { key } = await actions['read-checkpoint'](context, request.caller, undefined)
    return { key }
  },
  listCheckpoints: (context, request) =>
    actions['list-checkpoints'](context, request.caller, request.query as { after?: number; limit?: number }),
  proveInclusion: (context, request) =>
    actions['prove-inclusion'](
      context,
      request.caller,
      request.query as { leaf?: string; hash?: string; size?: number },
    ),
  proveConsistency: (context, request) =>
    actions['prove-consistency'](context, request.caller, request.query as { from: number; to?: number }),
  listLeaves: (context, request) => {
    const { since, until, ...query } = request.query as Query
    return actions['list-leaves'](context, request.caller, {
      ...(query as ListLeavesInput),
      ...(since === undefined ? {} : { since: parseInstant(String(since), '/since') }),
      ...(until === undefined ? {} : { until: parseInstant(String(until), '/until') }),
    })
  },
} as const satisfies Record<string, Handler>
