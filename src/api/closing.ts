import type { FastifyInstance } from 'fastify'

const lookEveryMs = 100

/**
 * A server that closes lets go of connections that are idle then. One whose answer was under way stays open for its next request, which
 * will never be let in, and held the node up for as long as connections are kept: these are let go of as soon as they are idle.
 */
export function letGoWhenClosing(app: FastifyInstance): void {
  app.addHook('preClose', async () => {
    const looking = setInterval(() => app.server.closeIdleConnections(), lookEveryMs).unref()
    app.server.once('close', () => clearInterval(looking))
  })
}
