import type { Decoded } from '../domain/draft.ts'
import { Fault } from '../domain/errors.ts'
import type { ByteSource } from '../domain/source.ts'
import { CsvLayout } from './csv-layout.ts'
import type { CsvMapping } from './csv-mapping.ts'
import { type CsvRecord, csvRecords } from './csv-records.ts'
import { type DecodedGroups, faultAt, oneByOne } from './decoded.ts'
import { lineText } from './line-text.ts'
import { draftFromRecord } from './puente.ts'

/**
 * CSV with a header (comma, semicolon or tab; names in any case), or a plain list with one value a line. Lines that start
 * with `#` are comments. Columns that name nothing known are left alone. Faults carry the line.
 * @param mapping what the columns are, where their names do not tell
 */
export async function* csv(source: ByteSource, mapping?: CsvMapping): DecodedGroups {
  const layout = new CsvLayout(mapping)
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

export const decodeCsv = (source: ByteSource, mapping?: CsvMapping): AsyncIterable<Decoded> =>
  oneByOne(csv(source, mapping))

/** The draft or fault of one record; nothing for a comment, a blank line and the header. */
function read({ line, bytes, fault }: CsvRecord, record: number, layout: CsvLayout): Decoded | undefined {
  const position = { record, line }
  try {
    if (fault !== undefined || bytes === undefined) throw fault ?? new Fault('invalid_csv', 'The line is empty')
    const received = lineText(bytes)
    if (received.trim() === '' || received.trimStart().startsWith('#')) return undefined
    const cells = layout.cells(received)
    if (cells === undefined) return undefined
    return { draft: draftFromRecord(layout.record(cells), { position, pointer: '', received, format: 'csv' }) }
  } catch (error) {
    return { fault: faultAt(position, error) }
  }
}
