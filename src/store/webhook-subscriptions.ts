import { and, asc, count, eq, sql } from 'drizzle-orm'
import { lockAccount } from './accounts.ts'
import type { Queries, Transaction } from './database.ts'
import { webhookSubscription } from './tables/webhooks.ts'

export type SubscriptionRow = typeof webhookSubscription.$inferSelect
export type NewSubscription = typeof webhookSubscription.$inferInsert
/** What may be changed about one. */
export type SubscriptionChange = Partial<Omit<NewSubscription, 'id' | 'account' | 'filter' | 'ownSystem' | 'purpose'>>

/** A subscription, and how many of its deliveries wait and were given up. */
export interface CountedSubscription {
  readonly row: SubscriptionRow
  readonly waiting: number
  readonly dead: number
}

/** Ids as they are made here; others find nothing, and are not shown to a column that would refuse them. */
const isId = (text: string): boolean => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text)

/** Oldest first; or the one asked for. */
export async function subscriptionsOf(
  { client, db }: Queries,
  account: string,
  id?: string,
): Promise<CountedSubscription[]> {
  if (id !== undefined && !isId(id)) return []
  const mine = eq(webhookSubscription.account, account)
  const rows = await db
    .select()
    .from(webhookSubscription)
    .where(id === undefined ? mine : and(mine, eq(webhookSubscription.id, id)))
    .orderBy(asc(webhookSubscription.createdAt), asc(webhookSubscription.id))
  const counted = await client.query<{ subscription: string; waiting: number; dead: number }>(
    `select subscription, count(*) filter (where dead_at is null)::integer as waiting,
       count(*) filter (where dead_at is not null)::integer as dead
     from webhook_delivery where subscription = any($1::uuid[]) group by subscription`,
    [rows.map((row) => row.id)],
  )
  const counts = new Map(counted.rows.map((row) => [row.subscription, row]))
  return rows.map((row) => ({ row, waiting: counts.get(row.id)?.waiting ?? 0, dead: counts.get(row.id)?.dead ?? 0 }))
}

/** Adds one unless the account has as many as it may. @returns whether it was added */
export async function insertSubscription(
  transaction: Transaction,
  row: NewSubscription,
  most: number,
): Promise<boolean> {
  const { db } = transaction
  await lockAccount(transaction, row.account)
  const [{ held = 0 } = {}] = await db
    .select({ held: count() })
    .from(webhookSubscription)
    .where(eq(webhookSubscription.account, row.account))
  if (held >= most) return false
  await db.insert(webhookSubscription).values(row)
  return true
}

/**
 * Whoever works on it by what it was loses its hold: the next one sees what it is now.
 * @returns the row as it is then; undefined when this account has none of this id
 */
export async function updateSubscription(
  { db }: Queries,
  account: string,
  id: string,
  change: SubscriptionChange,
): Promise<SubscriptionRow | undefined> {
  if (!isId(id)) return undefined
  const [row] = await db
    .update(webhookSubscription)
    .set({ ...change, fence: sql`${webhookSubscription.fence} + 1`, holder: null })
    .where(and(eq(webhookSubscription.id, id), eq(webhookSubscription.account, account)))
    .returning()
  return row
}

/** With its deliveries. @returns whether there was one */
export async function deleteSubscription({ db }: Queries, account: string, id: string): Promise<boolean> {
  if (!isId(id)) return false
  const rows = await db
    .delete(webhookSubscription)
    .where(and(eq(webhookSubscription.id, id), eq(webhookSubscription.account, account)))
    .returning({ id: webhookSubscription.id })
  return rows.length === 1
}
