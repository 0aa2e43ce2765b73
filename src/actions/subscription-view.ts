import type { Purpose } from '../domain/agreement.ts'
import type { Caller } from '../domain/caller.ts'
import type { PauseReason } from '../domain/webhook.ts'
import type { Queries } from '../store/database.ts'
import { type CountedSubscription, subscriptionsOf } from '../store/webhook-subscriptions.ts'
import type { FollowFilter } from './follow.ts'
import { absent } from './read.ts'

/** A webhook of an account: where changes are sent, and how that goes. */
export interface Subscription {
  readonly id: string
  readonly name: string
  readonly url: string
  readonly filter: FollowFilter
  /** Whether the endpoint is the recipient's own system; to others only PAP:CLEAR and GREEN are sent. */
  readonly ownSystem: boolean
  /** Changes in one delivery, at most. */
  readonly batch: number
  readonly purpose: Purpose
  readonly createdAt: string
  readonly state: 'active' | 'paused'
  readonly paused?: { readonly reason: PauseReason; readonly at: string }
  /** Deliveries that wait for their next attempt, and those given up. */
  readonly waiting: number
  readonly deadLetters: number
  /** Since then nothing was taken. */
  readonly failingSince?: string
  readonly nextAttemptAt?: string
  readonly lastAttemptAt?: string
  readonly lastDeliveredAt?: string
  /** What the last attempt came to: `status 200`, or what went wrong. */
  readonly lastOutcome?: string
  /** Until then the secret before signs too. */
  readonly oldSecretUntil?: string
}

/** With the secret, to be shown now and never again. */
export interface SubscriptionWithSecret extends Subscription {
  readonly secret: string
}

/** One of the caller's own. @throws {Fault} `not_found`, alike for somebody else's */
export async function one(queries: Queries, caller: Caller, id: string): Promise<Subscription> {
  const [found] = await subscriptionsOf(queries, accountOf(caller), id)
  if (found === undefined) throw absent()
  return shown(found)
}

/** The permission asked for an account. */
export function accountOf({ reader }: Caller): string {
  if (reader.account === undefined) throw new Error('a webhook without an account')
  return reader.account
}

/** A row as its account sees it. */
export const shown = ({ row, waiting, dead }: CountedSubscription): Subscription => ({
  id: row.id,
  name: row.name,
  url: row.url,
  filter: JSON.parse(row.filter) as FollowFilter,
  ownSystem: row.ownSystem,
  batch: row.batch,
  purpose: row.purpose as Purpose,
  createdAt: row.createdAt.toISOString(),
  state: row.pausedAt === null ? 'active' : 'paused',
  ...(row.pausedAt === null
    ? {}
    : { paused: { reason: row.pausedReason as PauseReason, at: row.pausedAt.toISOString() } }),
  waiting,
  deadLetters: dead,
  ...(row.failingSince === null ? {} : { failingSince: row.failingSince.toISOString() }),
  ...(row.notBefore === null ? {} : { nextAttemptAt: row.notBefore.toISOString() }),
  ...(row.lastAttemptAt === null ? {} : { lastAttemptAt: row.lastAttemptAt.toISOString() }),
  ...(row.lastDeliveredAt === null ? {} : { lastDeliveredAt: row.lastDeliveredAt.toISOString() }),
  ...(row.lastOutcome === null ? {} : { lastOutcome: row.lastOutcome }),
  ...(row.oldSecretUntil === null ? {} : { oldSecretUntil: row.oldSecretUntil.toISOString() }),
})
