import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { from as copyFrom } from 'pg-copy-streams'
import type { Transaction } from './database.ts'
import type { Run } from './feed.ts'

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
  /** An event of a feed: its time is a version, and no decision of its originator. */
  readonly event?: boolean
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

/** A batch of one originator in COPY's form, and what the merge must know of its rows beside that. */
export interface PreparedBatch {
  readonly rows: readonly Pick<NewIndicator, 'stixId' | 'others' | 'versioned' | 'event'>[]
  /** COPY text in chunks of about 64 KiB; each line begins with a slot for where the row goes. */
  readonly chunks: readonly Buffer[]
}

/** Columns that `indicator` and the staging table share → their types. {@link cellsOf} fills them in this order. */
const columns: readonly (readonly [name: string, type: string])[] = [
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
  ['format', 'text'],
  ['stix', 'text'],
  ['received', 'text'],
  ['digest', 'bytea'],
]

export const sharedColumns = columns.map(([name]) => name)

const createStaging = `create temporary table if not exists staging (n bigint, at timestamptz, originator text, version integer, ${columns
  .map(([name, type]) => `${name} ${type}`)
  .join(', ')}) on commit delete rows`

const chunkCharacters = 65_536

/** Gathers rows as COPY text. A row is written once and need not be kept: as strings on the heap a batch doubles what is collected. */
export class CopyText {
  readonly #rows: Pick<NewIndicator, 'stixId' | 'others' | 'versioned' | 'event'>[] = []
  readonly #chunks: Buffer[] = []
  readonly #owner: string
  #text = ''

  constructor(originator: string) {
    this.#owner = `${textCell(originator)}\t1`
  }

  /** @param of another originator and version than those of the batch: of what comes from other nodes */
  add(row: NewIndicator, of?: { readonly originator: string; readonly version: number }): void {
    const owner = of === undefined ? this.#owner : `${textCell(of.originator)}\t${of.version}`
    this.#text += `${emptySlot}\t${owner}\t${cellsOf(row)}\n`
    const { stixId, others, versioned, event = false } = row
    this.#rows.push({ stixId, others, versioned, event })
    if (this.#text.length >= chunkCharacters) this.#cut()
  }

  end(): PreparedBatch {
    if (this.#text !== '') this.#cut()
    return { rows: this.#rows, chunks: this.#chunks }
  }

  #cut(): void {
    this.#chunks.push(Buffer.from(this.#text))
    this.#text = ''
  }
}

/** Sends a batch by COPY into a temporary table of this connection, emptied at commit. */
export async function stage({ client }: Transaction, { chunks }: PreparedBatch): Promise<void> {
  // Emptied at commit; `delete` is for a second batch of one transaction (TRUNCATE would make a new file each time).
  await client.query(`${createStaging}; delete from staging`)
  fillSlots(chunks, { first: 0n, firstAtMicros: 0n })
  await copyRows(client, 'staging (n, at', chunks)
}

/** Sends a batch by COPY straight into `indicator`, as first versions at a run of positions. */
export async function copyNew({ client }: Transaction, { chunks }: PreparedBatch, run: Run): Promise<void> {
  fillSlots(chunks, run)
  await copyRows(client, 'indicator (position, date_added', chunks)
}

const copyRows = (client: Transaction['client'], target: string, chunks: readonly Buffer[]): Promise<void> =>
  copyLines(client, `${target}, originator, version, ${sharedColumns.join(', ')})`, chunks)

/** Sends lines in COPY's text form. @param target the table and its columns */
export async function copyLines(
  client: Transaction['client'],
  target: string,
  chunks: readonly Buffer[],
): Promise<void> {
  const statement = `copy ${target} from stdin`
  await pipeline(Readable.from(chunks, { objectMode: false }), client.query(copyFrom(statement)))
}

/** Where a line says its position and its time, in a form of fixed width: they are known when the feed is locked. */
const emptySlot = `${'0'.repeat(16)}\t1970-01-01T00:00:00.000000Z`

/** Writes consecutive positions and times into the lines' slots. COPY's text has no line feed but at the ends of its lines. */
function fillSlots(chunks: readonly Buffer[], { first, firstAtMicros }: Run): void {
  const [position, rest] = [Number(first), Number(firstAtMicros % 1_000n)]
  const firstMs = Number(firstAtMicros / 1_000n)
  let [n, ms, time] = [0, -1, '']
  for (const chunk of chunks) {
    for (let at = 0; at < chunk.length; at = chunk.indexOf(0x0a, at) + 1) {
      const now = firstMs + Math.floor((rest + n) / 1_000)
      // Neighbours share all but their last digits.
      if (now !== ms) [ms, time] = [now, new Date(now).toISOString().slice(0, -1)]
      const micros = String((rest + n) % 1_000).padStart(3, '0')
      chunk.write(`${String(position + n).padStart(16, '0')}\t${time}${micros}Z`, at, 'latin1')
      n++
    }
  }
}

/** A row's cells in the order of {@link columns}. A template, as a list of cells costs thrice as much. */
const cellsOf = (row: NewIndicator): string =>
  `${row.stixId}\t${row.handlingId}\t${row.type}\t${textCell(row.value)}\t\\\\x${row.valueKey}\t${flag(row.compound)}\t${textCell(
    row.network,
  )}\t${textCell(row.domainReversed)}\t${row.asn ?? none}\t${textCell(row.country)}\t${row.class ?? none}\t${row.confidence ?? none}\t${textCell(
    row.name,
  )}\t${textCell(row.description)}\t${list(row.labels)}\t${row.validFrom}\t${row.validUntil ?? none}\t${row.firstSeen ?? none}\t${
    row.lastSeen ?? none
  }\t${row.created}\t${row.modified}\t${row.format}\t${textCell(row.stix)}\t${textCell(row.received)}\t\\\\x${row.digest}`

const none = '\\N'
const flag = (value: boolean): string => (value ? 't' : 'f')

/** A text as a cell of COPY's text form. Four searches cost a third of one by expression, and most texts hold nothing special. */
export function textCell(value: string | undefined): string {
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
    : textCell(`{${items.map((item) => `"${item.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`).join(',')}}`)
