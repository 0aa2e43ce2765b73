import type { BlocklistFilter } from '../../actions/blocklist-filter.ts'
import type { SavedBlocklist } from '../../actions/blocklists.ts'
import { actions } from '../../actions/index.ts'
import type { CheckInput } from '../../actions/warninglists.ts'
import { type Asked, changing, reading } from './asked.ts'
import { searchFilter } from './filter.ts'

/** The fields of `Query` about blocklists and warninglists. */
export const blocklistQueries = {
  blocklists: reading(({ context, caller }: Asked) => actions['list-blocklists'](context, caller, undefined)),
  warninglists: reading(({ context, caller }: Asked) => actions['list-warninglists'](context, caller, undefined)),
  checkWarninglists: reading(async ({ context, caller }: Asked, { values }: CheckInput) => {
    const found = await actions['check-warninglists'](context, caller, { values })
    return values.map((value, n) => ({ ...value, warnings: found[n] ?? [] }))
  }),
}

interface CreateArgs {
  readonly name: string
  readonly filter?: BlocklistFilter
}

interface KeyArgs {
  readonly blocklist: string
  readonly expiresAt?: string
}

/** The fields of `Mutation` about saved blocklists and their keys. */
export const blocklistMutations = {
  createBlocklist: changing(({ context, caller }: Asked, { name, filter = {} }: CreateArgs) =>
    actions['create-blocklist'](context, caller, { name, filter: searchFilter(filter) }),
  ),
  removeBlocklist: changing(async ({ context, caller }: Asked, { id }: { id: string }) => {
    await actions['remove-blocklist'](context, caller, { id })
    return id
  }),
  issueListKey: changing(async ({ context, caller }: Asked, { blocklist, ...input }: KeyArgs) => {
    const { secret, ...key } = await actions['issue-list-key'](context, caller, { ...input, id: blocklist })
    return { key, secret }
  }),
  revokeListKey: changing(async ({ context, caller }: Asked, { id }: { id: string }) => {
    await actions['revoke-list-key'](context, caller, { id })
    return id
  }),
}

/** Fields of types that are not simply members of what the actions return. */
export const blocklistTypes = {
  Blocklist: { filter: ({ filter }: SavedBlocklist) => JSON.stringify(filter ?? {}) },
}
