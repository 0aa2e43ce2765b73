import { appendAudits } from '../store/audit.ts'
import { Database, type DatabaseOptions } from '../store/database.ts'
import { LiveColumn } from '../store/live-column.ts'
import { Networks } from '../store/networks.ts'
import { openNode } from '../store/node.ts'
import { ensurePartitions } from '../store/partitions.ts'
import { Signals } from '../store/signals.ts'
import { AuditQueue } from './audit-queue.ts'
import type { Context, Log } from './context.ts'
import { CurrentPolicy } from './current-policy.ts'
import { ProvenKeys } from './proven-keys.ts'
import { Turns } from './turns.ts'

/** Opens a migrated database and makes what every action is given. `close` writes what is left for the
 * audit log and gives the connections back. */
export async function startContext(options: {
  readonly database: Omit<DatabaseOptions, 'onIdleError'>
  readonly clock: () => Date
  readonly log: Log
  readonly version: string
  /** Hear at once of what other processes change; a process that serves does, a command that runs once need not. */
  readonly listen?: boolean
}): Promise<Context & { close(): Promise<void> }> {
  const { clock, log, version } = options
  const database = new Database({
    ...options.database,
    onIdleError: (error) => log.warn({ error }, 'an idle database connection broke'),
  })
  const node = await openNode(database)
  await ensurePartitions(database)
  const policy = new CurrentPolicy(database)
  const column = new LiveColumn(database)
  const signals = new Signals(
    database.url,
    (signal) => {
      const heard = signal === 'policy' ? policy.moved() : column.hurry()
      heard.catch((error: unknown) => log.warn({ error, signal }, 'what changed could not be read yet'))
    },
    (error) => log.warn({ error }, 'the connection that hears of changes broke'),
  )
  if (options.listen === true) await signals.open()
  const audit = new AuditQueue((entries, bases) => appendAudits(database, entries, bases), log)
  return {
    database,
    node,
    policy,
    column,
    keys: new ProvenKeys(),
    networks: new Networks(),
    turns: new Turns(),
    audit,
    clock,
    log,
    version,
    close: async () => {
      await signals.close()
      await audit.close()
      await database.close()
    },
  }
}
