import type { FastifyInstance } from 'fastify'
import { actions, type Context } from '../actions/index.ts'
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
    const { authorization } = request.headers
    const purpose = request.headers['puente-purpose']
    if (request.routeOptions.config.open === true) {
      request.caller = publicCaller
      return
    }
    request.caller = await actions.authenticate(context, {
      authorization,
      purpose: Array.isArray(purpose) ? purpose.join(',') : purpose,
    })
  })
}
