import { randomUUID } from 'node:crypto'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { databaseFault } from '../actions/faults.ts'
import type { Log } from '../actions/index.ts'
import { Fault, type FaultCode } from '../domain/errors.ts'

/** A problem as RFC 9457 has it; `code` is stable, `reference` names an internal error to the operator. */
export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly code: FaultCode
  readonly detail: string
  readonly [extension: string]: unknown
}

/** Which fault an error is. The one mapper: what is not known becomes `internal`, and its own words stay in the log. */
export function faultOf(error: unknown, log: Log): Fault {
  if (error instanceof Fault) return error
  // Before the database: a body that breaks off has the code of a lost connection.
  if (isFastifyError(error)) return requestFault(error)
  const known = databaseFault(error)
  if (known !== undefined) {
    if (known.kind === 'unavailable') log.warn({ error }, 'the database could not answer')
    return known
  }
  const reference = randomUUID()
  log.error({ error, reference }, 'internal error')
  return new Fault('internal', `Something went wrong here; the operator finds it as ${reference}.`, { cause: error })
}

const isFastifyError = (error: unknown): error is FastifyError =>
  error instanceof Error &&
  'statusCode' in error &&
  typeof error.statusCode === 'number' &&
  error.statusCode < 500 &&
  'code' in error

/** What fastify itself refuses: a body too large, no JSON, a parameter outside the contract. */
function requestFault(error: FastifyError): Fault {
  const [first] = error.validation ?? []
  if (first !== undefined) {
    const pointer = `${first.instancePath}${missingIn(first)}`
    return new Fault('invalid_request', sentenceOf(first, pointer, error.validationContext ?? 'request'), {
      position: { pointer: pointer === '' ? '/' : pointer },
    })
  }
  const status = error.statusCode
  if (error.code === 'ECONNRESET') return new Fault('request_incomplete', 'The request broke off.', { cause: error })
  if (status === 413) return new Fault('body_too_large', 'The body is larger than this door takes.')
  if (status === 415) return new Fault('unsupported_media_type', 'This media type is not read here.')
  if (status === 429) return new Fault('rate_limited', 'Too many requests.', { retryAfterSeconds: 60 })
  if (status === 404) return new Fault('not_found', 'There is no such thing here.')
  return new Fault('malformed', 'The request cannot be read.', { cause: error })
}

/** What is wrong, for whoever misspelt it. */
function sentenceOf(
  { params, message = '' }: { readonly params: Record<string, unknown>; readonly message?: string | undefined },
  pointer: string,
  where: string,
): string {
  const { additionalProperty, allowedValues } = params
  if (typeof additionalProperty === 'string') {
    return `There is no ${where === 'querystring' ? 'parameter' : 'member'} "${additionalProperty.slice(0, 40)}" here.`
  }
  const allowed = Array.isArray(allowedValues) ? `: ${allowedValues.join(', ')}` : ''
  return `The ${where} does not fit the contract: ${pointer} ${message}${allowed}.`
}

const missingIn = (error: { readonly params: Record<string, unknown> }): string => {
  const name = error.params.missingProperty ?? error.params.additionalProperty
  return typeof name === 'string' ? `/${name}` : ''
}

export function problemOf(fault: Fault): Problem {
  const { rule, faults, position } = fault.detail
  return {
    type: `urn:puente:error:${fault.code}`,
    title: fault.code.replaceAll('_', ' '),
    status: fault.status,
    code: fault.code,
    detail: fault.message,
    ...(rule === undefined ? {} : { rule }),
    ...(position === undefined ? {} : { position }),
    ...(faults === undefined ? {} : { errors: faults }),
  }
}

/** How one may authenticate here (RFC 9110 §11.6.1, RFC 9449 §7.1). */
export const challenge = 'Bearer realm="puente", Basic realm="puente", DPoP algs="EdDSA ES256"'

/** @param extension further members; a `status` among them stands for the fault's own */
export async function sendProblem(
  reply: FastifyReply,
  fault: Fault,
  extension: { readonly status?: number } & object = {},
): Promise<FastifyReply> {
  const { retryAfterSeconds } = fault.detail
  if (retryAfterSeconds !== undefined) reply.header('retry-after', String(retryAfterSeconds))
  if (fault.kind === 'unauthenticated') reply.header('www-authenticate', challenge)
  return reply
    .status(extension.status ?? fault.status)
    .header('cache-control', 'private, no-store')
    .header('content-type', 'application/problem+json')
    .send(JSON.stringify({ ...problemOf(fault), ...extension }))
}

/**
 * Every error of every door that has no form of its own.
 * @param methodsOf the methods that a path answers
 */
export function answerProblems(app: FastifyInstance, log: Log, methodsOf: (path: string) => readonly string[]): void {
  app.setErrorHandler((error: unknown, _request: FastifyRequest, reply) => sendProblem(reply, faultOf(error, log)))
  app.setNotFoundHandler((request, reply) => sendProblem(reply, notFoundOr405(request, reply, methodsOf)))
}

/** What to say where no door was found: that there is none, or which methods it answers. */
export function notFoundOr405(
  request: FastifyRequest,
  reply: FastifyReply,
  methodsOf: (path: string) => readonly string[],
): Fault {
  const methods = methodsOf(request.url.split('?', 1)[0] ?? '')
  // A page's files may be missing at a door that answers.
  if (methods.length === 0 || methods.includes(request.method))
    return new Fault('not_found', 'There is no such thing here.')
  reply.header('allow', methods.join(', '))
  return new Fault('method_not_allowed', `This door answers ${methods.join(', ')}.`)
}
