import type { FastifyInstance } from 'fastify'
import helmet from 'helmet'

const protect = helmet({
  contentSecurityPolicy: { directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } },
})
type Answer = Parameters<typeof protect>[1]

/** What helmet sets on an answer. It asks nothing of the request. */
function securityHeaders(): Record<string, string> {
  const headers: Record<string, string> = {}
  const answer = {
    setHeader: (name: string, value: string) => {
      headers[name.toLowerCase()] = value
    },
    removeHeader: () => undefined,
  } as unknown as Answer
  protect(undefined as never, answer, (error) => {
    if (error !== undefined) throw error
  })
  return headers
}

/**
 * The headers of every answer. They depend on no request, so they are made once: for each request anew helmet's were a twentieth of what an
 * empty page costs. What one reader got is nobody else's: no cache on the way may keep it, unless a door says otherwise.
 */
export const answerHeaders: Readonly<Record<string, string>> = {
  ...securityHeaders(),
  'cache-control': 'private, no-store',
  vary: 'Authorization, Accept, Puente-Purpose',
}

/** Sets them on every answer, also on one that refuses: to be registered before whatever may refuse. */
export function setHeadersFirst(app: FastifyInstance): void {
  app.addHook('onRequest', (_request, reply, done) => {
    reply.headers(answerHeaders)
    done()
  })
}
