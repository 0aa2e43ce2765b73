import { Fault } from '../errors.ts'

export const observableGroups = [
  'network',
  'name',
  'fingerprint',
  'hash',
  'file',
  'host',
  'software',
  'mail',
  'identity',
  'finance',
  'content',
] as const
export type ObservableGroup = (typeof observableGroups)[number]

/** The facts of one observable type. Every function takes and gives text; none has a side effect. */
export interface ObservableType {
  /** Kebab-case, e.g. `ipv4-address`. */
  readonly id: string
  readonly group: ObservableGroup
  /** One sentence. */
  readonly description: string
  /** STIX 2.1 object paths: the first is written, all are read. Without a standard one, `x-puente-<id>:value`. */
  readonly stix: readonly [string, ...string[]]
  /** MISP attribute types: the first is written, all are read. */
  readonly misp: readonly string[]
  /** The value is about a natural person by its nature (forces the flag of the handling). */
  readonly personalData: boolean
  /** It has one canonical value, so that a keyed digest of it can be tested for a match. */
  readonly maskable: boolean
  /** It has no grammar: its validator knows limits and what cannot be shown, and any other text passes. */
  readonly anyText: boolean
  /** Two indicators with equal values are about the same thing. */
  readonly correlates: boolean
  /** Days after which an indicator of this type expires when nobody said otherwise. */
  readonly lifetimeDays: number
  /** Whether people defang it (`evil[.]example`). A path or a rule is left alone: `\.` may be meant. */
  readonly refangs: boolean
  /** Tabs and line ends are part of the value. */
  readonly multiline: boolean
  /** First part of the correlation key; types that spell the same thing share one. */
  readonly family: string
  /** Canonical value → the text that correlates (lower case where the thing itself knows no case). */
  readonly key: (value: string) => string
  /**
   * Text (trimmed, refanged) → canonical value. Applying it twice changes nothing.
   * @throws {Fault} `invalid_value`
   */
  readonly parse: (text: string) => string
  /** The type a canonical value turned out to be of, where that can differ (`::ffff:192.0.2.1` is IPv4). */
  readonly becomes?: (value: string) => string
  /** The address, prefix or name inside the value, by which it concerns whoever answers for that. */
  readonly host?: (value: string) => string
  /** The AS number inside the value. */
  readonly asn?: (value: string) => number
  /** The ISO 3166-1 alpha-2 code inside the value. */
  readonly country?: (value: string) => string
}

/** What a row of the table must say; the rest has defaults. */
export type TypeFacts = Pick<ObservableType, 'id' | 'description' | 'parse'> & Partial<ObservableType>

/** Rows of one group, with the defaults of the group and of the table filled in. */
export function inGroup(
  group: ObservableGroup,
  defaults: Partial<ObservableType>,
  rows: readonly TypeFacts[],
): readonly ObservableType[] {
  return rows.map((row) => ({
    group,
    stix: [`x-puente-${row.id}:value`],
    misp: [],
    personalData: false,
    maskable: true,
    anyText: false,
    correlates: true,
    lifetimeDays: 1_825,
    refangs: false,
    multiline: false,
    family: row.id,
    key: asItIs,
    ...defaults,
    ...row,
  }))
}

export const asItIs = (value: string): string => value
export const lowerCase = (value: string): string => value.toLowerCase()

/** How much of a refused value a message repeats. */
const quotedCharacters = 60

/** A refusal of a value; `why` continues the sentence: `"…" is not an IPv4 address`. */
export function invalid(text: string, why: string): Fault {
  const cut = text.length > quotedCharacters ? `${text.slice(0, quotedCharacters - 1)}…` : text
  // cutting may halve a pair of surrogates, which could not be stored or sent as UTF-8
  return new Fault('invalid_value', `"${cut.replace(/\p{Surrogate}/gu, '')}" ${why}`)
}
