import { limits } from '../domain/limits.ts'
import { receivesFrom } from '../domain/peer.ts'
import { holdPeer, letPeersGo, peerStates } from '../store/peer-states.ts'
import type { Context } from './context.ts'

/** The peers that are due now and that no other living process takes from, taken for this one. @returns their ids */
export async function duePeers(context: Context, holder: string, busy: ReadonlySet<string>): Promise<string[]> {
  const { directory } = await context.policy.current()
  const wanted = [...directory.peers.values()].filter((peer) => receivesFrom(peer) && !busy.has(peer.id))
  if (wanted.length === 0) return []
  const at = context.clock()
  const states = new Map((await peerStates(context.database)).map((state) => [state.peer, state]))
  const due = wanted.filter(({ id }) => {
    const notBefore = states.get(id)?.notBefore
    return notBefore == null || notBefore <= at
  })
  const taken: string[] = []
  for (const { id } of due) if (await keepHolding(context, holder, id)) taken.push(id)
  return taken
}

/** Says that this process is alive and still takes from a peer. @returns false when another has it */
export async function keepHolding(context: Context, holder: string, id: string): Promise<boolean> {
  const at = context.clock()
  return await holdPeer(context.database, id, holder, at, new Date(at.getTime() + limits.peerLeaseMs))
}

/** Lets other processes go on at once. */
export const letGoOfPeers = (context: Context, holder: string): Promise<void> => letPeersGo(context.database, holder)
