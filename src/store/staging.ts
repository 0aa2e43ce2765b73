import { BinaryRows, type CopyChunk } from './binary-rows.ts'
import { sincePostgresEpoch } from './binary-values.ts'
import { copyBinary } from './copy-binary.ts'
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
  /** The version that it was made from, where no other is to be replaced. */
  readonly replaces?: number
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

export type PreparedRow = Pick<NewIndicator, 'stixId' | 'handlingId' | 'others' | 'versioned' | 'replaces' | 'event'>

/** A batch of one originator in COPY's form, and what the merge must know of its rows beside that. */
export interface PreparedBatch {
  readonly rows: readonly PreparedRow[]
  /** Its rows; each begins with a slot for where the row goes. */
  readonly chunks: readonly CopyChunk[]
}

/** Columns that `indicator` and the staging table share → their types. {@link writeCells} fills them in this order. */
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

/** Gathers rows as COPY takes them. A row is written once and need not be kept: as strings on the heap a batch doubles what is collected. */
export class CopyRows {
  readonly #rows: PreparedRow[] = []
  readonly #out = new BinaryRows(ownColumns + columns.length)
  readonly #originator: string

  constructor(originator: string) {
    this.#originator = originator
  }

  /** @param of another originator and version than those of the batch: of what comes from other nodes */
  add(row: NewIndicator, of?: { readonly originator: string; readonly version: number }): void {
    this.#out.row()
    this.#out.bigint(0)
    this.#out.bigint(0)
    this.#out.text(of?.originator ?? this.#originator)
    this.#out.integer(of?.version ?? 1)
    writeCells(this.#out, row)
    const { stixId, handlingId, others, versioned, event = false, replaces } = row
    this.#rows.push({ stixId, handlingId, others, versioned, event, ...(replaces === undefined ? {} : { replaces }) })
  }

  end(): PreparedBatch {
    return { rows: this.#rows, chunks: this.#out.end() }
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

const copyRows = (client: Transaction['client'], target: string, chunks: readonly CopyChunk[]): Promise<void> =>
  copyBinary(client, `${target}, originator, version, ${sharedColumns.join(', ')})`, chunks)

/** Columns before the shared ones: position, time, originator and version. */
const ownColumns = 4

/** Where the cells of position and time are in a row: behind the number of its columns, and each behind its length. */
const [positionAt, timeAt] = [6, 18]

/** Writes consecutive positions and times into the rows' slots: they are known when the feed is locked. */
function fillSlots(chunks: readonly CopyChunk[], { first, firstAtMicros }: Run): void {
  // As numbers, of two halves: a bigint for each cell would be made to be thrown away.
  let [position, time] = [Number(first), Number(sincePostgresEpoch(firstAtMicros))]
  for (const { bytes, starts } of chunks) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    for (const start of starts) {
      writeWhole(view, start + positionAt, position++)
      writeWhole(view, start + timeAt, time++)
    }
  }
}

/** A whole number below 2^53, as a `bigint` column has it. */
function writeWhole(view: DataView, at: number, value: number): void {
  view.setUint32(at, Math.floor(value / 2 ** 32))
  view.setUint32(at + 4, value >>> 0)
}

/** A row's cells in the order of {@link columns}. */
function writeCells(out: BinaryRows, row: NewIndicator): void {
  out.uuid(row.stixId)
  out.integer(row.handlingId)
  out.text(row.type)
  out.text(row.value)
  out.hex(row.valueKey)
  out.flag(row.compound)
  out.network(row.network)
  out.text(row.domainReversed)
  out.bigint(row.asn)
  out.text(row.country)
  out.text(row.class)
  out.smallint(row.confidence)
  out.text(row.name)
  out.text(row.description)
  out.texts(row.labels)
  out.time(row.validFrom)
  out.time(row.validUntil)
  out.time(row.firstSeen)
  out.time(row.lastSeen)
  out.time(row.created)
  out.time(row.modified)
  out.text(row.format)
  out.text(row.stix)
  out.text(row.received)
  out.hex(row.digest)
}
