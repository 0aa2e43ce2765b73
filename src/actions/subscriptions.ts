import { randomUUID } from 'node:crypto'
import { mintWebhookSecret, sealSecret } from '../auth/webhook-secrets.ts'
import type { Caller } from '../domain/caller.ts'
import { parseName } from '../domain/enrolment.ts'
import { Fault } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import type { CredentialKind } from '../domain/webhook.ts'
import type { Transaction } from '../store/database.ts'
import { dropWaiting, forgetAttempts } from '../store/webhook-deliveries.ts'
import {
  deleteSubscription,
  insertSubscription,
  type SubscriptionChange,
  subscriptionsOf,
  updateSubscription,
} from '../store/webhook-subscriptions.ts'
import type { Context } from './context.ts'
import type { FollowFilter } from './follow.ts'
import { administrative } from './organisations.ts'
import { absent } from './read.ts'
import { pageFilter } from './search-filter.ts'
import { cursorAt, type Place } from './subscription-place.ts'
import { accountOf, one, type Subscription, type SubscriptionWithSecret, shown } from './subscription-view.ts'
import { record, verb } from './verb.ts'

export interface CreateSubscriptionInput extends Place {
  readonly name: string
  readonly url: string
  readonly filter?: FollowFilter
  /** No when absent. */
  readonly ownSystem?: boolean
  /** 1–1,000; 100 when absent. */
  readonly batch?: number
}

/** The caller's own, the oldest first. */
export const listSubscriptions = verb(
  'list-subscriptions',
  async (context: Context, caller: Caller): Promise<Subscription[]> =>
    (await subscriptionsOf(context.database, accountOf(caller))).map(shown),
)

/** @throws {Fault} `not_found` */
export const readSubscription = verb(
  'read-subscription',
  async (context: Context, caller: Caller, { id }: { readonly id: string }): Promise<Subscription> =>
    await one(context.database, caller, id),
)

/**
 * A new one, sent under the rights of the credential that makes it.
 * @throws {Fault} `endpoint_refused`, `invalid_request`, `invalid_value`, `too_many_subscriptions`, `scope_required`, `cursor_invalid`, `cursor_outdated`
 */
export const createSubscription = verb(
  'create-subscription',
  async (
    context: Context,
    caller: Caller,
    input: CreateSubscriptionInput,
    standing,
  ): Promise<SubscriptionWithSecret> => {
    const filter = input.filter ?? {}
    // What cannot be searched for is refused now and not at the first delivery.
    pageFilter(context, filter)
    const [id, secret, ownSystem] = [randomUUID(), mintWebhookSecret(), input.ownSystem === true]
    const row = {
      id,
      account: accountOf(caller),
      ...credentialOf(caller),
      purpose: caller.purpose,
      name: parseName(input.name, '/name'),
      url: endpoint(context, input.url),
      filter: JSON.stringify(filter),
      ownSystem,
      batch: batchOf(input.batch),
      secret: sealSecret(context.node.idKey, id, secret),
      createdAt: context.clock(),
      cursor: await cursorAt(context, caller, { filter, leaves: !ownSystem }, input),
    }
    const { name, url, batch, purpose } = row
    const subject = { id, name, url, filter, ownSystem, batch, purpose }
    await context.database.transaction(async (transaction) => {
      if (!(await insertSubscription(transaction, row, limits.webhooksPerAccount))) {
        throw new Fault(
          'too_many_subscriptions',
          `An account has at most ${limits.webhooksPerAccount} webhooks: remove one.`,
        )
      }
      await record(transaction, context, caller, standing, administrative('create-subscription', subject))
    })
    return { ...(await one(context.database, caller, id)), secret }
  },
)

export interface AmendSubscriptionInput extends Place {
  readonly id: string
  readonly name?: string
  readonly url?: string
  readonly batch?: number
  /** False resumes it, under the rights of the credential that does so. */
  readonly paused?: boolean
}

/**
 * Changes what may be changed. What it is about may not: the receiver holds what the filter and PAP let through, and nobody would tell it
 * what to give up; another subscription does.
 * @throws {Fault} `not_found`, `endpoint_refused`, `invalid_request`, `cursor_invalid`, `cursor_outdated`
 */
export const amendSubscription = verb(
  'amend-subscription',
  async (context: Context, caller: Caller, input: AmendSubscriptionInput, standing): Promise<Subscription> => {
    const { filter, ownSystem } = await one(context.database, caller, input.id)
    const moved = input.cursor !== undefined || input.from !== undefined
    const change: SubscriptionChange = {
      ...(input.name === undefined ? {} : { name: parseName(input.name, '/name') }),
      ...(input.url === undefined ? {} : { url: endpoint(context, input.url) }),
      ...(input.batch === undefined ? {} : { batch: batchOf(input.batch) }),
      ...(input.paused === true ? { pausedReason: 'owner', pausedAt: context.clock() } : {}),
      ...(input.paused === false ? { ...credentialOf(caller), ...resumed } : {}),
      ...(moved ? { cursor: await cursorAt(context, caller, { filter, leaves: !ownSystem }, input), ...unlooked } : {}),
    }
    return await context.database.transaction(async (transaction) => {
      if ((await updateSubscription(transaction, accountOf(caller), input.id, change)) === undefined) throw absent()
      if (moved) await dropWaiting(transaction, input.id)
      if (input.paused === false) await forgetAttempts(transaction, input.id)
      await record(transaction, context, caller, standing, administrative('amend-subscription', { ...input }))
      return await one(transaction, caller, input.id)
    })
  },
)

/** Ends one, with what waits and its dead letters. @throws {Fault} `not_found` */
export const removeSubscription = verb(
  'remove-subscription',
  async (context: Context, caller: Caller, { id }: { readonly id: string }, standing): Promise<void> => {
    await context.database.transaction(async (transaction: Transaction) => {
      if (!(await deleteSubscription(transaction, accountOf(caller), id))) throw absent()
      await record(transaction, context, caller, standing, administrative('remove-subscription', { id }))
    })
  },
)

const resumed: SubscriptionChange = { pausedReason: null, pausedAt: null, notBefore: null, failingSince: null }
/** It is looked again, whatever was seen before. */
const unlooked: SubscriptionChange = { checkedPosition: -1n, checkedEpoch: -1n, checkAt: null }

/** What it will be sent under: a token ends in minutes, what it was asked for with does not. */
function credentialOf({ key, token }: Caller): {
  readonly credentialKind: CredentialKind
  readonly credential: string
} {
  if (key !== undefined) return { credentialKind: 'key', credential: key }
  if (token?.issuer === 'node') return { credentialKind: 'client-key', credential: token.clientKey }
  if (token?.issuer === 'external') return { credentialKind: 'identity', credential: token.identity }
  throw new Error('an account without a credential')
}

/** @throws {Fault} `endpoint_refused` */
function endpoint(context: Context, url: string): string {
  const pointer = { position: { pointer: '/url' } }
  if (url.length > limits.webhookUrlCharacters)
    throw new Fault('endpoint_refused', `A URL has at most ${limits.webhookUrlCharacters} characters.`, pointer)
  const refusal = context.wayOut.refusal(url)
  if (refusal !== undefined) throw new Fault('endpoint_refused', `Nothing is sent there: ${refusal}.`, pointer)
  return new URL(url).href
}

/** @throws {Fault} `invalid_request` */
function batchOf(batch: number = limits.pageRecordsDefault): number {
  if (Number.isInteger(batch) && batch >= 1 && batch <= limits.pageRecords) return batch
  throw new Fault('invalid_request', `A delivery has 1 to ${limits.pageRecords} changes.`, {
    position: { pointer: '/batch' },
  })
}
