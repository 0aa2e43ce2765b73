import type { Hop } from '../domain/envelope.ts'
import type { Queries, Transaction } from './database.ts'

/** An envelope that is of no indicator: a sighting, or a departure. */
export interface NewNotice {
  readonly originator: string
  /** `sighting--` or `membership--` and a UUID. */
  readonly item: string
  readonly version: number
  /** Of a sighting. */
  readonly handlingId?: number
  readonly of?: { readonly originator: string; readonly stixId: string }
  readonly node: string
  readonly epoch: string
  readonly digest: Buffer
  readonly body: string
  readonly seal: bigint
  readonly leaf: number
  readonly path: readonly Buffer[]
  readonly hops: readonly Hop[]
  /** The peer it came from; absent: sealed here. */
  readonly receivedFrom?: string
}

export interface KeptNotice {
  readonly position: number
  readonly originator: string
  readonly item: string
  readonly version: number
  readonly node: string
  readonly epoch: string
  readonly digest: Buffer
  readonly body: string
  readonly jws: string
  readonly leaf: number
  readonly path: readonly Buffer[]
  readonly hops: readonly Hop[]
  readonly receivedFrom?: string
  readonly at: string
}

/** Whoever adds notices does it alone until its transaction ends: none becomes visible behind one that a peer was given. */
export async function lockNotices({ client }: Transaction): Promise<void> {
  await client.query("select pg_advisory_xact_lock(hashtext('notice'))")
}

/** Keeps the latest of each; to be called under {@link lockNotices}. No two of them are of one item. */
export async function keepNotices({ client }: Transaction, notices: readonly NewNotice[], at: Date): Promise<void> {
  if (notices.length === 0) return
  await client.query(
    `insert into notice (position, originator, item, version, handling_id, of_originator, of_stix_id, node, epoch, digest, body, seal, leaf,
       path, hops, received_from, at)
     select nextval('notice_position'), g.*, $16::timestamptz
     from unnest($1::text[], $2::text[], $3::integer[], $4::integer[], $5::text[], $6::uuid[], $7::uuid[], $8::uuid[], $9::bytea[],
       $10::text[], $11::bigint[], $12::integer[], $13::bytea[], $14::text[], $15::uuid[]) g
     on conflict (item, originator) do update set position = excluded.position, version = excluded.version,
       handling_id = excluded.handling_id, of_originator = excluded.of_originator, of_stix_id = excluded.of_stix_id,
       node = excluded.node, epoch = excluded.epoch, digest = excluded.digest, body = excluded.body, seal = excluded.seal,
       leaf = excluded.leaf, path = excluded.path, hops = excluded.hops, received_from = excluded.received_from, at = excluded.at
     where notice.version < excluded.version`,
    [
      notices.map(({ originator }) => originator),
      notices.map(({ item }) => item),
      notices.map(({ version }) => version),
      notices.map(({ handlingId }) => handlingId ?? null),
      notices.map(({ of }) => of?.originator ?? null),
      notices.map(({ of }) => of?.stixId ?? null),
      notices.map(({ node }) => node),
      notices.map(({ epoch }) => epoch),
      notices.map(({ digest }) => digest),
      notices.map(({ body }) => body),
      notices.map(({ seal }) => String(seal)),
      notices.map(({ leaf }) => leaf),
      notices.map(({ path }) => Buffer.concat(path)),
      notices.map(({ hops }) => JSON.stringify(hops)),
      notices.map(({ receivedFrom }) => receivedFrom ?? null),
      at.toISOString(),
    ],
  )
}

/** What is known of items by their notices. */
export interface KnownNotice {
  readonly item: string
  readonly originator: string
  readonly version: number
  readonly digest: Buffer
  readonly epoch: string
  readonly handlingId: number | null
}

export async function noticesNamed({ client }: Queries, items: readonly string[]): Promise<KnownNotice[]> {
  if (items.length === 0) return []
  const { rows } = await client.query<Omit<KnownNotice, 'handlingId'> & { handling_id: number | null }>(
    'select item, originator, version, digest, epoch, handling_id from notice where item = any($1::text[])',
    [items],
  )
  return rows.map(({ handling_id: handlingId, ...row }) => ({ ...row, handlingId }))
}

/**
 * The next notices for a peer: who left a community that concerns it, and sightings under one of these handlings (a byte for each id) of indicators that
 * it may have too or that are at home there. Nothing goes back to where it came from.
 * @returns also how far was looked
 */
export async function noticesAfter(
  { client }: Queries,
  after: number,
  {
    peer,
    handlings,
    homes,
  }: { readonly peer: string; readonly handlings: Uint8Array; readonly homes: readonly string[] },
  limit: number,
): Promise<{ readonly notices: KeptNotice[]; readonly reached: number }> {
  const { rows: looked } = await client.query<{ reached: bigint | null }>(
    'select max(position) as reached from (select position from notice where position > $1 order by position limit $2) n',
    [after, limit],
  )
  const reached = Number(looked[0]?.reached ?? after)
  if (reached === after) return { notices: [], reached }
  const { rows } = await client.query<
    Omit<KeptNotice, 'position' | 'path' | 'hops' | 'receivedFrom' | 'at'> & {
      position: bigint
      path: Buffer
      hops: string
      received_from: string | null
      at: Date
    }
  >(
    `select n.position, n.originator, n.item, n.version, n.node, n.epoch, n.digest, n.body, s.jws, n.leaf, n.path, n.hops,
       n.received_from, n.at
     from notice n join seal s on s.id = n.seal
     where n.position > $1 and n.position <= $2 and n.node <> $3 and n.received_from is distinct from $3
       and (case when n.handling_id is null then ${concerned} else
         n.handling_id < length($4::bytea) and get_byte($4::bytea, n.handling_id) <> 0
         and exists (select from indicator i where i.stix_id = n.of_stix_id and i.originator = n.of_originator and not i.recalled
           and (i.originator = any($5::text[]) or (i.handling_id < length($4::bytea) and get_byte($4::bytea, i.handling_id) <> 0))) end)
     order by n.position`,
    [after, reached, peer, Buffer.from(handlings), homes],
  )
  return { notices: rows.map(toKept), reached }
}

/** A community is known to its members: that one left concerns the nodes at which it, or a member, is at home. */
const concerned = `(n.body::json #>> '{content,organisation}' = any($5::text[]) or exists (select from community_member m
  where m.community = n.body::json #>> '{content,community}' and m.organisation = any($5::text[])))`

const hashBytes = 32

function toKept<Row extends { position: bigint; path: Buffer; hops: string; received_from: string | null; at: Date }>({
  position,
  path,
  hops,
  received_from: receivedFrom,
  at,
  ...row
}: Row & Omit<KeptNotice, 'position' | 'path' | 'hops' | 'receivedFrom' | 'at'>): KeptNotice {
  const hashes = Array.from({ length: path.length / hashBytes }, (_, n) =>
    path.subarray(n * hashBytes, (n + 1) * hashBytes),
  )
  return {
    ...row,
    ...{ position: Number(position), path: hashes, hops: JSON.parse(hops) as Hop[], at: at.toISOString() },
    ...(receivedFrom === null ? {} : { receivedFrom }),
  }
}

/** Handlings under which indicators are held here: what sightings are about. */
export async function heldHandlings(
  { client }: Queries,
  keys: readonly { readonly originator: string; readonly stixId: string }[],
): Promise<Map<string, number>> {
  if (keys.length === 0) return new Map()
  const { rows } = await client.query<{ stix_id: string; originator: string; handling_id: number }>(
    `select i.stix_id, i.originator, i.handling_id from unnest($1::uuid[], $2::text[]) k (stix_id, originator)
     join indicator i on i.stix_id = k.stix_id and i.originator = k.originator where not i.recalled`,
    [keys.map(({ stixId }) => stixId), keys.map(({ originator }) => originator)],
  )
  return new Map(rows.map((row) => [`${row.stix_id} ${row.originator}`, row.handling_id]))
}

/** A sighting of another node, in the place of what it said before under `before`. */
export interface ReceivedSighting {
  readonly stixId: string
  readonly originator: string
  readonly reporter: string
  readonly type: string
  readonly handlingId: number
  readonly before: number | null
  readonly times: number
  readonly firstSeen: string
  readonly lastSeen: string
}

export async function writeSighting({ client }: Transaction, said: ReceivedSighting): Promise<void> {
  const key = [said.stixId, said.originator, said.reporter, said.type]
  if (said.before !== null && said.before !== said.handlingId)
    await client.query(
      'delete from sighting where stix_id = $1 and originator = $2 and reporter = $3 and type = $4 and handling_id = $5',
      [...key, said.before],
    )
  await client.query(
    `insert into sighting (stix_id, originator, reporter, type, handling_id, times, first_seen, last_seen)
     values ($1, $2, $3, $4, $5, $6, $7, $8)
     on conflict (stix_id, originator, reporter, type, handling_id) do update set times = excluded.times,
       first_seen = excluded.first_seen, last_seen = excluded.last_seen`,
    [...key, said.handlingId, said.times, said.firstSeen, said.lastSeen],
  )
}
