import { randomBytes, randomUUID } from 'node:crypto'
import { eq, isNull, ne, or, sql } from 'drizzle-orm'
import type { Queries } from './database.ts'
import { node, policyState } from './tables/directory.ts'

/** What this node is, with its secrets. `signingKey`: the seed of its Ed25519 key, 32 bytes. */
export type Node = typeof node.$inferSelect & { readonly signingKey: Buffer }

/**
 * The node's row; made with fresh keys at the first start. In a database that is not the one it was last opened in (restored from
 * a backup, or promoted from a replica) the feed gets a new epoch: positions may be given again, and cursors from before must
 * not be believed. A node that lacks a key is given it.
 */
export async function openNode(queries: Queries): Promise<Node> {
  const { db } = queries
  await db
    .insert(node)
    .values({
      id: randomUUID(),
      feedEpoch: randomUUID(),
      cursorKey: randomBytes(32),
      maskKey: randomBytes(32),
      idKey: randomBytes(32),
      signingKey: randomBytes(32),
    })
    .onConflictDoNothing()
  const here = await databaseIdentity(queries)
  await db
    .update(node)
    .set({
      databaseIdentity: here,
      feedEpoch: sql`case when ${node.databaseIdentity} is null then ${node.feedEpoch} else gen_random_uuid() end`,
    })
    .where(or(isNull(node.databaseIdentity), ne(node.databaseIdentity, here)))
  const row = await readNode(queries)
  if (row.signingKey !== null) return { ...row, signingKey: row.signingKey }
  // A node from before it signed. Of two processes that start at once one makes the key, and both read it.
  await db
    .update(node)
    .set({ signingKey: randomBytes(32) })
    .where(isNull(node.signingKey))
  const { signingKey, ...rest } = await readNode(queries)
  if (signingKey === null) throw new Error('the node has no signing key')
  return { ...rest, signingKey }
}

/** The row as it is; without a signing key before the first start of a version that has one. */
export async function readNode({ db }: Queries): Promise<typeof node.$inferSelect> {
  const [row] = await db.select().from(node)
  if (row === undefined) throw new Error('the node has no row of its own')
  return row
}

/** Gives the feed a new epoch: for a copy that nothing tells from the original, such as a restored snapshot of the data folder. */
export async function renewFeedEpoch({ db }: Queries): Promise<void> {
  await db.update(node).set({ feedEpoch: randomUUID() })
}

/** The timeline is that of what is written now: the last checkpoint's may be the one before, for minutes after a promotion. */
async function databaseIdentity({ client }: Queries): Promise<string> {
  const { rows } = await client.query<{ identity: string }>(
    `select concat_ws('/', s.system_identifier, ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int, d.oid) as identity
     from pg_control_system() s, pg_database d where d.datname = current_database()`,
  )
  return rows[0]?.identity ?? ''
}

/** Makes an organisation the operator, if there is none. @returns whether it is now */
export async function claimOperator({ db }: Queries, operator: string): Promise<boolean> {
  const claimed = await db.update(node).set({ operator }).where(isNull(node.operator)).returning({ id: node.id })
  return claimed.length === 1
}

export async function setGreenCommunity({ db }: Queries, community: string): Promise<void> {
  await db.update(node).set({ greenCommunity: community }).where(eq(node.singleton, true))
}

/** The policy epoch as committed now. */
export async function readEpoch({ db }: Queries): Promise<bigint> {
  const [row] = await db.select().from(policyState)
  if (row === undefined) throw new Error('the policy epoch is missing')
  return row.epoch
}

/** How far the policy has come: its epoch, and the largest handling id (0 when there is none). */
export async function readPolicyHead({
  client,
}: Queries): Promise<{ readonly epoch: bigint; readonly handlings: number }> {
  const { rows } = await client.query<{ epoch: bigint; handlings: number }>(
    'select (select epoch from policy_state) as epoch, coalesce((select max(id) from handling), 0) as handlings',
  )
  const [head] = rows
  if (head === undefined) throw new Error('the policy state is missing')
  return head
}
