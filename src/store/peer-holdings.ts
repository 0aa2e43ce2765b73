import type { Queries, Transaction } from './database.ts'
import type { IndicatorKey } from './envelopes.ts'

/** What a peer was given of an indicator. */
export interface Holding extends IndicatorKey {
  readonly version: number
  readonly bare: boolean
  /** The last version that it is known to have stored; 0 for none. */
  readonly stored: number
}

/** What a peer was given of these indicators, one by one. */
export async function holdingsOf({ client }: Queries, peer: string, keys: readonly IndicatorKey[]): Promise<Holding[]> {
  const { rows } = await client.query<{
    stix_id: string
    originator: string
    version: number
    bare: boolean
    stored: number
  }>(
    `select h.stix_id, h.originator, h.version, h.bare, ${certainVersion} as stored
     from peer_state s, unnest($2::uuid[], $3::text[]) k (stix_id, originator)
     cross join lateral (select * from peer_holding where stix_id = k.stix_id and originator = k.originator and peer = $1 limit 1) h
     where s.peer = $1`,
    [peer, keys.map(({ stixId }) => stixId), keys.map(({ originator }) => originator)],
  )
  return rows.map(({ stix_id: stixId, ...row }) => ({ stixId, ...row }))
}

/** A page that was stored makes what was given in it the last stored. */
export const storedVersion = `case when h.page <= s.stored_pages and h.refused is null then h.version else h.stored_version end`

/** The same, but for what was given in a page that was lost, perhaps: what a gap is counted from is not guessed. */
export const certainVersion = `case when s.lost_pages @> h.page then h.stored_version else ${storedVersion} end`

/**
 * A number for the next page that a peer is given.
 * @param ahead the page after which it is asked for, where that is not stored yet: when that one is lost, so is this
 */
export async function nextPage(
  { client }: Transaction,
  peer: string,
  at: Date,
  ahead: bigint | undefined,
): Promise<bigint> {
  const { rows } = await client.query<{ given_pages: bigint }>(
    `insert into peer_state as s (peer, given_pages, last_asked_at) values ($1, 1, $2)
     on conflict (peer) do update set given_pages = s.given_pages + 1, last_asked_at = $2,
       lost_pages = case when s.lost_pages @> $3::bigint then ${fewLost} + int8multirange(int8range(s.given_pages + 1, s.given_pages + 1, '[]'))
         else s.lost_pages end
     returning given_pages`,
    [peer, at.toISOString(), ahead === undefined ? null : String(ahead)],
  )
  return rows[0]?.given_pages ?? 0n
}

/**
 * A peer has stored a page, and all before.
 * @param again it asks for what was given after it: that may never have come, and now be given in another page, or later
 */
export async function pageStored(
  { client }: Queries,
  peer: string,
  page: bigint,
  again: boolean,
  at: Date,
): Promise<void> {
  await client.query(
    `insert into peer_state as s (peer, stored_pages, last_asked_at) values ($1, 0, $3)
     on conflict (peer) do update set stored_pages = greatest(s.stored_pages, least($2::bigint, s.given_pages)), last_asked_at = $3,
       lost_pages = case when $4::boolean and s.given_pages > $2 then ${fewLost} + int8multirange(int8range($2::bigint + 1, s.given_pages, '[]'))
         else s.lost_pages end`,
    [peer, String(page), at.toISOString(), again],
  )
}

/** A link that fails for years must not fill the row: then everything in between counts as lost, which costs some caution. */
const fewLost = `case when (select count(*) from unnest(s.lost_pages)) < 1000 then s.lost_pages
  else int8multirange(range_merge(s.lost_pages)) end`

/** Writes down what a page gives, before it is given. */
export async function give(
  { client }: Transaction,
  peer: string,
  page: bigint,
  items: readonly (IndicatorKey & { readonly version: number; readonly bare: boolean })[],
  at: Date,
): Promise<void> {
  await client.query(
    `insert into peer_holding as h (stix_id, originator, peer, version, bare, page, stored_version, at)
     select g.stix_id, g.originator, $1, g.version, g.bare, $2, 0, $7::timestamptz
     from unnest($3::uuid[], $4::text[], $5::integer[], $6::boolean[]) g (stix_id, originator, version, bare)
     on conflict (stix_id, originator, peer) do update set version = excluded.version, bare = excluded.bare, page = excluded.page,
       at = excluded.at, refused = null,
       stored_version = (select ${certainVersion} from peer_state s where s.peer = h.peer)`,
    [
      peer,
      String(page),
      items.map(({ stixId }) => stixId),
      items.map(({ originator }) => originator),
      items.map(({ version }) => version),
      items.map(({ bare }) => bare),
      at.toISOString(),
    ],
  )
}

/** A peer showed that it has these, which it was not given here: it had them by a relay. What it was given stays as it is. */
export async function noteShown(
  { client }: Transaction,
  peer: string,
  keys: readonly IndicatorKey[],
  at: Date,
): Promise<void> {
  await client.query(
    `insert into peer_holding (stix_id, originator, peer, version, bare, page, stored_version, at, shown)
     select distinct k.stix_id, k.originator, $1::uuid, 0, false, 0, 0, $4::timestamptz, true
     from unnest($2::uuid[], $3::text[]) k (stix_id, originator) on conflict do nothing`,
    [peer, keys.map(({ stixId }) => stixId), keys.map(({ originator }) => originator), at.toISOString()],
  )
}

/** What a peer says it did not apply. */
export async function takeRefusals(
  { client }: Transaction,
  peer: string,
  refusals: readonly (IndicatorKey & { readonly version: number; readonly code: string })[],
): Promise<void> {
  await client.query(
    `update peer_holding h set refused = r.code
     from unnest($2::uuid[], $3::text[], $4::integer[], $5::text[]) r (stix_id, originator, version, code)
     where h.peer = $1 and h.stix_id = r.stix_id and h.originator = r.originator and h.version = r.version`,
    [
      peer,
      refusals.map(({ stixId }) => stixId),
      refusals.map(({ originator }) => originator),
      refusals.map(({ version }) => version),
      refusals.map(({ code }) => code),
    ],
  )
}

/** A peer that was given an indicator, as its originator may know it. */
export interface HolderRow {
  readonly peer: string
  readonly version: number
  readonly bare: boolean
  readonly stored: number
  readonly at: Date
  readonly refused: string | null
}

export async function holdersOf({ client }: Queries, { stixId, originator }: IndicatorKey): Promise<HolderRow[]> {
  const { rows } = await client.query<HolderRow>(
    `select h.peer, h.version, h.bare, ${storedVersion} as stored, h.at, h.refused
     from peer_holding h join peer_state s on s.peer = h.peer where h.stix_id = $1 and h.originator = $2 order by h.peer`,
    [stixId, originator],
  )
  return rows
}

/** How many recalls of this node's indicators a peer was to have confirmed by an instant, and has not. */
export async function overdueRecalls({ client }: Queries, peer: string, before: Date): Promise<number> {
  const { rows } = await client.query<{ overdue: bigint }>(
    `select count(*) as overdue from peer_holding h join peer_state s on s.peer = h.peer
     join envelope e on e.stix_id = h.stix_id and e.originator = h.originator and e.bare and e.recalled and e.at < $2
     where h.peer = $1 and (${storedVersion}) < e.version`,
    [peer, before.toISOString()],
  )
  return Number(rows[0]?.overdue ?? 0)
}

/** What a peer holds of this node's feed, as far as it was given. */
export async function countHoldings({ client }: Queries, peer: string): Promise<number> {
  const { rows } = await client.query<{ held: bigint }>(
    'select count(*) as held from peer_holding where peer = $1 and not bare and version > 0',
    [peer],
  )
  return Number(rows[0]?.held ?? 0)
}
