import type { Transaction } from './database.ts'
import type { IndicatorKey } from './envelopes.ts'
import { lockFeed, takePositions } from './feed.ts'

/** An indicator of another node that is to be let go of. */
export interface LetGo extends IndicatorKey {
  /** Absent: as it was. */
  readonly version?: number
  /** Whether the feed tells of a recall; otherwise it only may not be had here any more. */
  readonly recalled: boolean
  /**
   * Recalled by its originator; ended here, by the clock, the directory or retention; narrowed so that nobody here may have it; or not
   * believed any more. Holds outlast the first two (ADR 33).
   */
  readonly why: 'recalled' | 'ended' | 'narrowed' | 'unbelieved'
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
  await forgetSightings(transaction, keys)
  await sayWhy(transaction, items)
  if (here.length === 0) return 0
  const run = await takePositions(transaction, here.length, at)
  await client.query(
    `with given as (
       select *, $7::bigint + n - 1 as position, timestamptz 'epoch' + ($8::bigint + n - 1) * interval '1 microsecond' as at
       from unnest($1::uuid[], $2::text[], $3::integer[], $4::boolean[], $5::integer[], $6::bigint[], $9::integer[], $10::text[])
         with ordinality g (stix_id, originator, version, recalled, handling_id, previous_position, previous_handling_id, why, n)
     ), written as (
       update indicator i set recalled = true, let_go = g.why, last_handling_id = ${lastHandling('g.previous_handling_id')}, version = coalesce(g.version, i.version), handling_id = g.handling_id, value = '',
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
      here.map(({ item }) => item.why),
    ],
  )
  return here.length
}

/** What a hold's copy is still judged by. @param handling an expression */
const lastHandling = (handling: string): string => `case when g.why in ('recalled', 'ended') then ${handling} end`

/** Of what was let go of before: what was recalled stays so, and what is narrowed is narrow for holds, too. */
async function sayWhy({ client }: Transaction, items: readonly LetGo[]): Promise<void> {
  await client.query(
    `update indicator i set let_go = case when i.let_go = 'recalled' then i.let_go else g.why end,
       last_handling_id = ${lastHandling('i.last_handling_id')}
     from unnest($1::uuid[], $2::text[], $3::text[]) g (stix_id, originator, why)
     where i.stix_id = g.stix_id and i.originator = g.originator and i.let_go is not null`,
    [items.map(({ stixId }) => stixId), items.map(({ originator }) => originator), items.map(({ why }) => why)],
  )
}

/** What was said of it, by whom it came from. */
async function forgetSightings({ client }: Transaction, keys: readonly (readonly string[])[]): Promise<void> {
  await client.query(
    `with gone as (
       delete from notice n using unnest($1::uuid[], $2::text[]) k (stix_id, originator)
       where n.of_stix_id = k.stix_id and n.of_originator = k.originator and n.received_from is not null
       returning n.of_stix_id, n.of_originator, n.originator as reporter
     )
     delete from sighting s using gone g
     where s.stix_id = g.of_stix_id and s.originator = g.of_originator and s.reporter = g.reporter`,
    [...keys],
  )
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
