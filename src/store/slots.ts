const chunkRows = 4_096

/**
 * Feed position → the last three digits of its time in microseconds, 0–999. Positions are given out one microsecond apart, and whatever
 * begins anew begins with a whole millisecond: so `position - slot` is the first position of the same millisecond. Two bytes a row.
 */
export class Slots {
  readonly #chunks: (Uint16Array | undefined)[] = []

  set(position: number, slot: number): void {
    const c = Math.floor(position / chunkRows)
    const chunk = this.#chunks[c] ?? new Uint16Array(chunkRows)
    this.#chunks[c] = chunk
    chunk[position % chunkRows] = slot
  }

  at(position: number): number {
    return this.#chunks[Math.floor(position / chunkRows)]?.[position % chunkRows] ?? 0
  }
}
