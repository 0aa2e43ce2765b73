import { createHash } from 'node:crypto'

/** Numbers that look random and are the same for the same seed, on every machine. */
export class Random {
  readonly #seed: string
  #counter = 0
  #block = Buffer.alloc(0)
  #at = 0

  constructor(seed: string) {
    this.#seed = seed
  }

  /** A whole number from 0 to `below` − 1. */
  below(below: number): number {
    return Math.floor((this.#next() / 2 ** 32) * below)
  }

  /** From `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1)
  }

  chance(percent: number): boolean {
    return this.below(100) < percent
  }

  pick<T>(items: readonly [T, ...T[]]): T {
    return items[this.below(items.length)] ?? items[0]
  }

  /** Items by weight: `[['often', 9], ['seldom', 1]]`. */
  weighted<T>(items: readonly [readonly [T, number], ...(readonly [T, number])[]]): T {
    let left = this.below(items.reduce((sum, [, weight]) => sum + weight, 0))
    for (const [item, weight] of items) {
      left -= weight
      if (left < 0) return item
    }
    return items[0][0]
  }

  #next(): number {
    if (this.#at + 4 > this.#block.length) {
      this.#block = createHash('sha256')
        .update(`${this.#seed}|${this.#counter++}`)
        .digest()
      this.#at = 0
    }
    const number = this.#block.readUInt32BE(this.#at)
    this.#at += 4
    return number
  }
}
