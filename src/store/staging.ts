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
  readonly others: readonly OtherObservable[]
}

/** A further observable of a compound indicator. */
export interface OtherObservable {
  readonly type: string
  readonly value: string
  readonly valueKey: string
}

/** A batch in COPY's form, and what the merge must know of its rows beside that. */
export interface StagedBatch {
  readonly rows: readonly Pick<NewIndicator, 'stixId' | 'others'>[]
  /** COPY text in chunks of about 64 KiB. */
  readonly chunks: readonly Buffer[]
}

/** Column of the staging table → its type. {@link copyLine} fills them in this order. */
const columns: readonly (readonly [name: string, type: string])[] = [
  ['n', 'integer'],
  ['stix_id', 'uuid'],
  ['handling_id', 'integer'],
  ['type', 'text'],
  ['value', 'text'],
  ['value_key', 'bytea'],
  ['compound', 'boolean'],
  ['network', 'inet'],
  ['domain_reversed', 'text'],
  ['asn', 'bigint'],
  ['country', 'text'],
  ['class', 'text'],
  ['confidence', 'smallint'],
  ['name', 'text'],
  ['description', 'text'],
  ['labels', 'text[]'],
  ['valid_from', 'timestamptz'],
  ['valid_until', 'timestamptz'],
  ['first_seen', 'timestamptz'],
  ['last_seen', 'timestamptz'],
  ['created', 'timestamptz'],
  ['modified', 'timestamptz'],
  ['versioned', 'boolean'],
  ['format', 'text'],
  ['stix', 'text'],
  ['received', 'text'],
  ['digest', 'bytea'],
]

/** The columns that `indicator` and the staging table share, in one order. */
export const sharedColumns = columns.map(([name]) => name).filter((name) => name !== 'n' && name !== 'versioned')

const createStaging = `create temporary table if not exists staging (${columns.map(([name, type]) => `${name} ${type}`).join(', ')}) on commit delete rows`

const chunkCharacters = 65_536

/** Gathers rows as COPY text: a row is written once and need not be kept. */
export class CopyText {
  readonly #rows: Pick<NewIndicator, 'stixId' | 'others'>[] = []
  readonly #chunks: Buffer[] = []
  #text = ''

  add(row: NewIndicator): void {
    this.#text += copyLine(row, this.#rows.length)
    this.#rows.push({ stixId: row.stixId, others: row.others })
    if (this.#text.length >= chunkCharacters) this.#cut()
  }

  end(): StagedBatch {
    if (this.#text !== '') this.#cut()
    return { rows: this.#rows, chunks: this.#chunks }
  }

  #cut(): void {
    this.#chunks.push(Buffer.from(this.#text))
    this.#text = ''
  }
}

/** Sends a batch by COPY into a temporary table of this connection, emptied at commit. */
export async function stage({ client }: Transaction, { chunks }: StagedBatch): Promise<void> {
  // Emptied at commit; `delete` is for a second batch of one transaction (TRUNCATE would make a new file each time).
  await client.query(`${createStaging}; delete from staging`)
  await pipeline(Readable.from(chunks, { objectMode: false }), client.query(copyFrom('copy staging from stdin')))
}

/** One row in COPY's text format: cells in the order of {@link columns}. A template, as a list of cells costs thrice as much. */
function copyLine(row: NewIndicator, n: number): string {
  return `${n}\t${row.stixId}\t${row.handlingId}\t${row.type}\t${text(row.value)}\t\\\\x${row.valueKey}\t${flag(row.compound)}\t${text(
    row.network,
  )}\t${text(row.domainReversed)}\t${row.asn ?? none}\t${text(row.country)}\t${row.class ?? none}\t${row.confidence ?? none}\t${text(
    row.name,
  )}\t${text(row.description)}\t${list(row.labels)}\t${row.validFrom}\t${row.validUntil ?? none}\t${row.firstSeen ?? none}\t${
    row.lastSeen ?? none
  }\t${row.created}\t${row.modified}\t${flag(row.versioned)}\t${row.format}\t${text(row.stix)}\t${text(row.received)}\t\\\\x${
    row.digest
  }\n`
}

const none = '\\N'
const flag = (value: boolean): string => (value ? 't' : 'f')

/** A text as a cell. Four searches cost a third of one by expression, and most texts hold nothing special. */
function text(value: string | undefined): string {
  if (value === undefined) return none
  let cell = value
  if (cell.includes('\\')) cell = cell.replaceAll('\\', '\\\\')
  if (cell.includes('\n')) cell = cell.replaceAll('\n', '\\n')
  if (cell.includes('\r')) cell = cell.replaceAll('\r', '\\r')
  if (cell.includes('\t')) cell = cell.replaceAll('\t', '\\t')
  return cell
}

const list = (items: readonly string[]): string =>
  items.length === 0
    ? '{}'
    : text(`{${items.map((item) => `"${item.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`).join(',')}}`)
