import { randomBytes } from 'node:crypto'
import { type PublicJwk, parsePublicJwk } from '../auth/jwk.ts'
import { type Scope, scopes } from '../domain/account.ts'
import type { Caller } from '../domain/caller.ts'
import { parseName } from '../domain/enrolment.ts'
import { Fault } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import { refusalOf } from '../policy/permissions.ts'
import {
  type ClientKeyRow,
  clientKeysOf,
  insertClientKey,
  readClientKey,
  removeClientKeyRow,
  usableClientKeys,
} from '../store/client-keys.ts'
import { accountOf, organisationOfAccount } from './accounts.ts'
import type { Context, Standing } from './context.ts'
import { administrative } from './organisations.ts'
import { absent } from './read.ts'
import { record, verb } from './verb.ts'

/** A public key by which an account proves itself when it asks for tokens. */
export interface ClientKey {
  readonly id: string
  readonly account: string
  readonly name: string
  /** RFC 7638; assertions may name the key by it, or by its id. */
  readonly thumbprint: string
  readonly jwk: PublicJwk
  readonly scopes: readonly Scope[]
  readonly createdAt: string
  readonly removedAt?: string
  readonly lastUsedAt?: string
}

/** @throws {Fault} `not_found` */
export const listClientKeys = verb(
  'list-client-keys',
  async (context: Context, _caller, input: { readonly id: string }, standing): Promise<ClientKey[]> => {
    accountOf(standing, input.id)
    return (await clientKeysOf(context.database, input.id)).map(shown)
  },
  { organisation: organisationOfAccount },
)

export interface AddClientKeyInput {
  /** Account id, which is the client id. */
  readonly id: string
  readonly name: string
  readonly jwk: object
  /** What tokens may do at most; `read` and `write` when absent. */
  readonly scopes?: readonly Scope[]
}

/** @throws {Fault} `not_found`, `invalid_request`, `already_exists` */
export const addClientKey = verb(
  'add-client-key',
  async (context: Context, caller: Caller, input: AddClientKeyInput, standing): Promise<ClientKey> => {
    accountOf(standing, input.id)
    const { jwk, thumbprint } = await parsePublicJwk(input.jwk, '/jwk')
    const row = {
      id: randomBytes(6).toString('hex'),
      account: input.id,
      name: parseName(input.name, '/name'),
      thumbprint,
      jwk: JSON.stringify(jwk),
      scopes: wantedScopes(input.scopes),
      createdAt: context.clock(),
    }
    await context.database.transaction(async (transaction) => {
      if ((await usableClientKeys(transaction, input.id)).length >= limits.clientKeysPerAccount) {
        throw new Fault('invalid_request', `An account has at most ${limits.clientKeysPerAccount} keys: remove one.`)
      }
      await insertClientKey(transaction, row)
      const { id, account, scopes } = row
      const subject = { id, account, thumbprint, scopes }
      await record(transaction, context, caller, standing, administrative('add-client-key', subject))
    })
    return shown({ ...row, removedAt: null, lastUsedAt: null })
  },
  { organisation: organisationOfAccount },
)

/** Takes a key back, and with it every token that was asked for with it. @throws {Fault} `not_found` */
export const removeClientKey = verb(
  'remove-client-key',
  async (context: Context, caller: Caller, input: { readonly id: string }, standing: Standing): Promise<void> => {
    const key = await readClientKey(context.database, input.id)
    const organisation = key === undefined ? undefined : standing.directory.accounts.get(key.account)?.organisation
    // Another organisation's key is answered as one that does not exist.
    if (organisation === undefined || refusalOf(caller, 'remove-client-key', organisation) !== undefined) throw absent()
    await context.database.transaction(async (transaction) => {
      await removeClientKeyRow(transaction, input.id, context.clock())
      await record(transaction, context, caller, standing, administrative('remove-client-key', { id: input.id }))
    })
  },
)

/** @throws {Fault} `invalid_request` */
export function wantedScopes(given: readonly Scope[] = ['read', 'write']): Scope[] {
  const wanted = scopes.filter((scope) => given.includes(scope))
  if (wanted.length > 0) return wanted
  throw new Fault('invalid_request', 'At least one scope is needed.', { position: { pointer: '/scopes' } })
}

const shown = (row: ClientKeyRow): ClientKey => ({
  id: row.id,
  account: row.account,
  name: row.name,
  thumbprint: row.thumbprint,
  jwk: JSON.parse(row.jwk) as PublicJwk,
  scopes: row.scopes as Scope[],
  createdAt: row.createdAt.toISOString(),
  ...(row.removedAt === null ? {} : { removedAt: row.removedAt.toISOString() }),
  ...(row.lastUsedAt === null ? {} : { lastUsedAt: row.lastUsedAt.toISOString() }),
})
