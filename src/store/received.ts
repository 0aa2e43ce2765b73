import type { Transaction } from './database.ts'
import { lockFeed, takePositions } from './feed.ts'
import { runsText } from './feed-news.ts'
import { enterNew, insertOthers } from './insert-new.ts'
import type { Narrows } from './merge.ts'
import { CopyRows, copyNew, type NewIndicator, sharedColumns, stage } from './staging.ts'

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
  const gathered = new CopyRows('')
  for (const { row, originator, version } of received) gathered.add(row, { originator, version })
  const batch = gathered.end()
  await lockFeed(transaction)
  const before = await standingOf(transaction, received)
  if (before.size === 0) {
    const run = await takePositions(transaction, received.length, at, runsText(batch.rows))
    await copyNew(transaction, batch, run)
    await enterNew(transaction, received.length, run)
  } else {
    await stage(transaction, batch)
    await replace(transaction, received, before, at, narrows)
  }
  await insertOthers(
    transaction,
    received.map(({ originator, row: { stixId, others } }) => ({ originator, stixId, others })),
  )
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
         date_added = excluded.date_added, recalled = false, let_go = null, last_handling_id = null, ${replaced}
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
