import type { Registry } from 'prom-client'
import type { Log } from './actions/index.ts'
import { listenForMetrics } from './api/metrics/listener.ts'
import type { Config } from './config.ts'
import { isOneOfSeveral } from './processes.ts'

// `prom-client` is loaded where metrics are asked for: it takes memory.

/** Where a process puts what it measures; undefined where nobody asked for it. */
export async function registryOf({ metricsPort }: Pick<Config, 'metricsPort'>): Promise<Registry | undefined> {
  if (metricsPort === undefined) return undefined
  const { AggregatorRegistry, Registry } = await import('prom-client')
  const registry = new Registry()
  if (isOneOfSeveral()) {
    // The process that started this one asks it, and answers for all.
    AggregatorRegistry.setRegistries([registry])
    new AggregatorRegistry()
  }
  return registry
}

/** Answers for this process, or with no registry for all that it started. @returns what ends it */
export async function serveMetrics(
  { metricsPort }: Pick<Config, 'metricsPort'>,
  log: Log,
  registry?: Registry,
): Promise<() => Promise<void>> {
  if (metricsPort === undefined || isOneOfSeveral()) return async () => {}
  const { AggregatorRegistry } = await import('prom-client')
  const all = new AggregatorRegistry()
  const metrics = {
    contentType: all.contentType,
    read: () => registry?.metrics() ?? all.clusterMetrics(),
  }
  const onError = (error: unknown) => log.warn({ error }, 'metrics could not be read')
  const { url, stop } = await listenForMetrics(metricsPort, metrics, onError).catch((cause: unknown) => {
    throw new Error('PUENTE_METRICS_PORT cannot be listened on', { cause })
  })
  log.info({ metrics: url }, 'metrics are answered')
  return stop
}
