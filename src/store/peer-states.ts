import { eq } from 'drizzle-orm'
import type { Queries, Transaction } from './database.ts'
import { peerCount, peerState } from './tables/federation.ts'

export type PeerStateRow = typeof peerState.$inferSelect

/** How it goes with each peer; those with which nothing went yet are not there. */
export const peerStates = ({ db }: Queries): Promise<PeerStateRow[]> => db.select().from(peerState)

export async function peerStateOf({ db }: Queries, peer: string): Promise<PeerStateRow | undefined> {
  const [row] = await db.select().from(peerState).where(eq(peerState.peer, peer))
  return row
}

export async function ensurePeerState({ db }: Queries, peer: string): Promise<void> {
  await db.insert(peerState).values({ peer }).onConflictDoNothing()
}

export async function updatePeerState(
  { db }: Queries,
  peer: string,
  change: Partial<typeof peerState.$inferInsert>,
): Promise<void> {
  await db.update(peerState).set(change).where(eq(peerState.peer, peer))
}

/** A node that is enrolled again is asked from the beginning. */
export async function forgetPeerState({ db }: Queries, peer: string): Promise<void> {
  await db.delete(peerState).where(eq(peerState.peer, peer))
}

/**
 * Takes the state of a peer for this transaction, if its cursor is still the one that a page was asked with: of two processes that
 * took the same page one applies it.
 */
export async function lockCursor({ client }: Transaction, peer: string, cursor: string | null): Promise<boolean> {
  const { rowCount } = await client.query(
    'select 1 from peer_state where peer = $1 and cursor is not distinct from $2 for update',
    [peer, cursor],
  )
  return rowCount === 1
}

/** Takes a peer for a process, unless another one that is alive has it. @returns whether it is this process's now */
export async function holdPeer(
  { client }: Queries,
  peer: string,
  holder: string,
  at: Date,
  until: Date,
): Promise<boolean> {
  const { rowCount } = await client.query(
    `insert into peer_state (peer, holder, held_until) values ($1, $2, $4)
     on conflict (peer) do update set holder = $2, held_until = $4
     where peer_state.holder = $2 or peer_state.held_until is null or peer_state.held_until < $3`,
    [peer, holder, at.toISOString(), until.toISOString()],
  )
  return rowCount === 1
}

/** Gives up whatever a process holds. */
export async function letPeersGo({ client }: Queries, holder: string): Promise<void> {
  await client.query('update peer_state set holder = null, held_until = null where holder = $1', [holder])
}

/** What became of entries, by outcome and reason. */
export interface Tally {
  readonly outcome: 'applied' | 'narrowed' | 'known' | 'quarantined' | 'refused'
  readonly code: string
  readonly items: number
}

export async function addCounts({ client }: Queries, peer: string, tallies: readonly Tally[], at: Date): Promise<void> {
  if (tallies.length === 0) return
  await client.query(
    `insert into peer_count (peer, outcome, code, items, last_at)
     select $1, outcome, code, items, $5::timestamptz from unnest($2::text[], $3::text[], $4::bigint[]) t (outcome, code, items)
     on conflict (peer, outcome, code) do update set items = peer_count.items + excluded.items, last_at = excluded.last_at`,
    [
      peer,
      tallies.map(({ outcome }) => outcome),
      tallies.map(({ code }) => code),
      tallies.map(({ items }) => items),
      at.toISOString(),
    ],
  )
}

export const countsOf = ({ db }: Queries, peer: string): Promise<(typeof peerCount.$inferSelect)[]> =>
  db.select().from(peerCount).where(eq(peerCount.peer, peer)).orderBy(peerCount.outcome, peerCount.code)

/** Uses up a nonce. @returns false when it was used before */
export async function useNonce(
  { client }: Queries,
  thumbprint: string,
  nonce: string,
  expiresAt: Date,
): Promise<boolean> {
  const { rowCount } = await client.query(
    'insert into peer_nonce (thumbprint, nonce, expires_at) values ($1, $2, $3) on conflict do nothing',
    [thumbprint, nonce, expiresAt.toISOString()],
  )
  return rowCount === 1
}

export async function forgetNonces({ client }: Queries, at: Date): Promise<void> {
  await client.query('delete from peer_nonce where expires_at < $1', [at.toISOString()])
}

/** Takes the asking for a peer's checkpoints, unless it was asked since. @returns whether it is this process's */
export async function claimHeads({ client }: Queries, peer: string, at: Date, before: Date): Promise<boolean> {
  const { rowCount } = await client.query(
    `insert into peer_state as s (peer, heads_asked_at) values ($1, $2) on conflict (peer) do update set heads_asked_at = $2
     where s.heads_asked_at is null or s.heads_asked_at <= $3 or s.heads_asked_at > $2`,
    [peer, at.toISOString(), before.toISOString()],
  )
  return rowCount === 1
}

/** Takes the asking for a peer's keys, unless it was asked since. @returns whether it is this process's */
export async function claimKeys({ client }: Queries, peer: string, at: Date, before: Date): Promise<boolean> {
  const { rowCount } = await client.query(
    `update peer_state set keys_asked_at = $2
     where peer = $1 and (keys_asked_at is null or keys_asked_at <= $3 or keys_asked_at > $2)`,
    [peer, at.toISOString(), before.toISOString()],
  )
  return rowCount === 1
}

/** Takes the ringing at a peer. @param rangAt when it was rung at last @returns whether it is this process's */
export async function claimRinging({ client }: Queries, peer: string, at: Date, rangAt: Date | null): Promise<boolean> {
  const { rowCount } = await client.query(
    'update peer_state set rang_at = $2 where peer = $1 and rang_at is not distinct from $3::timestamptz',
    [peer, at.toISOString(), rangAt?.toISOString() ?? null],
  )
  return rowCount === 1
}

/** A peer rang: it is due now, unless it rang since. @returns whether it was heard */
export async function heardRinging({ client }: Queries, peer: string, at: Date, before: Date): Promise<boolean> {
  const { rowCount } = await client.query(
    `update peer_state set rung_at = $2, not_before = null
     where peer = $1 and (rung_at is null or rung_at <= $3 or rung_at > $2)`,
    [peer, at.toISOString(), before.toISOString()],
  )
  return rowCount === 1
}

/** A peer is there, since it asks: whatever the back-off, it is due so many seconds after the last attempt. */
export async function heardFrom({ client }: Queries, peer: string, at: Date, seconds: number): Promise<void> {
  await client.query(
    `update peer_state set not_before = least(not_before, greatest($2::timestamptz, last_attempt_at + $3 * interval '1 second'))
     where peer = $1 and not_before > $2`,
    [peer, at.toISOString(), seconds],
  )
}

/** When the directory changes from this epoch on, all that a peer has is asked for again. */
export async function askFromTheBeginning({ client }: Transaction, peer: string, epoch: bigint): Promise<void> {
  await client.query('update peer_state set rewind = true, rewind_cursor = null, rewind_epoch = $2 where peer = $1', [
    peer,
    String(epoch),
  ])
}
