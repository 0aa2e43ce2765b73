import { readEpoch } from '../store/node.ts'
import { ensurePartitions } from '../store/partitions.ts'
import type { Context } from './context.ts'

export interface Description {
  readonly name: 'puente'
  readonly version: string
  /** The node's id. */
  readonly node: string
}

/** What this node is, for anybody: the action behind contracts, documentation pages and health checks. */
export async function describe(context: Context): Promise<Description> {
  return { name: 'puente', version: context.version, node: context.node.id }
}

/** Whether the node can answer: the database does. */
export async function isReady(context: Context): Promise<boolean> {
  try {
    await readEpoch(context.database)
    return true
  } catch (error) {
    context.log.warn({ error }, 'not ready')
    return false
  }
}

/** How many queries wait for a database connection. */
export const waitingForDatabase = (context: Context): number => context.database.waiting

/** Keeps the logs' next partitions ready; on the clock, and at start. */
export const makeRoom = (context: Context): Promise<void> => ensurePartitions(context.database)
