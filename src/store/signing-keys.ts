import { and, eq, isNull } from 'drizzle-orm'
import type { Queries, Transaction } from './database.ts'
import { signingKey } from './tables/tokens.ts'

export type SigningKeyRow = typeof signingKey.$inferSelect

/** Those that are not removed, the newest first. */
export async function signingKeys({ db }: Queries): Promise<SigningKeyRow[]> {
  const rows = await db.select().from(signingKey).where(isNull(signingKey.removedAt))
  return rows.sort((a, b) => b.signsFrom.getTime() - a.signsFrom.getTime())
}

/** One process at a time makes or retires keys; until the transaction ends. */
export async function lockSigningKeys({ client }: Transaction): Promise<void> {
  await client.query("select pg_advisory_xact_lock(hashtext('signing_key'))")
}

export async function insertSigningKey({ db }: Queries, row: typeof signingKey.$inferInsert): Promise<void> {
  await db.insert(signingKey).values(row)
}

export async function retireSigningKey({ db }: Queries, kid: string, retiresAt: Date): Promise<void> {
  await db.update(signingKey).set({ retiresAt }).where(eq(signingKey.kid, kid))
}

/** Removes a key for good: its private half is gone from the row. */
export async function removeSigningKey({ db }: Queries, kid: string, publicJwk: string, at: Date): Promise<void> {
  await db
    .update(signingKey)
    .set({ jwk: publicJwk, removedAt: at })
    .where(and(eq(signingKey.kid, kid), isNull(signingKey.removedAt)))
}
