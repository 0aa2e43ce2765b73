import type { Blockable } from '../../domain/released.ts'

/** What came of the values of one list; counted while it is written. */
export interface BlocklistTally {
  values: number
  /** Not written as strictly as the consumer reads: left out, and nothing else with them. */
  invalid: number
  /** Inside another value of the list, where the format wants that said once. */
  covered: number
  /** On a warninglist. */
  known: number
}

export const newTally = (): BlocklistTally => ({ values: 0, invalid: 0, covered: 0, known: 0 })

export interface BlocklistFacts {
  /** Letters, digits and hyphens. */
  readonly name: string
  /** Seconds since 1970, for formats that count versions. */
  readonly serial: number
  readonly tally: BlocklistTally
}

/**
 * Values in batches, since a wait for each would cost more than all the rest. They come in order: names by their labels from the last
 * to the first, networks by number and the wider before the narrower, URLs, hashes; each once or more.
 */
export type Batches = AsyncIterable<readonly Blockable[]>

/** One way of writing a blocklist. Pure: bounded memory, one value in, one record out. */
export interface BlocklistFormat {
  /** What stands behind the last dot of the URL. */
  readonly extension: string
  readonly mediaType: string
  /** What reads it, in a few words. */
  readonly consumer: string
  /** Types of observables it can hold; others are not asked for. */
  readonly takes: readonly string[]
  /** A domain under another one of the list is left out: the consumer refuses both. */
  readonly collapses: boolean
  /** A network inside another one of the list is left out: the consumer refuses overlaps. */
  readonly merges: boolean
  readonly encode: (batches: Batches, facts: BlocklistFacts) => AsyncIterable<string>
}

export const nameTypes = ['domain-name', 'hostname'] as const
export const networkTypes = ['ipv4-address', 'ipv4-prefix', 'ipv6-address', 'ipv6-prefix'] as const
export const hashTypes = ['md5', 'sha1', 'sha256'] as const
/** Everything that any format can hold. */
export const blockableTypes: readonly string[] = [...nameTypes, ...networkTypes, 'url', ...hashTypes]
