import { actions } from '../../actions/index.ts'
import type { Account } from '../../domain/account.ts'
import { type Asked, orNull, reading } from './asked.ts'
import { type NodeType, openGlobalId } from './global-id.ts'

/** `node(id)` of Relay's Global Object Identification: each type through the action that reads it. */
export const nodeQueries = {
  node: reading(async (asked: Asked, { id }: { id: string }): Promise<object | null> => {
    const opened = openGlobalId(id)
    if (opened === undefined) return null
    const found = await finders[opened.type](asked, opened.id)
    return found === null || found === undefined ? null : { __typename: opened.type, ...found }
  }),
}

const finders: Readonly<Record<NodeType, (asked: Asked, id: string) => Promise<object | null | undefined>>> = {
  Indicator: ({ context, caller }, id) => orNull(actions.read(context, caller, { id })),
  Organisation: async ({ known }, id) => (await known.organisations()).get(id),
  Community: async ({ known }, id) => (await known.communities()).get(id),
  Account: findAccount,
  Agreement: async ({ context, caller }, id) =>
    (await actions['list-agreements'](context, caller, undefined)).find((each) => each.id === id),
}

/** Everybody may find the account in use; others are an administrator's to see. */
async function findAccount({ context, caller }: Asked, id: string): Promise<Account | undefined> {
  if (id === caller.reader.account) return (await actions.whoami(context, caller, undefined)).account
  return (await actions['list-accounts'](context, caller, {})).find((each) => each.id === id)
}
