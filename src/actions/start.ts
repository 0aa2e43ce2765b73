import { Database, type DatabaseOptions } from '../store/database.ts'
import { Networks } from '../store/networks.ts'
import { openNode } from '../store/node.ts'
import { ensurePartitions } from '../store/partitions.ts'
import type { Context, Log } from './context.ts'
import { CurrentPolicy } from './current-policy.ts'
import { KnownIndicators } from './known-indicators.ts'

/** Opens a migrated database and makes what every action is given. `close` gives the connections back. */
export async function startContext(options: {
  readonly database: Omit<DatabaseOptions, 'onIdleError'>
  readonly clock: () => Date
  readonly log: Log
  readonly version: string
}): Promise<Context & { close(): Promise<void> }> {
  const { clock, log, version } = options
  const database = new Database({
    ...options.database,
    onIdleError: (error) => log.warn({ error }, 'an idle database connection broke'),
  })
  const node = await openNode(database)
  await ensurePartitions(database)
  return {
    database,
    node,
    policy: new CurrentPolicy(database),
    networks: new Networks(),
    known: new KnownIndicators(database, clock, log),
    clock,
    log,
    version,
    close: () => database.close(),
  }
}
