import { and, eq, inArray } from 'drizzle-orm'
import type { Queries } from './database.ts'
import { externalIdentity } from './tables/tokens.ts'

export type IdentityRow = typeof externalIdentity.$inferSelect

export async function readIdentity({ db }: Queries, id: string): Promise<IdentityRow | undefined> {
  const [row] = await db.select().from(externalIdentity).where(eq(externalIdentity.id, id))
  return row
}

/** The accounts of several identities at once, by identity. */
export async function accountsOfIdentities({ db }: Queries, ids: readonly string[]): Promise<Map<string, string>> {
  if (ids.length === 0) return new Map()
  const rows = await db
    .select()
    .from(externalIdentity)
    .where(inArray(externalIdentity.id, [...ids]))
  return new Map(rows.map(({ id, account }) => [id, account]))
}

export async function identityOf({ db }: Queries, issuer: string, subject: string): Promise<IdentityRow | undefined> {
  const [row] = await db
    .select()
    .from(externalIdentity)
    .where(and(eq(externalIdentity.issuer, issuer), eq(externalIdentity.subject, subject)))
  return row
}

export async function identitiesOfAccount({ db }: Queries, account: string): Promise<IdentityRow[]> {
  return await db
    .select()
    .from(externalIdentity)
    .where(eq(externalIdentity.account, account))
    .orderBy(externalIdentity.createdAt, externalIdentity.id)
}

export async function insertIdentity({ db }: Queries, row: typeof externalIdentity.$inferInsert): Promise<void> {
  await db.insert(externalIdentity).values(row)
}

/** Raises the policy epoch, so that tokens of it end in every process. */
export async function deleteIdentity({ db }: Queries, id: string): Promise<void> {
  await db.delete(externalIdentity).where(eq(externalIdentity.id, id))
}
