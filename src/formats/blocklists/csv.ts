import type { Blockable } from '../../domain/released.ts'
import { csvCell } from '../csv-out.ts'
import { type BlocklistFormat, blockableTypes } from './format.ts'
import { encodeLines } from './lines.ts'

const columns: readonly (readonly [string, (value: Blockable) => string | number | undefined])[] = [
  ['type', ({ type }) => type],
  ['value', ({ value }) => value],
  ['class', (value) => value.class],
  ['confidence', ({ confidence }) => confidence],
  ['tlp', ({ tlp }) => tlp],
  ['valid_until', ({ validUntil }) => validUntil],
]

/** CSV (RFC 4180, LF) with a header. */
export const csv: BlocklistFormat = {
  extension: 'csv',
  mediaType: 'text/csv; charset=utf-8',
  consumer: 'whatever reads CSV',
  takes: blockableTypes,
  collapses: false,
  merges: false,
  encode: (batches, facts) =>
    encodeLines(batches, facts, {
      head: `${columns.map(([name]) => name).join(',')}\n`,
      line: (value) => `${columns.map(([, read]) => csvCell(read(value))).join(',')}\n`,
    }),
}
