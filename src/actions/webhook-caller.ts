import type { Scope } from '../domain/account.ts'
import type { Purpose } from '../domain/agreement.ts'
import type { Caller } from '../domain/caller.ts'
import { anonymous } from '../domain/reader.ts'
import type { CredentialKind } from '../domain/webhook.ts'
import { readClientKey } from '../store/client-keys.ts'
import { readIdentity } from '../store/identities.ts'
import type { SubscriptionRow } from '../store/webhook-subscriptions.ts'
import type { Context } from './context.ts'
import { credentialsInvalid, recognise } from './recognise.ts'

/**
 * Who follows for a subscription: its account, with what its credential may still be used for. It is proven under the policy epoch that
 * is known; as long as that holds the verb that is called need not prove it again.
 * @throws {Fault} `credentials_invalid` when the credential was taken back or has ended, or the account is disabled
 */
export async function callerOf(context: Context, row: SubscriptionRow): Promise<Caller> {
  return await recognise(context, await context.policy.current(), await credentialOf(context, row))
}

async function credentialOf(context: Context, row: SubscriptionRow): Promise<Caller> {
  const caller: Caller = {
    reader: { ...anonymous, account: row.account },
    scopes: ['read'],
    purpose: row.purpose as Purpose,
    operator: false,
  }
  switch (row.credentialKind as CredentialKind) {
    case 'key':
      return { ...caller, key: row.credential }
    case 'client-key': {
      const key = await readClientKey(context.database, row.credential)
      if (key === undefined || key.account !== row.account || key.removedAt !== null) throw credentialsInvalid()
      return { ...caller, scopes: key.scopes as Scope[] }
    }
    case 'identity': {
      const identity = await readIdentity(context.database, row.credential)
      if (identity === undefined || identity.account !== row.account) throw credentialsInvalid()
      return { ...caller, scopes: identity.scopes as Scope[] }
    }
  }
}
