import type { Scope } from './account.ts'
import type { Purpose } from './agreement.ts'
import { anonymous, type Reader } from './reader.ts'
import type { StixMarkings } from './stix-markings.ts'

/** Who calls an action, as authenticated once at the door; the policy sees `reader`. */
export interface Caller {
  readonly reader: Reader
  readonly scopes: readonly Scope[]
  readonly purpose: Purpose
  /** True when the caller's organisation operates this node. */
  readonly operator: boolean
  /** By which ids STIX answers name TLP labels; those of TLP 2.0 when absent. */
  readonly markings?: StixMarkings
  /** Id of the API key used. */
  readonly key?: string
  /** The policy epoch under which the credential was last proven. */
  readonly provenAt?: bigint
  /** The blocklist whose key was used: it may be read with it, and nothing else may. */
  readonly list?: { readonly id: string; readonly key: string }
  /** Node id of the peer that signed the request, where it was one: it may call what is for peers, and nothing else. */
  readonly peer?: string
  /** The token used, where it was one. */
  readonly token?: TokenUse
}

/** What is asked again about a token while something long goes on. */
export type TokenUse = { readonly expiresAt: Date } & (
  | { readonly issuer: 'node'; readonly jti: string; readonly clientKey: string }
  | { readonly issuer: 'external'; readonly identity: string }
)

/** The public: no credentials given. */
export const publicCaller: Caller = { reader: anonymous, scopes: ['read'], purpose: 'defence', operator: false }
