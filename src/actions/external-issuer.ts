import type { VerificationKey } from '../auth/jwk.ts'
import { algorithms } from '../auth/jwk.ts'
import { type KeySet, parseKeySet } from '../auth/key-set.ts'
import { tokenVerifier, type VerifiedToken, type VerifyToken } from '../auth/tokens.ts'
import { Fault } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import type { Log } from './context.ts'

/** Another issuer whose access tokens people may use here, as configured. */
export interface ExternalIssuerSettings {
  /** Exactly as it names itself. */
  readonly issuer: string
  /** What its tokens for this node have as audience. */
  readonly audience: string
  /** The claim that tells who somebody is; `sub` unless it must be another. */
  readonly claim: string
}

/** Fetches a JSON document, past all guards for outgoing requests. */
export type FetchJson = (url: string) => Promise<unknown>

/**
 * An external OpenID Connect issuer: its tokens are checked with its keys, which are fetched, kept, and fetched again. While it
 * cannot be reached the keys last for a time; without keys nobody is believed.
 */
export class ExternalIssuer {
  readonly settings: ExternalIssuerSettings
  readonly #fetchJson: FetchJson
  readonly #clock: () => Date
  readonly #log: Log
  readonly #verify: VerifyToken
  #keys: KeySet | undefined
  #fetchedAt = Number.NEGATIVE_INFINITY
  #triedAt = Number.NEGATIVE_INFINITY
  #fetching: Promise<void> | undefined

  constructor(settings: ExternalIssuerSettings, fetchJson: FetchJson, clock: () => Date, log: Log) {
    this.settings = settings
    this.#fetchJson = fetchJson
    this.#clock = clock
    this.#log = log
    this.#verify = tokenVerifier({
      issuer: settings.issuer,
      audience: [settings.audience],
      algorithms,
      // RFC 9068: an ID token is no access token, whoever signed it.
      typ: ['at+jwt'],
      required: [settings.claim],
    })
  }

  /** @throws {TokenRefused}, {Fault} `unavailable` while there are no keys */
  verify(text: string, at: Date): Promise<VerifiedToken> {
    return this.#verify(text, ({ kid }) => this.#find(kid), at)
  }

  /** Fetches the keys again when they are due. What goes wrong is logged, and the keys there are stay. */
  async refresh(): Promise<void> {
    if (this.#age(this.#fetchedAt) >= limits.keySetAgeSeconds) await this.#tryFetch()
  }

  async #find(kid: string | undefined): Promise<VerificationKey | undefined> {
    if (kid === undefined) return undefined
    if (this.#usable()?.has(kid) !== true) await this.#tryFetch()
    const keys = this.#usable()
    if (keys === undefined) {
      throw new Fault('unavailable', 'The keys of the external issuer cannot be had just now.', {
        retryAfterSeconds: limits.keySetRetrySeconds,
      })
    }
    return keys.get(kid)
  }

  #usable(): KeySet | undefined {
    return this.#age(this.#fetchedAt) < limits.keySetStaleSeconds ? this.#keys : undefined
  }

  /** One fetch at a time, and none within seconds of the last: anybody can make up a key id. */
  #tryFetch(): Promise<void> {
    if (this.#fetching !== undefined) return this.#fetching
    if (this.#age(this.#triedAt) < limits.keySetRetrySeconds) return Promise.resolve()
    this.#triedAt = this.#clock().getTime()
    this.#fetching = this.#renew().finally(() => {
      this.#fetching = undefined
    })
    return this.#fetching
  }

  async #renew(): Promise<void> {
    try {
      const { issuer } = this.settings
      const discovery = await this.#fetchJson(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`)
      this.#keys = await parseKeySet(await this.#fetchJson(keySetUrl(discovery, issuer)))
      this.#fetchedAt = this.#clock().getTime()
    } catch (error) {
      this.#log.warn({ error, issuer: this.settings.issuer }, 'the keys of the external issuer could not be fetched')
    }
  }

  /** Seconds since; a clock that was set back counts as no time at all. */
  #age(since: number): number {
    return Math.max(0, (this.#clock().getTime() - since) / 1000)
  }
}

/** OpenID Connect Discovery 1.0 §4.3: a document that names another issuer is somebody else's. */
function keySetUrl(discovery: unknown, issuer: string): string {
  const document = typeof discovery === 'object' && discovery !== null ? discovery : {}
  if (!('issuer' in document) || document.issuer !== issuer)
    throw new Error('the discovery document names another issuer')
  if (!('jwks_uri' in document) || typeof document.jwks_uri !== 'string') throw new Error('it has no jwks_uri')
  return document.jwks_uri
}
