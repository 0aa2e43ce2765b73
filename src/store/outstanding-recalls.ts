import type { Queries } from './database.ts'
import type { IndicatorKey } from './envelopes.ts'
import { storedVersion } from './peer-holdings.ts'
import { Parameters } from './visible.ts'

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
  const end = new Parameters()
  const { rows: ends } = await client.query<Place>(
    `${walked(filter, end)} offset ${end.add(filter.looked - 1)} limit 1`,
    end.values,
  )
  const page = new Parameters()
  const { rows } = await client.query<Row>(
    `select e.originator, e.stix_id, e.version, e.recalled, e.at, i.handling_id, ${changeOf} = 'narrowed' as narrowed, held.rows as held
     from (${walked(filter, page)} fetch first ${page.add(filter.looked)} rows with ties) e
     cross join lateral (${notConfirmed(filter, page)}) held
     left join indicator i on i.originator = e.originator and i.stix_id = e.stix_id
     where held.rows is not null order by e.at desc, e.stix_id desc fetch first ${page.add(filter.limit)} rows with ties`,
    page.values,
  )
  const [last] = ends
  return { rows: rows.map(toRow), ...(last === undefined ? {} : { reached: { at: last.at, stixId: last.stix_id } }) }
}

/** What takes away, from the newest on. */
function walked({ originator, stixId, until, before }: OutstandingFilter, parameters: Parameters): string {
  const conditions = ['bare']
  if (originator !== undefined) conditions.push(`originator = ${parameters.add(originator)}`)
  if (stixId !== undefined) conditions.push(`stix_id = ${parameters.add(stixId)}`)
  if (until !== undefined) conditions.push(`at <= ${parameters.add(until.toISOString())}`)
  if (before !== undefined)
    conditions.push(`(at, stix_id) < (${parameters.add(before.at.toISOString())}, ${parameters.add(before.stixId)})`)
  return `select originator, stix_id, version, recalled, at from envelope where ${conditions.join(' and ')}
    order by at desc, stix_id desc`
}

/** Asked for each of them by its key: a plan that joins all that peers hold would read all of it. */
const notConfirmed = (
  { peer }: OutstandingFilter,
  parameters: Parameters,
) => `select json_agg(json_build_object('peer', h.peer, 'version', h.version, 'bare', h.bare, 'stored', ${storedVersion},
    'refused', h.refused) order by h.peer) as rows
  from peer_holding h join peer_state s on s.peer = h.peer
  where h.stix_id = e.stix_id and h.originator = e.originator and (${storedVersion}) < e.version
    ${peer === undefined ? '' : `and h.peer = ${parameters.add(peer)}`}`

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
