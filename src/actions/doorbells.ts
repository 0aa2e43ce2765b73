import type { Caller } from '../domain/caller.ts'
import { Fault } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import { receivesFrom, sendsTo } from '../domain/peer.ts'
import { newsFor } from '../store/feed.ts'
import { claimRinging, ensurePeerState, heardRinging, peerStates } from '../store/peer-states.ts'
import { ask, Unusable } from './ask-peer.ts'
import type { Context, Standing } from './context.ts'
import { peerHandlings } from './peer-view.ts'
import { verb } from './verb.ts'

/**
 * A peer says that it has something, and not what: it is asked at once, whatever the back-off. One that rings too often is heard now and
 * then. @throws {Fault} `peer_signature_invalid`, as for one that was never enrolled
 */
export const takeDoorbell = verb(
  'take-doorbell',
  async (
    context: Context,
    { peer = '' }: Caller,
    _input: undefined,
    { directory },
  ): Promise<{ readonly heard: boolean }> => {
    const known = directory.peers.get(peer)
    if (known === undefined || !receivesFrom(known))
      throw new Fault('peer_signature_invalid', 'Nothing is taken from this node.')
    await ensurePeerState(context.database, peer)
    const at = context.clock()
    const before = new Date(at.getTime() - limits.doorbellSeconds * 1000)
    return { heard: await heardRinging(context.database, peer, at, before) }
  },
)

/** What the clock does: peers that stayed away while there came something for them are told that there is, once a minute at most. */
export async function ringDoorbells(context: Context): Promise<void> {
  const standing = await context.policy.current()
  const away = [...standing.directory.peers.values()].filter(sendsTo)
  if (away.length === 0) return
  const at = context.clock()
  const states = new Map((await peerStates(context.database)).map((state) => [state.peer, state]))
  await Promise.all(
    away.map(async (peer) => {
      const { lastAskedAt = null, rangAt = null } = states.get(peer.id) ?? {}
      const since = Math.max(lastAskedAt?.getTime() ?? 0, rangAt?.getTime() ?? 0)
      // Who waits at the door hears of it there.
      if (at.getTime() - since < limits.doorbellAfterSeconds * 1000) return
      if (
        !(await newsFor(
          context.database,
          new Date(since),
          peerHandlings(context, standing, peer),
          limits.doorbellEntries,
        ))
      )
        return
      await ensurePeerState(context.database, peer.id)
      if (await claimRinging(context.database, peer.id, at, rangAt)) await ring(context, standing, peer.id)
    }),
  )
}

async function ring(context: Context, standing: Standing, id: string): Promise<void> {
  const peer = standing.directory.peers.get(id)
  if (peer === undefined) return
  const asking = {
    method: 'POST',
    path: '/federation/v1/doorbell',
    body: Buffer.from('{}'),
    timeoutMs: limits.peerTimeoutMs,
  } as const
  try {
    const { answer } = await ask(context, standing, peer, asking)
    if (answer.status !== 200) context.log.warn({ peer: id, status: answer.status }, 'a peer did not hear the doorbell')
  } catch (error) {
    if (!(error instanceof Unusable)) throw error
    context.log.warn({ peer: id, reason: error.message }, 'a peer did not hear the doorbell')
  }
}
