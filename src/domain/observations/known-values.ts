import type { Hash } from './keyed-hash.ts'

/** No slot: what {@link KnownValues.find} and the chains end with. */
export const none = -1

/** The handling of a slot whose indicator was revised or recalled: no handling has it, so it is visible to nobody. */
const gone = -1

const cellsAtFirst = 1_024
/** A hash table fuller than this is made twice as large. */
const fullestLoad = 0.7
/** Dead slots are swept out when there are this many and they are a third of all. */
const sweepAtDead = 100_000

/** Seconds since 1970 that stand for "no end". */
export const forEver = 0xffffffff

/**
 * Values of indicators by keyed hash: a value has a cell, a cell leads to its slots, the newest first, and a slot is one
 * indicator that looks for the value. Open addressing in typed arrays, 8 bytes a cell and 24 a slot. Before them stands a filter
 * of 8 bits a cell, small enough to stay in the processor's caches: most values are not known, and it says so. Slots are in
 * order of position in the feed, so that what a position brought is found by bisection when it is revised or recalled.
 */
export class KnownValues {
  /** Pairs: low half of the hash, and slot + 1 of the newest indicator (0: empty). */
  #cells = new Int32Array(2 * cellsAtFirst)
  #mask = cellsAtFirst - 1
  /** A bit for some of the low half of each hash there is. */
  #filter = new Uint8Array(cellsAtFirst)
  #cellsUsed = 0
  #positions = new Float64Array(cellsAtFirst)
  #handlings = new Int32Array(cellsAtFirst)
  #next = new Int32Array(cellsAtFirst)
  #high = new Int32Array(cellsAtFirst)
  #until = new Uint32Array(cellsAtFirst)
  #size = 0
  #dead = 0
  /** Rises when slots are numbered anew: slot numbers taken before then mean nothing any more. */
  generation = 0

  /** Slots of indicators that are neither revised nor recalled since. */
  get size(): number {
    return this.#size - this.#dead
  }

  /** Bytes of the arrays. */
  get bytes(): number {
    const arrays = [this.#cells, this.#filter, this.#positions, this.#handlings, this.#next, this.#high, this.#until]
    return arrays.reduce((total, array) => total + array.byteLength, 0)
  }

  /** The newest slot of the value just hashed, or {@link none}. */
  find({ lo, hi }: Hash): number {
    const cells = this.#cells
    const mask = this.#mask
    if ((((this.#filter[(lo >>> 3) & mask] ?? 0) >> (lo & 7)) & 1) === 0) return none
    for (let cell = hi & mask; ; cell = (cell + 1) & mask) {
      const held = cells[2 * cell + 1] ?? 0
      if (held === 0) return none
      if (cells[2 * cell] === lo && this.#high[held - 1] === hi) return held - 1
    }
  }

  /** The next older slot of the same value, or {@link none}. */
  after(slot: number): number {
    return (this.#next[slot] ?? 0) - 1
  }

  /** Handling id of a slot's indicator; negative when it is gone. */
  handling(slot: number): number {
    return this.#handlings[slot] ?? gone
  }

  position(slot: number): number {
    return this.#positions[slot] ?? 0
  }

  /** Seconds since 1970 from which on the indicator is expired. */
  until(slot: number): number {
    return this.#until[slot] ?? 0
  }

  /** Adds the value just hashed as one of the indicator at `position`, which is no smaller than any added before. */
  add({ lo, hi }: Hash, position: number, handling: number, until: number): void {
    if (this.#size === this.#positions.length) this.#growSlots()
    const slot = this.#size++
    this.#positions[slot] = position
    this.#handlings[slot] = handling
    this.#until[slot] = until
    this.#high[slot] = hi
    this.#link(lo, hi, slot)
  }

  /** Takes out what the indicator had at `position`. */
  remove(position: number): void {
    for (let slot = this.#firstAt(position); this.#positions[slot] === position && slot < this.#size; slot++) {
      if (this.#handlings[slot] === gone) continue
      this.#handlings[slot] = gone
      this.#dead++
    }
    if (this.#dead >= sweepAtDead && 3 * this.#dead > this.#size) this.#sweep()
  }

  #link(lo: number, hi: number, slot: number): void {
    if (this.#cellsUsed + 1 > fullestLoad * (this.#mask + 1)) this.#growCells()
    const cells = this.#cells
    for (let cell = hi & this.#mask; ; cell = (cell + 1) & this.#mask) {
      const held = cells[2 * cell + 1] ?? 0
      if (held !== 0 && !(cells[2 * cell] === lo && this.#high[held - 1] === hi)) continue
      if (held === 0) this.#cellsUsed++
      this.#note(lo)
      cells[2 * cell] = lo
      cells[2 * cell + 1] = slot + 1
      this.#next[slot] = held
      return
    }
  }

  #note(lo: number): void {
    const at = (lo >>> 3) & this.#mask
    this.#filter[at] = (this.#filter[at] ?? 0) | (1 << (lo & 7))
  }

  #firstAt(position: number): number {
    let low = 0
    let high = this.#size
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#positions[middle] ?? 0) < position) low = middle + 1
      else high = middle
    }
    return low
  }

  #growSlots(): void {
    const size = Math.ceil(this.#positions.length * 1.5)
    const grown = <A extends { set(from: A): void }>(larger: A, smaller: A): A => {
      larger.set(smaller)
      return larger
    }
    this.#positions = grown(new Float64Array(size), this.#positions)
    this.#handlings = grown(new Int32Array(size), this.#handlings)
    this.#next = grown(new Int32Array(size), this.#next)
    this.#high = grown(new Int32Array(size), this.#high)
    this.#until = grown(new Uint32Array(size), this.#until)
  }

  /** Twice the cells; the chains stay as they are. */
  #growCells(): void {
    const old = this.#cells
    this.#mask = 2 * this.#mask + 1
    this.#cells = new Int32Array(2 * (this.#mask + 1))
    this.#filter = new Uint8Array(this.#mask + 1)
    for (let at = 0; at < old.length; at += 2) {
      const held = old[at + 1] ?? 0
      if (held === 0) continue
      let cell = (this.#high[held - 1] ?? 0) & this.#mask
      while (this.#cells[2 * cell + 1] !== 0) cell = (cell + 1) & this.#mask
      this.#note(old[at] ?? 0)
      this.#cells[2 * cell] = old[at] ?? 0
      this.#cells[2 * cell + 1] = held
    }
  }

  /** Numbers the living slots anew, in their order. */
  #sweep(): void {
    const low = this.#lowHalves()
    const old = { size: this.#size, positions: this.#positions, handlings: this.#handlings, until: this.#until }
    const high = this.#high
    this.#positions = new Float64Array(old.positions.length)
    this.#handlings = new Int32Array(old.positions.length)
    this.#next = new Int32Array(old.positions.length)
    this.#high = new Int32Array(old.positions.length)
    this.#until = new Uint32Array(old.positions.length)
    this.#cells.fill(0)
    this.#filter.fill(0)
    this.#cellsUsed = 0
    this.#size = 0
    this.#dead = 0
    this.generation++
    for (let slot = 0; slot < old.size; slot++) {
      const handling = old.handlings[slot] ?? gone
      if (handling === gone) continue
      this.add({ lo: low[slot] ?? 0, hi: high[slot] ?? 0 }, old.positions[slot] ?? 0, handling, old.until[slot] ?? 0)
    }
  }

  /** The low half of each slot's hash, which only the cells know. */
  #lowHalves(): Int32Array {
    const low = new Int32Array(this.#size)
    for (let at = 0; at < this.#cells.length; at += 2) {
      for (let slot = (this.#cells[at + 1] ?? 0) - 1; slot !== none; slot = this.after(slot)) {
        low[slot] = this.#cells[at] ?? 0
      }
    }
    return low
  }
}
