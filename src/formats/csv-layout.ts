import { Fault } from '../domain/errors.ts'
import { detectType } from '../domain/observables/index.ts'
import { type CsvHeader, type CsvMember, csvHeader, nobody, typeOfName } from './csv-columns.ts'
import { type CsvMapping, headerOfNames, headerOfPlaces } from './csv-mapping.ts'
import { cellsOf } from './csv-records.ts'
import { isStixId } from './stix-id.ts'

/** What the first line that is no comment says about all others: a header with its delimiter, or a plain list. */
export class CsvLayout {
  readonly #mapping: CsvMapping | undefined
  #header: CsvHeader | undefined
  #delimiter: string | undefined
  #lost: Fault | undefined

  /** @param mapping what the columns are, where the file does not say it as people do */
  constructor(mapping?: CsvMapping) {
    this.#mapping = mapping
  }

  /**
   * The cells of a line; undefined for the header itself.
   * @throws {Fault} `invalid_csv`
   */
  cells(line: string): readonly string[] | undefined {
    if (this.#header !== undefined && this.#delimiter !== undefined) return cellsOf(line, this.#delimiter)
    if (this.#delimiter !== undefined) return [plainValue(line)]
    if (this.#mapping !== undefined) return this.#mapped(line, this.#mapping)
    for (const delimiter of [',', ';', '\t']) {
      const header = headerOf(line, delimiter)
      if (header !== undefined && sizeOf(header) > sizeOf(this.#header)) {
        this.#header = header
        this.#delimiter = delimiter
      }
    }
    if (this.#header !== undefined) return undefined
    this.#delimiter = '\t'
    return [plainValue(line)]
  }

  #mapped(line: string, { places, named }: CsvMapping): readonly string[] | undefined {
    // Without the columns it names no line can be read: each is refused for it.
    if (this.#lost !== undefined) throw this.#lost
    if (places !== undefined) {
      this.#delimiter = delimiterFor(line, places.length)
      this.#header = headerOfPlaces(places)
      return cellsOf(line, this.#delimiter)
    }
    try {
      const delimiter = delimiterFor(line)
      this.#header = headerOfNames(cellsOf(line, delimiter), named ?? new Map())
      this.#delimiter = delimiter
      return undefined
    } catch (error) {
      if (error instanceof Fault) this.#lost = error
      throw error
    }
  }

  /** The native record that a line's cells make; an empty cell says nothing. */
  record(written: readonly string[]): Record<string, unknown> {
    if (this.#header === undefined) return { value: written[0] ?? '' }
    const cells = this.#header.guarded === true ? written.map(unguarded) : written
    const record: Record<string, unknown> = {}
    for (const { member, index } of this.#header.columns) {
      const cell = cells[index] ?? ''
      const value = cell === '' ? undefined : memberOf(member, cell)
      if (value !== undefined) record[member] = value
    }
    if (record.value !== undefined) return record
    const typed = this.#header.typed.find(({ index }) => (cells[index] ?? '') !== '')
    return {
      ...record,
      ...(typed?.type === undefined ? {} : { type: typed.type }),
      value: cells[typed?.index ?? -1] ?? '',
    }
  }
}

/** A cell as it was before {@link csvCell} guarded it. */
const unguarded = (cell: string): string => (/^'+[=+\-@\t\r]/.test(cell) ? cell.slice(1) : cell)

/** The delimiter that cuts a line into as many cells as there are columns, or else into most. */
function delimiterFor(line: string, columns?: number): string {
  const sizes = [',', ';', '\t', '|'].map((delimiter) => ({ delimiter, size: cellCount(line, delimiter) }))
  const fits = sizes.find(({ size }) => size === columns)
  return (fits ?? sizes.reduce((best, each) => (each.size > best.size ? each : best))).delimiter
}

function cellCount(line: string, delimiter: string): number {
  try {
    return cellsOf(line, delimiter).length
  } catch (error) {
    if (error instanceof Fault) return 0
    throw error
  }
}

const sizeOf = (header: CsvHeader | undefined): number =>
  header === undefined ? 0 : header.columns.length + header.typed.length

function headerOf(line: string, delimiter: string): CsvHeader | undefined {
  try {
    return csvHeader(cellsOf(line, delimiter))
  } catch (error) {
    if (error instanceof Fault) return undefined
    throw error
  }
}

/**
 * The value of a line without a header: all of it, or what stands before a tab, comma or semicolon. A URL may hold a
 * comma, and then nobody can tell which of the two was meant: cutting it would share another URL.
 */
function plainValue(line: string): string {
  if (line.startsWith('"')) return cellsOf(line, line.includes('";') ? ';' : ',')[0] ?? ''
  const tab = line.indexOf('\t')
  const whole = (tab === -1 ? line : line.slice(0, tab)).trim()
  const cut = [whole.indexOf(','), whole.indexOf(';')].filter((at) => at !== -1)
  if (tab !== -1 || cut.length === 0) return whole
  const first = whole.slice(0, Math.min(...cut)).trim()
  if (detectType(whole) === undefined) return first
  if (detectType(first) === undefined) return whole
  throw new Fault('invalid_csv', 'This could be one value or several columns: a header line would tell')
}

const lists: ReadonlySet<CsvMember> = new Set(['labels', 'audience', 'people', 'releasableTo', 'notReleasableTo'])

/** Cells are text; a number, a list or a truth is read from it, and left as text when it is none (then it is refused). */
function memberOf(member: CsvMember, cell: string): unknown {
  if (member === 'releasableTo' && cell.trim().toLowerCase() === nobody) return []
  if (lists.has(member)) {
    const items = cell.split(cell.includes('|') ? '|' : cell.includes(';') ? ';' : ',')
    return items.map((item) => item.trim()).filter((item) => item !== '')
  }
  // A number of somebody's table is no STIX id, and says nothing to anybody else.
  if (member === 'id') return isStixId(cell, 'indicator') ? cell : undefined
  if (member === 'type') return typeOfName(cell)
  if (member === 'confidence') return cell.trim() === '' || Number.isNaN(Number(cell)) ? cell : Number(cell)
  if (member === 'personalData') return truths[cell.toLowerCase()] ?? cell
  if (member === 'lawEnforcement' || member === 'attribution') return cell.toLowerCase()
  return cell
}

const truths: Readonly<Record<string, boolean | undefined>> = {
  true: true,
  yes: true,
  1: true,
  false: false,
  no: false,
  0: false,
}
