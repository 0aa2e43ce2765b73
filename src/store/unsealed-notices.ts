import type { Queries, Transaction } from './database.ts'

/** What an organisation said of an indicator in one way, which has changed since it was sealed. */
export interface UnsealedSighting {
  readonly stixId: string
  readonly originator: string
  readonly reporter: string
  readonly type: string
  /** The reporter's own handling, if it asked for one. */
  readonly own: number | null
  readonly times: number
  readonly firstSeen: Date
  readonly lastSeen: Date
  /** Of the indicator; null where it is not here any more. */
  readonly indicator: number | null
}

/** Whose sightings of what wait to be sealed, the rows locked for this transaction where there is one. */
export async function unsealedSightings({ client }: Queries, limit: number): Promise<UnsealedSighting[]> {
  const { rows } = await client.query<{
    stix_id: string
    originator: string
    reporter: string
    type: string
    own: number | null
    times: bigint
    first_seen: Date
    last_seen: Date
    indicator: number | null
  }>(
    `select q.stix_id, q.originator, q.reporter, s.type, s.handling_id as own, s.times, s.first_seen, s.last_seen,
       case when i.recalled then null else i.handling_id end as indicator
     from (select * from sighting_unsealed order by stix_id, originator, reporter limit $1 for update skip locked) q
     join sighting s on s.stix_id = q.stix_id and s.originator = q.originator and s.reporter = q.reporter
     left join indicator i on i.stix_id = q.stix_id and i.originator = q.originator
     order by q.stix_id, q.originator, q.reporter, s.type, s.handling_id`,
    [limit],
  )
  return rows.map(({ stix_id: stixId, times, first_seen: firstSeen, last_seen: lastSeen, ...row }) => ({
    ...{ stixId, times: Number(times), firstSeen, lastSeen },
    ...row,
  }))
}

export async function sightingsSealed({ client }: Transaction, sealed: readonly UnsealedSighting[]): Promise<void> {
  await client.query(
    `delete from sighting_unsealed q using unnest($1::uuid[], $2::text[], $3::text[]) k (stix_id, originator, reporter)
     where q.stix_id = k.stix_id and q.originator = k.originator and q.reporter = k.reporter`,
    [
      sealed.map(({ stixId }) => stixId),
      sealed.map(({ originator }) => originator),
      sealed.map(({ reporter }) => reporter),
    ],
  )
}

/** An organisation that was taken out of a community. */
export interface Departure {
  readonly community: string
  readonly organisation: string
  readonly leftAt: Date
}

/** Takes departures for this transaction to seal; who is a member again has not left. */
export async function takeDepartures({ client }: Transaction, limit: number): Promise<Departure[]> {
  const { rows } = await client.query<{ community: string; organisation: string; left_at: Date }>(
    `delete from departure d using (select community, organisation from departure order by left_at limit $1 for update skip locked) t
     where d.community = t.community and d.organisation = t.organisation
       and not exists (select from community_member m where m.community = d.community and m.organisation = d.organisation)
       and not exists (select from peer_community p where p.community = d.community)
     returning d.community, d.organisation, d.left_at`,
    [limit],
  )
  await client.query(
    `delete from departure d where exists (select from peer_community p where p.community = d.community)
       or exists (select from community_member m where m.community = d.community and m.organisation = d.organisation)`,
  )
  return rows.map(({ left_at: leftAt, ...row }) => ({ ...row, leftAt }))
}

/** Whether anything waits to be sealed. */
export async function anyUnsealed({ client }: Queries): Promise<boolean> {
  const { rows } = await client.query<{ any: boolean }>(
    'select exists (select from sighting_unsealed) or exists (select from departure) as any',
  )
  return rows[0]?.any === true
}
