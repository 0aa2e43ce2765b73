import type { Indicator } from '../domain/indicator.ts'
import type { Sighting, SightingType } from '../domain/sighting.ts'
import type { Queries, Transaction } from './database.ts'
import { countedParts } from './observations.ts'
import { isoOf } from './plain-types.ts'
import { stixIdOf } from './rows.ts'
import { Parameters, queryVisible, type VisibleTo, visibleCondition } from './visible.ts'

/** What a sighting is about, who says it, and under which handling of its own, if any. */
export interface SightingOf {
  readonly originator: string
  readonly uuid: string
  readonly reporter: string
  readonly handlingId?: number
}

/**
 * Adds a sighting to what its reporter said before, under the same handling.
 * @returns false when the reporter said something of this indicator under `handlings` other ones already
 */
export async function addSighting(
  { client }: Transaction,
  { originator, uuid, reporter, handlingId }: SightingOf,
  { type, count, firstSeen, lastSeen }: Sighting,
  handlings: number,
): Promise<boolean> {
  // Of several of one reporter at once each counts what the one before said.
  await client.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`${uuid} ${originator} ${reporter}`])
  const added = await client.query(
    `insert into sighting as s (stix_id, originator, reporter, type, handling_id, times, first_seen, last_seen)
     select $1::uuid, $2::text, $3::text, $4::text, $5::integer, $6::bigint, $7::timestamptz, $8::timestamptz
     where (select count(distinct coalesce(handling_id, 0)) from sighting
            where stix_id = $1 and originator = $2 and reporter = $3 and handling_id is distinct from $5) < $9
     on conflict (stix_id, originator, reporter, type, handling_id) do update set times = s.times + excluded.times,
       first_seen = least(s.first_seen, excluded.first_seen), last_seen = greatest(s.last_seen, excluded.last_seen)`,
    [uuid, originator, reporter, type, handlingId ?? null, count, firstSeen, lastSeen, handlings],
  )
  return added.rowCount === 1
}

/** What one organisation said of an indicator in one way, or what its streams of observations add up to. */
export interface Report {
  readonly reporter: string
  readonly type: SightingType
  readonly observed: boolean
  /** Id of the reporter's own handling. */
  readonly handlingId?: number
  readonly times: number
  /** ISO 8601; of observations the beginnings of hours. */
  readonly first: string
  readonly last: string
}

/** An indicator as far as reports about it need it. */
export type ReportedIndicator = Pick<
  Indicator,
  'originator' | 'id' | 'version' | 'handlingId' | 'type' | 'confidence' | 'modified' | 'lastSeen' | 'validUntil'
>

export interface Reported {
  readonly indicator: ReportedIndicator
  /** Whoever they are by: who may know of them is the policy's to say. */
  readonly reports: readonly Report[]
}

/**
 * What was reported of the visible indicators with these ids: one statement, and one snapshot with the permission. Under one id the
 * reader's own comes first, then the newest.
 * @throws {PolicyMoved}
 */
export async function reportsAbout(
  queries: Queries,
  visible: VisibleTo,
  uuids: readonly string[],
): Promise<Reported[]> {
  const parameters = new Parameters()
  const condition = visibleCondition(visible, parameters)
  const rows = await queryVisible<Row>(
    queries,
    visible,
    `select i.originator, i.stix_id, i.version, i.handling_id, i.type, i.confidence, i.modified, i.last_seen, i.valid_until, r.reports
     from unnest(${parameters.add(uuids)}::uuid[]) k (id)
     cross join lateral (select * from indicator i where i.stix_id = k.id and ${condition}) i
     cross join lateral (
       select json_agg(json_build_array(reporter, said, observed, own, times, first::text, last::text)) as reports from (
         select s.reporter, s.type as said, false as observed, s.handling_id as own, s.times, s.first_seen as first, s.last_seen as last
         from sighting s where s.stix_id = i.stix_id and s.originator = i.originator
         union all
         select o.reporter, 'seen', true, null, sum(o.times), min(o.first), max(o.last) from (
           select t.reporter, t.times, t.first_hour as first, t.last_hour as last
           from observation_total t where t.stix_id = i.stix_id and t.originator = i.originator
           union all
           select p.reporter, p.times, p.hour, p.hour
           from observation_part p where p.stix_id = i.stix_id and p.originator = i.originator and ${countedParts}
         ) o group by o.reporter
       ) said
     ) r
     order by (i.originator = ${parameters.add(visible.organisation ?? null)}::text) desc nulls last, i.position desc`,
    parameters,
    'reports',
  )
  return rows.map((row) => ({ indicator: indicatorOf(row), reports: (row.reports ?? []).map(reportOf) }))
}

/** A row for each report would cost a page of a hundred indicators a quarter of its time. */
type Said = readonly [
  reporter: string,
  type: SightingType,
  observed: boolean,
  own: number | null,
  times: number,
  first: string,
  last: string,
]

interface Row {
  readonly originator: string
  readonly stix_id: string
  readonly version: number
  readonly handling_id: number
  readonly type: string
  readonly confidence: number | null
  readonly modified: string
  readonly last_seen: string | null
  readonly valid_until: string | null
  readonly reports: readonly Said[] | null
}

const reportOf = ([reporter, type, observed, own, times, first, last]: Said): Report => ({
  reporter,
  type,
  observed,
  ...(own === null ? {} : { handlingId: own }),
  times,
  first: isoOf(first),
  last: isoOf(last),
})

const indicatorOf = (row: Row): ReportedIndicator => ({
  originator: row.originator,
  id: stixIdOf(row.stix_id),
  version: row.version,
  handlingId: row.handling_id,
  type: row.type,
  ...(row.confidence === null ? {} : { confidence: row.confidence }),
  modified: row.modified,
  ...(row.last_seen === null ? {} : { lastSeen: row.last_seen }),
  ...(row.valid_until === null ? {} : { validUntil: row.valid_until }),
})
