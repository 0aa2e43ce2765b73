import { and, eq, isNull } from 'drizzle-orm'
import type { Queries, Transaction } from './database.ts'
import { federationKey } from './tables/peers.ts'

export type FederationKeyRow = typeof federationKey.$inferSelect

/** Those that are not removed, the newest first. */
export async function federationKeys({ db }: Queries): Promise<FederationKeyRow[]> {
  const rows = await db.select().from(federationKey).where(isNull(federationKey.removedAt))
  return rows.sort((a, b) => b.signsFrom.getTime() - a.signsFrom.getTime())
}

/** One process at a time makes or removes keys; until the transaction ends. */
export async function lockFederationKeys({ client }: Transaction): Promise<void> {
  await client.query("select pg_advisory_xact_lock(hashtext('federation_key'))")
}

export async function insertFederationKey({ db }: Queries, row: typeof federationKey.$inferInsert): Promise<void> {
  await db.insert(federationKey).values(row)
}

/** Removes a key for good: its private half is gone from the row. */
export async function removeFederationKey(
  { db }: Queries,
  thumbprint: string,
  publicJwk: string,
  at: Date,
): Promise<void> {
  await db
    .update(federationKey)
    .set({ jwk: publicJwk, removedAt: at })
    .where(and(eq(federationKey.thumbprint, thumbprint), isNull(federationKey.removedAt)))
}
