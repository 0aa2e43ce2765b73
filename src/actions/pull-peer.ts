import { verifyResponse } from '../auth/http-signatures.ts'
import { openSeal } from '../auth/seals.ts'
import { type Caller, publicCaller } from '../domain/caller.ts'
import { Fault } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import { type Peer, receivesFrom } from '../domain/peer.ts'
import { type ReadPage, readPage } from '../formats/feed-page.ts'
import { databaseFault } from '../store/database.ts'
import {
  addCounts,
  ensurePeerState,
  lockCursor,
  type PeerStateRow,
  peerStateOf,
  updatePeerState,
} from '../store/peer-states.ts'
import { markReported, unreported } from '../store/quarantine.ts'
import { applyNotices, internNoticeHandlings } from './apply-notices.ts'
import { applyJudged, internHandlings } from './apply-page.ts'
import { ask, Unusable } from './ask-peer.ts'
import type { Context, Standing } from './context.ts'
import { type Judged, judgePage } from './judge-page.ts'
import { keepAside } from './keep-aside.ts'
import { absent } from './read.ts'
import type { OpenedEntry } from './set-aside.ts'
import { record, verb } from './verb.ts'

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
 */
export async function takePage(
  context: Context,
  id: string,
  waitSeconds: number,
  signal?: AbortSignal,
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
    const { page, bytes } = await askFor(context, standing, peer, cursor, waitSeconds, signal)
    if (signal?.aborted === true) return { entries: 0, more: false, failed: 'stopping' }
    // What was asked may have taken half a minute.
    const now = await context.policy.current()
    const still = now.directory.peers.get(id)
    if (still === undefined || !receivesFrom(still)) return { entries: 0, more: false, failed: 'gone' }
    await applyPage(context, now, still, { page, bytes, cursor, state })
    await report(context, now, still)
    return { entries: page.entries.length, more: page.more }
  } catch (error) {
    if (signal?.aborted === true) return { entries: 0, more: false, failed: 'stopping' }
    return { entries: 0, more: false, failed: await failed(context, id, state, error) }
  }
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

const hourMs = 3_600_000

async function askFor(
  context: Context,
  standing: Standing,
  peer: Peer,
  cursor: string | null,
  waitSeconds: number,
  signal: AbortSignal | undefined,
): Promise<{ readonly page: ReadPage; readonly bytes: number }> {
  const query = new URLSearchParams({ wait: String(waitSeconds), ...(cursor === null ? {} : { after: cursor }) })
  const { request, answer } = await ask(context, standing, peer, {
    method: 'GET',
    path: `/federation/v1/feed?${query}`,
    timeoutMs: waitSeconds * 1000 + limits.peerTimeoutMs,
    signal,
  })
  if (answer.status === 410 && cursor !== null) {
    // The peer was restored: what it has is asked for from the beginning, and known things are passed over.
    await updatePeerState(context.database, peer.id, { cursor: null, rewind: false })
  }
  if (answer.status !== 200) throw new Unusable(`status ${answer.status}`)
  const { status, headers: fields, body } = answer
  // As they are pinned now: one may have been taken back while the peer waited for something new.
  const keys = (await context.policy.current()).directory.peers.get(peer.id)?.keys ?? []
  await verifyResponse({ status, fields, request }, body, {
    keyOf: (thumbprint) => keys.find((key) => key.thumbprint === thumbprint),
    destination: context.node.id,
    at: context.clock(),
  })
  const page = readPage(body)
  if (page.from !== peer.id || page.to !== context.node.id) throw new Unusable('the page is between other nodes')
  return { page, bytes: body.length }
}

interface Taken {
  readonly page: ReadPage
  readonly bytes: number
  /** The page was asked for with it. */
  readonly cursor: string | null
  readonly state: PeerStateRow
}

async function applyPage(context: Context, standing: Standing, peer: Peer, taken: Taken): Promise<void> {
  const { page, cursor } = taken
  const judged = await judgePage(context, standing, peer, await openEntries(standing, page))
  const handlings = await internHandlings(context, judged.effective)
  const noticeHandlings = await internNoticeHandlings(context, judged.notices)
  await context.database.transaction(async (transaction) => {
    // Another process, or an operator, took this page meanwhile: once is enough.
    if (!(await lockCursor(transaction, peer.id, cursor))) return
    await applyJudged(context, transaction, await context.policy.known(), peer, judged.effective, handlings)
    await applyNotices(context, transaction, standing, peer, judged.notices, noticeHandlings)
    const at = context.clock()
    await addCounts(transaction, peer.id, judged.tallies, at)
    await keepAside(transaction, peer.id, judged.aside, at)
    await updatePeerState(transaction, peer.id, stateAfter(taken, judged, standing, at))
    if (page.entries.length > 0) await recordApplied(context, standing, transaction, peer, judged)
  })
}

const recordApplied = (
  context: Context,
  standing: Standing,
  transaction: Parameters<typeof record>[0],
  peer: Peer,
  { effective, notices, tallies }: Judged,
): Promise<void> =>
  record(transaction, context, publicCaller, standing, {
    action: 'pull-peer',
    decision: 'permit',
    rules: ['peer.homes'],
    subject: JSON.stringify({
      peer: peer.id,
      tallies,
      applied: effective.map(({ stixId, envelope }) => `${stixId} ${envelope.version}`),
      ...(notices.length === 0 ? {} : { notices: notices.map(({ envelope }) => `${envelope.id} ${envelope.version}`) }),
    }),
  })

function stateAfter(
  { page, bytes, cursor, state }: Taken,
  { notForUs }: Judged,
  { directory }: Standing,
  at: Date,
): Parameters<typeof updatePeerState>[2] {
  const sameHour = at.getTime() - (state.hourBegan?.getTime() ?? 0) < hourMs
  return {
    cursor: page.cursor,
    more: page.more,
    ...(notForUs && !state.rewind ? { rewind: true, rewindCursor: cursor, rewindEpoch: directory.epoch } : {}),
    ...{ failures: 0, failingSince: null, notBefore: null, lastAttemptAt: at, lastPageAt: at, lastOutcome: 'page' },
    hourBegan: sameHour ? state.hourBegan : at,
    hourItems: (sameHour ? state.hourItems : 0) + page.entries.length,
    hourBytes: (sameHour ? state.hourBytes : 0) + bytes,
  }
}

/** Opens each seal once, by the pinned keys of whatever node: whose key it must be is judged with each envelope. */
export async function openEntries(
  { directory }: Standing,
  { seals, entries }: Pick<ReadPage, 'seals' | 'entries'>,
): Promise<(OpenedEntry | { readonly fault: string })[]> {
  const keys = [...directory.peers.values()].flatMap((peer) => peer.keys)
  const open = await Promise.all(seals.map((jws) => openSeal(jws, keys)))
  return entries.map((entry) => {
    if ('fault' in entry) return entry
    const [seal, jws] = [open[entry.seal], seals[entry.seal]]
    if (seal === undefined || jws === undefined) return { fault: 'names a seal that is not there' }
    return { ...entry, opened: seal, jws }
  })
}

/** Tells the peer what was not applied of what it gave, so that originators can know. Failing is no failure of the page. */
async function report(context: Context, standing: Standing, peer: Peer): Promise<void> {
  const rows = await unreported(context.database, peer.id, limits.peerPageEntries)
  if (rows.length === 0) return
  const refused = rows.map(({ originator, item, version, code }) => ({
    originator,
    id: item,
    version: Number(version),
    code,
  }))
  const body = Buffer.from(JSON.stringify({ refused }))
  const asking = { method: 'POST', path: '/federation/v1/acks', body, timeoutMs: limits.peerTimeoutMs } as const
  const { answer } = await ask(context, standing, peer, asking).catch((error: unknown) => {
    if (error instanceof Unusable) return { answer: undefined }
    throw error
  })
  if (answer?.status !== 200) {
    context.log.warn({ peer: peer.id, status: answer?.status }, 'a peer was not told what was not applied')
    return
  }
  await markReported(
    context.database,
    rows.map(({ id }) => id),
  )
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
