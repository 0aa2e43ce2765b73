import { parseTimestamp, type TimestampForm } from './timestamp.ts'

const hourMs = 3_600_000
const dash = 45

/** Characters of a time up to its hour: `2026-06-01T14`. */
const hourBytes = 13

/**
 * Reads times down to their hour. A stream is mostly of one hour: the one read last is recognised by its bytes, and only what
 * differs is parsed.
 */
export class HourReader {
  readonly #form: TimestampForm
  readonly #last = Buffer.alloc(hourBytes)
  #lastHour = 0

  constructor(form: TimestampForm) {
    this.#form = form
  }

  /** Hours since 1970 of the time from `start` to `end`, or undefined when it is none. */
  read(bytes: Buffer, start: number, end: number): number | undefined {
    if (this.#lastHour !== 0 && isPlain(bytes, start, end) && this.#isLast(bytes, start)) return this.#lastHour
    const text = bytes.toString('latin1', start, end)
    const iso = parseTimestamp(text, this.#form)
    if (iso === undefined) return undefined
    const hour = Math.floor(Date.parse(iso) / hourMs)
    if (isPlain(bytes, start, end)) {
      bytes.copy(this.#last, 0, start, start + hourBytes)
      this.#lastHour = hour
    }
    return hour
  }

  #isLast(bytes: Buffer, start: number): boolean {
    for (let n = 0; n < hourBytes; n++) if (bytes[start + n] !== this.#last[n]) return false
    return true
  }
}

/** Whether it ends as `:mm:ss`, a fraction of up to nine digits, and Z: then the hour is all that matters. */
function isPlain(bytes: Buffer, start: number, end: number): boolean {
  const length = end - start
  if (length < 20 || length > 30 || length === 21 || bytes[start + 4] !== dash || bytes[end - 1] !== 90) return false
  if (!isSixty(bytes, start + 13) || !isSixty(bytes, start + 16)) return false
  if (length > 20 && bytes[start + 19] !== 46) return false
  for (let at = start + 20; at < end - 1; at++) if (!isDigit(bytes[at] ?? 0)) return false
  return true
}

const isDigit = (byte: number): boolean => byte >= 48 && byte <= 57

/** A colon and a number below 60. */
const isSixty = (bytes: Buffer, at: number): boolean =>
  bytes[at] === 58 && (bytes[at + 1] ?? 0) >= 48 && (bytes[at + 1] ?? 0) <= 53 && isDigit(bytes[at + 2] ?? 0)

/** A whole number of up to ten digits without leading zeros, or undefined. */
export function wholeNumber(bytes: Buffer, start: number, end: number): number | undefined {
  if (end === start || end - start > 10 || (bytes[start] === 48 && end - start > 1)) return undefined
  let number = 0
  for (let at = start; at < end; at++) {
    const byte = bytes[at] ?? 0
    if (!isDigit(byte)) return undefined
    number = number * 10 + byte - 48
  }
  return number
}
