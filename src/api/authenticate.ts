import type { FastifyInstance, FastifyRequest } from 'fastify'
import { actions, type Context } from '../actions/index.ts'
import { listKeyOf } from '../auth/credentials.ts'
import { type Caller, publicCaller } from '../domain/caller.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Who calls, known before any handler runs. */
    caller: Caller
  }
}

/** Knock: every request has a caller before anything of it is read. */
export function authenticateRequests(app: FastifyInstance, context: Context): void {
  app.decorateRequest('caller', null as unknown as Caller)
  app.addHook('onRequest', async (request) => {
    // A client of MISP asks for much that is not there, and should hear that.
    const plain = request.routeOptions.config.plainKeys === true || (request.is404 && request.url.startsWith('/misp/'))
    const authorization = plain ? withScheme(request.headers) : request.headers.authorization
    const { 'puente-purpose': purpose, dpop: proof } = request.headers
    const { open, listKeys } = request.routeOptions.config
    if (open === true) {
      request.caller = publicCaller
      return
    }
    const inUrl = (request.query as { readonly key?: unknown } | undefined)?.key
    const listKey = listKeys === true ? listKeyOf(authorization, inUrl) : undefined
    const secret = listKey ?? authorization
    const credentials = {
      listKey,
      authorization,
      purpose: Array.isArray(purpose) ? purpose.join(',') : purpose,
      proof: Array.isArray(proof) ? proof.join(',') : proof,
      method: request.method,
      path: request.url.split('?', 1)[0],
    }
    request.caller =
      secret === undefined
        ? await actions.authenticate(context, credentials)
        : await context.failures.guard(request.ip, secret, () => actions.authenticate(context, credentials))
  })
}

/** The key of a client of MISP: alone in its header, or in a header of MISP's own; with a scheme it is as everywhere. */
function withScheme({ authorization, 'x-misp-auth': other }: FastifyRequest['headers']): string | undefined {
  const key = authorization ?? (Array.isArray(other) ? other.join(',') : other)
  return key === undefined || key.includes(' ') ? key : `Bearer ${key}`
}
