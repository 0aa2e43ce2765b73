import { Fault } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import { mostTimes, now, type ObservationScanner, type ObservationSink } from '../domain/observations/sink.ts'
import { cellsOf } from './csv-records.ts'
import { type LineReader, ObservationLines } from './observations-lines.ts'
import { HourReader, wholeNumber } from './observations-time.ts'
import { TypeReader } from './observations-type.ts'

const quote = 34
const tooManyCells = 'The line has more cells than columns.'

const columns: readonly string[] = ['value', 'type', 'at', 'count']
const inOrder = columns.map((_, n) => n)

/**
 * CSV of observations, one a line: columns as a header names them, or `value,type,at,count` without one; a plain list of values
 * is that too. Lines without quotes are read from their bytes. Lines that begin with # are comments.
 */
export class ObservationCsv implements ObservationScanner, LineReader {
  readonly #sink: ObservationSink
  readonly #lines = new ObservationLines(this)
  readonly #hours = new HourReader('loose')
  readonly #types = new TypeReader()
  /** Columns by their place in the line. */
  #layout: readonly number[] | undefined
  #delimiter = 44
  /** Where the cells of a line lie: start and end of each column. */
  readonly #cells = new Int32Array(2 * columns.length)

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
    while (from < end && isBlank(bytes[from] ?? 0)) from++
    if (from === end || bytes[from] === 35) return
    this.#sink.place = line
    const layout = this.#layout ?? this.#readLayout(bytes.toString('utf8', start, end))
    if (layout === undefined) return
    if (!this.#readPlain(bytes, start, end, layout)) this.#readQuoted(bytes.subarray(start, end), layout)
  }

  tooLong(line: number): void {
    this.#sink.place = line
    this.#sink.fault('record_too_large', `A line of observations may have ${limits.observationBytes} bytes.`)
  }

  /** Takes the first line for a header when a cell of it is `value`. @returns the layout when it is a record already */
  #readLayout(line: string): readonly number[] | undefined {
    const delimiter = line.includes('\t') ? '\t' : line.includes(';') && !line.includes(',') ? ';' : ','
    this.#delimiter = delimiter.charCodeAt(0)
    this.#layout = inOrder
    const names = line.split(delimiter).map((name) => name.replaceAll('"', '').trim().toLowerCase())
    if (!names.includes('value')) return inOrder
    this.#layout = names.map((name) => columns.indexOf(name))
    if (this.#layout.includes(-1) || new Set(names).size < names.length) {
      const sentence = `The columns are ${columns.join(', ')}, each once.`
      throw new Fault('invalid_csv', sentence, { position: { line: this.#sink.place } })
    }
    return undefined
  }

  /** @returns false when there is a quote in the line; nothing was given on then */
  #readPlain(bytes: Buffer, start: number, end: number, layout: readonly number[]): boolean {
    this.#cells.fill(0)
    const delimiter = this.#delimiter
    let from = start
    for (let column = 0; ; column++) {
      let to = from
      for (; to < end && bytes[to] !== delimiter; to++) if (bytes[to] === quote) return false
      if (column === layout.length) return this.#tooManyCells(bytes, to, end)
      this.#setCell(layout[column] ?? 0, bytes, from, to)
      if (to === end) break
      from = to + 1
    }
    this.#give(bytes)
    return true
  }

  /** @returns false when there is a quote after all: then the cells are other ones */
  #tooManyCells(bytes: Buffer, start: number, end: number): boolean {
    for (let at = start; at < end; at++) if (bytes[at] === quote) return false
    this.#sink.fault('invalid_csv', tooManyCells)
    return true
  }

  /** Cells with quotes, put side by side again without them. */
  #readQuoted(line: Buffer, layout: readonly number[]): void {
    try {
      const cells = cellsOf(line.toString('utf8'), String.fromCharCode(this.#delimiter))
      if (cells.length > layout.length) throw new Fault('invalid_csv', tooManyCells)
      this.#cells.fill(0)
      const joined = Buffer.from(cells.join(''))
      let from = 0
      for (const [n, cell] of cells.entries()) {
        const to = from + Buffer.byteLength(cell)
        this.#setCell(layout[n] ?? 0, joined, from, to)
        from = to
      }
      this.#give(joined)
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      this.#sink.fault(error.code, error.message)
    }
  }

  #setCell(column: number, bytes: Buffer, start: number, end: number): void {
    let from = start
    let to = end
    while (from < to && isBlank(bytes[from] ?? 0)) from++
    while (to > from && isBlank(bytes[to - 1] ?? 0)) to--
    this.#cells[2 * column] = from
    this.#cells[2 * column + 1] = to
  }

  #give(bytes: Buffer): void {
    const cell = (column: number): number => this.#cells[column] ?? 0
    const type = this.#types.read(bytes, cell(2), cell(3))
    const hour = cell(4) === cell(5) ? now : this.#hours.read(bytes, cell(4), cell(5))
    if (hour === undefined) {
      this.#sink.fault('invalid_record', 'at is not a time.')
      return
    }
    const times = cell(6) === cell(7) ? 1 : wholeNumber(bytes, cell(6), cell(7))
    if (times === undefined || times === 0 || times > mostTimes) {
      this.#sink.fault('invalid_record', `count must be a whole number from 1 to ${mostTimes}.`)
      return
    }
    this.#sink.text(bytes, cell(0), cell(1), type, times, hour)
  }
}

const isBlank = (byte: number): boolean => byte === 32 || byte === 9 || byte === 13
