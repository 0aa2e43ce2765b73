import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'

/**
 * Nothing is loaded from, or sent to, any other origin. Scripts and styles of the page are files: nothing inline is needed, but for
 * pictures in its style sheet. Requests are not turned into https: a node in one's own network may have none.
 */
const policy = [
  "default-src 'self'",
  "img-src 'self' data:",
  "script-src-attr 'none'",
  "frame-src 'none'",
  "object-src 'none'",
  "base-uri 'self'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** The contract as a page to read and try, at `/docs`: everything on it is served from here. */
export async function registerDocs(app: FastifyInstance, contract: { readonly document: object }): Promise<void> {
  app.addHook('onRoute', (route) => {
    route.config = { ...route.config, action: 'describe', open: true }
  })
  await app.register(swagger, { mode: 'static', specification: { document: contract.document as never } })
  await app.register(swaggerUi, { routePrefix: '/docs', staticCSP: policy, uiConfig: { deepLinking: true } })
}
