import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'

/** The contract as a page to read and try, at `/docs`: everything on it is served from here. */
export async function registerDocs(app: FastifyInstance, contract: { readonly document: object }): Promise<void> {
  app.addHook('onRoute', (route) => {
    route.config = { ...route.config, action: 'describe', open: true }
  })
  await app.register(swagger, { mode: 'static', specification: { document: contract.document as never } })
  await app.register(swaggerUi, { routePrefix: '/docs', staticCSP: true, uiConfig: { deepLinking: true } })
}
