import type { Transaction } from './database.ts'
import { lockFeed, type Run, takePositions } from './feed.ts'
import { compoundOf, insertOthers } from './insert-new.ts'
import { CopyRows, type NewIndicator, type PreparedBatch, sharedColumns, stage } from './staging.ts'

/** What became of one row of a batch. */
export type Outcome =
  | 'published'
  | 'revised'
  | 'narrowed'
  | 'unchanged'
  | 'version_conflict'
  | 'version_outdated'
  | 'already_recalled'

export interface Merged {
  /** One outcome per row, in order. */
  readonly outcomes: readonly Outcome[]
  /** Rows that are in the feed now. */
  readonly written: number
}

/** Whether going from one handling to another takes somebody's view away, as far as the labels tell. */
export type Narrows = (before: number, after: number) => boolean

/**
 * Writes a few of one originator's indicators with their feed entries, in the caller's transaction; no two of them have the
 * same id. Rows that are there already, and equal, are left alone. Takes the feed's lock until commit.
 */
export async function mergeIndicators(
  transaction: Transaction,
  originator: string,
  rows: readonly NewIndicator[],
  at: Date,
  narrows: Narrows,
): Promise<Merged> {
  const gathered = new CopyRows(originator)
  for (const row of rows) gathered.add(row)
  return await mergePrepared(transaction, originator, gathered.end(), at, narrows)
}

/** The same for a batch that is prepared already. */
export async function mergePrepared(
  transaction: Transaction,
  originator: string,
  batch: PreparedBatch,
  at: Date,
  narrows: Narrows,
): Promise<Merged> {
  const { rows } = batch
  await stage(transaction, batch)
  await lockFeed(transaction)
  const { outcomes, before } = await classify(transaction, originator, rows, narrows)
  const kinds = outcomes.map((outcome) => (isWritten(outcome) ? outcome : null))
  const written = kinds.filter((kind) => kind !== null).length
  if (written > 0) {
    await keepReplaced(transaction, originator, kinds)
    const run = await takePositions(transaction, written, at)
    await write(transaction, originator, kinds, before, run)
    await writeOthers(transaction, originator, rows, outcomes)
  }
  return { outcomes, written }
}

/** Where a row's indicator stood before, and under which handling; null where there was none. */
interface Before {
  readonly handlingId: number
  readonly position: bigint
}

const isWritten = (outcome: Outcome): boolean =>
  outcome === 'published' || outcome === 'revised' || outcome === 'narrowed'

async function classify(
  { client }: Transaction,
  originator: string,
  rows: PreparedBatch['rows'],
  narrows: Narrows,
): Promise<{ readonly outcomes: Outcome[]; readonly before: (Before | null)[] }> {
  const outcomes = rows.map((): Outcome => 'published')
  const found = await client.query<{
    n: bigint
    same: boolean
    recalled: boolean
    later: number
    before: number
    after: number
    position: bigint
    version: number
  }>(
    `select s.n, i.version, i.digest = s.digest as same, i.recalled, i.handling_id as before, s.handling_id as after, i.position,
       case when s.modified > i.modified then 1 when s.modified = i.modified then 0 else -1 end as later
     from staging s cross join lateral (${oneByKey}) i`,
    [originator],
  )
  const before = rows.map((): Before | null => null)
  for (const row of found.rows) {
    const n = Number(row.n)
    const { versioned = false, event = false, replaces = row.version } = rows[n] ?? {}
    outcomes[n] = outcomeOf({ ...row, versioned, event, isExpected: replaces === row.version }, narrows)
    before[n] = { handlingId: row.before, position: row.position }
  }
  return { outcomes, before }
}

/** Each row by its key: left to itself the planner reads everything the originator ever published (its statistics lag). */
const oneByKey = 'select * from indicator where originator = $1 and stix_id = s.stix_id limit 1'

function outcomeOf(
  row: {
    same: boolean
    recalled: boolean
    versioned: boolean
    event: boolean
    later: number
    before: number
    after: number
    isExpected: boolean
  },
  narrows: Narrows,
): Outcome {
  if (row.recalled) return 'already_recalled'
  if (row.same) return 'unchanged'
  if (!row.isExpected) return 'version_conflict'
  if (row.versioned && row.later === 0) return 'version_conflict'
  if (row.versioned && row.later < 0) return 'version_outdated'
  // A daily list or feed must not undo what its originator narrowed since: widening is said with a version, or by revising.
  const decided = row.versioned && !row.event
  if (!decided && row.before !== row.after && narrows(row.after, row.before)) return 'version_conflict'
  return row.before !== row.after && narrows(row.before, row.after) ? 'narrowed' : 'revised'
}

/** Moves what is about to be replaced into `indicator_version`. */
async function keepReplaced(
  { client }: Transaction,
  originator: string,
  kinds: readonly (string | null)[],
): Promise<void> {
  if (!kinds.some((kind) => kind === 'revised' || kind === 'narrowed')) return
  await client.query(
    `insert into indicator_version (originator, stix_id, version, change, handling_id, stix, received, modified, position, date_added)
     select i.originator, i.stix_id, i.version, coalesce(f.kind, 'published'), i.handling_id, i.stix, i.received, i.modified, i.position, i.date_added
     from staging s
     join unnest($2::text[]) with ordinality k (kind, n1) on k.n1 = s.n + 1 and k.kind in ('revised', 'narrowed')
     cross join lateral (${oneByKey}) i
     left join feed f on f.position = i.position`,
    [originator, kinds],
  )
}

async function write(
  { client }: Transaction,
  originator: string,
  kinds: readonly (string | null)[],
  before: readonly (Before | null)[],
  run: Run,
): Promise<void> {
  const shared = sharedColumns.join(', ')
  const replaced = sharedColumns
    .filter((name) => name !== 'stix_id' && name !== 'created' && name !== 'modified')
    .map((name) => `${name} = excluded.${name}`)
    .join(', ')
  await client.query(
    `with numbered as (
       select s.*, k.kind, row_number() over (order by s.n) - 1 as k, k.previous_handling_id, k.previous_position
       from staging s
       join unnest($2::text[], $5::integer[], $6::bigint[]) with ordinality k (kind, previous_handling_id, previous_position, n1)
         on k.n1 = s.n + 1 and k.kind is not null
     ), written as (
       insert into indicator (originator, version, position, date_added, ${shared})
       select $1, 1, $3::bigint + k, timestamptz 'epoch' + ($4::bigint + k) * interval '1 microsecond', ${shared}
       from numbered
       on conflict (originator, stix_id) do update set
         version = indicator.version + 1, position = excluded.position, date_added = excluded.date_added,
         modified = greatest(excluded.modified, indicator.modified + interval '1 millisecond'), ${replaced}
       returning stix_id, version, position, date_added, handling_id
     )
     insert into feed (position, at, kind, originator, stix_id, version, handling_id, previous_handling_id, previous_position)
     select w.position, w.date_added, n.kind, $1, w.stix_id, w.version, w.handling_id,
       nullif(n.previous_handling_id, w.handling_id), n.previous_position
     from written w join numbered n on n.stix_id = w.stix_id`,
    [
      originator,
      kinds,
      String(run.first),
      String(run.firstAtMicros),
      before.map((each) => each?.handlingId ?? null),
      before.map((each) => (each === null ? null : String(each.position))),
    ],
  )
}

/** The further observables of compound indicators; those of a replaced version go. */
async function writeOthers(
  transaction: Transaction,
  originator: string,
  rows: PreparedBatch['rows'],
  outcomes: readonly Outcome[],
): Promise<void> {
  const replaced = rows
    .filter((_, n) => outcomes[n] === 'revised' || outcomes[n] === 'narrowed')
    .map((row) => row.stixId)
  if (replaced.length > 0) {
    await transaction.client.query(
      'delete from indicator_observable where originator = $1 and stix_id = any($2::uuid[])',
      [originator, replaced],
    )
  }
  const written = rows.filter((_, n) => isWritten(outcomes[n] ?? 'unchanged'))
  await insertOthers(transaction, compoundOf(originator, written))
}
