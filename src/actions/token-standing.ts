import type { Caller, TokenUse } from '../domain/caller.ts'
import { limits } from '../domain/limits.ts'
import { readIdentity } from '../store/identities.ts'
import { tokenStands } from '../store/tokens.ts'
import type { Context } from './context.ts'

/** Whether a token still stands that was good when something long began. */
export async function tokenStillStands({ database, clock }: Context, { reader, token }: Caller): Promise<boolean> {
  if (token === undefined) return true
  if (hasEnded(token, clock())) return false
  const account = reader.account ?? ''
  if (token.issuer === 'node') return await tokenStands(database, { ...token, account })
  return (await readIdentity(database, token.identity))?.account === account
}

export const hasEnded = ({ expiresAt }: TokenUse, at: Date): boolean =>
  at.getTime() >= expiresAt.getTime() + limits.clockSkewSeconds * 1000
