import type { Scope } from '../domain/account.ts'
import type { Caller } from '../domain/caller.ts'
import { refusalOf } from '../policy/permissions.ts'
import { accountsOfIdentities } from '../store/identities.ts'
import { keyIsUsable, readKeys } from '../store/keys.ts'
import { tokensThatStand } from '../store/tokens.ts'
import type { Context, Standing } from './context.ts'
import { readerIn } from './recognise.ts'
import { hasEnded } from './token-standing.ts'

/**
 * Many callers as of this standing, with credentials that were asked for together: what `recognise` and `proveAgain` do for one.
 * @returns the callers as now known; who is not among them is nobody any more, or may follow no more
 */
export async function recogniseTogether(
  context: Context,
  { directory }: Standing,
  callers: Iterable<Caller>,
): Promise<Map<Caller, Caller>> {
  const all = [...new Set(callers)]
  const scopesOf = await proofsOf(context, all)
  const known = new Map<Caller, Caller>()
  for (const caller of all) {
    const { account } = caller.reader
    const scopes = scopesOf(caller)
    const reader = account === undefined ? caller.reader : readerIn(directory, account)
    if (reader === undefined || scopes === undefined) continue
    const operator = directory.operator !== undefined && directory.operator === reader.organisation?.id
    const now = { ...caller, reader, scopes, operator, provenAt: directory.epoch }
    if (refusalOf(now, 'follow') === undefined) known.set(caller, now)
  }
  return known
}

/** What each credential may be used for; undefined where it does not stand any more. Three statements, however many are asked. */
async function proofsOf(
  context: Context,
  callers: readonly Caller[],
): Promise<(caller: Caller) => readonly Scope[] | undefined> {
  const { database, clock } = context
  const at = clock()
  const keys = await readKeys(database, [...new Set(callers.flatMap(({ key }) => key ?? []))])
  const tokens = callers.flatMap(({ token, reader }) =>
    token === undefined ? [] : [{ token, account: reader.account ?? '' }],
  )
  const standing = await tokensThatStand(
    database,
    tokens.flatMap(({ token, account }) => (token.issuer === 'node' ? [{ ...token, account }] : [])),
  )
  const accounts = await accountsOfIdentities(
    database,
    tokens.flatMap(({ token }) => (token.issuer === 'external' ? [token.identity] : [])),
  )
  return ({ key, token, reader, scopes }) => {
    if (token !== undefined) {
      if (hasEnded(token, at)) return undefined
      const stands = token.issuer === 'node' ? standing.has(token.jti) : accounts.get(token.identity) === reader.account
      if (!stands) return undefined
    }
    if (key === undefined) return scopes
    const row = keys.get(key)
    return keyIsUsable(row, at) ? (row.scopes as Scope[]) : undefined
  }
}
