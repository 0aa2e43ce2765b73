import type { Caller } from '../domain/caller.ts'
import { Fault } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import { type Peer, receivesFrom } from '../domain/peer.ts'
import { databaseFault } from '../store/database-faults.ts'
import { ensurePeerState, type PeerStateRow, peerStateOf, updatePeerState } from '../store/peer-states.ts'
import { askPage } from './ask-page.ts'
import { Unusable } from './ask-peer.ts'
import type { Context, Standing } from './context.ts'
import { enterPage, hourMs } from './enter-page.ts'
import { type AskAfter, type PageAhead, readAsked } from './page-ahead.ts'
import { absent } from './read.ts'
import { reportUnapplied } from './report-unapplied.ts'
import { verb } from './verb.ts'

/** What came of asking a peer once. */
export interface Pulled {
  readonly entries: number
  /** Whether there is more at once. */
  readonly more: boolean
  /** Why nothing came; absent when a page did, an empty one too. */
  readonly failed?: string
}

/** Asks a peer at once, whatever its back-off. @throws {Fault} `not_found` */
export const pullPeer = verb(
  'pull-peer',
  async (context: Context, _caller: Caller, { id }: { readonly id: string }, { directory }): Promise<Pulled> => {
    const peer = directory.peers.get(id)
    if (peer === undefined) throw absent()
    if (!receivesFrom(peer)) return { entries: 0, more: false, failed: 'nothing is taken from it' }
    return await takePage(context, id, 0)
  },
)

/**
 * Asks a peer for its next page, judges what comes before it has any effect, and applies it: rows, feed, audit leaf and cursor in one
 * transaction. What goes wrong is written down and makes the next attempt wait.
 * @param waitSeconds how long the peer may wait for something new
 * @param ahead of who goes on: holds the pages that were asked for meanwhile, and those of the next time
 */
export async function takePage(
  context: Context,
  id: string,
  waitSeconds: number,
  signal?: AbortSignal,
  ahead?: PageAhead,
): Promise<Pulled> {
  await ensurePeerState(context.database, id)
  const standing = await context.policy.current()
  const peer = standing.directory.peers.get(id)
  const state = await peerStateOf(context.database, id)
  if (peer === undefined || state === undefined || !receivesFrom(peer))
    return { entries: 0, more: false, failed: 'gone' }
  const cursor = await rewound(context, standing, state)
  try {
    refuseOverQuota(context, peer, state)
    const asked =
      (await ahead?.take(cursor)) ??
      (await readAsked(await askPage(context, standing, peer, { after: cursor, waitSeconds, signal })))
    const { page } = asked
    if (signal?.aborted === true) return { entries: 0, more: false, failed: 'stopping' }
    // What was asked may have taken half a minute.
    const now = await context.policy.current()
    const still = now.directory.peers.get(id)
    if (still === undefined || !receivesFrom(still)) return { entries: 0, more: false, failed: 'gone' }
    ahead?.goOn(page, askingAhead(context, id, signal))
    await enterPage(context, now, still, { ...asked, cursor, state })
    await reportUnapplied(context, now, still)
    return { entries: page.entries.length, more: page.more }
  } catch (error) {
    if (signal?.aborted === true) return { entries: 0, more: false, failed: 'stopping' }
    return { entries: 0, more: false, failed: await failed(context, id, state, error) }
  }
}

/** Asks as the peer stands then: it may have been suspended since the page before was asked for. */
const askingAhead =
  (context: Context, id: string, signal: AbortSignal | undefined): AskAfter =>
  async (after, stored, ended) => {
    const standing = await context.policy.current()
    const peer = standing.directory.peers.get(id)
    if (peer === undefined || !receivesFrom(peer)) throw new Unusable('gone')
    const either = signal === undefined ? ended : AbortSignal.any([signal, ended])
    return await askPage(context, standing, peer, { after, stored, waitSeconds: 0, signal: either })
  }

/**
 * The cursor to go on from. When the own directory has changed, somebody may have what was for nobody here: it is asked for again from
 * there, now and then, since that costs as much as the first time.
 */
async function rewound(context: Context, { directory }: Standing, state: PeerStateRow): Promise<string | null> {
  const { rewind, rewindCursor, rewindEpoch, rewoundAt, cursor } = state
  const at = context.clock()
  const recently = at.getTime() - (rewoundAt?.getTime() ?? 0) < limits.peerRewindSeconds * 1000
  if (!rewind || rewindEpoch === null || rewindEpoch >= directory.epoch || recently) return cursor
  const change = { cursor: rewindCursor, rewind: false, rewindEpoch: null, rewoundAt: at }
  await updatePeerState(context.database, state.peer, change)
  return rewindCursor
}

function refuseOverQuota(context: Context, { itemsPerHour, bytesPerHour }: Peer, state: PeerStateRow): void {
  if (context.clock().getTime() - (state.hourBegan?.getTime() ?? 0) >= hourMs) return
  if (state.hourItems >= itemsPerHour || state.hourBytes >= bytesPerHour)
    throw new Unusable('quota of the hour is used up')
}

/** Writes down what went wrong, and when to ask again: what this node's own database failed at is not held against the peer. @returns it */
async function failed(context: Context, id: string, state: PeerStateRow, error: unknown): Promise<string> {
  const told = error instanceof Unusable || error instanceof Fault ? error.message : undefined
  if (told === undefined) context.log.error({ error, peer: id }, 'a page of a peer could not be applied')
  const at = context.clock()
  const own = databaseFault(error)
  const failures = state.failures + 1
  const seconds = own === undefined ? Math.min(2 ** Math.min(failures - 1, 20), limits.peerBackOffSeconds) : 1
  const outcome = (told ?? own?.message ?? 'internal error').slice(0, 500)
  await updatePeerState(context.database, id, {
    ...{ lastAttemptAt: at, lastOutcome: outcome, notBefore: new Date(at.getTime() + seconds * 1000) },
    ...(own === undefined ? { failures, failingSince: state.failingSince ?? at } : {}),
  })
  return outcome
}
