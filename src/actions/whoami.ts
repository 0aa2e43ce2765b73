import type { Account, Scope } from '../domain/account.ts'
import type { Caller } from '../domain/caller.ts'
import type { Organisation } from '../domain/organisation.ts'
import { verb } from './verb.ts'

export interface Me {
  readonly account: Account
  readonly organisation: Organisation
  readonly scopes: readonly Scope[]
  readonly purpose: Caller['purpose']
  /** Communities the organisation belongs to. */
  readonly communities: readonly { readonly id: string; readonly name: string }[]
  /** True when the organisation operates this node. */
  readonly operator: boolean
}

/** Who the caller is to this node. */
export const whoami = verb('whoami', async (_context, caller, _input: undefined, { directory }): Promise<Me> => {
  const account = directory.accounts.get(caller.reader.account ?? '')
  const organisation = directory.organisations.get(caller.reader.organisation?.id ?? '')
  if (account === undefined || organisation === undefined) throw new Error('an enrolled caller is not in the directory')
  return {
    account,
    organisation,
    scopes: caller.scopes,
    purpose: caller.purpose,
    communities: caller.reader.communities.map((id) => ({ id, name: directory.communities.get(id)?.name ?? id })),
    operator: caller.operator,
  }
})
