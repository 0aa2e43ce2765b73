import { randomBytes } from 'node:crypto'
import type { Scope } from '../domain/account.ts'
import type { Caller } from '../domain/caller.ts'
import { Fault } from '../domain/errors.ts'
import {
  deleteIdentity,
  type IdentityRow,
  identitiesOfAccount,
  insertIdentity,
  readIdentity,
} from '../store/identities.ts'
import { accountOf, organisationOfAccount } from './accounts.ts'
import { wantedScopes } from './client-keys.ts'
import type { Context, Standing } from './context.ts'
import { administrative } from './organisations.ts'
import { absent } from './read.ts'
import { record, verb } from './verb.ts'

/** Who somebody of the external issuer is here. */
export interface Identity {
  readonly id: string
  readonly account: string
  readonly issuer: string
  /** What the configured claim of its tokens says. */
  readonly subject: string
  readonly scopes: readonly Scope[]
  readonly createdAt: string
}

/** @throws {Fault} `not_found` */
export const listIdentities = verb(
  'list-identities',
  async (context: Context, _caller, input: { readonly id: string }, standing): Promise<Identity[]> => {
    accountOf(standing, input.id)
    return (await identitiesOfAccount(context.database, input.id)).map(shown)
  },
  { organisation: organisationOfAccount },
)

export interface AddIdentityInput {
  /** Account id. */
  readonly id: string
  readonly subject: string
  /** What its tokens may do at most, as far as they say so themselves; `read` and `write` when absent. */
  readonly scopes?: readonly Scope[]
}

/** Says that somebody of the external issuer is this account. @throws {Fault} `not_found`, `invalid_request`, `already_exists` */
export const addIdentity = verb(
  'add-identity',
  async (context: Context, caller: Caller, input: AddIdentityInput, standing): Promise<Identity> => {
    accountOf(standing, input.id)
    const issuer = context.tokens.external?.settings.issuer
    if (issuer === undefined) {
      throw new Fault('invalid_request', 'This node has no external issuer: PUENTE_OIDC_ISSUER names one.')
    }
    const row = {
      id: randomBytes(6).toString('hex'),
      account: input.id,
      issuer,
      subject: parseSubject(input.subject),
      scopes: wantedScopes(input.scopes),
      createdAt: context.clock(),
    }
    await context.database.transaction(async (transaction) => {
      await insertIdentity(transaction, row)
      await record(transaction, context, caller, standing, administrative('add-identity', row))
    })
    return shown(row)
  },
)

/** From then on its tokens are worth nothing here. @throws {Fault} `not_found` */
export const removeIdentity = verb(
  'remove-identity',
  async (context: Context, caller: Caller, input: { readonly id: string }, standing: Standing): Promise<void> => {
    const row = await readIdentity(context.database, input.id)
    if (row === undefined) throw absent()
    await context.database.transaction(async (transaction) => {
      await deleteIdentity(transaction, input.id)
      const { id, account, issuer, subject } = row
      const gone = { id, account, issuer, subject }
      await record(transaction, context, caller, standing, administrative('remove-identity', gone))
    })
  },
)

/** Compared exactly, so kept exactly (OpenID Connect Core 1.0 §2: at most 255 ASCII characters). */
function parseSubject(text: string): string {
  if (/^[\x20-\x7e]{1,255}$/.test(text)) return text
  throw new Fault('invalid_request', 'A subject has 1 to 255 ASCII characters.', { position: { pointer: '/subject' } })
}

const shown = (row: IdentityRow): Identity => ({
  id: row.id,
  account: row.account,
  issuer: row.issuer,
  subject: row.subject,
  scopes: row.scopes as Scope[],
  createdAt: row.createdAt.toISOString(),
})
