import type { FastifyReply, FastifyRequest } from 'fastify'
import { type ExecutionResult, GraphQLError, type GraphQLFormattedError } from 'graphql'
import type { Log } from '../../actions/index.ts'
import { Fault } from '../../domain/errors.ts'
import { challenge, faultOf } from '../problem.ts'
import { refusalType } from './media-type.ts'

/** An operation that ran: whatever its fields met, the request was answered (GraphQL over HTTP). */
export const executed = (execution: ExecutionResult, log: Log) => ({
  statusCode: 200,
  response: {
    data: execution.data ?? null,
    errors: shownErrors(execution.errors ?? [], log),
  },
})

/** Errors of fields as they leave. */
export const shownErrors = (errors: readonly GraphQLError[], log: Log): GraphQLFormattedError[] =>
  [...errors].sort(byPlace).map((error) => shown(error, faultOf(error.originalError ?? error, log)))

/** What refused a document, or ended a subscription. */
export const refusedErrors = (error: unknown, log: Log): GraphQLFormattedError[] =>
  (validationFaults(error) ?? [{ fault: faultOf(error, log) }]).map((each: Found) => shown(each.error, each.fault))

/** Errors of `validate` as an error to throw. */
export class NotValid extends Error {
  readonly code = 'MER_ERR_GQL_VALIDATION'
  readonly errors: readonly GraphQLError[]

  constructor(errors: readonly GraphQLError[]) {
    super('the document is not valid')
    this.errors = errors
  }
}

/** In the order of the document, and not in that in which fields happened to fail. */
const byPlace = (a: GraphQLError, b: GraphQLError): number => {
  const [{ line, column } = nowhere] = a.locations ?? []
  const [other = nowhere] = b.locations ?? []
  return line - other.line || column - other.column || String(a.path).localeCompare(String(b.path))
}

const nowhere = { line: 0, column: 0 }

/** A request that was not run: not authenticated, not read, not parsed, not valid, or too costly. It has no `data`. */
export async function refuse(
  { headers }: FastifyRequest,
  reply: FastifyReply,
  error: unknown,
  log: Log,
): Promise<FastifyReply> {
  const faults = validationFaults(error) ?? [{ fault: methodFault(error) ?? faultOf(error, log) }]
  const [{ fault }] = faults
  const { retryAfterSeconds } = fault.detail
  if (retryAfterSeconds !== undefined) reply.header('retry-after', String(retryAfterSeconds))
  if (fault.kind === 'unauthenticated') reply.header('www-authenticate', challenge)
  if (fault.code === 'method_not_allowed') reply.header('allow', 'POST')
  return reply
    .status(fault.status)
    .header('content-type', `${refusalType(headers.accept)}; charset=utf-8`)
    .send({ errors: faults.map((each) => shown(each.error, each.fault)) })
}

/** One error as it leaves: its place in the query, and what the fault may say. The error's own words stay behind. */
function shown(error: GraphQLError | undefined, fault: Fault): GraphQLFormattedError {
  const { rule, position, faults, retryAfterSeconds } = fault.detail
  return {
    message: fault.message,
    ...(error?.locations === undefined ? {} : { locations: error.locations }),
    ...(error?.path === undefined ? {} : { path: error.path }),
    extensions: {
      code: fault.code,
      kind: fault.kind,
      ...(rule === undefined ? {} : { rule }),
      ...(position === undefined ? {} : { position }),
      ...(faults === undefined ? {} : { errors: faults }),
      ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    },
  }
}

/** A link, an image or a prefetch of another site can make a GET: mercurius lets it change nothing. */
const methodFault = (error: unknown): Fault | undefined =>
  codeOf(error) === 'MER_ERR_METHOD_NOT_ALLOWED'
    ? new Fault('method_not_allowed', 'What changes something is sent by POST.')
    : undefined

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined)

type Found = { readonly error?: GraphQLError; readonly fault: Fault }

/** What is wrong with a document or its variables, if that is what this error is. graphql's messages quote the query alone. */
function validationFaults(error: unknown): readonly [Found, ...Found[]] | undefined {
  if (codeOf(error) !== 'MER_ERR_GQL_VALIDATION') return undefined
  const { errors = [] } = error as { readonly errors?: readonly unknown[] }
  const [first, ...more] = errors
    .filter((each) => each instanceof GraphQLError)
    .map((each) => ({ error: each, fault: faultIn(each) }))
  return first === undefined ? undefined : [first, ...more]
}

function faultIn({ message }: GraphQLError): Fault {
  if (message.startsWith('Syntax Error: Document contains more')) return new Fault('query_too_costly', message)
  // graphql's words for a document whose fields would take too long to compare with each other.
  if (message === 'Validation aborted.') return new Fault('query_too_costly', 'The document repeats too many fields.')
  return new Fault(message.startsWith('Syntax Error:') ? 'malformed' : 'invalid_request', message)
}
