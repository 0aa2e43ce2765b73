import { and, asc, eq, gte, lt } from 'drizzle-orm'
import type { Indicator } from '../domain/indicator.ts'
import type { Queries, Transaction } from './database.ts'
import { conditionsOf, type PageFilter } from './filters.ts'
import { plainTypes } from './plain-types.ts'
import { type IndicatorRow, indicatorColumns, stixIdOf, toIndicator } from './rows.ts'
import { exportItem } from './tables/exports.ts'
import { askVisible, Parameters, type VisibleTo, visibleCondition } from './visible.ts'

export type ExportItemRow = typeof exportItem.$inferSelect

/** What an item of a package is about. */
export interface Selected {
  readonly originator: string
  readonly stixId: string
  readonly version: number
  readonly handlingId: number
  /** The hold that it is taken from; otherwise it is the indicator as it stands. */
  readonly hold?: string
}

/**
 * What a request and the policy let through, by originator and id, with the position of the feed at which that is so.
 * @throws {PolicyMoved}
 */
export async function selectForExport(
  queries: Queries,
  visible: VisibleTo,
  filter: PageFilter,
  limit: number,
): Promise<{ readonly items: Selected[]; readonly position: bigint }> {
  const parameters = new Parameters()
  const conditions = [visibleCondition(visible, parameters), ...conditionsOf(filter, parameters)]
  const { rows, head } = await askVisible<{
    originator: string
    stix_id: string
    version: number
    handling_id: number
  }>(
    queries,
    visible,
    `select i.originator, i.stix_id, i.version, i.handling_id from indicator i where ${conditions.join(' and ')}
     order by i.originator collate "C", i.stix_id limit ${parameters.add(limit)}`,
    parameters,
  )
  const items = rows.map((row) => ({
    originator: row.originator,
    stixId: row.stix_id,
    version: row.version,
    handlingId: row.handling_id,
  }))
  return { items, position: BigInt(head) }
}

/** In the order of a package: by originator and id. */
export const inOrder = (items: readonly Selected[]): Selected[] =>
  [...items].sort((a, b) =>
    a.originator === b.originator ? order(a.stixId, b.stixId) : order(a.originator, b.originator),
  )

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** Fixes what is in an export; what was fixed before is forgotten. */
export async function replaceItems({ client }: Transaction, id: string, items: readonly Selected[]): Promise<void> {
  await client.query('delete from export_item where export = $1', [id])
  await client.query(
    `insert into export_item (export, ordinal, originator, stix_id, version, handling_id, hold)
     select $1, n - 1, o, s, v, h, k
     from unnest($2::text[], $3::uuid[], $4::int[], $5::int[], $6::uuid[]) with ordinality x (o, s, v, h, k, n)`,
    [
      id,
      items.map(({ originator }) => originator),
      items.map(({ stixId }) => stixId),
      items.map(({ version }) => version),
      items.map(({ handlingId }) => handlingId),
      items.map(({ hold }) => hold ?? null),
    ],
  )
}

/** Fixes that the same is in another export. */
export async function copyItems({ client }: Transaction, from: string, to: string): Promise<void> {
  await client.query('delete from export_item where export = $1', [to])
  await client.query(
    `insert into export_item (export, ordinal, originator, stix_id, version, handling_id, hold)
     select $2, ordinal, originator, stix_id, version, handling_id, hold from export_item where export = $1`,
    [from, to],
  )
}

export async function itemsFrom({ db }: Queries, id: string, from: number, limit: number): Promise<ExportItemRow[]> {
  return await db
    .select()
    .from(exportItem)
    .where(and(eq(exportItem.export, id), gte(exportItem.ordinal, from), lt(exportItem.ordinal, from + limit)))
    .orderBy(asc(exportItem.ordinal))
}

/** The present rows of items, recalled ones too; by `originator stixId`. */
export async function presentOf(
  { client }: Queries,
  items: readonly Pick<Selected, 'originator' | 'stixId'>[],
): Promise<ReadonlyMap<string, Indicator>> {
  const { rows } = await client.query<IndicatorRow>({
    text: `select ${indicatorColumns} from unnest($1::text[], $2::uuid[]) w (originator, id)
           cross join lateral (select * from indicator where stix_id = w.id and originator = w.originator) i`,
    values: [items.map(({ originator }) => originator), items.map(({ stixId }) => stixId)],
    types: plainTypes,
  })
  return new Map(rows.map((row) => [keyOf({ originator: row.originator, stixId: row.stix_id }), toIndicator(row)]))
}

export const keyOf = ({ originator, stixId }: Pick<Selected, 'originator' | 'stixId'>): string =>
  `${originator} ${stixIdOf(stixId)}`

/** The lines of one item. */
export interface ItemLines {
  readonly ordinal: number
  readonly stix: string
  readonly csv: string
  readonly handling: string
  readonly digest: Buffer
  readonly masked: boolean
}

export async function writeLines({ client }: Transaction, id: string, lines: readonly ItemLines[]): Promise<void> {
  await client.query(
    `update export_item e set stix = l.stix, csv = l.csv, handling = l.handling, digest = l.digest, masked = l.masked
     from unnest($2::int[], $3::text[], $4::text[], $5::text[], $6::bytea[], $7::boolean[]) l (n, stix, csv, handling, digest, masked)
     where e.export = $1 and e.ordinal = l.n`,
    [
      id,
      lines.map(({ ordinal }) => ordinal),
      lines.map(({ stix }) => stix),
      lines.map(({ csv }) => csv),
      lines.map(({ handling }) => handling),
      lines.map(({ digest }) => digest),
      lines.map(({ masked }) => masked),
    ],
  )
}

/** Forgets the content of a package; what was in it stays known. */
export async function forgetLines({ client }: Transaction, id: string): Promise<void> {
  await client.query('update export_item set stix = null, csv = null, handling = null where export = $1', [id])
  await client.query('update export set manifest = null where id = $1', [id])
}

/**
 * Items whose present version is another, is recalled, or whose handling is not in the permitted set: in that of what may be had whole
 * where it stands there whole. Items of holds are not among them.
 */
export async function countStale(
  { client }: Queries,
  id: string,
  { whole, any }: { readonly whole: Uint8Array; readonly any: Uint8Array },
): Promise<number> {
  const has = (bits: string, length: string) =>
    `case when e.handling_id < ${length} then get_bit(${bits}::bytea, e.handling_id) else 0 end = 1`
  const { rows } = await client.query<{ count: number }>(
    `select count(*)::int as count from export_item e
     left join indicator i on i.stix_id = e.stix_id and i.originator = e.originator
     where e.export = $1 and e.hold is null and (i.version is distinct from e.version or i.recalled
       or not (${has('$2', '$3')}) or not (e.masked or ${has('$4', '$5')}))`,
    [id, Buffer.from(any), any.length * 8, Buffer.from(whole), whole.length * 8],
  )
  return rows[0]?.count ?? 0
}
