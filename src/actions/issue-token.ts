import { randomUUID } from 'node:crypto'
import { type Proof, verifyProof } from '../auth/dpop.ts'
import { signToken } from '../auth/tokens.ts'
import { type Scope, scopes } from '../domain/account.ts'
import type { Caller } from '../domain/caller.ts'
import { Fault } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import { touchClientKey } from '../store/client-keys.ts'
import { authenticateClient, type ClientProof, type KnownClient, refuseClient } from './authenticate-client.ts'
import type { Context, Standing } from './context.ts'
import { administrative } from './organisations.ts'
import { record, verb } from './verb.ts'

export interface TokenRequest extends ClientProof {
  readonly grantType?: string | undefined
  /** Scopes with spaces between; all that the key has when absent. */
  readonly scope?: string | undefined
  /** `DPoP` header: the token is then bound to the key that made it (RFC 9449). */
  readonly proof?: string | undefined
}

export interface IssuedToken {
  readonly access_token: string
  readonly token_type: 'Bearer' | 'DPoP'
  readonly expires_in: number
  readonly scope: string
}

/**
 * Issues an access token (RFC 9068) to a client that proves itself: OAuth 2.0 client credentials (RFC 6749 §4.4).
 * @throws {Fault} `unsupported_grant_type`, `invalid_request`, `invalid_client`, `invalid_scope`, `invalid_dpop_proof`
 */
export const issueToken = verb(
  'issue-token',
  async (context: Context, _caller: Caller, request: TokenRequest, standing): Promise<IssuedToken> => {
    if (request.grantType === undefined) throw new Fault('invalid_request', 'There is no grant_type.')
    if (request.grantType !== 'client_credentials') {
      throw new Fault('unsupported_grant_type', 'The grant_type here is client_credentials.')
    }
    const client = await authenticateClient(context, standing, 'issue-token', request)
    try {
      const wanted = wantedScopes(request.scope, client)
      const proof = request.proof === undefined ? undefined : await provenBy(context, request.proof)
      return await issue(context, standing, client, wanted, proof)
    } catch (error) {
      if (!(error instanceof Fault) || (error.code !== 'invalid_scope' && error.code !== 'invalid_dpop_proof'))
        throw error
      throw await refuseClient(context, standing, client.key.account, 'issue-token', error.message, error.code)
    }
  },
)

/** @throws {Fault} `invalid_scope` */
function wantedScopes(text: string | undefined, { scopes: allowed }: KnownClient): readonly Scope[] {
  if (text === undefined) return allowed
  const words = text.split(' ').filter((word) => word !== '')
  if (words.length === 0 || !words.every((word) => allowed.some((scope) => scope === word))) {
    throw new Fault('invalid_scope', `The scopes of this client's key are ${allowed.join(' ')}.`)
  }
  return scopes.filter((scope) => words.includes(scope))
}

/** @throws {Fault} `invalid_dpop_proof`, `unavailable` */
async function provenBy({ tokens, clock }: Context, text: string): Promise<Proof> {
  const at = clock()
  const proof = await verifyProof(text, { method: 'POST', url: tokens.tokenEndpoint }, at)
  const use = tokens.proofs.use(proof.id, at)
  if (use === 'again') throw new Fault('invalid_dpop_proof', 'The proof was used before.')
  if (use === 'full') throw new Fault('unavailable', 'Too many proofs at once; try again.', { retryAfterSeconds: 30 })
  return proof
}

async function issue(
  context: Context,
  standing: Standing,
  { caller, key }: KnownClient,
  wanted: readonly Scope[],
  proof: Proof | undefined,
): Promise<IssuedToken> {
  const at = context.clock()
  const issuedAt = Math.floor(at.getTime() / 1000)
  const { issuer } = context.tokens
  const claims = {
    iss: issuer,
    aud: issuer,
    sub: key.account,
    client_id: key.account,
    client_key: key.id,
    scope: wanted.join(' '),
    jti: randomUUID(),
    iat: issuedAt,
    exp: issuedAt + limits.tokenLifetimeSeconds,
    ...(proof === undefined ? {} : { cnf: { jkt: proof.thumbprint } }),
  }
  const token = await signToken(claims, 'at+jwt', await context.tokens.keys.signer(standing, at))
  await context.database.transaction(async (transaction) => {
    const { sub: account, client_key: clientKey, scope, jti } = claims
    const subject = { account, clientKey, scope, jti, ...(proof === undefined ? {} : { jkt: proof.thumbprint }) }
    await record(transaction, context, caller, standing, administrative('issue-token', subject))
    await touchClientKey(transaction, key.id, at)
  })
  return {
    access_token: token,
    token_type: proof === undefined ? 'Bearer' : 'DPoP',
    expires_in: limits.tokenLifetimeSeconds,
    scope: claims.scope,
  }
}
