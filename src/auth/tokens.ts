import { decodeJwt, errors, type JWTHeaderParameters, jwtVerify, SignJWT } from 'jose'
import { limits } from '../domain/limits.ts'
import type { Algorithm, SigningKey, VerificationKey } from './jwk.ts'

/** What a token must be. Nothing has a default: jose accepts any audience, issuer and type that it is not told about. */
export interface TokenRules {
  readonly issuer: string
  /** The token names exactly one of these, and nothing beside it. */
  readonly audience: readonly string[]
  readonly algorithms: readonly Algorithm[]
  /** Accepted `typ` headers, in lower case; '' for a token without one. */
  readonly typ: readonly string[]
  /** Claims that must be there, besides `iss`, `aud` and `exp`. */
  readonly required: readonly string[]
  /** How far ahead it may end. */
  readonly lifetimeSeconds?: number
}

export interface VerifiedToken {
  readonly subject: string
  readonly jti: string
  readonly expiresAt: Date
  readonly claims: Readonly<Record<string, unknown>>
}

/** The key that a header names; undefined when there is none. It may look at nothing but `kid` and `alg`. */
export type FindKey = (header: {
  readonly kid?: string
  readonly alg: string
}) => VerificationKey | undefined | Promise<VerificationKey | undefined>

export type VerifyToken = (text: string, find: FindKey, at: Date) => Promise<VerifiedToken>

/** Why a token is not believed. The sentence is for whoever signed it, and for nobody when `signed` is false. */
export class TokenRefused extends Error {
  override readonly name = 'TokenRefused'
  /** Whether the signature was good: what is wrong is only what it says. */
  readonly signed: boolean

  constructor(signed: boolean, sentence: string, cause?: unknown) {
    super(sentence, cause === undefined ? undefined : { cause })
    this.signed = signed
  }
}

/**
 * Makes the check for one kind of token: signature by a known key, exact issuer and audience, type, end, and nothing critical
 * that is not understood. Headers that bring or point to keys (`jwk`, `jku`, `x5c`, `x5u`) are not looked at.
 * @throws {Error} at start, when a rule is empty
 */
export function tokenVerifier(rules: TokenRules): VerifyToken {
  const { issuer, audience, algorithms, typ } = rules
  const lacking = Object.entries({ issuer, audience, algorithms, typ }).filter(([, value]) => !isGiven(value))
  if (lacking.length > 0)
    throw new Error(`tokens cannot be checked without ${lacking.map(([name]) => name).join(', ')}`)
  return async (text, find, at) => {
    if (text.length > limits.tokenCharacters) throw new TokenRefused(false, 'The token is too long.')
    const { payload } = await verified(text, rules, find, at)
    checkAudience(payload.aud, audience)
    checkTimes(payload, rules, at)
    return {
      subject: payload.sub ?? '',
      jti: payload.jti ?? '',
      expiresAt: new Date((payload.exp ?? 0) * 1000),
      claims: payload,
    }
  }
}

const isGiven = (value: string | readonly string[] | undefined): boolean =>
  value !== undefined && value.length > 0 && (typeof value === 'string' || value.every((each) => each !== undefined))

async function verified(text: string, rules: TokenRules, find: FindKey, at: Date) {
  try {
    return await jwtVerify(
      text,
      async (header) => {
        checkHeader(header, rules)
        const { alg, kid } = header
        const found = await find({ alg, ...(typeof kid === 'string' ? { kid } : {}) })
        if (found?.algorithm !== alg) throw new TokenRefused(false, 'The token is not signed by a known key.')
        return found.key
      },
      {
        issuer: rules.issuer,
        algorithms: [...rules.algorithms],
        requiredClaims: ['exp', ...rules.required],
        clockTolerance: limits.clockSkewSeconds,
        currentDate: at,
      },
    )
  } catch (error) {
    throw refusal(error)
  }
}

/** jose knows some critical headers by itself; here none is understood, so each refuses (RFC 7515 §4.1.11). */
function checkHeader({ crit, typ }: JWTHeaderParameters, rules: TokenRules): void {
  if (crit !== undefined) throw new TokenRefused(false, 'The token has a critical header that is not known here.')
  const given = typeof typ === 'string' ? typ.toLowerCase().replace(/^application\//, '') : ''
  if (!rules.typ.includes(given)) throw new TokenRefused(false, 'The token is of another type.')
}

function checkAudience(given: unknown, audience: readonly string[]): void {
  const [only, ...more] = Array.isArray(given) ? given : [given]
  if (more.length > 0 || typeof only !== 'string' || !audience.includes(only)) {
    throw new TokenRefused(true, `The audience ("aud") is exactly ${audience.join(' or ')}.`)
  }
}

function checkTimes(payload: { readonly exp?: number; readonly iat?: number }, rules: TokenRules, at: Date): void {
  const latest = at.getTime() / 1000 + limits.clockSkewSeconds
  if (payload.iat !== undefined && payload.iat > latest) throw new TokenRefused(true, 'It is issued in the future.')
  if (rules.lifetimeSeconds !== undefined && (payload.exp ?? Infinity) > latest + rules.lifetimeSeconds) {
    throw new TokenRefused(true, `It ends more than ${rules.lifetimeSeconds} seconds from now.`)
  }
}

/** What jose says is for the log; what is thrown by the search for a key passes. */
function refusal(error: unknown): unknown {
  if (error instanceof errors.JWTExpired) return new TokenRefused(true, 'It has expired.', error)
  if (error instanceof errors.JWTClaimValidationFailed) {
    return new TokenRefused(true, `The claim "${error.claim}" is missing or not as it must be.`, error)
  }
  if (error instanceof errors.JWTInvalid) return new TokenRefused(true, 'Its claims cannot be read.', error)
  return error instanceof errors.JOSEError ? new TokenRefused(false, 'The token cannot be verified.', error) : error
}

/** What a token says of itself, believed by nobody: to find out who must be asked. Undefined when it is no JWT. */
export function claimed(text: string): { readonly iss?: string; readonly sub?: string } | undefined {
  if (text.length > limits.tokenCharacters) return undefined
  try {
    const { iss, sub } = decodeJwt(text)
    return { ...(typeof iss === 'string' ? { iss } : {}), ...(typeof sub === 'string' ? { sub } : {}) }
  } catch (error) {
    if (error instanceof errors.JOSEError) return undefined
    throw error
  }
}

/** Signs a JWT with a key of this node. */
export const signToken = (
  claims: Readonly<Record<string, unknown>>,
  typ: string,
  { sign, algorithm, kid }: SigningKey,
): Promise<string> => new SignJWT({ ...claims }).setProtectedHeader({ alg: algorithm, kid, typ }).sign(sign)
