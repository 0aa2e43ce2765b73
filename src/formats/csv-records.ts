import { Fault } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import type { ByteSource } from '../domain/source.ts'
import { type Line, lines } from './records.ts'

/** One record of a CSV file: several lines where a quoted cell spans them. Without bytes: too large, or never closed. */
export interface CsvRecord {
  /** Line at which it begins, from 1. */
  readonly line: number
  readonly bytes?: Buffer
  /** Why there are no bytes. */
  readonly fault?: Fault
}

/**
 * Joins lines into records: one ends where its quotes are even (RFC 4180 §2.6). A quote that nothing closes within the
 * length of the longest cell is a fault of its own line alone; the lines after it are read again as records. A parser of
 * the whole stream would lose all that follows.
 */
export async function* csvRecords(source: ByteSource): AsyncGenerator<readonly CsvRecord[]> {
  const open = new OpenLines()
  for await (const ended of lines(source)) yield ended.flatMap((line) => open.add(line))
  yield open.end()
}

/** Lines of a record whose quotes are still odd. */
class OpenLines {
  #lines: Line[] = []
  #size = 0
  #odd = false

  /** The records that a further line completes. */
  add(line: Line): readonly CsvRecord[] {
    if (line.bytes === undefined) {
      const fault = new Fault('record_too_large', `A record may have ${limits.recordBytes} bytes`)
      return [...this.end(), { line: line.line, fault }]
    }
    this.#lines.push(line)
    this.#size += line.bytes.length + 1
    if (hasOddQuotes(line.bytes)) this.#odd = !this.#odd
    if (!this.#odd) return [wholeOf(this.#take())]
    return this.#lines.length > 1 && this.#size > limits.textCharacters ? this.#giveUp() : []
  }

  end(): readonly CsvRecord[] {
    const records: CsvRecord[] = []
    while (this.#odd) records.push(...this.#giveUp())
    return records
  }

  /** The first line is at fault; the others start again. */
  #giveUp(): readonly CsvRecord[] {
    const [first, ...others] = this.#take()
    const fault = new Fault('invalid_csv', 'A quote in this line is never closed')
    return [{ line: first?.line ?? 0, fault }, ...others.flatMap((line) => this.add(line))]
  }

  #take(): readonly Line[] {
    const taken = this.#lines
    this.#lines = []
    this.#size = 0
    this.#odd = false
    return taken
  }
}

const newline = Buffer.from('\n')

function wholeOf([first, ...more]: readonly Line[]): CsvRecord {
  const bytes = first?.bytes ?? Buffer.alloc(0)
  const rest = more.flatMap((each) => (each.bytes === undefined ? [] : [newline, each.bytes]))
  return { line: first?.line ?? 0, bytes: more.length === 0 ? bytes : Buffer.concat([bytes, ...rest]) }
}

function hasOddQuotes(bytes: Buffer): boolean {
  let odd = false
  for (let at = bytes.indexOf(34); at !== -1; at = bytes.indexOf(34, at + 1)) odd = !odd
  return odd
}

/**
 * The cells of a record, without white space around unquoted ones.
 * @throws {Fault} `invalid_csv`
 */
export function cellsOf(record: string, delimiter: string): string[] {
  const cells: string[] = []
  let at = 0
  for (;;) {
    const start = afterBlank(record, at, delimiter)
    const quoted = record[start] === '"'
    const end = quoted ? closingQuote(record, start) + 1 : record.indexOf(delimiter, start)
    const next = quoted ? afterBlank(record, end, delimiter) : end === -1 ? record.length : end
    cells.push(quoted ? record.slice(start + 1, end - 1).replaceAll('""', '"') : record.slice(start, next).trim())
    if (next >= record.length) return cells
    if (record[next] !== delimiter) throw new Fault('invalid_csv', 'After a closing quote only a delimiter may follow')
    at = next + 1
  }
}

function closingQuote(record: string, open: number): number {
  for (let at = record.indexOf('"', open + 1); at !== -1; at = record.indexOf('"', at + 2)) {
    if (record[at + 1] !== '"') return at
  }
  throw new Fault('invalid_csv', 'A quote in this line is never closed')
}

function afterBlank(record: string, start: number, delimiter: string): number {
  let at = start
  while ((record[at] === ' ' || record[at] === '\t') && record[at] !== delimiter) at++
  return at
}
