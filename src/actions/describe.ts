import { limits } from '../domain/limits.ts'
import { forgetViews } from '../store/feed-views.ts'
import { readEpoch, renewFeedEpoch } from '../store/node.ts'
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

/** Reads the feed into memory before anybody asks for a page. */
export const warmUp = (context: Context): Promise<void> => context.column.catchUp()

/** Makes every cursor given so far outdated: for a database that was put back from a backup. */
export const renewEpoch = (context: Context): Promise<void> => renewFeedEpoch(context.database)

/** Forgets what followers could see long ago; on the clock. */
export const forgetOldViews = (context: Context): Promise<number> =>
  forgetViews(context.database, new Date(context.clock().getTime() - limits.feedViewsKeptMs))
