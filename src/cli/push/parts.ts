import { Fault, type RecordFault } from '../../domain/errors.ts'
import type { ByteSource } from '../../domain/source.ts'
import { csvHeader } from '../../formats/csv-columns.ts'
import { cellsOf, csvRecords } from '../../formats/csv-records.ts'
import { lines, trimmed } from '../../formats/records.ts'

/** What goes in one request, and how to find its records in the file again. */
export interface Part {
  readonly bytes: Buffer
  /** Records in it, a repeated header not counted. */
  readonly records: number
  /** The line of the file for each of its lines, from its first on; lines count from 1. */
  readonly lines: readonly number[]
  /** Lines that cannot be sent: too long, or a quote never closed. Positions are the file's. */
  readonly faults: readonly RecordFault[]
}

/** Whether a file's first line is its header: some formats have one whatever it names, and a mapping by place says there is none. */
export type HeaderLine = 'told by its names' | 'always' | 'never'

export interface PartSize {
  readonly records: number
  readonly bytes: number
}

/** Cuts NDJSON into parts; blank lines are left out. */
export async function* partsOfLines(source: ByteSource, size: PartSize): AsyncGenerator<Part> {
  const draft = new PartDraft(size)
  for await (const slice of lines(source)) {
    for (const { line, bytes } of slice) {
      if (bytes === undefined) draft.refuse(line, new Fault('record_too_large', 'The line is too long for a record'))
      else if (trimmed(bytes).length > 0) draft.add(line, bytes)
      if (draft.full) yield draft.take()
    }
  }
  if (!draft.empty) yield draft.take()
}

/**
 * Cuts CSV, or a plain list, into parts; each begins with the header, if the file has one. Comments and blank lines are left
 * out.
 * @param header whether the first line is one
 */
export async function* partsOfCsv(
  source: ByteSource,
  size: PartSize,
  header: HeaderLine = 'told by its names',
): AsyncGenerator<Part> {
  const draft = new PartDraft(size)
  let first = true
  for await (const slice of csvRecords(source)) {
    for (const { line, bytes, fault } of slice) {
      if (bytes === undefined) {
        draft.refuse(line, fault ?? new Fault('invalid_csv', 'The line cannot be read'))
      } else if (!isComment(bytes)) {
        if (first && (header === 'always' || (header !== 'never' && isHeader(bytes))))
          draft.header = { line, bytes: Buffer.from(bytes) }
        else draft.add(line, bytes)
        first = false
      }
      if (draft.full) yield draft.take()
    }
  }
  if (!draft.empty) yield draft.take()
}

interface Line {
  readonly line: number
  readonly bytes: Buffer
}

/** Records gathered until they are enough for a request. */
class PartDraft {
  readonly #size: PartSize
  #records: Line[] = []
  #bytes = 0
  #faults: RecordFault[] = []
  header: Line | undefined

  constructor(size: PartSize) {
    this.#size = size
  }

  get full(): boolean {
    return this.#records.length + this.#faults.length >= this.#size.records || this.#bytes >= this.#size.bytes
  }

  get empty(): boolean {
    return this.#records.length + this.#faults.length === 0
  }

  add(line: number, bytes: Buffer): void {
    // a line may be a view into a buffer that is filled anew
    this.#records.push({ line, bytes: Buffer.from(bytes) })
    this.#bytes += bytes.length
  }

  refuse(line: number, fault: Fault): void {
    this.#faults.push(fault.asRecordFault({ line }))
  }

  take(): Part {
    const all = this.header === undefined ? this.#records : [this.header, ...this.#records]
    const part = {
      bytes: Buffer.concat(all.flatMap(({ bytes }) => [bytes, newline])),
      records: this.#records.length,
      lines: all.flatMap(linesOf),
      faults: this.#faults,
    }
    this.#records = []
    this.#bytes = 0
    this.#faults = []
    return part
  }
}

const newline = Buffer.from('\n')

/** A quoted cell may span lines (RFC 4180 §2.6). */
function linesOf({ line, bytes }: Line): number[] {
  const numbers = [line]
  for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, at + 1)) numbers.push(line + numbers.length)
  return numbers
}

const isComment = (bytes: Buffer): boolean => {
  const text = trimmed(bytes)
  return text.length === 0 || text[0] === '#'.charCodeAt(0)
}

/** Whether the node would take this line for a header; the delimiters are those it tries. */
function isHeader(bytes: Buffer): boolean {
  const text = trimmed(bytes).toString('utf8')
  return [',', ';', '\t'].some((delimiter) => {
    try {
      return csvHeader(cellsOf(text, delimiter)) !== undefined
    } catch (error) {
      if (error instanceof Fault) return false
      throw error
    }
  })
}
