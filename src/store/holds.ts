import { preservationDays, preservingInstruments } from '../domain/legal-words.ts'
import type { Queries, Transaction } from './database.ts'
import { conditionsOf, type PageFilter } from './filters.ts'
import { Parameters, permittedHandling, type VisibleTo } from './visible.ts'

/** What an approved request of preservation keeps, as far as it is read. */
export interface HoldRow {
  readonly request: string
  readonly organisation: string
  readonly beganAt: Date
  readonly endsAt: Date
  readonly filledAt: Date | null
  /** Originators that consented when it was last filled. */
  readonly covered: readonly string[]
  readonly items: number
  readonly fault: string | null
  readonly endedAt: Date | null
}

const columns = `h.request, h.organisation, h.began_at as "beganAt", h.ends_at as "endsAt", h.filled_at as "filledAt", h.covered, h.items,
  h.fault, h.ended_at as "endedAt"`

const giving = `r.state in ('approved', 'fulfilled') and r.approved_at is not null`

/** Opens a hold for each request of preservation that was approved and has none. */
export async function openHolds({ client }: Queries): Promise<void> {
  await client.query(
    `insert into hold (request, organisation, began_at, ends_at)
     select r.id, a.organisation, r.approved_at, greatest(r.expires_at, r.approved_at + make_interval(days => $2))
     from legal_request r join account a on a.id = r.liaison
     where ${giving} and r.instrument = any($1) and not exists (select from hold h where h.request = r.id) on conflict do nothing`,
    [preservingInstruments, preservationDays],
  )
}

/** Holds that lack what their request covers now: those just opened, and those whose originators consented or took that back since. */
export async function unfilledHolds({ client }: Queries): Promise<string[]> {
  const { rows } = await client.query<{ request: string }>(
    `select h.request from hold h join legal_request r on r.id = h.request
     where h.ended_at is null and ${giving} and (h.filled_at is null or h.covered <> r.originators) order by h.began_at`,
  )
  return rows.map(({ request }) => request)
}

/** Whether something approved is still to be copied: nothing is purged meanwhile. */
export async function holdsWait({ client }: Queries): Promise<boolean> {
  const { rows } = await client.query(
    `select from legal_request r left join hold h on h.request = r.id
     where ${giving} and r.instrument = any($1) and (h.request is null or (h.ended_at is null and h.filled_at is null)) limit 1`,
    [preservingInstruments],
  )
  return rows.length > 0
}

/** Takes one that nobody else is filling. */
export async function takeHold({ client }: Transaction, request: string): Promise<HoldRow | undefined> {
  const { rows } = await client.query<HoldRow>(
    `select ${columns} from hold h where h.request = $1 and h.ended_at is null for update skip locked`,
    [request],
  )
  return rows[0]
}

const kept = `originator, stix_id, handling_id, type, value, value_key, compound, network, domain_reversed, asn, country, class, confidence,
  name, description, labels, valid_from, valid_until, first_seen, last_seen, created, modified, format, received, position, date_added`
const keptOf = (from: string): string => kept.replaceAll(/\b\w+/g, (column) => `${from}.${column}`)

/**
 * Copies what is visible and fits the filter, as it stands; what was recalled since `since` as it stood before. What is in the hold
 * already stays as it was. The caller has confirmed the permission in this snapshot.
 * @returns how many were copied, `limit` + 1 at most
 */
export async function copyIntoHold(
  { client }: Transaction,
  request: string,
  visible: VisibleTo,
  filter: PageFilter,
  since: Date,
  limit: number,
): Promise<number> {
  const parameters = new Parameters()
  const conditions = [
    permittedHandling(visible, parameters, 'i.handling_id'),
    `(not i.recalled or (i.purged_at is null and i.date_added >= ${parameters.add(since.toISOString())}::timestamptz))`,
    ...conditionsOf({ ...filter, status: ['active', 'expired', 'recalled'] }, parameters),
  ]
  const { rowCount } = await client.query(
    `insert into escrow (request, version, recalled, stix, others, other_keys, ${kept})
     select ${parameters.add(request)}::uuid, i.version - i.recalled::int, false,
       case when i.recalled then (select v.stix from indicator_version v
         where v.originator = i.originator and v.stix_id = i.stix_id and v.version = i.version - 1) else i.stix end,
       case when i.compound then (select json_agg(json_build_object('type', o.type, 'value', o.value) order by o.ordinal)::text
         from indicator_observable o where o.originator = i.originator and o.stix_id = i.stix_id) end,
       case when i.compound then array(select o.value_key
         from indicator_observable o where o.originator = i.originator and o.stix_id = i.stix_id order by o.ordinal) else '{}' end,
       ${keptOf('i')}
     from indicator i where ${conditions.join(' and ')} limit ${parameters.add(limit + 1)} on conflict do nothing`,
    parameters.values,
  )
  return rowCount ?? 0
}

/** Goes on with what an earlier hold has, under these handlings. */
export async function carryHold(
  { client }: Transaction,
  from: string,
  to: string,
  handlings: readonly number[],
): Promise<void> {
  await client.query(
    `insert into escrow (request, version, recalled, stix, others, other_keys, ${kept})
     select $2::uuid, e.version, e.recalled, e.stix, e.others, e.other_keys, ${keptOf('e')} from escrow e
     where e.request = $1 and e.handling_id = any($3::integer[]) on conflict do nothing`,
    [from, to, handlings],
  )
}

/** Handlings under which a hold has something. */
export async function handlingsHeld({ client }: Queries, request: string): Promise<number[]> {
  const { rows } = await client.query<{ id: number }>(
    'select distinct handling_id as id from escrow where request = $1',
    [request],
  )
  return rows.map(({ id }) => id)
}

/** Lets go of what a hold has under these handlings. */
export async function dropFromHold(
  { client }: Transaction,
  request: string,
  handlings: readonly number[],
): Promise<void> {
  await client.query('delete from escrow where request = $1 and handling_id = any($2::integer[])', [request, handlings])
}

/** Says what a hold has now. @returns how many */
export async function closeFilling(
  { client }: Transaction,
  request: string,
  covered: readonly string[],
  at: Date,
  fault?: string,
): Promise<number> {
  const { rows } = await client.query<{ items: number }>(
    `update hold set filled_at = $2, covered = $3, fault = $4, items = (select count(*) from escrow where request = $1)
     where request = $1 returning items`,
    [request, at.toISOString(), [...covered], fault ?? null],
  )
  return rows[0]?.items ?? 0
}

/** Whether `hold h` stands at a time: it may be over before the clock has ended it. */
export const holdStands = (at: string): string =>
  `h.ended_at is null and h.ends_at > ${at}::timestamptz
   and exists (select from legal_request r where r.id = h.request and r.state in ('approved', 'fulfilled', 'expired'))`

/** Ends those whose time is over or whose request gives nothing any more; their copies go. @returns of which requests, `limit` at most */
export async function endHolds({ client }: Transaction, at: Date, limit: number): Promise<HoldRow[]> {
  const { rows } = await client.query<HoldRow>(
    `update hold h set ended_at = $1 where h.request in (
       select h.request from hold h where h.ended_at is null and not (${holdStands('$1')})
       order by h.ends_at limit $2 for update of h skip locked)
     returning ${columns}`,
    [at.toISOString(), limit],
  )
  const requests = rows.map(({ request }) => request)
  await client.query('delete from escrow where request = any($1::uuid[])', [requests])
  // Nobody fetches these any more: what is in them is not held.
  await client.query(
    `update export_item x set stix = null, csv = null, handling = null from export e
     where e.id = x.export and e.state in ('running', 'sealing', 'ready') and x.hold = any($1::uuid[])`,
    [requests],
  )
  return rows
}

export async function holdsOf({ client }: Queries, requests: readonly string[]): Promise<HoldRow[]> {
  const { rows } = await client.query<HoldRow>(`select ${columns} from hold h where h.request = any($1::uuid[])`, [
    requests,
  ])
  return rows
}

/** How many indicators a hold has, and how many of them were recalled since. @param originator of this one alone */
export async function countHeld(
  { client }: Queries,
  requests: readonly string[],
  originator: string | null,
): Promise<Map<string, { readonly items: number; readonly recalled: number }>> {
  const { rows } = await client.query<{ request: string; items: number; recalled: number }>(
    `select e.request, count(*)::int as items, (count(*) filter (where i.recalled))::int as recalled
     from escrow e join indicator i on i.stix_id = e.stix_id and i.originator = e.originator
     where e.request = any($1::uuid[]) and ($2::text is null or e.originator = $2) group by e.request`,
    [requests, originator],
  )
  return new Map(rows.map(({ request, ...counts }) => [request, counts]))
}
