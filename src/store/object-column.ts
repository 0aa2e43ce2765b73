import { composedTypes } from '../domain/stix-object.ts'
import { Column, has, type Words, wordsWhere } from './column.ts'

/**
 * Position → handling and type of the STIX object that stands there, in one number for each pair that occurs: as columns of indicators say
 * it of handlings, so that positions of some types under some handlings are found without looking at the others.
 */
export class ObjectColumn {
  /** What stands. */
  readonly now = new Column()
  /** What was recalled, at the position of its recall. */
  readonly recalled = new Column()
  /** What was replaced by a later version, at the position that it had. */
  readonly replaced = new Column()
  /** From 1: 0 is where nothing stands. */
  readonly #pairs: { readonly handling: number; readonly type: number }[] = [{ handling: 0, type: 0 }]
  readonly #numbers = new Map<string, number>()

  /** Takes one version. @param type its {@link typeCode} @param previous where the version before it stood */
  enter(position: number, handling: number, type: number, recalled: boolean, previous: number | undefined): void {
    const left = previous === undefined ? 0 : this.now.at(previous)
    if (previous !== undefined && left !== 0) this.replaced.enter(previous, left, false, undefined)
    const pair = this.#numberOf(handling, type)
    this.now.enter(position, pair, recalled, previous)
    if (recalled) this.recalled.enter(position, pair, false, undefined)
  }

  /** Positions in `(above, upto]` with something of these {@link pairsOf pairs}, the oldest first. */
  oldestAbove(
    kind: 'standing' | 'recalled' | 'replaced',
    pairs: Words,
    { above, upto }: { readonly above: number; readonly upto: number },
    limit: number,
  ): number[] {
    const column = { standing: this.now, recalled: this.recalled, replaced: this.replaced }[kind]
    return column.oldestAbove(pairs, above, upto, limit)
  }

  /** The pairs of these handlings, and of these STIX types, as the columns take them. */
  pairsOf(handlings: Words, types?: readonly string[]): Words {
    const codes = types && new Set(types.map(typeCode))
    return wordsWhere(this.#pairs.length, (n) => {
      const pair = this.#pairs[n]
      return n > 0 && pair !== undefined && has(handlings, pair.handling) && (codes?.has(pair.type) ?? true)
    })
  }

  /** Whether what stands at a position may be made of others; nothing that is escapes this. */
  mayHaveParts(position: number): boolean {
    return composedCodes.has(this.#pairs[this.now.at(position)]?.type ?? 0)
  }

  #numberOf(handling: number, type: number): number {
    const key = `${handling} ${type}`
    const known = this.#numbers.get(key)
    if (known !== undefined) return known
    const made = this.#pairs.push({ handling, type }) - 1
    this.#numbers.set(key, made)
    return made
  }
}

/** A number for a type, never 0. Two types may have the same: whatever is found by it is asked for its type again. */
export const typeCode = (type: string): number => Buffer.from(type).reduce(nextCode, 0)

/** The number of a text with one byte more. */
export const nextCode = (code: number, byte: number): number => (Math.imul(code, 31) + byte) >>> 0

const composedCodes = new Set([...composedTypes].map(typeCode))
