/**
 * A set of small integers, bit n in byte n/8 from the least significant bit: the layout PostgreSQL's
 * `get_bit(bytea, n)` reads, so that the same bytes decide here and there.
 */
export class Bitset {
  #bytes: Uint8Array

  constructor(size = 64) {
    this.#bytes = new Uint8Array(Math.max(1, (size + 7) >> 3))
  }

  add(n: number): void {
    const index = n >> 3
    if (index >= this.#bytes.length) this.#grow(index + 1)
    this.#bytes[index] = (this.#bytes[index] ?? 0) | (1 << (n & 7))
  }

  has(n: number): boolean {
    return (((this.#bytes[n >> 3] ?? 0) >> (n & 7)) & 1) === 1
  }

  /** How many members; linear in the size. */
  count(): number {
    let total = 0
    for (const byte of this.#bytes) for (let rest = byte; rest > 0; rest &= rest - 1) total++
    return total
  }

  /** The members, ascending. */
  *members(): IterableIterator<number> {
    for (let n = 0; n < this.#bytes.length * 8; n++) if (this.has(n)) yield n
  }

  /** The members that pass a test, as a new set. Narrowing only: nothing is added. */
  filter(keep: (n: number) => boolean): Bitset {
    const narrowed = new Bitset(this.#bytes.length * 8)
    for (const n of this.members()) if (keep(n)) narrowed.add(n)
    return narrowed
  }

  union(other: Bitset): Bitset {
    const joined = new Bitset(Math.max(this.#bytes.length, other.#bytes.length) * 8)
    joined.#bytes.set(this.#bytes)
    for (let i = 0; i < other.#bytes.length; i++) joined.#bytes[i] = (joined.#bytes[i] ?? 0) | (other.#bytes[i] ?? 0)
    return joined
  }

  /** The bytes as they are: not a copy. */
  get bytes(): Uint8Array {
    return this.#bytes
  }

  #grow(bytes: number): void {
    const larger = new Uint8Array(Math.max(bytes, this.#bytes.length * 2))
    larger.set(this.#bytes)
    this.#bytes = larger
  }
}
