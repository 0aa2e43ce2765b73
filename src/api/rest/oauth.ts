import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { actions, describeTokens, type Log, publishedKeys } from '../../actions/index.ts'
import { Fault, type FaultCode } from '../../domain/errors.ts'
import { faultOf } from '../problem.ts'
import type { Handler } from './handler.ts'

/** The doors of OAuth 2.0 whose requests are forms and whose errors have a form of their own (RFC 6749 §5.2). */
export const oauthForms = {
  issueToken: (context, request, reply) =>
    context.failures.guard(request.ip, undefined, async () => {
      const form = formOf(request)
      const issued = await actions['issue-token'](context, request.caller, {
        ...clientProof(form),
        grantType: once(form, 'grant_type'),
        scope: once(form, 'scope'),
        proof: headerOf(request, 'dpop'),
      })
      return keptByNobody(reply).send(issued)
    }),
  revokeToken: (context, request, reply) =>
    context.failures.guard(request.ip, undefined, async () => {
      const form = formOf(request)
      const asked = { ...clientProof(form), token: once(form, 'token') }
      await actions['revoke-token'](context, request.caller, asked)
      // RFC 7009 §2.2: 200, whatever became of the token.
      return keptByNobody(reply).send({})
    }),
} as const satisfies Record<string, Handler>

/** What clients and other servers look up: the same for everybody, and good for five minutes. */
export const oauthDocuments = {
  publishedKeys: async (context, _request, reply) => {
    reply.header('cache-control', 'public, max-age=300')
    return await publishedKeys(context)
  },
  describeTokens: async (context, _request, reply) => {
    reply.header('cache-control', 'public, max-age=300')
    return describeTokens(context)
  },
} as const satisfies Record<string, Handler>

/** How large a form may be: an assertion, a token and what goes with them. */
export const formBytes = 64 * 1024

/** Makes a scope read forms, and answer errors as OAuth 2.0 has them. */
export function speakOauth(scope: FastifyInstance, log: Log): void {
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: formBytes },
    async (_request: unknown, text: string) => new URLSearchParams(text),
  )
  scope.setErrorHandler((error: unknown, _request, reply) => sendOauthError(reply, faultOf(error, log)))
}

/** Codes of RFC 6749 §5.2, RFC 9449 §5 and, for what they do not foresee, of the authorization endpoint (§4.1.2.1). */
const oauthCodes: Partial<Record<FaultCode, string>> = {
  invalid_client: 'invalid_client',
  credentials_invalid: 'invalid_client',
  invalid_scope: 'invalid_scope',
  unsupported_grant_type: 'unsupported_grant_type',
  invalid_dpop_proof: 'invalid_dpop_proof',
  rate_limited: 'temporarily_unavailable',
  unavailable: 'temporarily_unavailable',
  internal: 'server_error',
}

function sendOauthError(reply: FastifyReply, fault: Fault): FastifyReply {
  const { retryAfterSeconds } = fault.detail
  if (retryAfterSeconds !== undefined) reply.header('retry-after', String(retryAfterSeconds))
  if (fault.status === 401) reply.header('www-authenticate', 'Bearer realm="puente"')
  return keptByNobody(reply)
    .status(fault.status)
    .send({
      error: oauthCodes[fault.code] ?? 'invalid_request',
      error_description: fault.message.replaceAll('"', "'").replace(/[^\x20-\x7e]|\\/g, ' '),
    })
}

const keptByNobody = (reply: FastifyReply): FastifyReply =>
  reply.header('cache-control', 'no-store').header('pragma', 'no-cache').type('application/json')

const clientProof = (form: URLSearchParams) => ({
  assertionType: once(form, 'client_assertion_type'),
  assertion: once(form, 'client_assertion'),
  clientId: once(form, 'client_id'),
})

function formOf({ body }: FastifyRequest): URLSearchParams {
  if (body instanceof URLSearchParams) return body
  throw new Fault('invalid_request', 'The body is a form: application/x-www-form-urlencoded.')
}

/** RFC 6749 §3.2: a parameter comes once, and one without a value counts as absent. @throws {Fault} `invalid_request` */
function once(form: URLSearchParams, name: string): string | undefined {
  const [value, ...more] = form.getAll(name)
  if (more.length > 0) throw new Fault('invalid_request', `The parameter ${name} comes more than once.`)
  return value === '' ? undefined : value
}

/** @throws {Fault} `invalid_dpop_proof` when it comes more than once (RFC 9449 §4.3) */
function headerOf({ headers }: FastifyRequest, name: 'dpop'): string | undefined {
  const value = headers[name]
  if (Array.isArray(value)) throw new Fault('invalid_dpop_proof', 'There is more than one proof.')
  return value
}
