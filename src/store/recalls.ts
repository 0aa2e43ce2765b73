import type { Transaction } from './database.ts'
import { lockFeed, takePositions } from './feed.ts'

/**
 * Marks one originator's indicator as recalled, with its feed entry. Its content stays, for the originator's own history.
 * @returns the new version, or undefined when there is none, or it was recalled before
 */
export async function recallIndicator(
  transaction: Transaction,
  originator: string,
  uuid: string,
  stix: string,
  at: Date,
): Promise<number | undefined> {
  const { client } = transaction
  await lockFeed(transaction)
  const found = await client.query<{ position: bigint }>(
    'select position from indicator where originator = $1 and stix_id = $2 and not recalled',
    [originator, uuid],
  )
  const [before] = found.rows
  if (before === undefined) return undefined
  await client.query(
    `insert into indicator_version (originator, stix_id, version, change, handling_id, stix, received, modified, position, date_added)
     select i.originator, i.stix_id, i.version, coalesce(f.kind, 'published'), i.handling_id, i.stix, i.received, i.modified, i.position, i.date_added
     from indicator i left join feed f on f.position = i.position where i.originator = $1 and i.stix_id = $2`,
    [originator, uuid],
  )
  const run = await takePositions(transaction, 1, at)
  const { rows } = await client.query<{ version: number }>(
    `with written as (
       update indicator set recalled = true, version = version + 1, stix = $3, position = $4::bigint,
         date_added = timestamptz 'epoch' + $5::bigint * interval '1 microsecond',
         modified = greatest($6::timestamptz, modified + interval '1 millisecond')
       where originator = $1 and stix_id = $2 returning *
     ), entered as (
       insert into feed (position, at, kind, originator, stix_id, version, handling_id, previous_position)
       select position, date_added, 'recalled', originator, stix_id, version, handling_id, $7::bigint from written
     )
     select version from written`,
    [originator, uuid, stix, String(run.first), String(run.firstAtMicros), at.toISOString(), String(before.position)],
  )
  return rows[0]?.version
}
