import type { RsitType } from '../domain/rsit.ts'
import type { Queries } from './database.ts'
import { conditionsOf, type PageFilter } from './filters.ts'
import { stixIdOf } from './rows.ts'
import { askVisible, Parameters, queryVisible, type VisibleTo, visibleCondition } from './visible.ts'

/** Bytes by which one value of a list is named: the position of its indicator in the feed, and a hash of type and value. */
export const placeBytes = 16

/** What of the store a list takes; `types` of values, and of those the ones that are taken from indicators of several too. */
export interface WantedValues {
  readonly filter: Omit<PageFilter, 'types' | 'status'>
  readonly types: readonly string[]
  readonly alsoOfCompound: readonly string[]
}

/** One value of a list, with what the log and the policy need to know of its indicator. */
export interface ValueRow {
  readonly originator: string
  readonly id: string
  readonly version: number
  readonly handlingId: number
  readonly type: string
  readonly value: string
  readonly class?: RsitType
  readonly confidence?: number
  readonly validUntil?: string
}

const hashOfValue = (from: string) => `hashtextextended(${from}.type || ' ' || ${from}.value, 0)`

const observables = `(select i.type, i.value union all select o.type, o.value from indicator_observable o
  where i.compound and o.originator = i.originator and o.stix_id = i.stix_id)`

/**
 * The places of all values of a list, in its order: names by labels from the last to the first, networks by number and the wider before the
 * narrower, URLs, hashes. Sorted by the database, on its disk where it must, and brought here as 16 bytes each.
 * @returns undefined when there are more than `most`
 */
export async function placesOfValues(
  queries: Queries,
  visible: VisibleTo,
  wanted: WantedValues,
  most: number,
): Promise<Buffer | undefined> {
  const parameters = new Parameters()
  const conditions = conditionsFor(wanted, visible, parameters, ['active'])
  const types = parameters.add(wanted.types)
  const parts =
    wanted.alsoOfCompound.length === 0
      ? ''
      : `union all
       select i.position, v.type, v.value, ${hashOfValue('v')}, 3, null, null
       from indicator i cross join lateral ${observables} v
       where i.compound and v.type = any(${parameters.add(wanted.alsoOfCompound)}::text[]) and ${conditions}`
  const { rows } = await askVisible<{ places: Buffer | null; count: bigint }>(
    queries,
    visible,
    // A space sorts before every character of a label, so that a name stands before all under it and nothing between.
    `select count(*), string_agg(int8send(position) || int8send(hash), ''::bytea
       order by kind, name collate "C", network, value collate "C", type, position) as places
     from (
       select i.position, i.type, i.value, ${hashOfValue('i')} as hash,
         case when i.type in ('domain-name', 'hostname') then 0 when i.type like 'ip%' then 1 when i.type = 'url' then 2 else 3 end as kind,
         case when i.type in ('domain-name', 'hostname') then translate(i.domain_reversed, '.', ' ') end as name,
         case when i.type like 'ip%' then i.network end as network
       from indicator i where not i.compound and i.type = any(${types}::text[]) and ${conditions}
       ${parts}
       limit ${parameters.add(most + 1)}
     ) taken`,
    parameters,
  )
  const [found] = rows
  if (found === undefined || Number(found.count) > most) return undefined
  return found.places ?? Buffer.alloc(0)
}

/**
 * The values at these places that are visible and wanted now, in their order. What was revised since the places were told is found
 * where it stands now; what was recalled, narrowed or expired is not.
 */
export async function valuesAt(
  queries: Queries,
  visible: VisibleTo,
  wanted: WantedValues,
  places: Buffer,
): Promise<ValueRow[]> {
  const count = places.length / placeBytes
  const numbers = Array.from({ length: count }, (_, n) => n)
  const found = new Map<number, ValueRow>()
  // One by one: for a long list the planner would read the whole table.
  const whole = `cross join lateral (select * from indicator where position = w.position and not compound limit 1) i
    cross join lateral (select i.type, i.value) v`
  await read(queries, visible, wanted, places, numbers, whole, found)
  const missing = numbers.filter((n) => !found.has(n))
  const parts = `cross join lateral (select originator, stix_id from feed where position = w.position limit 1) f
    cross join lateral (select * from indicator where stix_id = f.stix_id and originator = f.originator limit 1) i
    cross join lateral ${observables} v`
  if (missing.length > 0) await read(queries, visible, wanted, places, missing, parts, found)
  return numbers.flatMap((n) => found.get(n) ?? [])
}

/** @param join from the places `w` to the indicator `i` and its value `v` */
async function read(
  queries: Queries,
  visible: VisibleTo,
  wanted: WantedValues,
  places: Buffer,
  numbers: readonly number[],
  join: string,
  found: Map<number, ValueRow>,
): Promise<void> {
  const parameters = new Parameters()
  const at = (offset: number) =>
    parameters.add(numbers.map((n) => String(places.readBigInt64BE(n * placeBytes + offset))))
  const [positions, hashes] = [at(0), at(8)]
  const conditions = conditionsFor(wanted, visible, parameters, ['active'])
  const rows = await queryVisible<PlacedRow>(
    queries,
    visible,
    `select w.n, i.originator, i.stix_id, i.version, i.handling_id, i.class, i.confidence, i.valid_until, v.type, v.value
     from unnest(${positions}::bigint[], ${hashes}::bigint[]) with ordinality w (position, hash, n)
     ${join} where ${hashOfValue('v')} = w.hash and ${conditions}`,
    parameters,
  )
  for (const row of rows) found.set(numbers[Number(row.n) - 1] ?? -1, toValue(row))
}

interface PlacedRow {
  readonly n: bigint
  readonly originator: string
  readonly stix_id: string
  readonly version: number
  readonly handling_id: number
  readonly class: string | null
  readonly confidence: number | null
  readonly valid_until: string | null
  readonly type: string
  readonly value: string
}

const toValue = (row: PlacedRow): ValueRow => ({
  originator: row.originator,
  id: stixIdOf(row.stix_id),
  version: row.version,
  handlingId: row.handling_id,
  type: row.type,
  value: row.value,
  ...(row.class === null ? {} : { class: row.class as RsitType }),
  ...(row.confidence === null ? {} : { confidence: row.confidence }),
  ...(row.valid_until === null ? {} : { validUntil: row.valid_until }),
})

/** When, by itself, a list last changed and will change next: as far as its indicators cease to be believed. */
export interface Expiries {
  /** Milliseconds since 1970; absent when there is none. */
  readonly last?: number
  readonly next?: number
}

export async function expiriesOf(queries: Queries, visible: VisibleTo, wanted: WantedValues): Promise<Expiries> {
  const parameters = new Parameters()
  const conditions = conditionsFor(wanted, visible, parameters, ['active', 'expired'])
  const at = parameters.add(wanted.filter.at)
  const [row] = await queryVisible<{ last: string | null; next: string | null }>(
    queries,
    visible,
    `select max(i.valid_until) filter (where i.valid_until <= ${at}::timestamptz) as last,
       min(i.valid_until) filter (where i.valid_until > ${at}::timestamptz) as next
     from indicator i where i.valid_until is not null and ${conditions}`,
    parameters,
  )
  return {
    ...(row?.last == null ? {} : { last: Date.parse(row.last) }),
    ...(row?.next == null ? {} : { next: Date.parse(row.next) }),
  }
}

const conditionsFor = (
  { filter }: WantedValues,
  visible: VisibleTo,
  parameters: Parameters,
  status: NonNullable<PageFilter['status']>,
): string => [visibleCondition(visible, parameters), ...conditionsOf({ ...filter, status }, parameters)].join(' and ')
