import type { Transaction } from './database.ts'
import type { IndicatorKey } from './envelopes.ts'
import { lockFeed, takePositions } from './feed.ts'
import { enterNew, type Narrows } from './merge.ts'
import { CopyText, copyNew, type NewIndicator, sharedColumns, stage } from './staging.ts'

/** An indicator of another node, with the version that its originator gave it. */
export interface ReceivedIndicator {
  readonly originator: string
  readonly version: number
  readonly row: NewIndicator
}

/** What stands here of an indicator. */
interface Standing {
  readonly handlingId: number
  readonly position: bigint
  readonly recalled: boolean
}

/**
 * Writes indicators that came from other nodes, each with its feed entry, under the versions of their originators; no two of them
 * are of one indicator. That they may be written was judged before. Takes the feed's lock until commit.
 */
export async function writeReceived(
  transaction: Transaction,
  received: readonly ReceivedIndicator[],
  at: Date,
  narrows: Narrows,
): Promise<void> {
  if (received.length === 0) return
  const text = new CopyText('')
  for (const { row, originator, version } of received) text.add(row, { originator, version })
  const batch = text.end()
  await lockFeed(transaction)
  const before = await standingOf(transaction, received)
  if (before.size === 0) {
    const run = await takePositions(transaction, received.length, at)
    await copyNew(transaction, batch, run)
    await enterNew(transaction, received.length, run)
  } else {
    await stage(transaction, batch)
    await replace(transaction, received, before, at, narrows)
  }
  await insertOthers(transaction, received)
}

async function replace(
  transaction: Transaction,
  received: readonly ReceivedIndicator[],
  before: ReadonlyMap<number, Standing>,
  at: Date,
  narrows: Narrows,
): Promise<void> {
  const kinds = received.map(({ row }, n) => {
    const there = before.get(n)
    if (there === undefined) return 'published'
    return !there.recalled && narrows(there.handlingId, row.handlingId) ? 'narrowed' : 'revised'
  })
  await keepReplaced(transaction)
  const run = await takePositions(transaction, received.length, at)
  await write(transaction, kinds, before, run)
  await transaction.client.query(
    `delete from indicator_observable o using staging s where o.originator = s.originator and o.stix_id = s.stix_id`,
  )
}

/** What stands here of the indicators, by their place among them. */
async function standingOf(
  { client }: Transaction,
  received: readonly ReceivedIndicator[],
): Promise<ReadonlyMap<number, Standing>> {
  const { rows } = await client.query<{ n: bigint; handling_id: number; position: bigint; recalled: boolean }>(
    `select s.n - 1 as n, i.handling_id, i.position, i.recalled
     from unnest($1::uuid[], $2::text[]) with ordinality s (stix_id, originator, n) cross join lateral (${oneByKey}) i`,
    [received.map(({ row }) => row.stixId), received.map(({ originator }) => originator)],
  )
  return new Map(rows.map(({ n, handling_id: handlingId, ...row }) => [Number(n), { ...row, handlingId }]))
}

const oneByKey = 'select * from indicator where originator = s.originator and stix_id = s.stix_id limit 1'

/** Moves what is about to be replaced into `indicator_version`; of what was let go there is nothing to keep. */
async function keepReplaced({ client }: Transaction): Promise<void> {
  await client.query(
    `insert into indicator_version (originator, stix_id, version, change, handling_id, stix, received, modified, position, date_added)
     select i.originator, i.stix_id, i.version, coalesce(f.kind, 'published'), i.handling_id, i.stix, i.received, i.modified, i.position, i.date_added
     from staging s cross join lateral (${oneByKey}) i left join feed f on f.position = i.position
     where not i.recalled and i.version < s.version on conflict do nothing`,
  )
}

async function write(
  { client }: Transaction,
  kinds: readonly string[],
  before: ReadonlyMap<number, Standing>,
  run: { readonly first: bigint; readonly firstAtMicros: bigint },
): Promise<void> {
  const shared = sharedColumns.join(', ')
  const replaced = sharedColumns
    .filter((name) => name !== 'stix_id')
    .map((name) => `${name} = excluded.${name}`)
    .join(', ')
  await client.query(
    `with numbered as (
       select s.*, k.kind, k.previous_handling_id, k.previous_position
       from staging s join unnest($1::text[], $4::integer[], $5::bigint[]) with ordinality
         k (kind, previous_handling_id, previous_position, n1) on k.n1 = s.n + 1
     ), written as (
       insert into indicator (originator, version, position, date_added, recalled, ${shared})
       select originator, version, $2::bigint + n, timestamptz 'epoch' + ($3::bigint + n) * interval '1 microsecond', false, ${shared}
       from numbered
       on conflict (stix_id, originator) do update set version = excluded.version, position = excluded.position,
         date_added = excluded.date_added, recalled = false, ${replaced}
       returning originator, stix_id, version, position, date_added, handling_id
     )
     insert into feed (position, at, kind, originator, stix_id, version, handling_id, previous_handling_id, previous_position)
     select w.position, w.date_added, n.kind, w.originator, w.stix_id, w.version, w.handling_id,
       nullif(n.previous_handling_id, w.handling_id), n.previous_position
     from written w join numbered n on n.stix_id = w.stix_id and n.originator = w.originator`,
    [
      kinds,
      String(run.first),
      String(run.firstAtMicros),
      kinds.map((_, n) => before.get(n)?.handlingId ?? null),
      kinds.map((_, n) => {
        const there = before.get(n)
        return there === undefined ? null : String(there.position)
      }),
    ],
  )
}

async function insertOthers({ client }: Transaction, received: readonly ReceivedIndicator[]): Promise<void> {
  const others = received.flatMap(({ originator, row: { stixId, others } }) =>
    others.map((other, ordinal) => ({ ...other, originator, stixId, ordinal: ordinal + 1 })),
  )
  if (others.length === 0) return
  await client.query(
    `insert into indicator_observable (originator, stix_id, ordinal, type, value, value_key)
     select * from unnest($1::text[], $2::uuid[], $3::integer[], $4::text[], $5::text[], $6::bytea[])`,
    [
      others.map(({ originator }) => originator),
      others.map(({ stixId }) => stixId),
      others.map(({ ordinal }) => ordinal),
      others.map(({ type }) => type),
      others.map(({ value }) => value),
      others.map(({ valueKey }) => `\\x${valueKey}`),
    ],
  )
}

/** An indicator of another node that is to be let go of. */
export interface LetGo extends IndicatorKey {
  /** Absent: as it was. */
  readonly version?: number
  /** Recalled by its originator; otherwise it only may not be had here any more. */
  readonly recalled: boolean
  /** A handling under which nobody sees it. */
  readonly handlingId: number
}

/**
 * Lets go of indicators of other nodes: their content and that of their versions is deleted, their place in the feed tells whoever had
 * them. What is not here is passed over. No two of them are of one indicator. @returns how many there were
 */
export async function letGo(transaction: Transaction, items: readonly LetGo[], at: Date): Promise<number> {
  if (items.length === 0) return 0
  const { client } = transaction
  await lockFeed(transaction)
  const keys = [items.map(({ stixId }) => stixId), items.map(({ originator }) => originator)]
  const { rows } = await client.query<{ n: bigint; position: bigint; handling_id: number }>(
    `select k.n - 1 as n, i.position, i.handling_id from unnest($1::uuid[], $2::text[]) with ordinality k (stix_id, originator, n)
     join indicator i on i.stix_id = k.stix_id and i.originator = k.originator where not i.recalled order by k.n`,
    keys,
  )
  const there = rows.map((row) => ({ item: items[Number(row.n)], ...row }))
  const here = there.flatMap(({ item, ...row }) => (item === undefined ? [] : [{ item, ...row }]))
  await forgetContent(transaction, keys)
  if (here.length === 0) return 0
  const run = await takePositions(transaction, here.length, at)
  await client.query(
    `with given as (
       select *, $7::bigint + n - 1 as position, timestamptz 'epoch' + ($8::bigint + n - 1) * interval '1 microsecond' as at
       from unnest($1::uuid[], $2::text[], $3::integer[], $4::boolean[], $5::integer[], $6::bigint[], $9::integer[]) with ordinality
         g (stix_id, originator, version, recalled, handling_id, previous_position, previous_handling_id, n)
     ), written as (
       update indicator i set recalled = true, version = coalesce(g.version, i.version), handling_id = g.handling_id, value = '',
         value_key = '\\x00000000000000000000000000000000', compound = false, network = null, domain_reversed = null, asn = null,
         country = null, class = null, confidence = null, name = null, description = null, labels = '{}', valid_until = null,
         first_seen = null, last_seen = null, stix = '{}', received = null, digest = '\\x00', position = g.position, date_added = g.at
       from given g where i.stix_id = g.stix_id and i.originator = g.originator
       returning i.stix_id, i.originator, i.version
     )
     insert into feed (position, at, kind, originator, stix_id, version, handling_id, previous_handling_id, previous_position)
     select g.position, g.at, case when g.recalled then 'recalled' else 'narrowed' end, g.originator, g.stix_id, w.version,
       g.handling_id, nullif(g.previous_handling_id, g.handling_id), g.previous_position
     from given g join written w on w.stix_id = g.stix_id and w.originator = g.originator`,
    [
      here.map(({ item }) => item.stixId),
      here.map(({ item }) => item.originator),
      here.map(({ item }) => item.version ?? null),
      here.map(({ item }) => item.recalled),
      here.map(({ item }) => item.handlingId),
      here.map(({ position }) => String(position)),
      String(run.first),
      String(run.firstAtMicros),
      here.map(({ handling_id }) => handling_id),
    ],
  )
  return here.length
}

async function forgetContent({ client }: Transaction, keys: readonly (readonly string[])[]): Promise<void> {
  const these =
    'using unnest($1::uuid[], $2::text[]) k (stix_id, originator) where t.stix_id = k.stix_id and t.originator = k.originator'
  await client.query(`delete from indicator_version t ${these}`, [...keys])
  await client.query(`delete from indicator_observable t ${these}`, [...keys])
  await client.query(
    `update envelope t set body = null from unnest($1::uuid[], $2::text[]) k (stix_id, originator)
     where t.stix_id = k.stix_id and t.originator = k.originator and not t.bare and t.received_from is not null`,
    [...keys],
  )
}
