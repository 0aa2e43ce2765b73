import type { Queries } from './database.ts'
import type { IndicatorKey } from './envelopes.ts'
import { storedVersion } from './peer-holdings.ts'

/** A place in the list: the newest first, then by id. */
export interface RecallPlace {
  readonly at: Date
  readonly stixId: string
}

/** A peer that was given an indicator, and has not said that it stored what takes it back. */
export interface NotConfirmed {
  readonly peer: string
  /** The last version that it was given; `bare` where it was told to let go. */
  readonly version: number
  readonly bare: boolean
  readonly stored: number
  readonly refused: string | null
}

/** A tombstone, or the bare form of a version under another handling, as not all peers have confirmed it. */
export interface OutstandingRow extends IndicatorKey, RecallPlace {
  readonly version: number
  readonly recalled: boolean
  /** Whether that version may take somebody's view away, whoever may still have it. */
  readonly narrowed: boolean
  /** The indicator's present handling; null where it is gone. */
  readonly handlingId: number | null
  readonly notConfirmed: readonly NotConfirmed[]
}

export interface OutstandingFilter {
  /** Absent: of all. */
  readonly originator?: string
  readonly stixId?: string
  readonly peer?: string
  /** What was sealed, or came, until then. */
  readonly until?: Date
  readonly before?: RecallPlace
  /** Looked through at most, from `before` on. */
  readonly looked: number
  readonly limit: number
}

/**
 * What takes something back and is not confirmed by every peer that was given it, the newest first. `limit` rows, and those that are of
 * the same place as the last one.
 * @returns `reached`, where there is more than was looked through
 */
export async function outstandingRecalls(
  { client }: Queries,
  filter: OutstandingFilter,
): Promise<{ readonly rows: readonly OutstandingRow[]; readonly reached?: RecallPlace }> {
  const { originator, stixId, peer, until, before, looked, limit } = filter
  const parameters: unknown[] = [originator ?? null, stixId ?? null, until?.toISOString() ?? null]
  const conditions = [
    'bare',
    ...(originator === undefined ? [] : ['originator = $1']),
    ...(stixId === undefined ? [] : ['stix_id = $2']),
    ...(until === undefined ? [] : ['at <= $3']),
    ...(before === undefined ? [] : ['(at, stix_id) < ($4::timestamptz, $5::uuid)']),
  ].join(' and ')
  parameters.push(before?.at.toISOString() ?? null, before?.stixId ?? null, peer ?? null, looked, limit)
  const types = '($1::text, $2::uuid, $3::timestamptz, $4::timestamptz, $5::uuid, $6::uuid, $7::bigint, $8::bigint)'
  const walked = `select originator, stix_id, version, recalled, at from envelope where ${conditions} and ${types} is not null
    order by at desc, stix_id desc`
  const { rows: ends } = await client.query<Place>(`${walked} offset $7 - 1 limit 1`, parameters)
  const { rows } = await client.query<Row>(
    `select e.originator, e.stix_id, e.version, e.recalled, e.at, i.handling_id, ${changeOf} = 'narrowed' as narrowed, held.rows as held
     from (${walked} fetch first $7 rows with ties) e
     cross join lateral (${notConfirmed}) held
     left join indicator i on i.originator = e.originator and i.stix_id = e.stix_id
     where held.rows is not null order by e.at desc, e.stix_id desc fetch first $8 rows with ties`,
    parameters,
  )
  const [end] = ends
  return { rows: rows.map(toRow), ...(end === undefined ? {} : { reached: { at: end.at, stixId: end.stix_id } }) }
}

/** Asked for each of them by its key: a plan that joins all that peers hold would read all of it. */
const notConfirmed = `select json_agg(json_build_object('peer', h.peer, 'version', h.version, 'bare', h.bare, 'stored', ${storedVersion},
    'refused', h.refused) order by h.peer) as rows
  from peer_holding h join peer_state s on s.peer = h.peer
  where h.stix_id = e.stix_id and h.originator = e.originator and (${storedVersion}) < e.version and ($6::uuid is null or h.peer = $6)`

/** What the feed and history call the version: as it stands now, or as it was kept when a later one came. */
const changeOf = `coalesce(
  (select f.kind from feed f where i.version = e.version and f.position = i.position),
  (select v.change from indicator_version v where v.originator = e.originator and v.stix_id = e.stix_id and v.version = e.version))`

interface Place {
  readonly at: Date
  readonly stix_id: string
}

interface Row extends Place {
  readonly originator: string
  readonly version: number
  readonly recalled: boolean
  readonly handling_id: number | null
  readonly narrowed: boolean | null
  readonly held: readonly NotConfirmed[]
}

const toRow = ({ originator, stix_id, version, recalled, at, handling_id, narrowed, held }: Row): OutstandingRow => ({
  ...{ originator, stixId: stix_id, version, recalled, at },
  narrowed: narrowed === true,
  handlingId: handling_id,
  notConfirmed: held,
})
