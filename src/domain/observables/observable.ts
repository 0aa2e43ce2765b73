/** One observed value of a known type, parsed: it cannot be wrong. Made by {@link parseObservable} alone. */
export interface Observable {
  /** Type id of the table in `types.ts`, e.g. `ipv4-address`. */
  readonly type: string
  /** Canonical form. */
  readonly value: string
}

/** What an organisation's constituency is matched against. Every part is optional. */
export interface ConstituencyKeys {
  /** An address or prefix in CIDR form, canonical (`192.0.2.1/32`). */
  readonly network?: string
  /** AS number. */
  readonly asn?: number
  /** ISO 3166-1 alpha-2. */
  readonly country?: string
  /** Host or domain name in ASCII (A-label) lower case, without trailing dot. */
  readonly domain?: string
}
