import { lt } from 'drizzle-orm'
import type { Queries } from './database.ts'
import { revokedToken, usedAssertion } from './tables/tokens.ts'

/**
 * Uses an assertion up. The second of two at once waits for the first to commit.
 * @param jti SHA-256 of it
 * @returns false when it was used before
 */
export async function useAssertion(
  { db }: Queries,
  assertion: { readonly client: string; readonly jti: Buffer; readonly expiresAt: Date },
): Promise<boolean> {
  const used = await db.insert(usedAssertion).values(assertion).onConflictDoNothing().returning({
    client: usedAssertion.client,
  })
  return used.length === 1
}

/** @returns false when it was revoked before */
export async function insertRevokedToken(
  { db }: Queries,
  token: { readonly jti: string; readonly client: string; readonly expiresAt: Date },
): Promise<boolean> {
  const revoked = await db.insert(revokedToken).values(token).onConflictDoNothing().returning({ jti: revokedToken.jti })
  return revoked.length === 1
}

/** Whether a token of this node still stands: neither revoked, nor is the key removed that asked for it. One statement. */
export async function tokenStands(
  { client }: Queries,
  { jti, account, clientKey }: { readonly jti: string; readonly account: string; readonly clientKey: string },
): Promise<boolean> {
  const { rows } = await client.query<{ stands: boolean }>(
    `select exists (select from client_key where id = $1 and account = $2 and removed_at is null)
       and not exists (select from revoked_token where jti = $3) as stands`,
    [clientKey, account, jti],
  )
  return rows[0]?.stands === true
}

/** Of several tokens of this node, the ids of those that still stand, as {@link tokenStands} says it. */
export async function tokensThatStand(
  { client }: Queries,
  tokens: readonly { readonly jti: string; readonly account: string; readonly clientKey: string }[],
): Promise<Set<string>> {
  if (tokens.length === 0) return new Set()
  const { rows } = await client.query<{ jti: string }>(
    `select t.jti from unnest($1::text[], $2::text[], $3::text[]) t (jti, account, client_key)
     where exists (select from client_key k where k.id = t.client_key and k.account = t.account and k.removed_at is null)
       and not exists (select from revoked_token r where r.jti = t.jti)`,
    [tokens.map(({ jti }) => jti), tokens.map(({ account }) => account), tokens.map(({ clientKey }) => clientKey)],
  )
  return new Set(rows.map(({ jti }) => jti))
}

/** Forgets what could not be used any more anyhow. */
export async function deleteExpiredTokens({ db }: Queries, before: Date): Promise<void> {
  await db.delete(usedAssertion).where(lt(usedAssertion.expiresAt, before))
  await db.delete(revokedToken).where(lt(revokedToken.expiresAt, before))
}
