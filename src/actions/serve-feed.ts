import { openCursor, sealCursor } from '../auth/cursors.ts'
import type { Caller } from '../domain/caller.ts'
import type { Hop } from '../domain/envelope.ts'
import { Fault } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import { type Peer, receivesFrom, sendsTo } from '../domain/peer.ts'
import type { FeedEntry, FeedPage } from '../formats/feed-page.ts'
import { bareAt, type KeptEnvelope, wholeAt } from '../store/envelopes.ts'
import { type KeptNotice, noticesAfter } from '../store/notices.ts'
import { give, type Holding, holdingsOf, nextPage, pageStored } from '../store/peer-holdings.ts'
import { heardFrom } from '../store/peer-states.ts'
import type { Context, Standing } from './context.ts'
import { runAfter } from './follow.ts'
import { beginRun, isFinished, placeOf, type Reached, type Run, runOf } from './follow-run.ts'
import { type Step, stepsOf } from './follow-steps.ts'
import { presentViewOf, viewsNamedOf } from './follower.ts'
import { peerFollower, peerHandlings } from './peer-view.ts'
import { sealNotices } from './seal-notices.ts'
import { sealFeed } from './sealing.ts'
import { record, verb } from './verb.ts'

export interface ServeFeedInput {
  /** The cursor of the page before; absent: from the beginning. */
  readonly after?: string
}

/**
 * The next page of what a peer may have: envelopes as they were sealed, by which the organisations at home there get what the policy
 * lets them have. Asking with a cursor says that its page was stored.
 * @throws {Fault} `peer_signature_invalid`, `cursor_invalid`, `cursor_outdated`, `cursor_from_future`
 */
export const serveFeed = verb(
  'serve-feed',
  async (context: Context, caller: Caller, { after }: ServeFeedInput, standing): Promise<FeedPage> => {
    const peer = activePeer(standing, caller)
    if (receivesFrom(peer)) await heardFrom(context.database, peer.id, context.clock(), limits.peerHeardBackOffSeconds)
    const sealed = await sealFeed(context)
    await sealNotices(context)
    await context.column.catchUp()
    const present = await presentViewOf(context, peerFollower(peer), peerHandlings(context, standing, peer), standing)
    const now: Reached = { upto: sealed, to: present.generation, knows: 0 }
    const { run, page, notice } = startOf(context, peer, after, now)
    if (page > 0n) await pageStored(context.database, peer.id, page, context.clock())
    const named = await viewsNamedOf(context, peerFollower(peer), present, [run.from, run.to])
    const [from, to] = [named(run.from).handlings, named(run.to).handlings]
    const found = await stepsOf(context, run, { from, to }, limits.peerPageEntries)
    const made = await pageOf(context, peer, found.steps, to)
    const whole = made.taken === found.steps.length
    const reached = whole ? found.run : runAfter(run, found.steps[made.taken - 1])
    const more = !whole || !isFinished(found.run) || found.run.to !== present.generation
    // What is said of indicators comes after them.
    const said = await noticesOf(
      context,
      peer,
      more ? undefined : notice,
      to,
      limits.peerPageEntries - made.entries.length,
    )
    const entries = [
      ...made.entries,
      ...said.notices.map((each, n) => noticeEntryOf(context, each, made.seals.length + n)),
    ]
    const number = await recordPage(context, caller, standing, peer, made.given, said.notices)
    return {
      v: 1,
      from: context.node.id,
      to: peer.id,
      seals: [...made.seals, ...said.notices.map(({ jws }) => jws)],
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
  const { cursorKey, feedEpoch } = context.node
  const place = openCursor(cursorKey, after, feedEpoch, boundTo(peer), 8)
  const { run } = runOf(place.slice(0, 6), kind)
  if (run.upto > now.upto) throw new Fault('cursor_from_future', 'This cursor lies beyond the end of the feed.')
  return { run: isFinished(run) ? beginRun(run, now) : run, page: place[6] ?? 0n, notice: Number(place[7] ?? 0n) }
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

interface MadePage {
  readonly seals: readonly string[]
  readonly entries: readonly FeedEntry[]
  /** What the peer has when it has stored the page. */
  readonly given: readonly KeptEnvelope[]
  /** Steps that the page goes through. */
  readonly taken: number
}

/** Envelopes read at once: each may have two million bytes, and most have a thousand. */
const readFirst = 50
const readMost = 150

/** Goes through steps until the page is full: what belongs to one step is in one page. */
async function pageOf(context: Context, peer: Peer, steps: readonly Step[], to: Uint8Array): Promise<MadePage> {
  const seals = new Map<string, number>()
  const entries: FeedEntry[] = []
  const given: KeptEnvelope[] = []
  let [bytes, taken, together] = [0, 0, readFirst]
  const made = (): MadePage => ({ seals: [...seals.keys()], entries, given, taken })
  while (taken < steps.length) {
    const some = steps.slice(taken, taken + together)
    for (const sendings of await sendingsOf(context, peer, some, to)) {
      const sent = sendings.filter(({ envelope }) => !wasAt(peer, envelope))
      const size = sent.reduce((sum, { envelope }) => sum + sizeOf(envelope), 0)
      const fits = bytes + size <= limits.peerPageGivenBytes
      if (entries.length + sendings.length > limits.peerPageEntries || (entries.length > 0 && !fits)) return made()
      for (const { envelope, holding } of sendings) {
        given.push(envelope)
        if (wasAt(peer, envelope)) continue
        const seal = seals.get(envelope.jws) ?? seals.size
        seals.set(envelope.jws, seal)
        entries.push(entryOf(context, envelope, seal, holding))
      }
      bytes += size
      taken++
    }
    const left = (limits.peerPageGivenBytes - bytes) / (bytes / taken + 1)
    together = Math.max(readFirst, Math.min(readMost, Math.ceil(left)))
  }
  return made()
}

/** What passed the peer on its way is not sent back, and written down as given: it is told of what becomes of it. */
const wasAt = ({ id }: Peer, { receivedFrom, hops }: KeptEnvelope): boolean =>
  receivedFrom === id || hops.some(({ node }) => node === id)

/** About how long an entry is in a page: quotes are escaped once more. */
const sizeOf = ({ body, path }: KeptEnvelope): number => JSON.stringify(body).length + 64 * path.length + 500

interface Sending {
  readonly envelope: KeptEnvelope
  readonly holding: Holding | undefined
}

/** What is sent for each step: whole envelopes for what may be had, bare ones to who has an earlier version and may not have this. */
async function sendingsOf(context: Context, peer: Peer, steps: readonly Step[], to: Uint8Array): Promise<Sending[][]> {
  const positions = steps.map(({ position }) => position)
  const gives = steps.flatMap((step) => ('give' in step ? [step.position] : []))
  const whole = await wholeAt(context.database, gives, to)
  const bare = await bareAt(context.database, positions)
  const holdings = await holdingsOf(context.database, peer.id, [...whole.values(), ...bare.values()])
  const heldOf = ({ stixId, originator }: KeptEnvelope) =>
    holdings.find((each) => each.stixId === stixId && each.originator === originator)
  return steps.map((step): Sending[] => {
    const [brings, takes] = [whole.get(step.position), bare.get(step.position)]
    const sending: Sending[] = []
    if (brings !== undefined) sending.push({ envelope: brings, holding: heldOf(brings) })
    if (takes === undefined) return sending
    const holding = heldOf(takes)
    // A relay has others to tell: with the whole one of a version it gets the bare one too.
    const told =
      brings === undefined ? holding !== undefined && takes.version > holding.version : takes.version === brings.version
    return told ? [...sending, { envelope: takes, holding }] : sending
  })
}

function entryOf(context: Context, envelope: KeptEnvelope, seal: number, holding: Holding | undefined): FeedEntry {
  const { body, leaf: index, path, receivedFrom, bare, version } = envelope
  const hop: Hop[] = receivedFrom === undefined ? [] : [{ node: context.node.id, from: receivedFrom, at: envelope.at }]
  const before = holding?.stored ?? 0
  return {
    envelope: body,
    seal,
    index,
    path,
    hops: [...envelope.hops, ...hop],
    ...(bare || before === version - 1 ? {} : { gap: { from: Math.min(before, version - 1) } }),
  }
}

/** Writes down what is given before it is. @returns the number of the page; undefined for an empty one */
async function recordPage(
  context: Context,
  caller: Caller,
  standing: Standing,
  peer: Peer,
  given: readonly KeptEnvelope[],
  notices: readonly KeptNotice[],
): Promise<bigint | undefined> {
  if (given.length === 0 && notices.length === 0) return undefined
  const at = context.clock()
  return await context.database.transaction(async (transaction) => {
    const page = await nextPage(transaction, peer.id, at)
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
