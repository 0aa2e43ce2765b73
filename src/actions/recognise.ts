import type { Scope } from '../domain/account.ts'
import type { Caller } from '../domain/caller.ts'
import { type Directory, readerOfAccount } from '../domain/directory.ts'
import { Fault } from '../domain/errors.ts'
import type { Reader } from '../domain/reader.ts'
import type { StixMarkings } from '../domain/stix-markings.ts'
import { listKeyIsUsable, readListKey } from '../store/blocklists.ts'
import { keyIsUsable, readKey } from '../store/keys.ts'
import type { Context, Standing } from './context.ts'
import { tokenStillStands } from './token-standing.ts'

/** Readers of one directory, made once: they are the same objects as long as the directory is. */
const readers = new WeakMap<Directory, Map<string, Reader | undefined>>()

/** The policy's view of an account as of this directory; undefined when it or its organisation is disabled or unknown. */
export function readerIn(directory: Directory, account: string): Reader | undefined {
  let known = readers.get(directory)
  if (known === undefined) {
    known = new Map()
    readers.set(directory, known)
  }
  if (!known.has(account)) known.set(account, readerOfAccount(directory, account))
  return known.get(account)
}

/** By which ids the account's STIX answers name TLP labels: each client says what it can read. */
export const markingsOf = ({ accounts }: Directory, { account }: Reader): StixMarkings =>
  accounts.get(account ?? '')?.stixMarkings ?? 'tlp2'

/**
 * The caller as of this standing: roles and memberships may have changed since the door, and a credential proven under another
 * policy epoch is proven again.
 * @throws {Fault} `credentials_invalid`
 */
export async function recognise(context: Context, { directory }: Standing, caller: Caller): Promise<Caller> {
  const { account } = caller.reader
  if (account === undefined) return caller
  const reader = readerIn(directory, account)
  if (reader === undefined) throw credentialsInvalid()
  if (caller.provenAt === directory.epoch && caller.reader === reader) return caller
  const scopes = caller.provenAt === directory.epoch ? caller.scopes : await proveAgain(context, caller)
  const operator = directory.operator === reader.organisation?.id
  return { ...caller, reader, scopes, operator: operator && caller.list === undefined, provenAt: directory.epoch }
}

/** Asks the store whether the credential still stands. @returns what it may be used for @throws {Fault} `credentials_invalid` */
export async function proveAgain(context: Context, caller: Caller): Promise<readonly Scope[]> {
  if (!(await tokenStillStands(context, caller))) throw credentialsInvalid()
  if (caller.list !== undefined) {
    const found = await readListKey(context.database, caller.list.key)
    if (found === undefined || !listKeyIsUsable(found.key, context.clock())) throw credentialsInvalid()
    return caller.scopes
  }
  if (caller.key === undefined) return caller.scopes
  const key = await readKey(context.database, caller.key)
  if (!keyIsUsable(key, context.clock())) throw credentialsInvalid()
  return key.scopes as Scope[]
}

/** One answer for every way in which a credential can fail, so that nobody learns which part was right. */
export const credentialsInvalid = (): Fault => new Fault('credentials_invalid', 'This credential is not valid.')
