import { openCursor, sealCursor } from '../auth/cursors.ts'
import type { Caller } from '../domain/caller.ts'
import type { Hop } from '../domain/envelope.ts'
import { Fault } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import { type Peer, receivesFrom, sendsTo } from '../domain/peer.ts'
import type { FeedEntry, FeedPage } from '../formats/feed-page.ts'
import type { KeptEnvelope } from '../store/envelopes.ts'
import { type KeptNotice, noticesAfter } from '../store/notices.ts'
import { give, nextPage, pageStored } from '../store/peer-holdings.ts'
import { heardFrom } from '../store/peer-states.ts'
import type { Context, Standing } from './context.ts'
import { entryOf, fillPage } from './fill-page.ts'
import { runAfter } from './follow.ts'
import { beginRun, isFinished, placeOf, type Reached, type Run, runOf } from './follow-run.ts'
import { stepsOf } from './follow-steps.ts'
import { presentViewOf, viewsNamedOf } from './follower.ts'
import { peerFollower, peerHandlings } from './peer-view.ts'
import { sealNotices } from './seal-notices.ts'
import { sealFeed } from './sealing.ts'
import { recallsOfShown } from './shown-holders.ts'
import { record, verb } from './verb.ts'

export interface ServeFeedInput {
  /** The cursor of the page before; absent: from the beginning. */
  readonly after?: string
  /** The cursor of the last page that was stored, where that of `after` is not yet: who asks ahead. Empty: none is. */
  readonly stored?: string
}

/**
 * The next page of what a peer may have: envelopes as they were sealed, by which the organisations at home there get what the policy
 * lets them have. Asking with a cursor says that its page was stored, unless another is named.
 * @throws {Fault} `peer_signature_invalid`, `cursor_invalid`, `cursor_outdated`, `cursor_from_future`
 */
export const serveFeed = verb(
  'serve-feed',
  async (context: Context, caller: Caller, { after, stored }: ServeFeedInput, standing): Promise<FeedPage> => {
    const peer = activePeer(standing, caller)
    if (receivesFrom(peer)) await heardFrom(context.database, peer.id, context.clock(), limits.peerHeardBackOffSeconds)
    const sealed = await sealFeed(context)
    await sealNotices(context)
    await context.column.catchUp()
    const present = await presentViewOf(context, peerFollower(peer), peerHandlings(context, standing, peer), standing)
    const now: Reached = { upto: sealed, to: present.generation, knows: 0 }
    const { run, page, notice } = startOf(context, peer, after, now)
    await noteStored(context, peer, page, stored)
    const named = await viewsNamedOf(context, peerFollower(peer), present, [run.from, run.to])
    const [from, to] = [named(run.from).handlings, named(run.to).handlings]
    const found = await stepsOf(context, run, { from, to }, limits.peerPageEntries)
    const made = await fillPage(context, peer, found.steps, to)
    const whole = made.taken === found.steps.length
    const reached = whole ? found.run : runAfter(run, found.steps[made.taken - 1])
    const more = !whole || !isFinished(found.run) || found.run.to !== present.generation
    const shown = more ? [] : await recallsOfShown(context, peer, to, made.given)
    const room = limits.peerPageEntries - made.entries.length - shown.length
    // What is said of indicators comes after them.
    const said = await noticesOf(context, peer, more ? undefined : notice, to, room)
    const seals = [...made.seals, ...shown.map(({ jws }) => jws), ...said.notices.map(({ jws }) => jws)]
    const beside = [
      ...shown.map((each) => (seal: number) => entryOf(context, each, seal, undefined)),
      ...said.notices.map((each) => (seal: number) => noticeEntryOf(context, each, seal)),
    ]
    const entries = [...made.entries, ...beside.map((entry, n) => entry(made.seals.length + n))]
    const ahead = stored === undefined ? undefined : page
    const number = await recordPage(context, caller, standing, peer, {
      given: [...made.given, ...shown],
      ...said,
      ahead,
    })
    return {
      v: 1,
      from: context.node.id,
      to: peer.id,
      seals,
      entries,
      cursor: sealCursor(
        context.node.cursorKey,
        [...placeOf(reached, kind), number ?? page, BigInt(said.reached ?? notice)],
        context.node.feedEpoch,
        boundTo(peer),
      ),
      // Also where all that was found had been there before: nobody waits for news with an old cursor.
      more: more || said.more || made.given.length > made.entries.length,
    }
  },
)

const kind = { communities: false, territory: undefined }
const boundTo = ({ id }: Peer): string => JSON.stringify(['peer', id])

/** @throws {Fault} `peer_signature_invalid`, as for one that was never enrolled */
export function activePeer({ directory }: Standing, { peer = '' }: Caller): Peer {
  const known = directory.peers.get(peer)
  if (known !== undefined && sendsTo(known)) return known
  throw new Fault('peer_signature_invalid', 'Nothing goes out to this node.')
}

function startOf(
  context: Context,
  peer: Peer,
  after: string | undefined,
  now: Reached,
): { readonly run: Run; readonly page: bigint; readonly notice: number } {
  if (after === undefined) return { run: beginRun({ ...now, upto: 0 }, now), page: 0n, notice: 0 }
  const place = placeIn(context, peer, after)
  const { run } = runOf(place.slice(0, 6), kind)
  if (run.upto > now.upto) throw new Fault('cursor_from_future', 'This cursor lies beyond the end of the feed.')
  return { run: isFinished(run) ? beginRun(run, now) : run, page: place[6] ?? 0n, notice: Number(place[7] ?? 0n) }
}

const placeIn = ({ node }: Context, peer: Peer, cursor: string): bigint[] =>
  openCursor(node.cursorKey, cursor, node.feedEpoch, boundTo(peer), 8)

/** Writes down up to which page the peer has stored what it was given: the one that it goes on from, or names. */
async function noteStored(context: Context, peer: Peer, page: bigint, stored: string | undefined): Promise<void> {
  const last = stored === undefined ? page : stored === '' ? 0n : (placeIn(context, peer, stored)[6] ?? 0n)
  await pageStored(context.database, peer.id, last, stored === undefined, context.clock())
}

/** Notices for a peer, once it has been given all that they may be about. */
async function noticesOf(
  { database }: Context,
  peer: Peer,
  after: number | undefined,
  handlings: Uint8Array,
  limit: number,
): Promise<{ readonly notices: readonly KeptNotice[]; readonly reached?: number; readonly more: boolean }> {
  if (after === undefined || limit <= 0) return { notices: [], more: false }
  const of = { peer: peer.id, handlings, homes: peer.organisations }
  const { notices: found, reached } = await noticesAfter(database, after, of, limit)
  // What passed the peer on its way is not sent back.
  const notices = found.filter(({ hops }) => !hops.some(({ node }) => node === peer.id))
  let bytes = 0
  const fitting = notices.filter(({ body }, n) => {
    bytes += JSON.stringify(body).length + 2_000
    return n === 0 || bytes <= limits.peerPageGivenBytes / 2
  })
  const cut = fitting.length < notices.length
  const last = fitting.at(-1)?.position ?? after
  return { notices: fitting, reached: cut ? last : reached, more: fitting.length > 0 }
}

function noticeEntryOf(context: Context, notice: KeptNotice, seal: number): FeedEntry {
  const { body, leaf: index, path, receivedFrom, version, hops, at } = notice
  const hop: Hop[] = receivedFrom === undefined ? [] : [{ node: context.node.id, from: receivedFrom, at }]
  // The latest of each stands for all before it.
  const gap = version === 1 ? {} : { gap: { from: 0 } }
  return { envelope: body, seal, index, path, hops: [...hops, ...hop], ...gap }
}

interface GivenPage {
  readonly given: readonly KeptEnvelope[]
  readonly notices: readonly KeptNotice[]
  /** The page after which it was asked for, where that is not stored yet. */
  readonly ahead: bigint | undefined
}

/** Writes down what is given before it is. @returns the number of the page; undefined for an empty one */
async function recordPage(
  context: Context,
  caller: Caller,
  standing: Standing,
  peer: Peer,
  { given, notices, ahead }: GivenPage,
): Promise<bigint | undefined> {
  if (given.length === 0 && notices.length === 0) return undefined
  const at = context.clock()
  return await context.database.transaction(async (transaction) => {
    const page = await nextPage(transaction, peer.id, at, ahead)
    // Of two forms of one version the whole one counts.
    const last = new Map(
      [...given]
        .sort((a, b) => Number(b.bare) - Number(a.bare))
        .map((each) => [`${each.originator} ${each.stixId}`, each]),
    )
    await give(transaction, peer.id, page, [...last.values()], at)
    await record(transaction, context, caller, standing, {
      action: 'serve-feed',
      decision: 'permit',
      rules: ['peer.homes'],
      subject: JSON.stringify({
        peer: peer.id,
        page: String(page),
        given: given.map(({ stixId, version }) => `${stixId} ${version}`),
        ...(notices.length === 0 ? {} : { notices: notices.map(({ item, version }) => `${item} ${version}`) }),
      }),
    })
    return page
  })
}
