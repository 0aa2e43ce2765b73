import { mintKey } from '../auth/api-keys.ts'
import { type Scope, scopes } from '../domain/account.ts'
import type { Caller } from '../domain/caller.ts'
import { parseInstant, parseName } from '../domain/enrolment.ts'
import { Fault } from '../domain/errors.ts'
import { refusalOf } from '../policy/permissions.ts'
import { type ApiKeyRow, insertKey, keysOfAccount, readKey, revokeKeyRow } from '../store/keys.ts'
import { accountOf, organisationOfAccount } from './accounts.ts'
import type { Context, Standing } from './context.ts'
import { administrative } from './organisations.ts'
import { absent } from './read.ts'
import { record, verb } from './verb.ts'

/** An API key as it may be listed: never its secret, which is not kept. */
export interface ApiKey {
  readonly id: string
  readonly account: string
  readonly name: string
  readonly scopes: readonly Scope[]
  readonly createdAt: string
  readonly expiresAt?: string
  readonly revokedAt?: string
  readonly lastUsedAt?: string
}

/** @throws {Fault} `not_found` */
export const listKeys = verb(
  'list-keys',
  async (context: Context, _caller, input: { readonly id: string }, standing): Promise<ApiKey[]> => {
    accountOf(standing, input.id)
    return (await keysOfAccount(context.database, input.id)).map(shown)
  },
  { organisation: organisationOfAccount },
)

export interface IssueKeyInput {
  /** Account id. */
  readonly id: string
  readonly name: string
  /** `read` and `write` when absent. The account's roles limit what a scope lets it do. */
  readonly scopes?: readonly Scope[]
  /** ISO 8601; none: until revoked. */
  readonly expiresAt?: string
}

export interface IssuedKey extends ApiKey {
  /** The key, to be shown now and never again. */
  readonly secret: string
}

/** @throws {Fault} `not_found`, `invalid_request` */
export const issueKey = verb(
  'issue-key',
  async (context: Context, caller: Caller, input: IssueKeyInput, standing): Promise<IssuedKey> => {
    accountOf(standing, input.id)
    const at = context.clock()
    const expiresAt = input.expiresAt === undefined ? undefined : parseInstant(input.expiresAt, '/expiresAt')
    if (expiresAt !== undefined && Date.parse(expiresAt) <= at.getTime()) {
      throw new Fault('invalid_request', 'A key cannot end before it begins.', { position: { pointer: '/expiresAt' } })
    }
    const wanted = scopes.filter((scope) => (input.scopes ?? ['read', 'write']).includes(scope))
    if (wanted.length === 0)
      throw new Fault('invalid_request', 'A key needs a scope.', { position: { pointer: '/scopes' } })
    const { id, secret, digest } = mintKey()
    const row = {
      id,
      account: input.id,
      name: parseName(input.name, '/name'),
      digest,
      scopes: wanted,
      expiresAt: expiresAt === undefined ? null : new Date(expiresAt),
      createdAt: at,
    }
    await context.database.transaction(async (transaction) => {
      await insertKey(transaction, row)
      const subject = { id, account: input.id, scopes: wanted, expiresAt }
      await record(transaction, context, caller, standing, administrative('issue-key', subject))
    })
    return { ...shown({ ...row, revokedAt: null, lastUsedAt: null }), secret }
  },
  { organisation: organisationOfAccount },
)

/** Takes a key back, at once. @throws {Fault} `not_found` */
export const revokeKey = verb(
  'revoke-key',
  async (context: Context, caller: Caller, input: { readonly id: string }, standing: Standing): Promise<void> => {
    const key = await readKey(context.database, input.id)
    const organisation = key === undefined ? undefined : standing.directory.accounts.get(key.account)?.organisation
    // Another organisation's key is answered as one that does not exist.
    if (organisation === undefined || refusalOf(caller, 'revoke-key', organisation) !== undefined) throw absent()
    await context.database.transaction(async (transaction) => {
      await revokeKeyRow(transaction, input.id, context.clock())
      await record(transaction, context, caller, standing, administrative('revoke-key', { id: input.id }))
    })
  },
)

const shown = (row: ApiKeyRow): ApiKey => ({
  id: row.id,
  account: row.account,
  name: row.name,
  scopes: row.scopes as Scope[],
  createdAt: row.createdAt.toISOString(),
  ...(row.expiresAt === null ? {} : { expiresAt: row.expiresAt.toISOString() }),
  ...(row.revokedAt === null ? {} : { revokedAt: row.revokedAt.toISOString() }),
  ...(row.lastUsedAt === null ? {} : { lastUsedAt: row.lastUsedAt.toISOString() }),
})
