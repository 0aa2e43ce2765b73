import { and, eq, isNull } from 'drizzle-orm'
import type { Peer, PeerDirection, PeerJwk, PeerKey, PeerState } from '../domain/peer.ts'
import type { Queries, Transaction } from './database.ts'
import { peer, peerCommunity, peerKey, peerOrganisation } from './tables/peers.ts'

/** Every peer that was ever enrolled, expelled ones too, in order of name. */
export async function readPeers({ db }: Queries): Promise<Peer[]> {
  const rows = await db.select().from(peer).orderBy(peer.name, peer.id)
  if (rows.length === 0) return []
  const keys = await db.select().from(peerKey).orderBy(peerKey.validFrom, peerKey.thumbprint)
  const homes = await db.select().from(peerOrganisation).orderBy(peerOrganisation.organisation)
  const kept = await db.select().from(peerCommunity).orderBy(peerCommunity.community)
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    url: row.url,
    direction: row.direction as PeerDirection,
    state: row.state as PeerState,
    stateSince: row.stateSince.toISOString(),
    organisations: homes.filter((home) => home.peer === row.id).map(({ organisation }) => organisation),
    communities: kept.filter(({ peer: keeper }) => keeper === row.id).map(({ community }) => community),
    keys: keys.filter((key) => key.peer === row.id).map(toKey),
    itemsPerHour: row.itemsPerHour,
    bytesPerHour: row.bytesPerHour,
    enrolledAt: row.enrolledAt.toISOString(),
  }))
}

const toKey = (row: typeof peerKey.$inferSelect): PeerKey => ({
  thumbprint: row.thumbprint,
  jwk: JSON.parse(row.jwk) as PeerJwk,
  pinnedAt: row.pinnedAt.toISOString(),
  validFrom: row.validFrom.toISOString(),
  ...(row.endorsedBy === null ? {} : { endorsedBy: row.endorsedBy }),
  ...(row.revokedAt === null ? {} : { revokedAt: row.revokedAt.toISOString() }),
  ...(row.revokedFrom === null ? {} : { revokedFrom: row.revokedFrom.toISOString() }),
})

/** One change of the directory of peers at a time, until the transaction ends. */
export async function lockPeers({ client }: Transaction): Promise<void> {
  await client.query("select pg_advisory_xact_lock(hashtext('peer'))")
}

/** Enrols a node; one that was expelled is enrolled over what was known of it. */
export async function insertPeer({ db }: Queries, row: typeof peer.$inferInsert): Promise<void> {
  await db.insert(peer).values(row).onConflictDoUpdate({ target: peer.id, set: row })
}

export type PeerChange = Partial<Omit<typeof peer.$inferInsert, 'id' | 'enrolledAt'>>

export async function updatePeer({ db }: Queries, id: string, change: PeerChange): Promise<void> {
  await db.update(peer).set(change).where(eq(peer.id, id))
}

/** @throws the database's own error for a key that is pinned already, whosever it is */
export async function insertPeerKey({ db }: Queries, row: typeof peerKey.$inferInsert): Promise<void> {
  await db.insert(peerKey).values(row)
}

/** Takes a key back from an instant on; an earlier instant than before may be said, a later one not. */
export async function revokePeerKeyRow(
  { client }: Queries,
  key: { readonly peer: string; readonly thumbprint: string },
  at: Date,
  from: Date,
): Promise<void> {
  await client.query(
    `update peer_key set revoked_at = $3, revoked_from = least(revoked_from, $4::timestamptz)
     where peer = $1 and thumbprint = $2`,
    [key.peer, key.thumbprint, at, from],
  )
}

/** Forgets the keys of a peer that is enrolled again; one that was taken back is never pinned again. */
export async function forgetPeerKeys({ db }: Queries, id: string): Promise<void> {
  await db.delete(peerKey).where(and(eq(peerKey.peer, id), isNull(peerKey.revokedAt)))
}

/** Replaces which organisations are at home at a peer. */
export async function replaceHomes({ db }: Queries, id: string, organisations: readonly string[]): Promise<void> {
  await db.delete(peerOrganisation).where(eq(peerOrganisation.peer, id))
  if (organisations.length > 0)
    await db.insert(peerOrganisation).values(organisations.map((organisation) => ({ organisation, peer: id })))
}

/** Replaces whose word it is who left a community. */
export async function replaceKept({ db }: Queries, id: string, communities: readonly string[]): Promise<void> {
  await db.delete(peerCommunity).where(eq(peerCommunity.peer, id))
  if (communities.length > 0)
    await db.insert(peerCommunity).values(communities.map((community) => ({ community, peer: id })))
}

/** Which of these organisations have ever published at this node, as far as handlings tell. */
export async function publishedHere({ client }: Queries, organisations: readonly string[]): Promise<string[]> {
  const { rows } = await client.query<{ originator: string }>(
    'select distinct originator from handling where originator = any($1::text[])',
    [organisations],
  )
  return rows.map(({ originator }) => originator)
}
