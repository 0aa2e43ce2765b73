import { setImmediate } from 'node:timers/promises'
import { worldOf } from '../domain/directory.ts'
import { type Envelope, isWhole } from '../domain/envelope.ts'
import { Fault } from '../domain/errors.ts'
import type { Handling } from '../domain/handling.ts'
import type { Peer } from '../domain/peer.ts'
import type { Applied } from '../domain/verdict.ts'
import { draftOfEnvelope } from '../formats/envelope-draft.ts'
import type { KnownVersion } from '../policy/version-rules.ts'
import { envelopeDigest } from '../seal/batches.ts'
import { type IndicatorKey, keyOf, knownEnvelopes } from '../store/envelopes.ts'
import type { Tally } from '../store/peer-states.ts'
import type { NewQuarantined } from '../store/quarantine.ts'
import type { Context, Standing } from './context.ts'
import { type EffectiveNotice, type NoticeFacts, noticeFacts } from './judge-notices.ts'
import { ownReaders } from './peer-view.ts'
import type { NodeFacts } from './prove-envelope.ts'
import { type ReceiverFacts, receiveEnvelope } from './receive-envelope.ts'
import { nameOf, type OpenedEntry, setAside } from './set-aside.ts'

/** An entry that is to have an effect. */
export interface Effective {
  readonly entry: OpenedEntry
  readonly envelope: Envelope
  readonly stixId: string
  readonly digest: Buffer
  readonly handling: Handling | null
  /** Undefined where only its bytes are kept, to be passed on. */
  readonly effect: Applied['effect'] | undefined
}

/** What is to become of a page: judged, and not applied yet. */
export interface Judged {
  readonly effective: readonly Effective[]
  /** Sightings and departures, likewise. */
  readonly notices: readonly EffectiveNotice[]
  readonly aside: readonly NewQuarantined[]
  readonly tallies: readonly Tally[]
  /** Whether something was for nobody here: it is asked for again when the own directory changes. */
  readonly notForUs: boolean
}

/** Entries judged before others have their turn. */
const stretchEntries = 25

/** Judges the entries of a page, one after the other, each by what those before it left. */
export async function judgePage(
  context: Context,
  standing: Standing,
  sender: Peer,
  entries: readonly (OpenedEntry | { readonly fault: string })[],
): Promise<Judged> {
  const { directory } = standing
  const now = context.clock()
  const facing = await noticeFacts(context, standing, entries)
  const known = await knownOf(context, entries)
  const facts: ReceiverFacts = {
    self: context.node.id,
    node: (id) => {
      const peer = directory.peers.get(id)
      return peer && factsOf(peer)
    },
    readers: ownReaders(directory),
    world: worldOf(directory),
    targetOf: facing.targetOf,
  }
  const effective: Effective[] = []
  const notices: EffectiveNotice[] = []
  const aside: NewQuarantined[] = []
  const counts = new Map<string, Tally>()
  const count = (outcome: Tally['outcome'], code: string) => {
    const key = `${outcome} ${code}`
    counts.set(key, { outcome, code, items: (counts.get(key)?.items ?? 0) + 1 })
  }
  let notForUs = false
  for (const [n, entry] of entries.entries()) {
    if (n % stretchEntries === stretchEntries - 1) await setImmediate()
    if ('fault' in entry) {
      count('refused', 'malformed')
      aside.push(setAside(undefined, { outcome: 'refused', code: 'malformed', detail: entry.fault }, now))
      continue
    }
    const verdict = judged(entry, facts, sender, (envelope) => knownAmong(known, facing, envelope), now)
    switch (verdict.outcome) {
      case 'known': {
        count('known', '')
        const bare = passedOn(entry)
        if (bare !== undefined) effective.push(bare)
        break
      }
      case 'applied':
      case 'narrowed': {
        count(verdict.outcome, '')
        const { envelope, digest, effect, handling } = verdict
        const stixId = envelope.id.slice('indicator--'.length)
        if (effect === 'sighting' || effect === 'membership') {
          facing.learn(envelope, digest)
          notices.push({ entry, envelope: envelope as EffectiveNotice['envelope'], digest, handling })
        }
        // Checkpoints have a door of their own.
        if (!envelope.id.startsWith('indicator--')) break
        effective.push({ entry, envelope, stixId, digest, handling, effect })
        known.set(keyOf({ stixId, originator: envelope.originator }), {
          ...{ version: envelope.version, digest, epoch: envelope.epoch },
          held: isWhole(envelope),
          bare: !isWhole(envelope),
          recalled: effect === 'tombstone',
        })
        break
      }
      case 'quarantined':
      case 'refused':
        count(verdict.outcome, verdict.code)
        notForUs ||= verdict.code === 'destination'
        // Of what is for nobody here nothing is kept but what it was called.
        aside.push(setAside(entry, verdict, now))
        break
    }
  }
  return { effective, notices, aside, tallies: [...counts.values()], notForUs }
}

/** What the operator enrolled of a node, as the receiver's checks ask for it. */
export const factsOf = (peer: Peer): NodeFacts => ({
  state: peer.state,
  homes: new Set(peer.organisations),
  communities: new Set(peer.communities),
  keys: peer.keys,
})

const knownAmong = (
  indicators: ReadonlyMap<string, KnownVersion>,
  notices: NoticeFacts,
  envelope: Envelope,
): KnownVersion | undefined => {
  const { id, originator } = envelope
  if (!id.startsWith('indicator--')) return notices.known(envelope)
  return indicators.get(keyOf({ stixId: id.slice('indicator--'.length), originator }))
}

function judged(
  entry: OpenedEntry,
  facts: ReceiverFacts,
  sender: Peer,
  knownOf: (envelope: Envelope) => KnownVersion | undefined,
  now: Date,
): ReturnType<typeof receiveEnvelope> {
  const { envelope: text, index, path, opened: seal, hops, gap, read } = entry
  const known = { ...(gap === undefined ? {} : { gap }), ...(read === undefined ? {} : { read }) }
  const received = { text, index, path, seal, hops, sender: sender.id, ...known }
  const verdict = receiveEnvelope(received, facts, knownOf, now)
  if (verdict.outcome !== 'applied' && verdict.outcome !== 'narrowed') return verdict
  try {
    if (isWhole(verdict.envelope)) draftOfEnvelope(verdict.envelope)
    return verdict
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    return { outcome: 'refused', code: 'malformed', detail: error.message }
  }
}

/** A withdrawal that takes nothing away here may do so at those to whom it is passed on: it was proven like all others. */
function passedOn(entry: OpenedEntry): Effective | undefined {
  const envelope = JSON.parse(entry.envelope) as Envelope
  if (envelope.content.kind !== 'narrowed' || isWhole(envelope)) return undefined
  const digest = envelopeDigest(entry.envelope)
  const stixId = envelope.id.slice('indicator--'.length)
  return { entry, envelope, stixId, digest, handling: null, effect: undefined }
}

/** What is known of all that a page is about, by its own word: whether that word is good is judged with it. */
async function knownOf(
  context: Context,
  entries: readonly (OpenedEntry | { readonly fault: string })[],
): Promise<Map<string, KnownVersion>> {
  const keys = entries.flatMap((entry): IndicatorKey[] => {
    const named = 'fault' in entry ? undefined : nameOf(entry)
    return named === undefined ? [] : [named]
  })
  const rows = await knownEnvelopes(context.database, keys)
  return new Map(rows.map((row) => [keyOf(row), row]))
}
