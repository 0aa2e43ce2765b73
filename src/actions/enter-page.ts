import { openSeal } from '../auth/seals.ts'
import { publicCaller } from '../domain/caller.ts'
import type { Peer } from '../domain/peer.ts'
import type { ReadPage } from '../formats/feed-page.ts'
import { addCounts, lockCursor, type PeerStateRow, updatePeerState } from '../store/peer-states.ts'
import { applyNotices, internNoticeHandlings } from './apply-notices.ts'
import { applyJudged, internHandlings } from './apply-page.ts'
import type { AskedPage } from './ask-page.ts'
import type { Context, Standing } from './context.ts'
import { type Judged, judgePage } from './judge-page.ts'
import { keepAside } from './keep-aside.ts'
import type { OpenedEntry } from './set-aside.ts'
import { record } from './verb.ts'

/** How long what is taken from a peer is counted together. */
export const hourMs = 3_600_000

export interface TakenPage extends AskedPage {
  /** The page was asked for with it. */
  readonly cursor: string | null
  readonly state: PeerStateRow
}

/** Judges a page and applies it: rows, feed, what is set aside, counts, audit leaf and cursor in one transaction. */
export async function enterPage(context: Context, standing: Standing, peer: Peer, taken: TakenPage): Promise<void> {
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
  { page, bytes, cursor, state }: TakenPage,
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
