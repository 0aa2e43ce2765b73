import { randomBytes, randomUUID } from 'node:crypto'
import { eq, isNull } from 'drizzle-orm'
import type { Queries } from './database.ts'
import { node, policyState } from './tables/directory.ts'

/** What this node is, with its secrets. `signingKey`: the seed of its Ed25519 key, 32 bytes. */
export type Node = typeof node.$inferSelect & { readonly signingKey: Buffer }

/** The node's row; made with fresh keys at the first start, and given those that it lacks. */
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
