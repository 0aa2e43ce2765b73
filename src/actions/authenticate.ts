import { keyIdOf, keyMatches } from '../auth/api-keys.ts'
import { secretOf, tokenOf } from '../auth/credentials.ts'
import type { Scope } from '../domain/account.ts'
import { purposes } from '../domain/agreement.ts'
import { type Caller, publicCaller } from '../domain/caller.ts'
import { Fault } from '../domain/errors.ts'
import { keyIsUsable, lastUseGrainMs, readKey, touchKey } from '../store/keys.ts'
import { authenticateListKey } from './authenticate-list-key.ts'
import { authenticateToken } from './authenticate-token.ts'
import type { Context } from './context.ts'
import type { ProvenKey } from './proven-keys.ts'
import { credentialsInvalid, markingsOf, readerIn } from './recognise.ts'

export interface Credentials {
  readonly authorization?: string | undefined
  /** The key of a blocklist, at the door where that is one; then nothing else is looked at. */
  readonly listKey?: string | undefined
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
  if (credentials.listKey !== undefined) return await authenticateListKey(context, credentials.listKey, purpose)
  const token = tokenOf(credentials.authorization)
  if (token !== undefined) return await authenticateToken(context, token, credentials, purpose)
  const secret = secretOf(credentials.authorization)
  if (secret === undefined) return { ...publicCaller, purpose }
  const at = context.clock()
  const known = context.keys.find(secret)
  const standing = await context.policy.known()
  const fresh = known !== undefined && known.epoch === standing.directory.epoch && keyIsUsable(known.row, at)
  const proven = fresh ? known : await prove(context, secret, at)
  const { directory } = fresh ? standing : await context.policy.current()
  const reader = readerIn(directory, proven.row.account)
  if (reader === undefined) throw credentialsInvalid()
  if (proven.touchedAt + lastUseGrainMs <= at.getTime()) {
    proven.touchedAt = at.getTime()
    await touchKey(context.database, proven.row.id, at)
  }
  return {
    reader,
    scopes: proven.row.scopes as Scope[],
    purpose,
    operator: directory.operator !== undefined && directory.operator === reader.organisation?.id,
    markings: markingsOf(directory, reader),
    key: proven.row.id,
    provenAt: proven.epoch,
  }
}

/** Looks the key up; what is found good is remembered for the policy epoch read before it. @throws {Fault} `credentials_invalid` */
async function prove(context: Context, secret: string, at: Date): Promise<ProvenKey> {
  const { directory } = await context.policy.current()
  const id = keyIdOf(secret)
  const row = id === undefined ? undefined : await readKey(context.database, id)
  if (!keyIsUsable(row, at) || !keyMatches(secret, row.digest)) throw credentialsInvalid()
  const proven = { row, epoch: directory.epoch, touchedAt: 0 }
  context.keys.keep(secret, proven)
  return proven
}
