import { and, eq, inArray, isNull, lt, or } from 'drizzle-orm'
import type { Queries } from './database.ts'
import { apiKey } from './tables/account.ts'

export type ApiKeyRow = typeof apiKey.$inferSelect

/** How stale `last_used_at` may be: one write a minute and key, whatever the traffic. */
export const lastUseGrainMs = 60_000

export async function readKey({ db }: Queries, id: string): Promise<ApiKeyRow | undefined> {
  const [row] = await db.select().from(apiKey).where(eq(apiKey.id, id))
  return row
}

/** Several keys at once, by id. */
export async function readKeys({ db }: Queries, ids: readonly string[]): Promise<Map<string, ApiKeyRow>> {
  if (ids.length === 0) return new Map()
  const rows = await db
    .select()
    .from(apiKey)
    .where(inArray(apiKey.id, [...ids]))
  return new Map(rows.map((row) => [row.id, row]))
}

export async function keysOfAccount({ db }: Queries, account: string): Promise<ApiKeyRow[]> {
  return await db.select().from(apiKey).where(eq(apiKey.account, account)).orderBy(apiKey.createdAt, apiKey.id)
}

export async function insertKey({ db }: Queries, row: typeof apiKey.$inferInsert): Promise<void> {
  await db.insert(apiKey).values(row)
}

export async function revokeKeyRow({ db }: Queries, id: string, at: Date): Promise<void> {
  await db
    .update(apiKey)
    .set({ revokedAt: at })
    .where(and(eq(apiKey.id, id), isNull(apiKey.revokedAt)))
}

export async function touchKey({ db }: Queries, id: string, at: Date): Promise<void> {
  const stale = new Date(at.getTime() - lastUseGrainMs)
  await db
    .update(apiKey)
    .set({ lastUsedAt: at })
    .where(and(eq(apiKey.id, id), or(isNull(apiKey.lastUsedAt), lt(apiKey.lastUsedAt, stale))))
}

/** Neither revoked nor at its end. */
export const keyIsUsable = (key: ApiKeyRow | undefined, at: Date): key is ApiKeyRow =>
  key !== undefined && key.revokedAt === null && (key.expiresAt === null || key.expiresAt > at)
