import { readFile } from 'node:fs/promises'
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

/** What is at `/docs`. */
export interface Pages {
  readonly contract: { readonly document: object }
  /** The file with which a package of evidence is checked in a browser; written by the build. */
  readonly verifyPackage: string
}

/**
 * The contract as a page to read and try, at `/docs`: everything on it is served from here. Beside it the page that checks a package: to be kept
 * and opened from a disk. It says itself what it may run and reach, which is nothing but itself.
 */
export async function registerDocs(app: FastifyInstance, { contract, verifyPackage }: Pages): Promise<void> {
  app.addHook('onRoute', (route) => {
    route.config = { ...route.config, action: 'describe', open: true }
  })
  const page = await readFile(verifyPackage, 'utf8')
  const own = /content="(default-src [^"]+)"/.exec(page)?.[1]
  if (own === undefined) throw new Error('the page that checks packages has no policy of its own')
  app.get('/docs/verify-package.html', (_request, reply) =>
    reply.header('content-security-policy', own).type('text/html; charset=utf-8').send(page),
  )
  await app.register(swagger, { mode: 'static', specification: { document: contract.document as never } })
  await app.register(swaggerUi, { routePrefix: '/docs', staticCSP: policy, uiConfig: { deepLinking: true } })
}
