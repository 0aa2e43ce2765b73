import type { Indicator, IndicatorVersion } from '../domain/indicator.ts'
import { has, wordsOf } from './column.ts'
import type { Queries } from './database.ts'
import type { LiveColumn } from './live-column.ts'
import { microsecondsOf } from './plain-types.ts'
import { type IndicatorRow, indicatorColumns, toIndicator } from './rows.ts'
import { type Answer, askVisible, Parameters, permittedHandling, type VisibleTo } from './visible.ts'

/**
 * What stands at these positions, or was recalled there, under a permitted handling; and how far the feed reaches.
 * @param confirmed the head of a snapshot in which the permission held. Where the column has read exactly so far and has the rows, it is
 * exact (ADR 10), and nothing is asked
 * @throws {PolicyMoved}
 */
export async function rowsAt(
  queries: Queries,
  column: LiveColumn,
  visible: VisibleTo,
  positions: readonly number[],
  confirmed: number,
): Promise<{ readonly rows: ReadonlyMap<number, Indicator>; readonly head: number }> {
  const permitted = wordsOf(visible.bitmap)
  const stands = (position: number): boolean => has(permitted, column.now.at(position) || column.recalled.at(position))
  // Held from here on: what is kept while the database is asked, for this page or another, makes rows go.
  const held = new Map(positions.map((position) => [position, column.hot.get(position)]))
  const missing = positions.filter((position) => stands(position) && held.get(position) === undefined)
  const isExact = missing.length === 0 && column.now.head === confirmed
  const { rows, head } = isExact ? { rows: [], head: confirmed } : await readAt(queries, visible, missing)
  const read = new Map(rows.map(toIndicator).map((each) => [Number(each.position), each]))
  // What is recalled has no content that anybody reads again.
  for (const row of read.values()) if (!row.recalled) column.hot.keep(row)
  const found = new Map<number, Indicator>()
  for (const position of positions) {
    const row = read.get(position) ?? (stands(position) ? held.get(position) : undefined)
    if (row !== undefined) found.set(position, row)
  }
  return { rows: found, head }
}

async function readAt(
  queries: Queries,
  visible: VisibleTo,
  positions: readonly number[],
): Promise<Answer<IndicatorRow>> {
  const parameters = new Parameters()
  if (positions.length === 0)
    return await askVisible(queries, visible, 'select null where false', parameters, 'no rows of a collection')
  const permitted = permittedHandling(visible, parameters, 'i.handling_id')
  const body = `select ${indicatorColumns} from indicator i
     where i.position = any(${parameters.add(positions)}::bigint[]) and ${permitted}`
  return await askVisible<IndicatorRow>(queries, visible, body, parameters, 'rows of a collection')
}

/** What stands or was recalled under these ids, by a permitted handling. @param uuids of STIX ids @throws {PolicyMoved} */
export async function rowsById(queries: Queries, visible: VisibleTo, uuids: readonly string[]): Promise<Indicator[]> {
  const parameters = new Parameters()
  const permitted = permittedHandling(visible, parameters, 'i.handling_id')
  const body = `select ${indicatorColumns} from indicator i
     where i.stix_id = any(${parameters.add(uuids)}::uuid[]) and ${permitted} order by i.position`
  return (await askVisible<IndicatorRow>(queries, visible, body, parameters)).rows.map(toIndicator)
}

/** A version that a later one replaced, and what stands now. */
export interface Replaced {
  readonly present: Indicator
  readonly version: IndicatorVersion
}

/** Versions that stood at these positions, where they and what stands now have permitted handlings. @throws {PolicyMoved} */
export async function replacedAt(
  queries: Queries,
  visible: VisibleTo,
  positions: readonly number[],
): Promise<{ readonly found: readonly Replaced[]; readonly head: number }> {
  const parameters = new Parameters()
  const body = `select ${indicatorColumns}, v.version as v_version, v.change as v_change, v.handling_id as v_handling,
       v.stix as v_stix, v.modified as v_modified, v.position as v_position, v.date_added::text as v_added
     from feed f
     join indicator_version v on v.originator = f.originator and v.stix_id = f.stix_id and v.version = f.version
     join indicator i on i.originator = v.originator and i.stix_id = v.stix_id and not i.recalled
     where f.position = any(${parameters.add(positions)}::bigint[])
       and ${permittedHandling(visible, parameters, 'v.handling_id')} and ${permittedHandling(visible, parameters, 'i.handling_id')}`
  const { rows, head } = await askVisible<ReplacedRow>(
    queries,
    visible,
    body,
    parameters,
    'replaced rows of a collection',
  )
  const found = rows.map((row) => ({
    present: toIndicator(row),
    version: {
      version: row.v_version,
      change: row.v_change,
      modified: row.v_modified,
      dateAdded: microsecondsOf(row.v_added),
      handlingId: row.v_handling,
      stix: row.v_stix,
      position: row.v_position,
    },
  }))
  return { found, head }
}

type ReplacedRow = IndicatorRow & {
  readonly v_version: number
  readonly v_change: IndicatorVersion['change']
  readonly v_handling: number
  readonly v_stix: string
  readonly v_modified: string
  readonly v_position: bigint
  readonly v_added: string
}

/** The first version of each under a permitted handling, by originator and STIX id; nothing where the present one is the first. */
export async function firstVersions(
  { client }: Queries,
  visible: VisibleTo,
  of: readonly { readonly originator: string; readonly uuid: string }[],
): Promise<ReadonlyMap<string, number>> {
  const parameters = new Parameters()
  const { rows } = await client.query<{ originator: string; stix_id: string; first: number }>(
    `select v.originator, v.stix_id, min(v.version) as first
     from unnest(${parameters.add(of.map(({ originator }) => originator))}::text[],
       ${parameters.add(of.map(({ uuid }) => uuid))}::uuid[]) w (originator, stix_id)
     join indicator_version v on v.originator = w.originator and v.stix_id = w.stix_id
     where ${permittedHandling(visible, parameters, 'v.handling_id')} group by 1, 2`,
    parameters.values,
  )
  return new Map(rows.map(({ originator, stix_id, first }) => [`${originator} indicator--${stix_id}`, first]))
}
