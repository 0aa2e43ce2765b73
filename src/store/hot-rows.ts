import type { Indicator } from '../domain/indicator.ts'

/** What a kept indicator costs beside its text: the object, its members and the map's entry, as measured on 64-bit Node 20. */
const overheadBytes = 1_200

/**
 * Indicators lately read, by position. Whatever changes about an indicator gives it another position, so nothing here is ever out
 * of date; which positions stand now, and who may see them, is asked elsewhere every time. The longest kept goes first.
 */
export class HotRows {
  readonly #rows = new Map<number, Indicator>()
  readonly #limitBytes: number
  #bytes = 0

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes
  }

  get(position: number): Indicator | undefined {
    return this.#rows.get(position)
  }

  keep(indicator: Indicator): void {
    const position = Number(indicator.position)
    if (this.#rows.has(position)) return
    this.#rows.set(position, indicator)
    this.#bytes += bytesOf(indicator)
    for (const [oldest, row] of this.#rows) {
      if (this.#bytes <= this.#limitBytes) break
      this.#rows.delete(oldest)
      this.#bytes -= bytesOf(row)
    }
  }

  /** What stood there was replaced, or is gone for good. */
  forget(position: number): void {
    const row = this.#rows.get(position)
    if (row === undefined) return
    this.#rows.delete(position)
    this.#bytes -= bytesOf(row)
  }

  /** About how much memory is held. */
  get bytes(): number {
    return this.#bytes
  }
}

const bytesOf = ({ stix, value, description }: Indicator): number =>
  overheadBytes + stix.length + value.length + (description?.length ?? 0)
