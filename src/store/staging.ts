import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { from as copyFrom } from 'pg-copy-streams'
import type { Transaction } from './database.ts'

/** One indicator as the action prepared it, ready for the table. Times are ISO 8601 UTC. */
export interface NewIndicator {
  /** UUID of the STIX id. */
  readonly stixId: string
  readonly handlingId: number
  readonly type: string
  readonly value: string
  /** 16 bytes as hex: as text they cost the heap a tenth of what small buffers do. */
  readonly valueKey: string
  readonly compound: boolean
  readonly network?: string | undefined
  readonly domainReversed?: string | undefined
  readonly asn?: number | undefined
  readonly country?: string | undefined
  readonly class?: string | undefined
  readonly confidence?: number | undefined
  readonly name?: string | undefined
  readonly description?: string | undefined
  readonly labels: readonly string[]
  readonly validFrom: string
  readonly validUntil?: string | undefined
  readonly firstSeen?: string | undefined
  readonly lastSeen?: string | undefined
  readonly created: string
  readonly modified: string
  /** Whether `modified` came with the input: then it is the version, otherwise the content is. */
  readonly versioned: boolean
  readonly format: string
  readonly stix: string
  readonly received?: string | undefined
  /** SHA-256 over everything the originator asserted, as hex. */
  readonly digest: string
  /** Second and further observables. */
  readonly others: readonly { readonly type: string; readonly value: string; readonly valueKey: string }[]
}

/** Column of the staging table → how a row fills it. The one list that create, COPY and merge share. */
const columns: readonly (readonly [name: string, type: string, cell: (row: NewIndicator, n: number) => Cell])[] = [
  ['n', 'integer', (_, n) => n],
  ['stix_id', 'uuid', (row) => row.stixId],
  ['handling_id', 'integer', (row) => row.handlingId],
  ['type', 'text', (row) => row.type],
  ['value', 'text', (row) => row.value],
  ['value_key', 'bytea', (row) => `\\x${row.valueKey}`],
  ['compound', 'boolean', (row) => row.compound],
  ['network', 'inet', (row) => row.network],
  ['domain_reversed', 'text', (row) => row.domainReversed],
  ['asn', 'bigint', (row) => row.asn],
  ['country', 'text', (row) => row.country],
  ['class', 'text', (row) => row.class],
  ['confidence', 'smallint', (row) => row.confidence],
  ['name', 'text', (row) => row.name],
  ['description', 'text', (row) => row.description],
  ['labels', 'text[]', (row) => row.labels],
  ['valid_from', 'timestamptz', (row) => row.validFrom],
  ['valid_until', 'timestamptz', (row) => row.validUntil],
  ['first_seen', 'timestamptz', (row) => row.firstSeen],
  ['last_seen', 'timestamptz', (row) => row.lastSeen],
  ['created', 'timestamptz', (row) => row.created],
  ['modified', 'timestamptz', (row) => row.modified],
  ['versioned', 'boolean', (row) => row.versioned],
  ['format', 'text', (row) => row.format],
  ['stix', 'text', (row) => row.stix],
  ['received', 'text', (row) => row.received],
  ['digest', 'bytea', (row) => `\\x${row.digest}`],
]

type Cell = string | number | boolean | readonly string[] | undefined

/** The columns that `indicator` and the staging table share, in one order. */
export const sharedColumns = columns.map(([name]) => name).filter((name) => name !== 'n' && name !== 'versioned')

/** Sends the rows by COPY into a temporary table of this connection, emptied at commit. */
export async function stage({ client }: Transaction, rows: readonly NewIndicator[]): Promise<void> {
  await client.query(
    `create temporary table if not exists staging (${columns.map(([name, type]) => `${name} ${type}`).join(', ')}) on commit delete rows`,
  )
  await client.query('truncate staging')
  const sink = client.query(copyFrom('copy staging from stdin'))
  await pipeline(Readable.from(chunks(rows), { objectMode: false }), sink)
}

/** COPY text in chunks of about 64 KiB. */
function* chunks(rows: readonly NewIndicator[]): Generator<Buffer> {
  let text = ''
  for (const [n, row] of rows.entries()) {
    text += `${columns.map(([, , cell]) => copyCell(cell(row, n))).join('\t')}\n`
    if (text.length >= 65_536) {
      yield Buffer.from(text)
      text = ''
    }
  }
  if (text !== '') yield Buffer.from(text)
}

/** One cell in COPY's text format. */
function copyCell(cell: Cell): string {
  if (cell === undefined) return '\\N'
  if (typeof cell === 'number') return String(cell)
  if (typeof cell === 'boolean') return cell ? 't' : 'f'
  if (typeof cell === 'string') return escapeText(cell)
  return escapeText(arrayText(cell))
}

const special: Record<string, string> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' }
const escapeText = (text: string): string => text.replace(/[\\\t\n\r]/g, (character) => special[character] ?? character)

const arrayText = (items: readonly string[]): string =>
  `{${items.map((item) => `"${item.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`).join(',')}}`
