import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { FastifyInstance } from 'fastify'
import { type Context, waitingForDatabase } from '../actions/index.ts'
import { Fault } from '../domain/errors.ts'
import { type Guards, lookEveryMs } from './guards.ts'

/** Resolution of the measurement, ms: what a timer is late when nothing is wrong. */
const resolutionMs = 20

/**
 * Turns requests away, before anything is done for them, while the node has more than it can do: 503 with `Retry-After`, so that
 * those under way are finished. Doors for machines and newcomers stay open: a health check must tell overload from death.
 */
export function shedLoad(app: FastifyInstance, context: Context, guards: Guards): void {
  const delay = monitorEventLoopDelay({ resolution: resolutionMs })
  delay.enable()
  let late = 0
  // One long task is over when this runs; only a second delay in a row is load.
  const look = () => {
    late = delay.mean / 1e6 - resolutionMs > guards.eventLoopDelayMs ? late + 1 : 0
    delay.reset()
  }
  // After all timers of this turn: the measurement is one of them, and its sample of a long task would be counted now and next time.
  const looking = setInterval(() => setImmediate(look).unref(), lookEveryMs).unref()
  app.addHook('onClose', async () => {
    clearInterval(looking)
    delay.disable()
  })
  app.addHook('onRequest', async (request) => {
    if (request.routeOptions.config.open === true) return
    if (late < 2 && waitingForDatabase(context) < guards.databaseWaiting) return
    throw new Fault('unavailable', 'The node has more to do than it can; try again.', { retryAfterSeconds: 2 })
  })
}
