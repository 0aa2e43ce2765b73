import { publicCaller } from '../domain/caller.ts'
import { Fault } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import type { Peer } from '../domain/peer.ts'
import { claimKeys, ensurePeerState, peerStates } from '../store/peer-states.ts'
import { lockPeers } from '../store/peers.ts'
import type { Context, Standing } from './context.ts'
import { administrative } from './organisations.ts'
import { enrolled, pinStated } from './peer-pins.ts'
import { readStatement, refused } from './peer-statements.ts'
import { record } from './verb.ts'

/**
 * What the clock does: each peer's description is asked for now and then, more often while taking from it fails, and new keys in it that a
 * pinned one endorsed are pinned. Nothing else is learnt from it: neither where the node is called, nor a key that nobody vouches for.
 */
export async function fetchPeerKeys(context: Context): Promise<void> {
  const { directory } = await context.policy.current()
  const active = [...directory.peers.values()].filter(({ state }) => state === 'active')
  if (active.length === 0) return
  const at = context.clock()
  const states = new Map((await peerStates(context.database)).map((state) => [state.peer, state]))
  await Promise.all(
    active.map(async ({ id }) => {
      const { failures = 0 } = states.get(id) ?? {}
      const seconds = failures > 0 ? limits.peerKeysRetrySeconds : limits.peerKeysSeconds
      await ensurePeerState(context.database, id)
      if (await claimKeys(context.database, id, at, new Date(at.getTime() - seconds * 1000)))
        await fetchKeysOf(context, id)
    }),
  )
}

/** Asks one peer. @returns the thumbprints of keys that were pinned, or why none could be */
export async function fetchKeysOf(context: Context, id: string): Promise<readonly string[] | string> {
  const standing = await context.policy.current()
  const peer = standing.directory.peers.get(id)
  if (peer?.state !== 'active') return 'nothing is asked of it'
  try {
    return await pinNew(context, standing, peer, await statementOf(context, peer))
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    context.log.warn({ peer: id, reason: error.message }, 'no new keys of a peer were pinned')
    return error.message
  }
}

/** @throws {Fault} `peer_key_refused` */
async function statementOf(context: Context, { url }: Peer): Promise<string> {
  const answer = await context.wayOut.ask({
    ...{ url: `${url}/.well-known/puente`, method: 'GET', headers: { accept: 'application/json' } },
    ...{ timeoutMs: limits.peerTimeoutMs, maxBytes: 2 * limits.statementCharacters },
  })
  if ('error' in answer) throw refused(answer.error)
  if (answer.status !== 200) throw refused(`status ${answer.status}`)
  try {
    const { statement } = JSON.parse(answer.body.toString()) as { readonly statement?: unknown }
    if (typeof statement === 'string') return statement
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw refused('The answer is no description of a node.')
}

async function pinNew(context: Context, standing: Standing, peer: Peer, text: string): Promise<readonly string[]> {
  const statement = await readStatement(text)
  if (statement.node !== peer.id) throw refused('This is the statement of another node.')
  return await context.database.transaction(async (transaction) => {
    await lockPeers(transaction)
    const known = await enrolled(transaction, peer.id)
    const pinned = await pinStated(transaction, known, statement.keys, context.clock())
    // Whoever signed it says since when each key signs: nobody is heard there but the node.
    const now = await enrolled(transaction, peer.id)
    const signer = now.keys.find(({ thumbprint }) => thumbprint === statement.signer)
    if (signer === undefined || signer.revokedAt !== undefined)
      throw refused('The statement is signed by a key that no pinned one vouches for.')
    if (pinned.length === 0) return pinned
    const act = administrative('pin-peer-key', { id: peer.id, pinned })
    await record(transaction, context, publicCaller, standing, act)
    context.policy.suspect()
    return pinned
  })
}
