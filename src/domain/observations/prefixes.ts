import { shortestContaining } from '../observables/ip.ts'

/** A network that is no address. */
export interface Prefix {
  readonly version: 4 | 6
  readonly length: number
  /** Of IPv4: its first address, as a number. */
  readonly first: number
}

/** Prefixes of indicators under one handling, as they came. */
interface OfHandling {
  /** IPv4: first address and length as one number. */
  readonly four: number[]
  readonly known: Set<number>
  readonly six: Set<number>
}

/** Lengths fit below this. */
const lengthRoom = 64

/** Which prefixes indicators have, or had, by the handling that they are under. */
export class KnownPrefixes {
  readonly #of = new Map<number, OfHandling>()

  add({ version, length, first }: Prefix, handling: number): void {
    // A look-up considers none that is shorter.
    if (length < shortestContaining[version]) return
    const of = this.#of.get(handling) ?? { four: [], known: new Set(), six: new Set() }
    this.#of.set(handling, of)
    if (version === 6) of.six.add(length)
    else {
      const one = first * lengthRoom + length
      if (of.known.has(one)) return
      of.known.add(one)
      of.four.push(one)
    }
  }

  entries(): IterableIterator<[number, OfHandling]> {
    return this.#of.entries()
  }
}

/** Bits of an address by which those are told apart that some prefix may contain. */
const tellingBits = 22

/**
 * The prefixes that one sender may see: most addresses are in none of them, and need be asked for once. Made of what the sender may see
 * alone: of others the time that a stream takes would tell which they are.
 */
export class VisiblePrefixes {
  /** The longest first. */
  lengths4: readonly number[] = []
  lengths6: readonly number[] = []
  /** A bit for each /22; made with the first prefix: 512 KiB. */
  #touched4: Uint8Array | undefined
  #bitmap: Uint8Array = new Uint8Array(0)
  /** How many of each handling's are counted in. */
  readonly #seen = new Map<number, number>()

  /** Whether a prefix may contain this IPv4 address. */
  touched4(address: number): boolean {
    const n = address >>> (32 - tellingBits)
    return this.#touched4 !== undefined && (((this.#touched4[n >>> 3] ?? 0) >> (n & 7)) & 1) === 1
  }

  /** Counts in what is new; all anew where the sender may see something else. @param bitmap of the handlings that it may */
  see(known: KnownPrefixes, bitmap: Uint8Array): void {
    if (Buffer.compare(bitmap, this.#bitmap) !== 0) this.#forget(bitmap)
    const [four, six] = [new Set(this.lengths4), new Set(this.lengths6)]
    for (const [handling, of] of known.entries()) {
      if ((((bitmap[handling >> 3] ?? 0) >> (handling & 7)) & 1) === 0) continue
      for (const length of of.six) six.add(length)
      for (let n = this.#seen.get(handling) ?? 0; n < of.four.length; n++) four.add(this.#touch(of.four[n] ?? 0))
      this.#seen.set(handling, of.four.length)
    }
    if (four.size > this.lengths4.length) this.lengths4 = longestFirst(four)
    if (six.size > this.lengths6.length) this.lengths6 = longestFirst(six)
  }

  #forget(bitmap: Uint8Array): void {
    this.#bitmap = Uint8Array.from(bitmap)
    this.lengths4 = []
    this.lengths6 = []
    this.#touched4 = undefined
    this.#seen.clear()
  }

  /** @returns the length */
  #touch(one: number): number {
    const length = one % lengthRoom
    this.#touched4 ??= new Uint8Array(2 ** (tellingBits - 3))
    const first = Math.floor(one / lengthRoom / 2 ** (32 - tellingBits))
    const last = first + 2 ** Math.max(tellingBits - length, 0) - 1
    for (let n = first; n <= last; n++) this.#touched4[n >> 3] = (this.#touched4[n >> 3] ?? 0) | (1 << (n & 7))
    return length
  }
}

const longestFirst = (lengths: ReadonlySet<number>): number[] => [...lengths].sort((a, b) => b - a)
