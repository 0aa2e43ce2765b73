import { keyMatches, listKeyIdOf } from '../auth/api-keys.ts'
import type { Purpose } from '../domain/agreement.ts'
import type { Caller } from '../domain/caller.ts'
import { listKeyIsUsable, readListKey, touchListKey } from '../store/blocklists.ts'
import { lastUseGrainMs } from '../store/keys.ts'
import type { Context } from './context.ts'
import { credentialsInvalid, readerIn } from './recognise.ts'

/**
 * Who reads a blocklist with the key of it: the account that saved the list, with nothing but the right to read that list.
 * @throws {Fault} `credentials_invalid`
 */
export async function authenticateListKey(context: Context, secret: string, purpose: Purpose): Promise<Caller> {
  const id = listKeyIdOf(secret)
  const at = context.clock()
  const { directory } = await context.policy.current()
  const found = id === undefined ? undefined : await readListKey(context.database, id)
  if (found === undefined || !listKeyIsUsable(found.key, at) || !keyMatches(secret, found.key.digest))
    throw credentialsInvalid()
  const reader = readerIn(directory, found.list.account)
  if (reader === undefined) throw credentialsInvalid()
  if ((found.key.lastUsedAt?.getTime() ?? 0) + lastUseGrainMs <= at.getTime())
    await touchListKey(context.database, found.key.id, at)
  return {
    reader,
    scopes: ['read'],
    purpose,
    operator: false,
    list: { id: found.list.id, key: found.key.id },
    provenAt: directory.epoch,
  }
}
