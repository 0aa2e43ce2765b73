import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Counter, Histogram, type Registry } from 'prom-client'

/**
 * Paths whose requests are told apart. All others are `other`, whether nothing is there, or what somebody does there is nobody's
 * business who looks at graphs: that a legal request was filed, a package fetched, a source asked. What is new is `other` until it
 * stands here.
 */
const told = [
  ...['/v1/indicators', '/v1/objects', '/v1/lookup', '/v1/observations', '/v1/feed', '/v1/lists', '/v1/blocklists'],
  ...['/v1/subscriptions', '/v1/statistics', '/v1/me', '/v1/organisations', '/v1/accounts', '/v1/communities'],
  ...['/v1/peers', '/federation/v1', '/graphql', '/misp', '/taxii2', '/oauth', '/healthz', '/readyz', '/openapi.json'],
]

/** The pattern of a request's route as it may be told. */
export function toldRoute(pattern: string | undefined): string {
  const isTold = told.some((path) => pattern === path || pattern?.startsWith(`${path}/`))
  return isTold && pattern !== undefined ? pattern : 'other'
}

/** They are open for as long as their readers like. */
const lasting = new Set(['/v1/feed/stream', '/federation/v1/feed'])

const buckets = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60]

/** Counts what is answered, and how long it took. */
export function measureRequests(app: FastifyInstance, registry: Registry): void {
  const requests = new Counter({
    name: 'puente_http_requests_total',
    help: 'Requests answered, by method, route and status.',
    labelNames: ['method', 'route', 'status'],
    registers: [registry],
  })
  const seconds = new Histogram({
    name: 'puente_http_request_duration_seconds',
    help: 'Time from a request to the end of its answer, by route; without streams.',
    labelNames: ['route'],
    buckets,
    registers: [registry],
  })
  const routes = new Map<string, string>()
  const routeOf = ({ routeOptions: { url = '' } }: FastifyRequest): string => {
    const known = routes.get(url)
    if (known !== undefined) return known
    const route = toldRoute(url)
    routes.set(url, route)
    return route
  }
  app.addHook('onResponse', (request, reply, done) => {
    const route = routeOf(request)
    const method = route === 'other' ? 'other' : request.method
    requests.inc({ method, route, status: reply.statusCode })
    if (!lasting.has(route)) seconds.observe({ route }, reply.elapsedTime / 1_000)
    done()
  })
}
