import { createHash } from 'node:crypto'
import type { GivenToken } from '../auth/credentials.ts'
import { verifyProof } from '../auth/dpop.ts'
import { claimed, TokenRefused, type VerifiedToken } from '../auth/tokens.ts'
import { type Scope, scopes } from '../domain/account.ts'
import type { Caller } from '../domain/caller.ts'
import { Fault } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import { identityOf } from '../store/identities.ts'
import { tokenStands } from '../store/tokens.ts'
import type { Credentials } from './authenticate.ts'
import type { Context, Standing } from './context.ts'
import { credentialsInvalid, markingsOf, readerIn } from './recognise.ts'
import { hasEnded } from './token-standing.ts'
import type { KnownToken } from './tokens.ts'

/**
 * Who calls with an access token: of this node, or of the external issuer that is configured. One answer for every way in which
 * a token can fail.
 * @throws {Fault} `credentials_invalid`, `unavailable`
 */
export async function authenticateToken(
  context: Context,
  given: GivenToken,
  credentials: Credentials,
  purpose: Caller['purpose'],
): Promise<Caller> {
  const at = context.clock()
  const key = tokenDigest(given.text)
  let standing = await context.policy.known()
  let known = await remembered(context, standing, key, at)
  if (known === undefined) {
    standing = await context.policy.current()
    known = await verified(context, standing, given.text, at)
  }
  if (known === undefined) throw credentialsInvalid()
  context.tokens.known.set(key, known)
  await checkPossession(context, known, given, credentials, at)
  const reader = readerIn(standing.directory, known.account)
  if (reader === undefined) throw credentialsInvalid()
  const { operator } = standing.directory
  return {
    reader,
    scopes: known.scopes,
    purpose,
    operator: operator !== undefined && operator === reader.organisation?.id,
    markings: markingsOf(standing.directory, reader),
    token: known.use,
    provenAt: known.epoch,
  }
}

/** What verified tokens are remembered by: never the token itself. */
export const tokenDigest = (text: string): string => createHash('sha256').update(text).digest('base64')

/** The token as it was found before, while the policy epoch is the same; it is looked for among the revoked every 2 s. */
async function remembered(
  { tokens, database }: Context,
  { directory }: Standing,
  key: string,
  at: Date,
): Promise<KnownToken | undefined> {
  const known = tokens.known.get(key)
  if (known === undefined) return undefined
  if (known.epoch !== directory.epoch || hasEnded(known.use, at)) {
    tokens.known.delete(key)
    return undefined
  }
  const age = at.getTime() - known.lookedAtMs
  if (known.use.issuer === 'external' || (age >= 0 && age < limits.revocationAgeMs)) return known
  if (await tokenStands(database, { ...known.use, account: known.account }))
    return { ...known, lookedAtMs: at.getTime() }
  tokens.known.delete(key)
  throw credentialsInvalid()
}

async function verified(context: Context, standing: Standing, text: string, at: Date): Promise<KnownToken | undefined> {
  const { tokens } = context
  const issuer = claimed(text)?.iss
  try {
    const found =
      issuer === tokens.issuer
        ? await ofNode(context, standing, text, at)
        : issuer !== undefined && issuer === tokens.external?.settings.issuer
          ? await ofExternal(context, text, at)
          : undefined
    return found && { ...found, epoch: standing.directory.epoch, lookedAtMs: at.getTime() }
  } catch (error) {
    if (error instanceof TokenRefused) return undefined
    throw error
  }
}

type Found = Omit<KnownToken, 'epoch' | 'lookedAtMs'>

async function ofNode({ tokens, database }: Context, standing: Standing, text: string, at: Date) {
  const token = await tokens.verify(text, ({ kid }) => tokens.keys.find(standing, kid, at), at)
  const { subject: account, jti, expiresAt, claims } = token
  const clientKey = String(claims.client_key)
  if (!(await tokenStands(database, { jti, account, clientKey }))) return undefined
  const use = { issuer: 'node' as const, jti, clientKey, expiresAt }
  return { account, scopes: scopesOf(token), use, boundTo: binding(token) } satisfies Found
}

async function ofExternal({ tokens, database }: Context, text: string, at: Date): Promise<Found | undefined> {
  if (tokens.external === undefined) return undefined
  const { issuer, claim } = tokens.external.settings
  const token = await tokens.external.verify(text, at)
  const subject = token.claims[claim]
  if (typeof subject !== 'string') return undefined
  const identity = await identityOf(database, issuer, subject)
  if (identity === undefined) return undefined
  const allowed = scopesOf(token).filter((scope) => identity.scopes.includes(scope))
  const use = { issuer: 'external' as const, identity: identity.id, expiresAt: token.expiresAt }
  return { account: identity.account, scopes: allowed, use, boundTo: binding(token) }
}

/** RFC 9068 §2.2.3: words with spaces between; `scp`, a list, is how others write it. Foreign words mean nothing here. */
function scopesOf({ claims: { scope, scp } }: VerifiedToken): Scope[] {
  const words = typeof scope === 'string' ? scope.split(' ') : typeof scp === 'string' ? scp.split(' ') : scp
  return Array.isArray(words) ? scopes.filter((each) => words.includes(each)) : []
}

/** @throws {TokenRefused} when it is bound to something that cannot be checked here, such as a certificate */
function binding({ claims: { cnf } }: VerifiedToken): string | undefined {
  if (cnf === undefined) return undefined
  const members = typeof cnf === 'object' && cnf !== null ? Object.entries(cnf) : []
  const [[name, thumbprint] = []] = members
  if (members.length !== 1 || name !== 'jkt' || typeof thumbprint !== 'string') {
    throw new TokenRefused(true, 'It is bound to something else than a DPoP key.')
  }
  return thumbprint
}

/** A bound token is worth nothing without a proof by its key, and a proof nothing with another token (RFC 9449 §7). */
async function checkPossession(
  { tokens }: Context,
  { boundTo }: KnownToken,
  { scheme, text }: GivenToken,
  { proof, method, path }: Credentials,
  at: Date,
): Promise<void> {
  if (boundTo === undefined) {
    if (scheme === 'dpop')
      throw new Fault('credentials_invalid', 'This token is not bound to a key: send it as Bearer.')
    return
  }
  if (scheme !== 'dpop' || proof === undefined || method === undefined || path === undefined) {
    throw new Fault('credentials_invalid', 'This token is bound to a key: send it as DPoP, with a proof.')
  }
  const { thumbprint, id } = await provenBy(proof, { method, url: `${tokens.issuer}${path}`, token: text }, at)
  if (thumbprint !== boundTo) throw credentialsInvalid()
  useProof(tokens.proofs.use(id, at))
}

/** At a resource a bad proof is a bad credential: 401, with the same words. */
async function provenBy(...[proof, request, at]: Parameters<typeof verifyProof>) {
  try {
    return await verifyProof(proof, request, at)
  } catch (error) {
    throw error instanceof Fault ? new Fault('credentials_invalid', error.message) : error
  }
}

/** @throws {Fault} `credentials_invalid` at the second use, `unavailable` when it could not be noticed */
function useProof(use: 'first' | 'again' | 'full'): void {
  if (use === 'again') throw new Fault('credentials_invalid', 'This proof was used before.')
  if (use === 'full') throw new Fault('unavailable', 'Too many proofs at once; try again.', { retryAfterSeconds: 30 })
}
