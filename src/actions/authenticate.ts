import { keyIdOf, keyMatches } from '../auth/api-keys.ts'
import { secretOf, tokenOf } from '../auth/credentials.ts'
import type { Scope } from '../domain/account.ts'
import { purposes } from '../domain/agreement.ts'
import { type Caller, publicCaller } from '../domain/caller.ts'
import { readerOfAccount } from '../domain/directory.ts'
import { Fault } from '../domain/errors.ts'
import { keyIsUsable, readKey, touchKey } from '../store/keys.ts'
import { authenticateToken } from './authenticate-token.ts'
import type { Context } from './context.ts'

export interface Credentials {
  readonly authorization?: string | undefined
  /** `Puente-Purpose` header; `defence` when absent. */
  readonly purpose?: string | undefined
  /** `DPoP` header (RFC 9449), and the request it must be about; the path without query. */
  readonly proof?: string | undefined
  readonly method?: string | undefined
  readonly path?: string | undefined
}

/**
 * Who is calling: the public without credentials, otherwise the account of the API key or the token. One answer for every way
 * in which a key can fail, so that nobody learns which part was right.
 * @throws {Fault} `credentials_invalid`, `invalid_request` for an unknown purpose
 */
export async function authenticate(context: Context, credentials: Credentials): Promise<Caller> {
  const purpose = purposes.find((each) => each === (credentials.purpose ?? 'defence'))
  if (purpose === undefined) {
    throw new Fault('invalid_request', `The purpose is one of ${purposes.join(', ')}.`)
  }
  const token = tokenOf(credentials.authorization)
  if (token !== undefined) return await authenticateToken(context, token, credentials, purpose)
  const secret = secretOf(credentials.authorization)
  if (secret === undefined) return { ...publicCaller, purpose }
  const id = keyIdOf(secret)
  const at = context.clock()
  const key = id === undefined ? undefined : await readKey(context.database, id)
  if (!keyIsUsable(key, at) || !keyMatches(secret, key.digest)) throw invalid()
  const { directory } = await context.policy.current()
  const reader = readerOfAccount(directory, key.account)
  if (reader === undefined) throw invalid()
  await touchKey(context.database, key.id, at)
  return {
    reader,
    scopes: key.scopes as Scope[],
    purpose,
    operator: directory.operator !== undefined && directory.operator === reader.organisation?.id,
    key: key.id,
  }
}

const invalid = () => new Fault('credentials_invalid', 'This credential is not valid.')
