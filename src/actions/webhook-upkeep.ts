import { mintDeliveryId, mintWebhookSecret, openSecret, sealSecret, webhookHeaders } from '../auth/webhook-secrets.ts'
import type { Caller } from '../domain/caller.ts'
import { Fault } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import { isTaken, outcomeText } from '../domain/webhook.ts'
import { pingBody } from '../formats/webhook-out.ts'
import { lockAccount } from '../store/accounts.ts'
import type { Queries } from '../store/database.ts'
import { deadLettersOf, forgetDeadLetters, reviveDeadLetters } from '../store/webhook-deliveries.ts'
import { type SubscriptionRow, subscriptionsOf, updateSubscription } from '../store/webhook-subscriptions.ts'
import type { Context } from './context.ts'
import { administrative } from './organisations.ts'
import { absent } from './read.ts'
import { accountOf, one } from './subscription-view.ts'
import { record, verb } from './verb.ts'
import type { KeptStep } from './webhook-batch.ts'

export interface RotateSecretInput {
  readonly id: string
  /** How long the present secret goes on signing beside the new one: 0 to 604,800; 86,400 when absent. */
  readonly oldSecretSeconds?: number
}

export interface RotatedSecret {
  /** To be shown now and never again. */
  readonly secret: string
  /** Until then deliveries carry a signature of the secret before, too. */
  readonly oldSecretUntil: string
}

/** A new secret; one that was being replaced already ends now. @throws {Fault} `not_found`, `invalid_request` */
export const rotateWebhookSecret = verb(
  'rotate-webhook-secret',
  async (
    context: Context,
    caller: Caller,
    { id, oldSecretSeconds }: RotateSecretInput,
    standing,
  ): Promise<RotatedSecret> => {
    const seconds = oldSecretSeconds ?? limits.webhookOldSecretSeconds
    if (!Number.isInteger(seconds) || seconds < 0 || seconds > limits.webhookOldSecretSecondsMost) {
      throw new Fault('invalid_request', `The old secret lasts 0 to ${limits.webhookOldSecretSecondsMost} seconds.`, {
        position: { pointer: '/oldSecretSeconds' },
      })
    }
    const secret = mintWebhookSecret()
    const until = new Date(context.clock().getTime() + seconds * 1000)
    return await context.database.transaction(async (transaction) => {
      await lockAccount(transaction, accountOf(caller))
      const { secret: oldSecret } = await rowOf(transaction, caller, id)
      const change = { secret: sealSecret(context.node.idKey, id, secret), oldSecret, oldSecretUntil: until }
      await updateSubscription(transaction, accountOf(caller), id, change)
      const subject = { id, oldSecretUntil: until.toISOString() }
      await record(transaction, context, caller, standing, administrative('rotate-webhook-secret', subject))
      return { secret, oldSecretUntil: until.toISOString() }
    })
  },
)

export interface Pinged {
  readonly delivered: boolean
  /** `status 200`, or what went wrong. Nothing of the answer's body. */
  readonly outcome: string
}

/** Sends something without content, now, also while it is paused. @throws {Fault} `not_found` */
export const pingSubscription = verb(
  'ping-subscription',
  async (context: Context, caller: Caller, { id }: { readonly id: string }, standing): Promise<Pinged> => {
    const row = await rowOf(context.database, caller, id)
    const at = context.clock()
    const body = pingBody(id, at.toISOString())
    const outcome = await context.wayOut.post(row.url, signed(context, row, mintDeliveryId(), at, body), body)
    await context.database.transaction((transaction) =>
      record(transaction, context, caller, standing, administrative('ping-subscription', { id })),
    )
    return { delivered: isTaken(outcome), outcome: outcomeText(outcome) }
  },
)

/** A delivery that was given up. */
export interface DeadLetter {
  /** Its webhook-id. */
  readonly id: string
  readonly createdAt: string
  readonly deadAt: string
  readonly attempts: number
  /** What the last attempt came to. */
  readonly reason: string
  /** Ids of the indicators it is about. */
  readonly ids: readonly string[]
}

/** Oldest first. @throws {Fault} `not_found` */
export const listDeadLetters = verb(
  'list-dead-letters',
  async (context: Context, caller: Caller, { id }: { readonly id: string }): Promise<DeadLetter[]> => {
    await one(context.database, caller, id)
    const rows = await deadLettersOf(context.database, id)
    return rows.map((row) => ({
      id: row.id,
      createdAt: row.created_at.toISOString(),
      deadAt: row.dead_at.toISOString(),
      attempts: row.attempts,
      reason: row.dead_reason,
      ids: (JSON.parse(row.steps) as KeptStep[]).map(([, , about]) => about),
    }))
  },
)

export interface ReplayInput {
  readonly id: string
  /** Those to send again; all when absent. */
  readonly letters?: readonly string[]
}

/**
 * Sends dead letters again, before what comes later. What is in them is asked of the policy when they are sent.
 * @returns how many wait again
 * @throws {Fault} `not_found`
 */
export const replayDeadLetters = verb(
  'replay-dead-letters',
  async (context: Context, caller: Caller, { id, letters }: ReplayInput, standing): Promise<{ replayed: number }> =>
    await context.database.transaction(async (transaction) => {
      await rowOf(transaction, caller, id)
      const replayed = await reviveDeadLetters(transaction, id, letters)
      if (replayed > 0) await updateSubscription(transaction, accountOf(caller), id, { notBefore: null })
      await record(transaction, context, caller, standing, administrative('replay-dead-letters', { id, replayed }))
      return { replayed }
    }),
)

/** @throws {Fault} `not_found` */
async function rowOf(queries: Queries, caller: Caller, id: string): Promise<SubscriptionRow> {
  const [found] = await subscriptionsOf(queries, accountOf(caller), id)
  if (found === undefined) throw absent()
  return found.row
}

/** What the clock does: dead letters are not kept for ever. */
export const forgetLetters = (context: Context): Promise<number> =>
  forgetDeadLetters(context.database, new Date(context.clock().getTime() - limits.webhookDeadLetterDays * 86_400_000))

/** The headers of something sent to an endpoint: signed with its secret, and with the one before while that lasts. */
export function signed(
  context: Context,
  { id, secret, oldSecret, oldSecretUntil }: SubscriptionRow,
  delivery: string,
  at: Date,
  body: string,
): Readonly<Record<string, string>> {
  const lasts = oldSecret !== null && oldSecretUntil !== null && oldSecretUntil > at
  const secrets = [secret, ...(lasts ? [oldSecret] : [])].map((each) => openSecret(context.node.idKey, id, each))
  return { 'content-type': 'application/json', ...webhookHeaders(delivery, at, body, secrets) }
}
