import type { Released } from '../domain/released.ts'
import { nobody } from './csv-columns.ts'

type Cell = string | number | boolean | undefined

/** Column → what stands in it. Lists are joined by `|`: a comma or semicolon is a delimiter somewhere. */
const columns: readonly (readonly [string, (indicator: Released) => Cell])[] = [
  ['id', ({ id }) => id],
  ['type', ({ type }) => type],
  ['value', ({ value }) => value],
  ['masked', ({ masked }) => masked],
  ['status', ({ status }) => status],
  ['tlp', ({ handling }) => handling.tlp],
  ['pap', ({ handling }) => handling.pap],
  ['audience', ({ handling }) => handling.audience.join('|')],
  ['releasable_to', ({ handling }) => releasableCell(handling)],
  ['not_releasable_to', ({ handling }) => handling.notReleasableTo?.join('|')],
  ['law_enforcement', ({ handling }) => handling.lawEnforcement],
  ['personal_data', ({ handling }) => handling.personalData],
  ['expires_at', ({ handling }) => handling.expiresAt],
  ['class', ({ classType }) => classType],
  ['confidence', ({ confidence }) => confidence],
  ['labels', ({ labels }) => labels.join('|')],
  ['name', ({ name }) => name],
  ['description', ({ description }) => description],
  ['originator', ({ originator, alias }) => originator?.id ?? alias],
  ['originator_name', ({ originator }) => originator?.name],
  ['asn', ({ network }) => network?.asn],
  ['country', ({ network }) => network?.country],
  ['valid_from', ({ validFrom }) => validFrom],
  ['valid_until', ({ validUntil }) => validUntil],
  ['first_seen', ({ firstSeen }) => firstSeen],
  ['last_seen', ({ lastSeen }) => lastSeen],
  ['created', ({ created }) => created],
  ['modified', ({ modified }) => modified],
  ['version', ({ version }) => version],
  ['observables', ({ observables }) => observables.map(({ type, value }) => `${type}:${value}`).join('|')],
]

/** Jurisdictions, or `nobody`: an empty cell says nothing, and would be read as no limit. */
export const releasableCell = ({ releasableTo }: Pick<Released['handling'], 'releasableTo'>): string | undefined =>
  releasableTo?.length === 0 ? nobody : releasableTo?.join('|')

/** CSV (RFC 4180, LF) with a header: one indicator a line, whatever its texts hold. */
export async function* encodeCsv(items: AsyncIterable<Released> | Iterable<Released>): AsyncGenerator<string> {
  yield csvHeader
  for await (const item of items) yield csvLine(item)
}

/** The first line, with its end. */
export const csvHeader = `${columns.map(([name]) => name).join(',')}\n`

/** One indicator as a line, with its end. */
export const csvLine = (item: Released): string => `${columns.map(([, read]) => csvCell(read(item))).join(',')}\n`

/**
 * One cell. Text that a spreadsheet would calculate (it starts with `=`, `+`, `-`, `@`, TAB or CR) gets a `'` before it
 * (OWASP, CSV injection), and so does text that begins as if it had one; line ends become spaces, so that a line is a record for the
 * simplest reader.
 */
export function csvCell(value: Cell): string {
  if (value === undefined) return ''
  if (typeof value !== 'string') return String(value)
  const guarded = /^'*[=+\-@\t\r]/.test(value) ? `'${value}` : value
  const line = guarded.replace(/[\r\n\u2028\u2029]/g, ' ')
  return /[",;\t]|^\s|\s$/.test(line) ? `"${line.replaceAll('"', '""')}"` : line
}
