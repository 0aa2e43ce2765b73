import { and, asc, eq, inArray, isNull, lt, or } from 'drizzle-orm'
import type { Queries } from './database.ts'
import { blocklist, blocklistKey } from './tables/blocklists.ts'

export type BlocklistRow = typeof blocklist.$inferSelect
export type BlocklistKeyRow = typeof blocklistKey.$inferSelect

/** How stale `last_used_at` may be: one write a minute and key, whatever the traffic. */
const lastUseGrainMs = 60_000

/** One that was not removed. */
export async function readBlocklist({ db }: Queries, id: string): Promise<BlocklistRow | undefined> {
  const [row] = await db
    .select()
    .from(blocklist)
    .where(and(eq(blocklist.id, id), isNull(blocklist.removedAt)))
  return row
}

/** Those of these accounts that were not removed, oldest first. */
export async function blocklistsOf({ db }: Queries, accounts: readonly string[]): Promise<BlocklistRow[]> {
  return await db
    .select()
    .from(blocklist)
    .where(and(inArray(blocklist.account, [...accounts]), isNull(blocklist.removedAt)))
    .orderBy(asc(blocklist.createdAt), asc(blocklist.id))
}

export async function insertBlocklist({ db }: Queries, row: typeof blocklist.$inferInsert): Promise<void> {
  await db.insert(blocklist).values(row)
}

/** Its keys end with it: {@link readListKey} finds none of a list that is gone. */
export async function removeBlocklistRow({ db }: Queries, id: string, at: Date): Promise<void> {
  await db
    .update(blocklist)
    .set({ removedAt: at })
    .where(and(eq(blocklist.id, id), isNull(blocklist.removedAt)))
}

/** A key and its list; undefined when either is gone. */
export async function readListKey(
  { db }: Queries,
  id: string,
): Promise<{ key: BlocklistKeyRow; list: BlocklistRow } | undefined> {
  const [row] = await db
    .select({ key: blocklistKey, list: blocklist })
    .from(blocklistKey)
    .innerJoin(blocklist, eq(blocklist.id, blocklistKey.blocklist))
    .where(and(eq(blocklistKey.id, id), isNull(blocklist.removedAt)))
  return row
}

/** Keys of these lists, revoked ones too, oldest first. */
export async function keysOfLists({ db }: Queries, lists: readonly string[]): Promise<BlocklistKeyRow[]> {
  if (lists.length === 0) return []
  return await db
    .select()
    .from(blocklistKey)
    .where(inArray(blocklistKey.blocklist, [...lists]))
    .orderBy(asc(blocklistKey.createdAt), asc(blocklistKey.id))
}

export async function insertListKey({ db }: Queries, row: typeof blocklistKey.$inferInsert): Promise<void> {
  await db.insert(blocklistKey).values(row)
}

export async function revokeListKeyRow({ db }: Queries, id: string, at: Date): Promise<void> {
  await db
    .update(blocklistKey)
    .set({ revokedAt: at })
    .where(and(eq(blocklistKey.id, id), isNull(blocklistKey.revokedAt)))
}

export async function touchListKey({ db }: Queries, id: string, at: Date): Promise<void> {
  const stale = new Date(at.getTime() - lastUseGrainMs)
  await db
    .update(blocklistKey)
    .set({ lastUsedAt: at })
    .where(and(eq(blocklistKey.id, id), or(isNull(blocklistKey.lastUsedAt), lt(blocklistKey.lastUsedAt, stale))))
}

/** Neither revoked nor at its end. */
export const listKeyIsUsable = (key: BlocklistKeyRow, at: Date): boolean =>
  key.revokedAt === null && (key.expiresAt === null || key.expiresAt > at)
