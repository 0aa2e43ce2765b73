import fastify, { type FastifyRequest } from 'fastify'

/** Whoever can reach it may read it, so nobody but this machine can. */
const address = '127.0.0.1'

export interface MetricsListener {
  readonly url: string
  stop(): Promise<void>
}

/** What is answered, and its media type. */
export interface Metrics {
  readonly contentType: string
  read(): Promise<string>
}

/**
 * Answers `GET /metrics` on a port of its own that only this machine reaches, and nothing else: the doors of the node do not have it.
 * @param onError told why metrics could not be read @throws when the port is taken
 */
export async function listenForMetrics(
  port: number,
  metrics: Metrics,
  onError: (error: unknown) => void,
): Promise<MetricsListener> {
  const server = fastify({ forceCloseConnections: true })
  server.setNotFoundHandler((_request, reply) => reply.status(404).send())
  server.setErrorHandler((error, _request, reply) => {
    onError(error)
    return reply.status(503).header('retry-after', '5').send()
  })
  server.get('/metrics', async (request, reply) => {
    if (!namesThisMachine(request)) return reply.callNotFound()
    return reply
      .type(metrics.contentType)
      .header('cache-control', 'no-store')
      .send(await metrics.read())
  })
  await server.listen({ host: address, port })
  return { url: `${server.listeningOrigin}/metrics`, stop: () => server.close() }
}

/** A page in a browser of this machine reaches the port by a name of its own (DNS rebinding), and says it. */
const namesThisMachine = ({ hostname }: FastifyRequest): boolean => hostname === address || hostname === 'localhost'
