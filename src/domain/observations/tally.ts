import { limits } from '../limits.ts'

/** What one observation matched, as the tally asks for it: slots of the index now, and what identifies them later. */
export interface Found {
  readonly count: number
  slot(n: number): number
  /** Position in the feed of the indicator that a slot stands for. */
  feedPosition(n: number): number
  /** The 16 bytes under which the store knows the value that matched. */
  valueKey(n: number): Buffer
  /** Whether it is the value itself that matched, not something that contains it. */
  exact(n: number): boolean
}

const rowsAtFirst = 1_024

/** Something that an observation matched: an indicator, by its position in the feed, and by which value. */
export interface Match {
  readonly position: number
  readonly valueKey: Buffer
  readonly exact: boolean
}

/**
 * Counts what was observed by what it matched and by hour. Observations that matched the same are one row, however many they
 * are. Rows and what they refer to are numbers in typed arrays, and both are limited: a full tally is written to the store.
 */
export class Tally {
  #cells = new Int32Array(4 * rowsAtFirst)
  #rows = 0
  #starts = new Int32Array(rowsAtFirst)
  #lengths = new Uint8Array(rowsAtFirst)
  #hours = new Int32Array(rowsAtFirst)
  #times = new Float64Array(rowsAtFirst)
  /** What rows matched, row after row. */
  #matches = 0
  #slots = new Int32Array(rowsAtFirst)
  #positions = new Float64Array(rowsAtFirst)
  #exact = new Uint8Array(rowsAtFirst)
  #keys = Buffer.alloc(16 * rowsAtFirst)

  get rows(): number {
    return this.#rows
  }

  /** Whether it must be written before more is counted. */
  get full(): boolean {
    return this.#rows >= limits.observationRows || this.#matches >= 4 * limits.observationRows
  }

  /** Counts `times` observations in an hour (hours since 1970) that matched the same. */
  add(found: Found, hour: number, times: number): void {
    const row = this.#rowOf(found, hour)
    this.#times[row] = (this.#times[row] ?? 0) + times
  }

  hour(row: number): number {
    return this.#hours[row] ?? 0
  }

  times(row: number): number {
    return this.#times[row] ?? 0
  }

  /** What a row matched: indexes of {@link match}. */
  *matchesOf(row: number): IterableIterator<number> {
    const start = this.#starts[row] ?? 0
    for (let n = start; n < start + (this.#lengths[row] ?? 0); n++) yield n
  }

  /** How many matches there are: their indexes are below. */
  get matches(): number {
    return this.#matches
  }

  match(n: number): Match {
    return {
      position: this.#positions[n] ?? 0,
      valueKey: this.#keys.subarray(16 * n, 16 * n + 16),
      exact: this.#exact[n] === 1,
    }
  }

  #rowOf(found: Found, hour: number): number {
    const mask = this.#cells.length - 1
    let cell = hashOf(found, hour) & mask
    for (; this.#cells[cell] !== 0; cell = (cell + 1) & mask) {
      const row = (this.#cells[cell] ?? 0) - 1
      if (this.#isRow(row, found, hour)) return row
    }
    if (2 * (this.#rows + 1) > this.#cells.length) {
      this.#growCells()
      return this.#rowOf(found, hour)
    }
    this.#cells[cell] = this.#rows + 1
    return this.#append(found, hour)
  }

  #isRow(row: number, found: Found, hour: number): boolean {
    if (this.#hours[row] !== hour || this.#lengths[row] !== found.count) return false
    const start = this.#starts[row] ?? 0
    for (let n = 0; n < found.count; n++) if (this.#slots[start + n] !== found.slot(n)) return false
    return true
  }

  #append(found: Found, hour: number): number {
    const row = this.#rows++
    if (row === this.#starts.length) this.#growRows()
    while (this.#matches + found.count > this.#slots.length) this.#growMatches()
    this.#starts[row] = this.#matches
    this.#lengths[row] = found.count
    this.#hours[row] = hour
    for (let n = 0; n < found.count; n++) {
      const at = this.#matches++
      this.#slots[at] = found.slot(n)
      this.#positions[at] = found.feedPosition(n)
      this.#exact[at] = found.exact(n) ? 1 : 0
      found.valueKey(n).copy(this.#keys, 16 * at)
    }
    return row
  }

  #growCells(): void {
    const old = this.#cells
    this.#cells = new Int32Array(2 * old.length)
    const mask = this.#cells.length - 1
    for (let row = 0; row < this.#rows; row++) {
      let cell = this.#hashOfRow(row) & mask
      while (this.#cells[cell] !== 0) cell = (cell + 1) & mask
      this.#cells[cell] = row + 1
    }
  }

  #hashOfRow(row: number): number {
    const start = this.#starts[row] ?? 0
    const slot = (n: number) => this.#slots[start + n] ?? 0
    return hashOf({ count: this.#lengths[row] ?? 0, slot }, this.#hours[row] ?? 0)
  }

  #growRows(): void {
    const size = 2 * this.#starts.length
    this.#starts = copied(new Int32Array(size), this.#starts)
    this.#lengths = copied(new Uint8Array(size), this.#lengths)
    this.#hours = copied(new Int32Array(size), this.#hours)
    this.#times = copied(new Float64Array(size), this.#times)
  }

  #growMatches(): void {
    const size = 2 * this.#slots.length
    this.#slots = copied(new Int32Array(size), this.#slots)
    this.#positions = copied(new Float64Array(size), this.#positions)
    this.#exact = copied(new Uint8Array(size), this.#exact)
    this.#keys = copied(Buffer.alloc(16 * size), this.#keys)
  }
}

function copied<A extends { set(from: A): void }>(larger: A, smaller: A): A {
  larger.set(smaller)
  return larger
}

/** Slots are numbers of this node, which nobody outside chooses: a plain hash will do. */
function hashOf(found: Pick<Found, 'count' | 'slot'>, hour: number): number {
  let hash = hour
  for (let n = 0; n < found.count; n++) {
    hash = Math.imul(hash ^ found.slot(n), 0x85ebca6b)
    hash ^= hash >>> 13
  }
  hash = Math.imul(hash, 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}
