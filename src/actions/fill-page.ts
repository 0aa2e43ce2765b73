import type { Hop } from '../domain/envelope.ts'
import { limits } from '../domain/limits.ts'
import type { Peer } from '../domain/peer.ts'
import type { FeedEntry } from '../formats/feed-page.ts'
import { bareAt, type KeptEnvelope, keyOf, wholeAt } from '../store/envelopes.ts'
import { type Holding, holdingsOf } from '../store/peer-holdings.ts'
import type { Context } from './context.ts'
import type { Step } from './follow-steps.ts'

export interface MadePage {
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
export async function fillPage(
  context: Context,
  peer: Peer,
  steps: readonly Step[],
  to: Uint8Array,
): Promise<MadePage> {
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
  const held = new Map(holdings.map((each) => [keyOf(each), each]))
  const heldOf = (envelope: KeptEnvelope) => held.get(keyOf(envelope))
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

export function entryOf(
  context: Context,
  envelope: KeptEnvelope,
  seal: number,
  holding: Holding | undefined,
): FeedEntry {
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
