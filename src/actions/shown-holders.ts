import { homeOf } from '../domain/directory.ts'
import { limits } from '../domain/limits.ts'
import type { Peer } from '../domain/peer.ts'
import type { Transaction } from '../store/database.ts'
import { type IndicatorKey, type KeptEnvelope, keyOf } from '../store/envelopes.ts'
import { noteShown } from '../store/peer-holdings.ts'
import { untoldRecalls } from '../store/shown-holdings.ts'
import type { Context, Standing } from './context.ts'

/**
 * A node has shown that it has an indicator of this one: it sealed a sighting of it, or asks to widen it, for an organisation that may have
 * it by our own word. So where it had it by a relay alone it is told directly too of what takes it back, and learns nothing by that.
 */
export async function noteHolder(
  context: Context,
  transaction: Transaction,
  { directory }: Standing,
  node: string,
  key: IndicatorKey,
): Promise<void> {
  if (!directory.peers.has(node) || homeOf(directory, key.originator) !== undefined) return
  await noteShown(transaction, node, [key], context.clock())
}

/** Recalls and withdrawals for a peer that showed that it has what they take back, but for those that are on the page already. */
export async function recallsOfShown(
  { database }: Context,
  peer: Peer,
  handlings: Uint8Array,
  page: readonly KeptEnvelope[],
): Promise<KeptEnvelope[]> {
  const room = limits.peerPageEntries - page.length
  if (room <= 0) return []
  const on = new Set(page.map(keyOf))
  const found = await untoldRecalls(database, peer.id, handlings, room)
  return found.filter((each) => !on.has(keyOf(each)))
}
