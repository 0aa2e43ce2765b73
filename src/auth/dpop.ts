import { createHash } from 'node:crypto'
import { errors, type JWTPayload, jwtVerify } from 'jose'
import { Fault } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import { algorithms, type ParsedKey, parsePublicJwk } from './jwk.ts'

/** A request as a proof must describe it. */
export interface ProvenRequest {
  readonly method: string
  /** Without query and fragment. */
  readonly url: string
  /** The access token that goes with the proof; none at the token endpoint. */
  readonly token?: string
}

export interface Proof {
  /** Thumbprint of the key that made it: what a bound token names as `cnf.jkt`. */
  readonly thumbprint: string
  /** Of key and jti: what must not come twice. */
  readonly id: string
}

/**
 * Checks a proof of possession (RFC 9449 §4.3). This is the one place where a key in a header is used: it proves nothing but that
 * whoever calls holds it.
 * @throws {Fault} `invalid_dpop_proof`
 */
export async function verifyProof(text: string, request: ProvenRequest, at: Date): Promise<Proof> {
  if (text.length > limits.tokenCharacters) throw invalid('The proof is too long.')
  let key: ParsedKey | undefined
  try {
    const { payload } = await jwtVerify(
      text,
      async ({ jwk, crit, alg }) => {
        if (crit !== undefined) throw invalid('The proof has a critical header that is not known here.')
        key = await parsePublicJwk(jwk, '/jwk')
        if (key.algorithm !== alg) throw invalid('The algorithm of the proof is not that of its key.')
        return key.key
      },
      { algorithms: [...algorithms], typ: 'dpop+jwt', requiredClaims: ['jti', 'htm', 'htu', 'iat'], currentDate: at },
    )
    checkClaims(payload, request, at)
    if (key === undefined) throw new Error('a proof was verified without a key')
    const id = createHash('sha256').update(`${key.thumbprint} ${payload.jti}`).digest('base64')
    return { thumbprint: key.thumbprint, id }
  } catch (error) {
    if (error instanceof Fault && error.code !== 'invalid_dpop_proof') throw invalid(error.message)
    throw error instanceof errors.JOSEError ? invalid('The proof cannot be verified.', error) : error
  }
}

function checkClaims({ jti, htm, htu, iat = 0, ath }: JWTPayload, request: ProvenRequest, at: Date): void {
  if (typeof jti !== 'string' || jti === '') throw invalid('The proof has no jti.')
  if (htm !== request.method) throw invalid(`The proof is for another method than ${request.method}.`)
  if (typeof htu !== 'string' || normal(htu) !== normal(request.url)) {
    throw invalid(`The proof is for another URL than ${request.url}.`)
  }
  const age = at.getTime() / 1000 - iat
  if (age > limits.proofAgeSeconds || age < -limits.clockSkewSeconds) {
    throw invalid(`The proof was not made within the last ${limits.proofAgeSeconds} seconds.`)
  }
  const hash = request.token === undefined ? undefined : createHash('sha256').update(request.token).digest('base64url')
  if (hash !== undefined && ath !== hash) throw invalid('The proof is for another token.')
}

/** RFC 9449 §4.3: compared without query and fragment, after normalisation. */
function normal(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined
  const url = new URL(text)
  return `${url.origin}${url.pathname}`
}

const invalid = (sentence: string, cause?: unknown) =>
  new Fault('invalid_dpop_proof', sentence, cause === undefined ? {} : { cause })

/**
 * Remembers what was used for at least a window of time, within a bound. Two halves: what is older than both windows goes at once,
 * without looking for it.
 */
export class OnceOnly {
  readonly #windowMs: number
  readonly #capacity: number
  #newer = new Set<string>()
  #older = new Set<string>()
  #since = 0

  constructor(windowMs: number, capacity: number) {
    this.#windowMs = windowMs
    this.#capacity = capacity
  }

  /** @returns `full` when it cannot be remembered: it must be refused, since it could be used again */
  use(id: string, at: Date): 'first' | 'again' | 'full' {
    this.#turn(at.getTime())
    if (this.#newer.has(id) || this.#older.has(id)) return 'again'
    if (this.#newer.size + this.#older.size >= this.#capacity) return 'full'
    this.#newer.add(id)
    return 'first'
  }

  #turn(now: number): void {
    const age = now - this.#since
    if (age < this.#windowMs) return
    this.#older = age < 2 * this.#windowMs ? this.#newer : new Set()
    this.#newer = new Set()
    this.#since = now
  }
}
