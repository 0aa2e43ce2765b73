import { randomBytes } from 'node:crypto'
import { mintListKey } from '../auth/api-keys.ts'
import type { Caller } from '../domain/caller.ts'
import { parseInstant, parseName } from '../domain/enrolment.ts'
import { Fault } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import { knowsBlocklist } from '../policy/knowing.ts'
import { lockAccount } from '../store/accounts.ts'
import {
  type BlocklistKeyRow,
  type BlocklistRow,
  blocklistsOf,
  insertBlocklist,
  insertListKey,
  keysOfLists,
  listKeyIsUsable,
  readBlocklist,
  readListKey,
  removeBlocklistRow,
  revokeListKeyRow,
} from '../store/blocklists.ts'
import { type BlocklistFilter, checkedFilter } from './blocklist-filter.ts'
import type { Context, Standing } from './context.ts'
import { administrative } from './organisations.ts'
import { absent } from './read.ts'
import { record, verb } from './verb.ts'

/** The key of a list as it may be listed: never its secret, which is not kept. */
export interface ListKey {
  readonly id: string
  readonly createdAt: string
  readonly expiresAt?: string
  readonly revokedAt?: string
  readonly lastUsedAt?: string
}

/** A saved list: what it holds is what its account may see and block. */
export interface SavedBlocklist {
  /** `list-` and twelve hexadecimal digits; stands in the URL. */
  readonly id: string
  readonly account: string
  readonly name: string
  readonly filter: BlocklistFilter
  readonly createdAt: string
  readonly keys: readonly ListKey[]
}

/** The caller's own lists; for an administrator, all of the organisation. */
export const listBlocklists = verb(
  'list-blocklists',
  async (context: Context, caller: Caller, _input: undefined, standing): Promise<SavedBlocklist[]> => {
    const accounts = [...standing.directory.accounts.values()].filter((account) => knowsBlocklist(caller, account))
    const lists = await blocklistsOf(
      context.database,
      accounts.map(({ id }) => id),
    )
    const keys = await keysOfLists(
      context.database,
      lists.map(({ id }) => id),
    )
    return lists.map((list) => shown(list, keys))
  },
)

export interface CreateBlocklistInput {
  readonly name: string
  readonly filter: BlocklistFilter
}

/** @throws {Fault} `invalid_request` */
export const createBlocklist = verb(
  'create-blocklist',
  async (context: Context, caller: Caller, input: CreateBlocklistInput, standing): Promise<SavedBlocklist> => {
    const row = {
      id: `list-${randomBytes(6).toString('hex')}`,
      account: caller.reader.account ?? '',
      name: parseName(input.name, '/name'),
      filter: JSON.stringify(checkedFilter(context, input.filter)),
      createdAt: context.clock(),
    }
    await context.database.transaction(async (transaction) => {
      await lockAccount(transaction, row.account)
      if ((await blocklistsOf(transaction, [row.account])).length >= limits.blocklistsPerAccount)
        throw new Fault('invalid_request', `An account has at most ${limits.blocklistsPerAccount} lists: remove one.`)
      await insertBlocklist(transaction, row)
      const subject = { id: row.id, filter: input.filter }
      await record(transaction, context, caller, standing, administrative('create-blocklist', subject))
    })
    return shown({ ...row, removedAt: null }, [])
  },
)

/** Ends a list, and its keys with it. @throws {Fault} `not_found` */
export const removeBlocklist = verb(
  'remove-blocklist',
  async (context: Context, caller: Caller, { id }: { readonly id: string }, standing): Promise<void> => {
    await known(context, caller, standing, id)
    await context.database.transaction(async (transaction) => {
      await removeBlocklistRow(transaction, id, context.clock())
      await record(transaction, context, caller, standing, administrative('remove-blocklist', { id }))
    })
  },
)

export interface IssueListKeyInput {
  /** Id of a list of the caller's own: its key reads with the rights of the list's account. */
  readonly id: string
  /** ISO 8601; none: until revoked. */
  readonly expiresAt?: string
}

export interface IssuedListKey extends ListKey {
  /** The key, to be shown now and never again. */
  readonly secret: string
}

/** @throws {Fault} `not_found`, `invalid_request` */
export const issueListKey = verb(
  'issue-list-key',
  async (context: Context, caller: Caller, input: IssueListKeyInput, standing): Promise<IssuedListKey> => {
    const list = await known(context, caller, standing, input.id)
    if (list.account !== caller.reader.account) throw absent()
    const at = context.clock()
    const expiresAt = input.expiresAt === undefined ? undefined : parseInstant(input.expiresAt, '/expiresAt')
    if (expiresAt !== undefined && Date.parse(expiresAt) <= at.getTime())
      throw new Fault('invalid_request', 'A key cannot end before it begins.', { position: { pointer: '/expiresAt' } })
    const { id, secret, digest } = mintListKey()
    const row = {
      id,
      blocklist: list.id,
      digest,
      createdAt: at,
      expiresAt: expiresAt === undefined ? null : new Date(expiresAt),
    }
    await context.database.transaction(async (transaction) => {
      await lockAccount(transaction, list.account)
      const usable = (await keysOfLists(transaction, [list.id])).filter((key) => listKeyIsUsable(key, at))
      if (usable.length >= limits.keysPerBlocklist)
        throw new Fault('invalid_request', `A list has at most ${limits.keysPerBlocklist} keys: revoke one.`)
      await insertListKey(transaction, row)
      const subject = { id, list: list.id, expiresAt }
      await record(transaction, context, caller, standing, administrative('issue-list-key', subject))
    })
    return { ...shownKey({ ...row, revokedAt: null, lastUsedAt: null }), secret }
  },
)

/** Takes a key back, at once. @throws {Fault} `not_found` */
export const revokeListKey = verb(
  'revoke-list-key',
  async (context: Context, caller: Caller, { id }: { readonly id: string }, standing): Promise<void> => {
    const found = await readListKey(context.database, id)
    if (found === undefined) throw absent()
    await known(context, caller, standing, found.list.id)
    await context.database.transaction(async (transaction) => {
      await revokeListKeyRow(transaction, id, context.clock())
      await record(transaction, context, caller, standing, administrative('revoke-list-key', { id }))
    })
  },
)

/** @throws {Fault} `not_found` alike for what does not exist and for what is not the caller's to know */
async function known(context: Context, caller: Caller, { directory }: Standing, id: string): Promise<BlocklistRow> {
  const list = await readBlocklist(context.database, id)
  const owner = list === undefined ? undefined : directory.accounts.get(list.account)
  if (list === undefined || owner === undefined || !knowsBlocklist(caller, owner)) throw absent()
  return list
}

const shown = (row: BlocklistRow, keys: readonly BlocklistKeyRow[]): SavedBlocklist => ({
  id: row.id,
  account: row.account,
  name: row.name,
  filter: JSON.parse(row.filter) as BlocklistFilter,
  createdAt: row.createdAt.toISOString(),
  keys: keys.filter(({ blocklist }) => blocklist === row.id).map(shownKey),
})

const shownKey = (row: BlocklistKeyRow): ListKey => ({
  id: row.id,
  createdAt: row.createdAt.toISOString(),
  ...(row.expiresAt === null ? {} : { expiresAt: row.expiresAt.toISOString() }),
  ...(row.revokedAt === null ? {} : { revokedAt: row.revokedAt.toISOString() }),
  ...(row.lastUsedAt === null ? {} : { lastUsedAt: row.lastUsedAt.toISOString() }),
})
