import type { Decoded } from '../domain/draft.ts'
import { Fault } from '../domain/errors.ts'
import type { ByteSource } from '../domain/source.ts'
import { CsvLayout } from './csv-layout.ts'
import { type CsvRecord, csvRecords } from './csv-records.ts'
import { type DecodedGroups, faultAt, oneByOne } from './decoded.ts'
import { draftFromRecord } from './puente.ts'

/**
 * CSV with a header (comma, semicolon or tab; names in any case), or a plain list with one value a line. Lines that start
 * with `#` are comments. Columns that name nothing known are left alone. Faults carry the line.
 */
export async function* csv(source: ByteSource): DecodedGroups {
  const layout = new CsvLayout()
  let record = 0
  for await (const records of csvRecords(source)) {
    const group: Decoded[] = []
    for (const each of records) {
      const result = read(each, record, layout)
      if (result === undefined) continue
      record++
      group.push(result)
    }
    yield group
  }
}

export const decodeCsv = (source: ByteSource): AsyncIterable<Decoded> => oneByOne(csv(source))

/** The draft or fault of one record; nothing for a comment, a blank line and the header. */
function read({ line, bytes, fault }: CsvRecord, record: number, layout: CsvLayout): Decoded | undefined {
  const position = { record, line }
  try {
    if (fault !== undefined || bytes === undefined) throw fault ?? new Fault('invalid_csv', 'The line is empty')
    const received = textOf(bytes)
    if (received.trim() === '' || received.trimStart().startsWith('#')) return undefined
    const cells = layout.cells(received)
    if (cells === undefined) return undefined
    return { draft: draftFromRecord(layout.record(cells), { position, pointer: '', received, format: 'csv' }) }
  } catch (error) {
    return { fault: faultAt(position, error) }
  }
}

function textOf(bytes: Buffer): string {
  const text = bytes.toString('utf8')
  // Bytes that are not UTF-8 become the replacement character; nobody means that one in an indicator.
  if (text.includes('\ufffd')) throw new Fault('invalid_text', 'The line is not UTF-8')
  if (text.includes('\0')) throw new Fault('invalid_text', 'The line holds the character NUL')
  return text
}
