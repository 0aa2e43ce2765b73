import { createHash } from 'node:crypto'
import { limits } from '../limits.ts'
import { registrableDomain } from '../observables/name.ts'
import { ipv4Prefix, ipv6Prefix } from './addresses.ts'
import { none } from './known-values.ts'
import type { PlainValue } from './plain-value.ts'
import { VisiblePrefixes } from './prefixes.ts'
import type { Found } from './tally.ts'
import { spaceOf, type ValueIndex } from './value-index.ts'

/** Handlings that a sender may have, as bitmaps by handling id: what `policy` decided. */
export interface Reach {
  /** For the value itself. */
  readonly exact: Uint8Array
  /** For what contains it: without what is masked, or parts of a masked value could be tried. */
  readonly containing: Uint8Array
}

/** Chains longer than this are walked once for each {@link Finder.at}, and not for each observation. */
const longChain = 32

const nameSpace = spaceOf('name')

/**
 * Finds what one value matches for one sender: the keys are those of a look-up, the nearest first. What the sender may not see is
 * passed over before anything is counted, so the limit on matches is a limit on those that it may.
 */
export class Finder implements Found {
  count = 0
  readonly #index: ValueIndex
  #reach: Reach = { exact: new Uint8Array(1), containing: new Uint8Array(1) }
  readonly #prefixes = new VisiblePrefixes()
  #nowSeconds = 0
  readonly #slots = new Int32Array(limits.observationMatches)
  /** What each slot was found by: a prefix length, where a parent begins in the name, or an index of keys. */
  readonly #by = new Int32Array(limits.observationMatches)
  #exactCount = 0
  readonly #longChains = new Map<number, readonly number[]>()
  /** The value in hand, for those who ask what a slot was found by. */
  #kind: 'ipv4' | 'ipv6' | 'digest' | 'name' | 'keys' = 'keys'
  #plain: PlainValue | undefined
  #ipv4 = 0
  #ipv6: Uint8Array = new Uint8Array(16)
  #exactKey = ''
  #containingKeys: readonly string[] = []

  constructor(index: ValueIndex) {
    this.#index = index
  }

  /** What the sender may see, and when: to be told before the first value, and whenever either may have changed. */
  at(reach: Reach, nowMs: number): void {
    this.#reach = reach
    this.#nowSeconds = nowMs / 1_000
    this.#longChains.clear()
    this.#prefixes.see(this.#index.prefixes, reach.containing)
  }

  ipv4(address: number): void {
    const index = this.#index
    this.#begin('ipv4')
    this.#ipv4 = address
    index.hash4(address, 32)
    this.#exact(32)
    if (!this.#prefixes.touched4(address)) return
    for (const length of this.#prefixes.lengths4) {
      index.hash4(address, length)
      this.#containing(length)
    }
  }

  /** @param address 16 bytes */
  ipv6(address: Uint8Array): void {
    const index = this.#index
    this.#begin('ipv6')
    this.#ipv6 = address
    index.hash6(address, 128)
    this.#exact(128)
    for (const length of this.#prefixes.lengths6) {
      index.hash6(address, length)
      this.#containing(length)
    }
  }

  digest(plain: PlainValue): void {
    this.#begin('digest')
    this.#plain = plain
    this.#index.hash.bytes(spaceOf(plain.digestType), plain.bytes, 0, plain.length)
    this.#exact(0)
  }

  /** A name and its parents. Where the registrable domain begins is asked only when a parent is known at all. */
  name(plain: PlainValue): void {
    const { bytes, length, labels, labelCount } = plain
    const { hash } = this.#index
    this.#begin('name')
    this.#plain = plain
    hash.bytes(nameSpace, bytes, 0, length)
    this.#exact(0)
    let registrable = -1
    for (let n = 1; n < labelCount - 1; n++) {
      const start = labels[n] ?? 0
      hash.bytes(nameSpace, bytes, start, length)
      const before = this.count
      this.#containing(start)
      if (this.count === before) continue
      if (registrable === -1) registrable = registrableStart(bytes.toString('latin1', 0, length))
      if (start > registrable) {
        this.count = before
        return
      }
    }
  }

  /** Any value, by its correlation keys: its own, and those of what contains it. */
  keys(exact: string, containing: readonly string[]): void {
    this.#begin('keys')
    this.#exactKey = exact
    this.#containingKeys = containing
    this.#index.hashKey(exact)
    this.#exact(-1)
    for (const [n, key] of containing.entries()) {
      this.#index.hashKey(key)
      this.#containing(n)
    }
  }

  slot(n: number): number {
    return this.#slots[n] ?? none
  }

  feedPosition(n: number): number {
    return this.#index.values.position(this.slot(n))
  }

  exact(n: number): boolean {
    return n < this.#exactCount
  }

  valueKey(n: number): Buffer {
    return createHash('sha256')
      .update(this.#keyOf(this.#by[n] ?? 0))
      .digest()
      .subarray(0, 16)
  }

  /** The correlation key of what a slot was found by. */
  #keyOf(by: number): string {
    const { bytes, length = 0, digestType } = this.#plain ?? {}
    switch (this.#kind) {
      case 'ipv4':
        return `ip:${ipv4Prefix(this.#ipv4, by)}`
      case 'ipv6':
        return `ip:${ipv6Prefix(this.#ipv6, by)}`
      case 'digest':
        return `${digestType}:${bytes?.toString('latin1', 0, length)}`
      case 'name':
        return `name:${bytes?.toString('latin1', by, length)}`
      case 'keys':
        return by === -1 ? this.#exactKey : (this.#containingKeys[by] ?? '')
    }
  }

  #begin(kind: 'ipv4' | 'ipv6' | 'digest' | 'name' | 'keys'): void {
    this.#kind = kind
    this.count = 0
    this.#exactCount = 0
  }

  #exact(by: number): void {
    this.#collect(this.#reach.exact, by)
    this.#exactCount = this.count
  }

  #containing(by: number): void {
    this.#collect(this.#reach.containing, by)
  }

  /** Takes the visible slots of the value just hashed. */
  #collect(bitmap: Uint8Array, by: number): void {
    const { values } = this.#index
    const newest = values.find(this.#index.hash)
    const before = this.count
    let walked = 0
    for (let slot = newest; slot !== none; slot = values.after(slot)) {
      if (++walked > longChain) {
        this.count = before
        this.#collectLong(newest, bitmap, by)
        return
      }
      if (this.#isVisible(slot, bitmap)) this.#take(slot, by)
    }
  }

  /** The same for a value that very many indicators have: those that are visible are remembered. */
  #collectLong(newest: number, bitmap: Uint8Array, by: number): void {
    const { values } = this.#index
    const key = 2 * newest + (bitmap === this.#reach.exact ? 1 : 0)
    let visible = this.#longChains.get(key)
    if (visible === undefined) {
      const found: number[] = []
      for (let slot = newest; slot !== none && found.length < limits.observationMatches; slot = values.after(slot)) {
        if (this.#isVisible(slot, bitmap)) found.push(slot)
      }
      this.#longChains.set(key, found)
      visible = found
    }
    for (const slot of visible) this.#take(slot, by)
  }

  #isVisible(slot: number, bitmap: Uint8Array): boolean {
    const { values } = this.#index
    const handling = values.handling(slot)
    if (handling < 0 || handling >= 8 * bitmap.length) return false
    if ((((bitmap[handling >> 3] ?? 0) >> (handling & 7)) & 1) === 0) return false
    return values.until(slot) > this.#nowSeconds
  }

  #take(slot: number, by: number): void {
    if (this.count === limits.observationMatches) return
    this.#slots[this.count] = slot
    this.#by[this.count++] = by
  }
}

/** Where the registrable domain begins in a name: parents beyond it are somebody else's; 0 when there is none. */
function registrableStart(name: string): number {
  const registrable = registrableDomain(name)
  return registrable === undefined ? 0 : name.length - registrable.length
}
