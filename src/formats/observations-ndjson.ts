import { Fault } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import { mostTimes, now, type ObservationScanner, type ObservationSink } from '../domain/observations/sink.ts'
import { isJsonObject, parseStrict } from './json-text.ts'
import { type LineReader, ObservationLines } from './observations-lines.ts'
import { HourReader, wholeNumber } from './observations-time.ts'
import { TypeReader } from './observations-type.ts'
import { parseTimestamp } from './timestamp.ts'

const quote = 34
const backslash = 92

/** Members of a record as bits, to see one twice. */
const members: ReadonlyMap<string, number> = new Map([
  ['value', 1],
  ['type', 2],
  ['at', 4],
  ['count', 8],
])
const valueMember = 1
const typeMember = 2
const atMember = 4

/**
 * NDJSON of observations: `{"value", "type", "at", "count"}` or a bare string a line. Lines without escapes and of ASCII are read
 * from their bytes; for all others, and for whatever is wrong, the strict parser has the word, so that both agree.
 */
export class ObservationNdjson implements ObservationScanner, LineReader {
  readonly #sink: ObservationSink
  readonly #lines = new ObservationLines(this)
  readonly #hours = new HourReader('rfc3339')
  readonly #types = new TypeReader()

  constructor(sink: ObservationSink) {
    this.#sink = sink
  }

  push(chunk: Buffer): void {
    this.#lines.push(chunk)
  }

  end(): void {
    this.#lines.end()
  }

  line(bytes: Buffer, start: number, end: number, line: number): void {
    let from = start
    let to = end
    while (from < to && isBlank(bytes[from] ?? 0)) from++
    while (to > from && isBlank(bytes[to - 1] ?? 0)) to--
    if (from === to) return
    this.#sink.place = line
    if (!this.#readPlain(bytes, from, to)) this.#readStrictly(bytes.subarray(from, to))
  }

  tooLong(line: number): void {
    this.#sink.place = line
    this.#sink.fault('record_too_large', `A line of observations may have ${limits.observationBytes} bytes.`)
  }

  /** @returns false when the line is not written in the plain way; nothing was given on then */
  #readPlain(bytes: Buffer, start: number, end: number): boolean {
    if (bytes[start] === quote) {
      const close = stringEnd(bytes, start + 1, end)
      if (close !== end - 1) return false
      this.#sink.text(bytes, start + 1, close, '', 1, now)
      return true
    }
    return bytes[start] === 123 && this.#readPlainObject(bytes, start + 1, end)
  }

  #readPlainObject(bytes: Buffer, start: number, end: number): boolean {
    let at = start
    let seen = 0
    let [valueStart, valueEnd, type, hour, times] = [0, 0, '', now, 1]
    do {
      at = afterBlank(bytes, at, end)
      const keyEnd = bytes[at] === quote ? stringEnd(bytes, at + 1, end) : -1
      const member = keyEnd === -1 ? 0 : memberAt(bytes, at + 1, keyEnd)
      if (member === 0 || (seen & member) !== 0) return false
      seen |= member
      at = afterBlank(bytes, keyEnd + 1, end)
      if (bytes[at] !== 58) return false
      at = afterBlank(bytes, at + 1, end)
      if (member <= atMember) {
        const close = bytes[at] === quote ? stringEnd(bytes, at + 1, end) : -1
        if (close === -1) return false
        if (member === valueMember) {
          valueStart = at + 1
          valueEnd = close
        } else if (member === typeMember) {
          type = this.#types.read(bytes, at + 1, close)
          if (type === '') return false
        } else {
          const read = this.#hours.read(bytes, at + 1, close)
          if (read === undefined) return false
          hour = read
        }
        at = close + 1
      } else {
        const from = at
        while (at < end && (bytes[at] ?? 0) >= 48 && (bytes[at] ?? 0) <= 57) at++
        const read = wholeNumber(bytes, from, at)
        if (read === undefined || read === 0 || read > mostTimes) return false
        times = read
      }
      at = afterBlank(bytes, at, end)
    } while (bytes[at++] === 44)
    if (bytes[at - 1] !== 125 || at !== end || (seen & valueMember) === 0) return false
    this.#sink.text(bytes, valueStart, valueEnd, type, times, hour)
    return true
  }

  #readStrictly(bytes: Buffer): void {
    try {
      const parsed = parseStrict(bytes)
      if (typeof parsed === 'string') {
        this.#give(parsed, '', 1, now)
        return
      }
      if (!isJsonObject(parsed)) throw invalid('It must be a text or {"value", "type", "at", "count"}.')
      const { value, type, at, count, ...others } = parsed
      const [stranger] = Object.keys(others)
      if (stranger !== undefined) throw invalid(`"${stranger.slice(0, 40)}" is unknown.`)
      if (typeof value !== 'string') throw invalid('"value" must be a text.')
      if (type !== undefined && typeof type !== 'string') throw invalid('"type" must be a text.')
      if (type === '') throw new Fault('unknown_type', 'The type is empty.')
      this.#give(value, type ?? '', timesOf(count), hourOf(at))
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      this.#sink.fault(error.code, error.message)
    }
  }

  #give(value: string, type: string, times: number, hour: number): void {
    const bytes = Buffer.from(value)
    this.#sink.text(bytes, 0, bytes.length, type, times, hour)
  }
}

const invalid = (sentence: string): Fault => new Fault('invalid_record', sentence)

const isBlank = (byte: number): boolean => byte === 32 || byte === 9 || byte === 13

function afterBlank(bytes: Buffer, start: number, end: number): number {
  let at = start
  while (at < end && isBlank(bytes[at] ?? 0)) at++
  return at
}

/** Where the string that begins at `start` is closed; -1 when it is not, or holds anything but plain ASCII. */
function stringEnd(bytes: Buffer, start: number, end: number): number {
  for (let at = start; at < end; at++) {
    const byte = bytes[at] ?? 0
    if (byte === quote) return at
    if (byte < 32 || byte > 126 || byte === backslash) return -1
  }
  return -1
}

function memberAt(bytes: Buffer, start: number, end: number): number {
  const first = bytes[start]
  // The names differ in their first letter: one comparison each.
  const name = first === 118 ? 'value' : first === 116 ? 'type' : first === 97 ? 'at' : first === 99 ? 'count' : ''
  if (end - start !== name.length) return 0
  for (let n = 0; n < name.length; n++) if (bytes[start + n] !== name.charCodeAt(n)) return 0
  return members.get(name) ?? 0
}

function timesOf(count: unknown): number {
  if (count === undefined) return 1
  if (typeof count === 'number' && Number.isInteger(count) && count >= 1 && count <= mostTimes) return count
  throw invalid(`"count" must be a whole number from 1 to ${mostTimes}.`)
}

function hourOf(at: unknown): number {
  if (at === undefined) return now
  const iso = typeof at === 'string' ? parseTimestamp(at, 'rfc3339') : undefined
  if (iso === undefined) throw invalid('"at" must be a time with its zone (RFC 3339).')
  return Math.floor(Date.parse(iso) / 3_600_000)
}
