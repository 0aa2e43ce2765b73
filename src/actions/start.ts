import { appendAudits } from '../store/audit.ts'
import { Database, type DatabaseOptions } from '../store/database.ts'
import { Networks } from '../store/networks.ts'
import { openNode } from '../store/node.ts'
import { ensurePartitions } from '../store/partitions.ts'
import { AuditQueue } from './audit-queue.ts'
import type { Context, Log } from './context.ts'
import { CurrentPolicy } from './current-policy.ts'

/** Opens a migrated database and makes what every action is given. `close` writes what is left for the
 * audit log and gives the connections back. */
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
  const audit = new AuditQueue((entries, bases) => appendAudits(database, entries, bases), log)
  return {
    database,
    node,
    policy: new CurrentPolicy(database),
    networks: new Networks(),
    audit,
    clock,
    log,
    version,
    close: async () => {
      await audit.close()
      await database.close()
    },
  }
}
