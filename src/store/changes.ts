import type { Indicator } from '../domain/indicator.ts'
import type { Queries } from './database.ts'
import { conditionsOf, type PageFilter } from './filters.ts'
import { type IndicatorRow, indicatorColumns, stixIdOf, toIndicator } from './rows.ts'
import { Parameters, queryVisible, type VisibleTo, visibleCondition } from './visible.ts'

/** A feed entry that replaced something, for a follower that may have had what it replaced. */
export interface Replacement {
  readonly position: number
  /** STIX id. */
  readonly id: string
  readonly kind: 'revised' | 'narrowed' | 'recalled'
  readonly handlingId: number
  /** Handling of what stood before the follower's reading began, where the chain of replacements began; 0 where nothing did. */
  readonly handlingBefore: number
}

/**
 * The entries in a stretch of the feed that replaced something of these handlings, the oldest first.
 * @param handlings a byte for each handling id; not 0: entries whose predecessor had it are wanted
 * @param since where the follower's reading began: what stood there or before is what it may have
 */
export async function replacementsBetween(
  { client }: Queries,
  stretch: { readonly above: number; readonly upto: number; readonly since: number },
  handlings: Uint8Array,
  limit: number,
): Promise<Replacement[]> {
  const { rows } = await client.query<{
    position: bigint
    stix_id: string
    kind: Replacement['kind']
    handling_id: number
    handling_before: number | null
  }>(
    `with recursive entry as (
       select position, stix_id, kind, handling_id, previous_position, coalesce(previous_handling_id, handling_id) as before
       from feed
       where position > $1::bigint and position <= $2::bigint and previous_position is not null
         and coalesce(previous_handling_id, handling_id) < length($4::bytea)
         and get_byte($4::bytea, coalesce(previous_handling_id, handling_id)) <> 0
       order by position limit $5
     ), chain as (
       select position, previous_position, before from entry
       union all
       select c.position, f.previous_position, coalesce(f.previous_handling_id, f.handling_id)
       from chain c join feed f on f.position = c.previous_position where c.previous_position > $3::bigint
     )
     select e.position, e.stix_id, e.kind, e.handling_id,
       (select c.before from chain c where c.position = e.position and c.previous_position <= $3::bigint) as handling_before
     from entry e order by e.position`,
    [stretch.above, stretch.upto, stretch.since, Buffer.from(handlings), limit],
  )
  return rows.map((row) => ({
    position: Number(row.position),
    id: stixIdOf(row.stix_id),
    kind: row.kind,
    handlingId: row.handling_id,
    handlingBefore: row.handling_before ?? 0,
  }))
}

/** The STIX ids of what stands, or stood, at these positions. */
export async function idsAt({ client }: Queries, positions: readonly number[]): Promise<Map<number, string>> {
  const { rows } = await client.query<{ position: bigint; stix_id: string }>(
    'select position, stix_id from feed where position = any($1::bigint[])',
    [positions],
  )
  return new Map(rows.map((row) => [Number(row.position), stixIdOf(row.stix_id)]))
}

/** Whatever stands at these positions, is visible and fits the filter, by position. */
export async function visibleAt(
  queries: Queries,
  visible: VisibleTo,
  positions: readonly number[],
  filter: PageFilter,
): Promise<Map<number, Indicator>> {
  const parameters = new Parameters()
  const conditions = [visibleCondition(visible, parameters), ...conditionsOf(filter, parameters)]
  const rows = await queryVisible<IndicatorRow>(
    queries,
    visible,
    `select ${indicatorColumns} from indicator i
     where i.position = any(${parameters.add(positions)}::bigint[]) and ${conditions.join(' and ')}`,
    parameters,
  )
  return new Map(rows.map((row) => [Number(row.position), toIndicator(row)]))
}

/** Which of these STIX ids stand for something that is visible, fits the filter and is not recalled. @throws {PolicyMoved} */
export async function idsStanding(
  queries: Queries,
  visible: VisibleTo,
  ids: readonly string[],
  filter: PageFilter,
): Promise<Set<string>> {
  const parameters = new Parameters()
  const conditions = [visibleCondition(visible, parameters), ...conditionsOf(filter, parameters), 'not i.recalled']
  const uuids = parameters.add(ids.map((id) => id.slice(id.lastIndexOf('--') + 2)))
  const rows = await queryVisible<{ readonly stix_id: string }>(
    queries,
    visible,
    `select i.stix_id from indicator i where i.stix_id = any(${uuids}::uuid[]) and ${conditions.join(' and ')}`,
    parameters,
  )
  return new Set(rows.map((row) => stixIdOf(row.stix_id)))
}
