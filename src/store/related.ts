import type { Indicator } from '../domain/indicator.ts'
import type { Queries } from './database.ts'
import { type IndicatorRow, indicatorColumns, toIndicator } from './rows.ts'
import { Parameters, permittedHandling, queryVisible, type VisibleTo, visibleCondition } from './visible.ts'

/** What is looked for on behalf of the `n`-th of several indicators. */
interface Of {
  readonly n: number
}
export interface KeyOf extends Of {
  /** 16 bytes. */
  readonly key: Buffer
}
export interface AsnOf extends Of {
  readonly asn: number
  /** Key of the value that is another relation's. */
  readonly without: Buffer
}
export interface RangeOf extends Of {
  readonly relation: string
  readonly range: string
  readonly except?: string
  /** Likewise. */
  readonly without: Buffer
}

export interface Found {
  readonly n: number
  readonly relation?: string
  readonly indicator: Indicator
}

interface Row extends IndicatorRow {
  readonly n: number
  readonly relation: string | null
}

const toFound = (row: Row): Found => ({
  n: row.n,
  ...(row.relation === null ? {} : { relation: row.relation }),
  indicator: toIndicator(row),
})

/** Visible indicators by id, whoever published them: the reader's own first, then the newest. @throws {PolicyMoved} */
export async function visibleByIds(
  queries: Queries,
  visible: VisibleTo,
  uuids: readonly string[],
): Promise<Indicator[]> {
  const parameters = new Parameters()
  const condition = visibleCondition(visible, parameters)
  const rows = await queryVisible<IndicatorRow>(
    queries,
    visible,
    `select ${indicatorColumns} from unnest(${parameters.add(uuids)}::uuid[]) k (id)
     cross join lateral (select * from indicator i where i.stix_id = k.id and ${condition}) i
     order by (i.originator = ${parameters.add(visible.organisation ?? null)}::text) desc nulls last, i.position desc`,
    parameters,
    'indicators by id',
  )
  return rows.map(toIndicator)
}

/**
 * The newest visible indicators that hold one of these keys, `limit` for each `n`. Rows of one key are gone through a handling at a
 * time: of those that the reader may not see only one is touched for each handling, however many there are (ADR 18).
 * @throws {PolicyMoved}
 */
export async function relatedByKey(
  queries: Queries,
  visible: VisibleTo,
  asked: readonly KeyOf[],
  limit: number,
): Promise<Found[]> {
  if (asked.length === 0) return []
  const parameters = new Parameters()
  const keys = parameters.add(asked.map(({ key }) => key))
  const numbers = parameters.add(asked.map(({ n }) => n))
  const most = parameters.add(limit)
  const asRows = `(select n, key, null::bytea from unnest(${numbers}::integer[], ${keys}::bytea[]) k (n, key))`
  const others = `select a.n, i.* from ${asRows} a (n, key, without)
    cross join lateral (
      select i.* from indicator_observable o join indicator i using (originator, stix_id)
      where o.value_key = a.key and ${visibleAndActive(visible, parameters)} order by i.position desc limit ${most}
    ) i`
  return await newestOfEach(queries, visible, parameters, 'value_key', asRows, most, others)
}

/** The same for AS numbers. @throws {PolicyMoved} */
export async function relatedByAsn(
  queries: Queries,
  visible: VisibleTo,
  asked: readonly AsnOf[],
  limit: number,
): Promise<Found[]> {
  if (asked.length === 0) return []
  const parameters = new Parameters()
  const numbers = parameters.add(asked.map(({ n }) => n))
  const asns = parameters.add(asked.map(({ asn }) => asn))
  const without = parameters.add(asked.map((each) => each.without))
  const asRows = `unnest(${numbers}::integer[], ${asns}::bigint[], ${without}::bytea[])`
  return await newestOfEach(queries, visible, parameters, 'asn', asRows, parameters.add(limit))
}

async function newestOfEach(
  queries: Queries,
  visible: VisibleTo,
  parameters: Parameters,
  column: 'value_key' | 'asn',
  asked: string,
  most: string,
  others?: string,
): Promise<Found[]> {
  const permitted = permittedHandling(visible, parameters, 's.handling')
  const rows = await queryVisible<Row>(
    queries,
    visible,
    `with recursive step (n, key, without, handling) as (
       select a.n, a.key, a.without, (select min(handling_id) from indicator where ${column} = a.key)
       from ${asked} a (n, key, without)
       union all
       select s.n, s.key, s.without, (select min(handling_id) from indicator where ${column} = s.key and handling_id > s.handling)
       from step s where s.handling is not null
     ), found as (
       select s.n, i.* from step s
       cross join lateral (
         select * from indicator i where i.${column} = s.key and i.handling_id = s.handling
           and i.value_key is distinct from s.without and not i.recalled
         order by i.position desc limit ${most}
       ) i
       where ${permitted}
       ${others === undefined ? '' : `union all ${others}`}
     ), numbered as (
       select *, row_number() over (partition by n order by position desc) as place
       from (select distinct on (n, position) * from found) f
     )
     select i.n, null as relation, ${indicatorColumns} from numbered i where i.place <= ${most} order by i.n, i.place`,
    parameters,
    `related by ${column}`,
  )
  return rows.map(toFound)
}

/** Visible rows of one range, in the order of their values, among which the newest are chosen. */
const candidates = 500

/**
 * The newest visible indicators in each range, and outside its `except`: of the first 500 by value. Hidden rows in between are passed
 * over in the index, which has their handling.
 * @throws {PolicyMoved}
 */
export async function relatedInRanges(
  queries: Queries,
  visible: VisibleTo,
  kind: 'networks' | 'names',
  asked: readonly RangeOf[],
  limit: number,
): Promise<Found[]> {
  if (asked.length === 0) return []
  const parameters = new Parameters()
  const { type, column, order, inside } = places[kind]
  const columns = [
    `${parameters.add(asked.map(({ n }) => n))}::integer[]`,
    `${parameters.add(asked.map(({ relation }) => relation))}::text[]`,
    `${parameters.add(asked.map(({ range }) => range))}::${type}[]`,
    `${parameters.add(asked.map(({ except }) => except ?? null))}::${type}[]`,
    `${parameters.add(asked.map(({ without }) => without))}::bytea[]`,
  ]
  const rows = await queryVisible<Row>(
    queries,
    visible,
    `select r.n, r.relation, ${indicatorColumns}
     from unnest(${columns.join(', ')}) r (n, relation, range, except_range, without)
     cross join lateral (
       select i.* from (
         select i.* from (
           select i.position, i.${column} as place from indicator i
           where ${inside('r.range')} and (r.except_range is null or not ${inside('r.except_range')})
             and ${permittedHandling(visible, parameters, 'i.handling_id')}
           order by ${order(`i.${column}`)} offset 0
         ) c
         join indicator i on i.position = c.position
         where i.value_key <> r.without and not i.recalled
         order by ${order('c.place')} limit ${candidates}
       ) i
       order by i.position desc limit ${parameters.add(limit)}
     ) i
     order by r.n, i.position desc`,
    parameters,
    `related ${kind}`,
  )
  return rows.map(toFound)
}

/**
 * Comparisons that the indices answer for a range that is no constant: `<<=` and `starts_with` alone would read the whole table. Behind a
 * name and before what is under it come names like `com.example-2`, which are left out after the index.
 */
const places = {
  networks: {
    type: 'inet',
    column: 'network',
    order: (column: string) => column,
    inside: (range: string) =>
      `(i.network >= ${range} and i.network <= set_masklen(broadcast(${range}), case family(${range}) when 4 then 32 else 128 end)
        and i.network <<= ${range})`,
  },
  names: {
    type: 'text',
    column: 'domain_reversed',
    order: (column: string) => `${column} using ~<~`,
    inside: (range: string) =>
      `(i.domain_reversed ~>=~ ${range} and i.domain_reversed ~<~ (${range} || '/')
        and (i.domain_reversed = ${range} or starts_with(i.domain_reversed, ${range} || '.')))`,
  },
} as const

const visibleAndActive = (visible: VisibleTo, parameters: Parameters): string =>
  `${permittedHandling(visible, parameters, 'i.handling_id')} and not i.recalled`
