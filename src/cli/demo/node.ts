import { rm } from 'node:fs/promises'
import path from 'node:path'
import type { Log } from '../../actions/index.ts'
import type { Config } from '../../config.ts'
import { listeningAt } from '../../config-values.ts'
import { dataFolderOf, openDatabase, type RunningNode, startNode } from '../../main.ts'
import { openDataFolder } from '../../store/embedded/data-folder.ts'
import { removeLeftovers, temporaryPath } from '../../store/embedded/temporary.ts'

export interface DemoNodeOptions {
  /** The usual port, or a free one where it is taken, when absent. */
  readonly port?: number
  /** An empty PostgreSQL instead of the throw-away one. */
  readonly databaseUrl?: string
}

/** A node of the demo. `folder` is absent on a database of somebody else's. */
export interface DemoNode extends RunningNode {
  readonly folder?: string
}

const host = '127.0.0.1'

/**
 * A node on a new database in a folder of its own beside the persistent node's data, removed when it stops; what a killed demo
 * left is removed first. So one run never sees another's data, and several run at once.
 * @throws Error that says what to do
 */
export async function startDemoNode(config: Config, options: DemoNodeOptions, log: Log): Promise<DemoNode> {
  const folder = options.databaseUrl === undefined ? freshFolder(config) : undefined
  const remove = async () => {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true })
  }
  try {
    const database = await openDatabase(
      { databaseUrl: options.databaseUrl, natsUrl: undefined },
      { dataFolder: folder ?? '', durable: false },
      log,
    )
    // a person who reads along and a check both ask much at once, from one machine
    const { port = config.port } = options
    const free = options.port === undefined ? 'or a free one' : 'only this port'
    const node = await startNode(
      database,
      { ...listeningAt(config, host, port), requestsPerMinute: 100_000 },
      log,
      free,
    )
    const stop = async () => {
      await node.stop()
      await remove()
    }
    return { ...node, stop, ...(folder === undefined ? {} : { folder }) }
  } catch (error) {
    await remove()
    throw error
  }
}

/** A folder for a new database, removed by whoever stops it; what a killed demo left is removed first. */
export function freshFolder(config: Config): string {
  const demos = path.join(openDataFolder(dataFolderOf(config), process.getuid?.() ?? -1), 'demo')
  removeLeftovers(demos)
  return temporaryPath(demos)
}
