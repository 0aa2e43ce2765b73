import { and, eq, isNull, lt, or } from 'drizzle-orm'
import type { Queries } from './database.ts'
import { clientKey } from './tables/tokens.ts'

export type ClientKeyRow = typeof clientKey.$inferSelect

/** How stale `last_used_at` may be: one write a minute and key, whatever the traffic. */
const lastUseGrainMs = 60_000

export async function readClientKey({ db }: Queries, id: string): Promise<ClientKeyRow | undefined> {
  const [row] = await db.select().from(clientKey).where(eq(clientKey.id, id))
  return row
}

/** Oldest first, those that were removed too. */
export async function clientKeysOf({ db }: Queries, account: string): Promise<ClientKeyRow[]> {
  return await db
    .select()
    .from(clientKey)
    .where(eq(clientKey.account, account))
    .orderBy(clientKey.createdAt, clientKey.id)
}

/** Those that a client may sign with now. */
export async function usableClientKeys({ db }: Queries, account: string): Promise<ClientKeyRow[]> {
  return await db
    .select()
    .from(clientKey)
    .where(and(eq(clientKey.account, account), isNull(clientKey.removedAt)))
}

export async function insertClientKey({ db }: Queries, row: typeof clientKey.$inferInsert): Promise<void> {
  await db.insert(clientKey).values(row)
}

/** Raises the policy epoch, so that tokens asked for with the key end in every process. */
export async function removeClientKeyRow({ db }: Queries, id: string, at: Date): Promise<void> {
  await db
    .update(clientKey)
    .set({ removedAt: at })
    .where(and(eq(clientKey.id, id), isNull(clientKey.removedAt)))
}

export async function touchClientKey({ db }: Queries, id: string, at: Date): Promise<void> {
  const stale = new Date(at.getTime() - lastUseGrainMs)
  await db
    .update(clientKey)
    .set({ lastUsedAt: at })
    .where(and(eq(clientKey.id, id), or(isNull(clientKey.lastUsedAt), lt(clientKey.lastUsedAt, stale))))
}
