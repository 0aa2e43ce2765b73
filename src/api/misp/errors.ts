import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Log } from '../../actions/index.ts'
import { Fault, type RecordFault } from '../../domain/errors.ts'
import { faultOf } from '../problem.ts'

/** Errors as MISP has them: a sentence twice, and where it was asked. `code` is this node's own. */
export function speakMisp(scope: FastifyInstance, log: Log): void {
  scope.setErrorHandler((error: unknown, request, reply) => sendMispError(request, reply, faultOf(error, log)))
  scope.setNotFoundHandler((request, reply) =>
    sendMispError(request, reply, new Fault('not_found', 'There is no such thing here.')),
  )
}

/** MISP answers 403 to whoever it does not know, and its clients look for that. */
const statusOf = (fault: Fault): number => (fault.kind === 'unauthenticated' ? 403 : fault.status)

function sendMispError(request: FastifyRequest, reply: FastifyReply, fault: Fault): FastifyReply {
  const { retryAfterSeconds, rule, position, faults } = fault.detail
  if (retryAfterSeconds !== undefined) reply.header('retry-after', String(retryAfterSeconds))
  return reply
    .status(statusOf(fault))
    .header('cache-control', 'private, no-store')
    .header('content-type', 'application/json')
    .send(
      JSON.stringify({
        name: fault.message,
        message: fault.message,
        url: request.url.split('?', 1)[0],
        code: fault.code,
        ...(rule === undefined ? {} : { rule }),
        ...(position === undefined ? {} : { position }),
        ...(faults === undefined ? {} : { errors: faults }),
      }),
    )
}

/** Why nothing of a push was taken. */
export const refusedWhole = (rejected: readonly RecordFault[]): Fault => {
  const [first] = rejected
  if (first === undefined) return new Fault('invalid_record', 'There is nothing in it to be kept.')
  return new Fault(first.code, first.message, { position: first.position, faults: rejected.slice(0, 100) })
}
