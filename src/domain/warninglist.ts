/** How the entries of a warninglist are held against a value (MISP). Regular expressions are not taken: see formats/warninglist.ts. */
export const warninglistKinds = ['string', 'hostname', 'cidr', 'substring'] as const
export type WarninglistKind = (typeof warninglistKinds)[number]

/** A list of values that are known, and not for being malicious: a hit is a warning that an indicator may be a mistake. */
export interface Warninglist {
  readonly name: string
  readonly version: number
  readonly description: string
  /** MISP's word: `False positive`, `Known identifier`. */
  readonly category: string
  readonly kind: WarninglistKind
  /** Types of values it is about; empty: all. */
  readonly types: readonly string[]
  readonly entries: readonly string[]
}

/** That a value is on a warninglist. */
export interface Warning {
  readonly list: string
  readonly category: string
}
