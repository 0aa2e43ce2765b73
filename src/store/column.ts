/**
 * Positions a chunk holds: scanning one for a reader's only row takes a microsecond (a page of ten such rows took 99 µs with chunks of
 * 4,096), and ten million rows are 20,000 chunks, passed over at 10 ns each.
 */
const chunkRows = 512

/** Chunks passed over before it is worth counting what there is to find: counting costs as much for some thousand handlings. */
const chunksBeforeCount = 256

/** Set bits of a bitmap as 32-bit words, in the order of its bytes: read word by word they are compared 32 at a time. */
export type Words = Uint32Array

export function wordsOf(bitmap: Uint8Array): Words {
  const bytes = new Uint8Array((bitmap.length + 3) & ~3)
  bytes.set(bitmap)
  return new Uint32Array(bytes.buffer)
}

/** Handlings of so many positions, and which handlings occur among them at all. */
interface Chunk {
  handlings: Uint16Array | Uint32Array
  /** A superset of what occurs: what left stays set, which costs a scan and nothing else. */
  occurring: Words
  live: number
}

/**
 * Feed position → handling of the indicator that stands there now; 0 where it moved on or was recalled. About 2.9 bytes a row.
 * With it the newest (or oldest) rows of any set of handlings are found without looking at the others: chunks in which none of
 * them occurs are passed over, so a reader of little waits no longer than a reader of everything.
 */
export class Column {
  readonly #chunks: (Chunk | undefined)[] = []
  #counts = new Float64Array(64)
  #changes = new Float64Array(64)
  #head = 0
  #lastReplacement = 0

  /** The last position known. */
  get head(): number {
    return this.#head
  }

  /** Whether an entry after a position replaced or recalled something: mostly none of the newest did, and nobody need ask for it. */
  replacedAfter(position: number): boolean {
    return this.#lastReplacement > position
  }

  /** Takes one feed entry: what stands at its position, and what does not stand any more where it was before. */
  enter(position: number, handling: number, recalled: boolean, previous: number | undefined): void {
    if (previous !== undefined) {
      this.#touch(this.at(previous), position)
      this.#clear(previous)
      this.#lastReplacement = Math.max(this.#lastReplacement, position)
    }
    if (!recalled) {
      this.#touch(handling, position)
      this.#set(position, handling)
    }
    if (position > this.#head) this.#head = position
  }

  /** The handling at a position; 0 when nothing stands there. */
  at(position: number): number {
    return this.#chunks[Math.floor(position / chunkRows)]?.handlings[position % chunkRows] ?? 0
  }

  /** Rows under the handlings of a set, now. */
  count(permitted: Words): number {
    let total = 0
    for (let id = 0; id < this.#counts.length; id++) if (has(permitted, id)) total += this.#counts[id] ?? 0
    return total
  }

  /** Rows under one handling, now. */
  countOf(handling: number): number {
    return this.#counts[handling] ?? 0
  }

  /** The last position at which something came under a handling, changed under it or left it; 0 when nothing ever did. */
  changedAt(handling: number): number {
    return this.#changes[handling] ?? 0
  }

  /** Positions below `below` under these handlings, the newest first. */
  newestBelow(permitted: Words, below: number, limit: number): number[] {
    const found: number[] = []
    const newest = Math.min(Math.floor((below - 1) / chunkRows), this.#chunks.length - 1)
    let there: number | undefined
    for (let c = newest; c >= 0; c--) {
      // Whoever has been looking for long may have found all there is.
      if (c === newest - chunksBeforeCount) there = this.count(permitted)
      if (found.length === there) return found
      const chunk = this.#chunks[c]
      if (chunk === undefined || !meets(chunk, permitted)) continue
      for (let n = Math.min(below - 1 - c * chunkRows, chunkRows - 1); n >= 0; n--) {
        const handling = chunk.handlings[n] ?? 0
        if (handling !== 0 && has(permitted, handling) && found.push(c * chunkRows + n) === limit) return found
      }
    }
    return found
  }

  /** Positions above `above` and up to `upto` under these handlings, the oldest first. */
  oldestAbove(permitted: Words, above: number, upto: number, limit: number): number[] {
    const found: number[] = []
    const last = Math.min(Math.floor(upto / chunkRows), this.#chunks.length - 1)
    for (let c = Math.max(0, Math.floor((above + 1) / chunkRows)); c <= last; c++) {
      const chunk = this.#chunks[c]
      if (chunk === undefined || !meets(chunk, permitted)) continue
      const end = Math.min(upto - c * chunkRows, chunkRows - 1)
      for (let n = Math.max(above + 1 - c * chunkRows, 0); n <= end; n++) {
        const handling = chunk.handlings[n] ?? 0
        if (handling !== 0 && has(permitted, handling) && found.push(c * chunkRows + n) === limit) return found
      }
    }
    return found
  }

  #touch(handling: number, position: number): void {
    if (handling >= this.#changes.length) this.#changes = grown(this.#changes, handling)
    this.#changes[handling] = position
  }

  #set(position: number, handling: number): void {
    this.#clear(position)
    const c = Math.floor(position / chunkRows)
    const chunk = this.#chunks[c] ?? { handlings: new Uint16Array(chunkRows), occurring: new Uint32Array(1), live: 0 }
    this.#chunks[c] = chunk
    if (handling > 0xffff && chunk.handlings instanceof Uint16Array) chunk.handlings = Uint32Array.from(chunk.handlings)
    chunk.handlings[position % chunkRows] = handling
    chunk.occurring = withBit(chunk.occurring, handling)
    chunk.live++
    if (handling >= this.#counts.length) this.#counts = grown(this.#counts, handling)
    this.#counts[handling] = (this.#counts[handling] ?? 0) + 1
  }

  #clear(position: number): void {
    const c = Math.floor(position / chunkRows)
    const chunk = this.#chunks[c]
    const handling = this.at(position)
    if (chunk === undefined || handling === 0) return
    chunk.handlings[position % chunkRows] = 0
    chunk.live--
    this.#counts[handling] = (this.#counts[handling] ?? 0) - 1
    if (chunk.live === 0) this.#chunks[c] = undefined
  }
}

export const has = (words: Words, n: number): boolean => (((words[n >>> 5] ?? 0) >>> (n & 31)) & 1) === 1

function meets({ occurring }: Chunk, permitted: Words): boolean {
  const length = Math.min(occurring.length, permitted.length)
  for (let i = 0; i < length; i++) if (((occurring[i] ?? 0) & (permitted[i] ?? 0)) !== 0) return true
  return false
}

function withBit(words: Words, n: number): Words {
  const index = n >>> 5
  let larger = words
  if (index >= words.length) {
    larger = new Uint32Array(Math.max(index + 1, words.length * 2))
    larger.set(words)
  }
  larger[index] = (larger[index] ?? 0) | (1 << (n & 31))
  return larger
}

function grown(counts: Float64Array, index: number): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(Math.max(index + 1, counts.length * 2))
  larger.set(counts)
  return larger
}

/** The numbers below `size` that pass a test. */
export function wordsWhere(size: number, test: (n: number) => boolean): Words {
  const words = new Uint32Array((size + 31) >>> 5)
  for (let n = 0; n < size; n++) if (test(n)) words[n >>> 5] = (words[n >>> 5] ?? 0) | (1 << (n & 31))
  return words
}
