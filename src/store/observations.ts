import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { from as copyFrom } from 'pg-copy-streams'
import type { Indicator } from '../domain/indicator.ts'
import type { Queries, Transaction } from './database.ts'
import { type IndicatorRow, indicatorColumns, toIndicator } from './rows.ts'
import { Parameters, queryVisible, type VisibleTo, visibleCondition } from './visible.ts'

/** A match as it was found in memory: where the indicator was in the feed, and the key of the value that matched. */
export interface PossibleMatch {
  readonly position: number
  /** 16 bytes. */
  readonly valueKey: Buffer
}

/** An indicator that really matches, under its own key. */
export interface ConfirmedMatch {
  /** Index of the possible match. */
  readonly n: number
  readonly originator: string
  readonly stixId: string
}

/** How often an organisation saw an indicator in one hour. */
export interface NewObservation {
  readonly originator: string
  readonly stixId: string
  /** Hours since 1970. */
  readonly hour: number
  readonly times: number
}

/**
 * Which matches hold: the indicator, as it is now, is active, visible, and looks for that very value. Memory may be a second
 * behind and knows values by a hash; this is the word that counts.
 * @throws {PolicyMoved}
 */
export async function confirmMatches(
  queries: Queries,
  visible: VisibleTo,
  possible: readonly PossibleMatch[],
  at: Date,
): Promise<ConfirmedMatch[]> {
  const rows = await confirmed<{ originator: string; stix_id: string }>(
    queries,
    visible,
    possible,
    at,
    'i.originator, i.stix_id',
  )
  return rows.map(({ n, originator, stix_id }) => ({ n: Number(n) - 1, originator, stixId: stix_id }))
}

/** The same with the whole indicators. */
export async function matchedIndicators(
  queries: Queries,
  visible: VisibleTo,
  possible: readonly PossibleMatch[],
  at: Date,
): Promise<{ readonly n: number; readonly indicator: Indicator }[]> {
  const rows = await confirmed<IndicatorRow>(queries, visible, possible, at, indicatorColumns)
  return rows.map((row) => ({ n: Number(row.n) - 1, indicator: toIndicator(row) }))
}

async function confirmed<Row extends object>(
  queries: Queries,
  visible: VisibleTo,
  possible: readonly PossibleMatch[],
  at: Date,
  columns: string,
): Promise<(Row & { readonly n: bigint })[]> {
  if (possible.length === 0) return []
  const parameters = new Parameters()
  const condition = visibleCondition(visible, parameters)
  const positions = parameters.add(possible.map(({ position }) => String(position)))
  const keys = parameters.add(possible.map(({ valueKey }) => valueKey))
  return await queryVisible<Row & { readonly n: bigint }>(
    queries,
    visible,
    `select k.n, ${columns}
     from unnest(${positions}::bigint[], ${keys}::bytea[]) with ordinality k (position, key, n)
     cross join lateral (select originator, stix_id from feed where position = k.position limit 1) f
     cross join lateral (select * from indicator where originator = f.originator and stix_id = f.stix_id limit 1) i
     where ${condition} and not i.recalled and (i.valid_until is null or i.valid_until > ${parameters.add(at.toISOString())})
       and (i.value_key = k.key or (i.compound and exists (
         select from indicator_observable o
         where o.originator = i.originator and o.stix_id = i.stix_id and o.value_key = k.key)))
     order by k.n`,
    parameters,
  )
}

/** Appends what one organisation saw, by COPY. With a receipt it counts once that is closed. */
export async function appendObservations(
  { client }: Transaction,
  reporter: string,
  observations: readonly NewObservation[],
  receipt: string | undefined,
): Promise<void> {
  if (observations.length === 0) return
  const tail = `\t${receipt ?? '\\N'}\n`
  const lines = function* () {
    for (let from = 0; from < observations.length; from += 1_000) {
      yield observations
        .slice(from, from + 1_000)
        .map(({ stixId, originator, hour, times }) => {
          const start = new Date(hour * 3_600_000).toISOString()
          return `${stixId}\t${originator}\t${reporter}\t${start}\t${times}${tail}`
        })
        .join('')
    }
  }
  const sink = client.query(
    copyFrom('copy observation_part (stix_id, originator, reporter, hour, times, receipt) from stdin'),
  )
  await pipeline(Readable.from(lines(), { objectMode: false }), sink)
}

/** Forgets what a stream appended that was never answered. */
export async function dropObservations({ client }: Queries, receipt: string): Promise<void> {
  await client.query('delete from observation_part where receipt = $1', [receipt])
}

/** The parts that count: of no receipt, or of one that was answered. */
export const countedParts =
  '(p.receipt is null or exists (select from receipt r where r.id = p.receipt and r.status is not null))'

/** Lock under which parts are merged: by one process at a time. */
const mergeLock = 7_834_685
const mergedTogether = 50_000

/**
 * Moves parts that count into the table, and removes those of streams that ended without an answer.
 * @returns how many were moved; as many as can be at once means that there may be more
 */
export async function mergeObservationParts(
  { client }: Transaction,
  abandonedBefore: Date,
): Promise<{ readonly moved: number; readonly more: boolean }> {
  const { rows } = await client.query<{ mine: boolean }>('select pg_try_advisory_xact_lock($1) as mine', [mergeLock])
  if (rows[0]?.mine !== true) return { moved: 0, more: false }
  await client.query(
    `delete from observation_part p where p.receipt is not null and not exists (
       select from receipt r where r.id = p.receipt and (r.status is not null or r.at > $1))`,
    [abandonedBefore.toISOString()],
  )
  const moved = await client.query<{ moved: bigint }>(
    `with taken as (
       delete from observation_part where ctid = any (array(
         select p.ctid from observation_part p where ${countedParts} limit ${mergedTogether}))
       returning *
     ), merged as (
       insert into observation (stix_id, originator, reporter, hour, times)
       select stix_id, originator, reporter, hour, sum(times) from taken group by 1, 2, 3, 4
       on conflict (stix_id, originator, reporter, hour) do update set times = observation.times + excluded.times
     ), totalled as (
       insert into observation_total as t (stix_id, originator, reporter, times, first_hour, last_hour)
       select stix_id, originator, reporter, sum(times), min(hour), max(hour) from taken group by 1, 2, 3
       on conflict (stix_id, originator, reporter) do update set times = t.times + excluded.times,
         first_hour = least(t.first_hour, excluded.first_hour), last_hour = greatest(t.last_hour, excluded.last_hour)
     )
     select count(*) as moved from taken`,
  )
  const count = Number(moved.rows[0]?.moved ?? 0)
  return { moved: count, more: count === mergedTogether }
}
