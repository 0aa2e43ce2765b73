import type { FastifyInstance } from 'fastify'
import { collectDefaultMetrics, type Registry } from 'prom-client'
import type { Context } from '../../actions/index.ts'
import { measureState } from './gauges.ts'
import { measureRequests } from './requests.ts'

/** Measures a node from its first request on: requests, state, and the process itself (CPU, memory, event loop, garbage). */
export function measure(app: FastifyInstance, context: Context, registry: Registry): void {
  collectDefaultMetrics({ register: registry })
  measureRequests(app, registry)
  measureState(context, app.streams, registry)
}
