import { createHash } from 'node:crypto'

/** Microseconds since 1970, which a JavaScript number holds exactly until the year 2255. */
export type Micros = number

/**
 * The order of what was added in one millisecond, and the microseconds it is told with: a permutation of 0–999 that only this node
 * knows, another for each millisecond. The feed's own microseconds count rows, and would tell how many lie between two that are seen
 * (ADR 22). Two additive Feistel networks over 40 × 25 = 1,000; its tables are keyed output of SHAKE256.
 */
export class Shuffles {
  readonly #key: Buffer
  readonly #tables = new Map<number, Buffer>()

  constructor(key: Buffer) {
    this.#key = key
  }

  /** @param start the first position of the millisecond @param slot 0–999 */
  codeOf(start: number, slot: number): number {
    const table = this.#tableOf(start)
    let [a, b] = [Math.floor(slot / 25), slot % 25]
    a = (a + (table[b] ?? 0)) % 40
    b = (b + (table[25 + a] ?? 0)) % 25
    a = (a + (table[65 + b] ?? 0)) % 40
    b = (b + (table[90 + a] ?? 0)) % 25
    a = (a + (table[130 + b] ?? 0)) % 40
    b = (b + (table[155 + a] ?? 0)) % 25
    return a * 25 + b
  }

  #tableOf(start: number): Buffer {
    const known = this.#tables.get(start)
    if (known !== undefined) return known
    const made = createHash('shake256', { outputLength: 195 })
      .update(this.#key)
      .update(`order in a millisecond|${start}`)
      .digest()
    if (this.#tables.size >= tablesKept) this.#tables.clear()
    this.#tables.set(start, made)
    return made
  }
}

const tablesKept = 10_000

/** `2026-06-01T00:00:00.000123Z`, finer cut off. */
export function microsOf(iso: string): Micros {
  const whole = Date.parse(`${iso.slice(0, 19)}Z`)
  const fraction = iso.slice(19).replace('Z', '').replace('.', '').slice(0, 6).padEnd(6, '0')
  return whole * 1_000 + Number(fraction)
}

export const wholeMilliseconds = (micros: Micros): Micros => micros - (micros % 1_000)

/** As TAXII 2.1 §1.6.4 writes times: six digits. */
export const isoOfMicros = (micros: Micros): string =>
  `${new Date(Math.floor(micros / 1_000)).toISOString().slice(0, 23)}${String(micros % 1_000).padStart(3, '0')}Z`
