import { and, asc, eq, isNull } from 'drizzle-orm'
import type { Queries } from './database.ts'
import { webhookDelivery } from './tables/webhooks.ts'

export type DeliveryRow = typeof webhookDelivery.$inferSelect

/** The one that is to be sent first; undefined when none waits. */
export async function firstWaiting({ db }: Queries, subscription: string): Promise<DeliveryRow | undefined> {
  const [row] = await db
    .select()
    .from(webhookDelivery)
    .where(and(eq(webhookDelivery.subscription, subscription), isNull(webhookDelivery.deadAt)))
    .orderBy(asc(webhookDelivery.number))
    .limit(1)
  return row
}

/** A dead letter as it is listed; `changes` counts what was in it. */
export interface DeadLetterRow {
  readonly id: string
  readonly number: bigint
  readonly steps: string
  readonly created_at: Date
  readonly attempts: number
  readonly dead_at: Date
  readonly dead_reason: string
}

/** Oldest first. */
export async function deadLettersOf({ client }: Queries, subscription: string): Promise<DeadLetterRow[]> {
  const { rows } = await client.query<DeadLetterRow>(
    `select id, number, steps, created_at, attempts, dead_at, dead_reason from webhook_delivery
     where subscription = $1 and dead_at is not null order by number`,
    [subscription],
  )
  return rows
}

/** Makes dead letters wait again, all of them or those named, each at its old place in the order. @returns how many */
export async function reviveDeadLetters(
  { client }: Queries,
  subscription: string,
  ids: readonly string[] | undefined,
): Promise<number> {
  const { rowCount } = await client.query(
    `update webhook_delivery set dead_at = null, dead_reason = null, attempts = 0
     where subscription = $1 and dead_at is not null and ($2::text[] is null or id = any($2))`,
    [subscription, ids ?? null],
  )
  return rowCount ?? 0
}

/** Forgets what waits, when the subscription is put somewhere else in the feed. Dead letters stay. */
export async function dropWaiting({ client }: Queries, subscription: string): Promise<void> {
  await client.query('delete from webhook_delivery where subscription = $1 and dead_at is null', [subscription])
}

/** Those that wait are tried as often again as the first time. */
export async function forgetAttempts({ client }: Queries, subscription: string): Promise<void> {
  await client.query('update webhook_delivery set attempts = 0 where subscription = $1 and dead_at is null', [
    subscription,
  ])
}

/** @returns how many dead letters were older */
export async function forgetDeadLetters({ client }: Queries, before: Date): Promise<number> {
  const { rowCount } = await client.query('delete from webhook_delivery where dead_at < $1', [before.toISOString()])
  return rowCount ?? 0
}
