import type { Indicator, IndicatorVersion } from '../domain/indicator.ts'
import type { Queries } from './database.ts'
import { plainTypes } from './plain-types.ts'
import { type IndicatorRow, indicatorColumns, toIndicator } from './rows.ts'
import { Parameters, queryVisible, type VisibleTo, visibleCondition } from './visible.ts'

/** Every visible indicator with this id: one per originator. The reader's own first, then the newest. */
export async function visibleById(queries: Queries, visible: VisibleTo, uuid: string): Promise<Indicator[]> {
  const parameters = new Parameters()
  const condition = visibleCondition(visible, parameters)
  const rows = await queryVisible<IndicatorRow>(
    queries,
    visible,
    `select ${indicatorColumns} from indicator i where i.stix_id = ${parameters.add(uuid)}::uuid and ${condition}
     order by (i.originator = ${parameters.add(visible.organisation ?? null)}::text) desc nulls last, i.position desc`,
    parameters,
  )
  return rows.map(toIndicator)
}

/** One originator's indicator, whoever may see it: for the originator's own acts. */
export async function ownById({ client }: Queries, originator: string, uuid: string): Promise<Indicator | undefined> {
  const { rows } = await client.query<IndicatorRow>({
    text: `select ${indicatorColumns} from indicator i where i.originator = $1 and i.stix_id = $2`,
    values: [originator, uuid],
    types: plainTypes,
  })
  return rows[0] === undefined ? undefined : toIndicator(rows[0])
}

/** What is known of ids of one originator before a batch is written. */
export interface Existing {
  readonly recalled: boolean
  readonly created: string
  /** SHA-256 as hex. */
  readonly digest: string
}

export async function existingByIds(
  { client }: Queries,
  originator: string,
  uuids: readonly string[],
): Promise<Map<string, Existing>> {
  const { rows } = await client.query<{ stix_id: string; created: Date; digest: string; recalled: boolean }>(
    // By key, one by one: for a list the planner may read everything the originator ever published.
    `select i.stix_id, i.created, encode(i.digest, 'hex') as digest, i.recalled from unnest($2::uuid[]) wanted (id)
     cross join lateral (select * from indicator where originator = $1 and stix_id = wanted.id limit 1) i`,
    [originator, uuids],
  )
  return new Map(
    rows.map((row) => [
      row.stix_id,
      { created: row.created.toISOString(), digest: row.digest, recalled: row.recalled },
    ]),
  )
}

/** The versions of one indicator that a later one replaced, oldest first. */
export async function replacedVersions(
  { client }: Queries,
  originator: string,
  uuid: string,
): Promise<IndicatorVersion[]> {
  const { rows } = await client.query<{
    version: number
    change: IndicatorVersion['change']
    modified: Date
    date_added: string
    handling_id: number
    stix: string
    position: bigint
  }>(
    `select version, change, modified, handling_id, stix, position,
       to_char(date_added at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as date_added
     from indicator_version where originator = $1 and stix_id = $2 order by version`,
    [originator, uuid],
  )
  return rows.map((row) => ({
    version: row.version,
    change: row.change,
    modified: row.modified.toISOString(),
    dateAdded: row.date_added,
    handlingId: row.handling_id,
    stix: row.stix,
    position: row.position,
  }))
}

/** What kind of change an indicator's present version was. */
export async function changeAt({ client }: Queries, position: bigint): Promise<IndicatorVersion['change']> {
  const { rows } = await client.query<{ kind: IndicatorVersion['change'] }>(
    'select kind from feed where position = $1',
    [String(position)],
  )
  return rows[0]?.kind ?? 'published'
}
