import { OnceOnly } from '../auth/dpop.ts'
import { algorithms } from '../auth/jwk.ts'
import { Remembered } from '../auth/remembered.ts'
import { tokenVerifier, type VerifyToken } from '../auth/tokens.ts'
import type { Scope } from '../domain/account.ts'
import type { TokenUse } from '../domain/caller.ts'
import { limits } from '../domain/limits.ts'
import { deleteExpiredTokens } from '../store/tokens.ts'
import type { Context } from './context.ts'
import type { ExternalIssuer } from './external-issuer.ts'
import type { SigningKeys } from './signing-keys.ts'

/** A token that was verified, with what it was found to stand for: true for one policy epoch. */
export interface KnownToken {
  readonly account: string
  readonly scopes: readonly Scope[]
  readonly use: TokenUse
  /** Thumbprint of the key that must go with it. */
  readonly boundTo: string | undefined
  readonly epoch: bigint
  /** When it was last looked for among the revoked, in ms. */
  readonly lookedAtMs: number
}

/** What this process knows of tokens: rules, keys, and what it remembers of them. All of it is bounded. */
export class Tokens {
  /** This node as issuer, and the one audience of its tokens: a URL without a slash at its end. */
  readonly issuer: string
  readonly tokenEndpoint: string
  readonly verify: VerifyToken
  readonly keys: SigningKeys
  readonly external: ExternalIssuer | undefined
  /** By SHA-256 of the token's text. */
  readonly known = new Remembered<KnownToken>(limits.tokensCached)
  readonly proofs = new OnceOnly((limits.proofAgeSeconds + 2 * limits.clockSkewSeconds) * 1000, limits.proofsRemembered)

  constructor(issuer: string, keys: SigningKeys, external: ExternalIssuer | undefined) {
    this.issuer = issuer
    this.tokenEndpoint = `${issuer}/oauth/token`
    this.keys = keys
    this.external = external
    this.verify = tokenVerifier({
      issuer,
      audience: [issuer],
      algorithms,
      typ: ['at+jwt'],
      required: ['sub', 'jti', 'iat', 'client_id', 'client_key', 'scope'],
      lifetimeSeconds: limits.tokenLifetimeSeconds,
    })
  }
}

/** What the clock does: used assertions and revoked tokens are forgotten once they have ended. */
export const forgetEndedTokens = (context: Context): Promise<void> =>
  deleteExpiredTokens(context.database, new Date(context.clock().getTime() - limits.clockSkewSeconds * 1000))

/** What the clock does: the keys of the external issuer, where there is one. */
export const refreshKeySet = async (context: Context): Promise<void> => await context.tokens.external?.refresh()
