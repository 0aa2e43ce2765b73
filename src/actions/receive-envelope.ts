import { type Envelope, isWhole, onlyNarrows } from '../domain/envelope.ts'
import type { Handling } from '../domain/handling.ts'
import type { Reader, World } from '../domain/reader.ts'
import { type Effect, quarantined, type Refused, refused, type Verdict } from '../domain/verdict.ts'
import { judgeHops } from '../policy/hops.ts'
import { type Narrowing, narrowed } from '../policy/local-narrowing.ts'
import { mayTravel } from '../policy/travelling.ts'
import { judgeVersion, type KnownVersion } from '../policy/version-rules.ts'
import { envelopeDigest } from '../seal/batches.ts'
import { byType } from './by-type.ts'
import { formOf, judgeOrigin, judgeSeal, type NodeFacts, type ReceivedEntry } from './prove-envelope.ts'

export interface ReceiverFacts {
  /** This node's id. */
  readonly self: string
  readonly node: (id: string) => NodeFacts | undefined
  /** The organisations homed here, as the policy sees them. */
  readonly readers: readonly Reader[]
  readonly world: World
  /** The handling under which an indicator is held here: what sightings are about. */
  readonly targetOf: (
    of: { readonly originator: string; readonly id: string },
    reporter: string,
  ) => Handling | undefined
  /** This node's own policy about what comes from others. */
  readonly narrow?: (envelope: Envelope) => Narrowing | undefined
}

/**
 * Judges one entry, in the order of docs/federation.md and before it has any effect: size and form, seal and path, the originating
 * node and its key, its originator, the destination, versions, tombstones, own policy. Pure: whoever calls applies what it says.
 * @param known what is known here of the envelope's originator and id, by its own word
 */
export function receiveEnvelope(
  entry: ReceivedEntry,
  facts: ReceiverFacts,
  knownOf: (envelope: Envelope) => KnownVersion | undefined,
  now: Date,
): Verdict {
  const envelope = formOf(entry)
  if ('outcome' in envelope) return envelope
  const verdict = judge(entry, envelope, facts, knownOf, now)
  if (!('code' in verdict)) return verdict
  const { node, originator, id, version } = envelope
  return { ...verdict, about: { node, originator, id, version } }
}

function judge(
  entry: ReceivedEntry,
  envelope: Envelope,
  facts: ReceiverFacts,
  knownOf: (envelope: Envelope) => KnownVersion | undefined,
  now: Date,
): Verdict {
  const { seal } = entry
  const digest = envelopeDigest(entry.text)
  const way = { self: facts.self, origin: envelope.node, sender: entry.sender }
  const unproven = judgeHops(entry.hops, way) ?? judgeSeal(entry, envelope, digest)
  if (unproven !== undefined) return unproven
  if ('fault' in seal) return refused(seal.fault, seal.detail)
  const origin = judgeOrigin(envelope, seal, facts.node(envelope.node))
  if (origin?.outcome === 'refused') return origin
  // No recall may come after it by that way. Another brings it again; what only takes away is welcome from anybody.
  if (!onlyNarrows(envelope) && entry.hops.some(({ node }) => facts.node(node)?.state === 'expelled')) {
    return refused('node_expelled', 'It passed through a node that was expelled.')
  }
  // Before anything is quarantined: what nobody here may have is not kept there either.
  const denied = judgeDestination(envelope, envelope.handling, facts, now)
  if (denied !== undefined) return denied
  if (origin !== undefined) return origin
  const version = judgeVersion(envelope, digest, seal.issuedAt, entry.gap, knownOf(envelope), now)
  return version ?? applied(envelope, digest, facts, now)
}

/** What no organisation homed here may have is not kept here, whoever sends it and for whatever reason. */
function judgeDestination(
  envelope: Envelope,
  handling: Handling | null,
  facts: ReceiverFacts,
  now: Date,
): Refused | undefined {
  if (handling === null) return undefined
  if (mayTravel(facts.readers, byType(envelope, handling), now, facts.world)) return undefined
  return refused('destination', 'No organisation homed here may have it.')
}

function applied(envelope: Envelope, digest: Buffer, facts: ReceiverFacts, now: Date): Verdict {
  const { handling: sealed, content } = envelope
  const effect = effectOf(envelope)
  if (sealed === null) return { outcome: 'applied', effect, envelope, digest, handling: null }
  if (content.kind === 'sighted' && facts.targetOf(content.of, envelope.originator) === undefined) {
    return quarantined('target_unknown', 'The indicator that was seen is not here.', 'target')
  }
  const handling = ownPolicy(envelope, byType(envelope, sealed), facts)
  if (handling === undefined) return quarantined('policy_failed', 'Our own policy could not be asked.', 'operator')
  if (handling === sealed || same(handling, sealed)) {
    return { outcome: 'applied', effect, envelope, digest, handling: sealed }
  }
  const denied = judgeDestination(envelope, handling, facts, now)
  return denied ?? { outcome: 'narrowed', effect, envelope, digest, handling }
}

/** Undefined when it throws: then nothing is applied. */
function ownPolicy(envelope: Envelope, handling: Handling, { narrow }: ReceiverFacts): Handling | undefined {
  try {
    const narrowing = narrow?.(envelope)
    return narrowing === undefined ? handling : narrowed(handling, narrowing)
  } catch {
    return undefined
  }
}

const same = (a: Handling, b: Handling): boolean => JSON.stringify(a) === JSON.stringify(narrowed(b, {}))

function effectOf(envelope: Envelope): Effect {
  switch (envelope.content.kind) {
    case 'published':
    case 'revised':
      return 'indicator'
    case 'narrowed':
      return isWhole(envelope) ? 'indicator' : 'withdrawal'
    case 'recalled':
      return 'tombstone'
    case 'sighted':
      return 'sighting'
    case 'membership':
      return 'membership'
    case 'checkpoint':
      return 'checkpoint'
  }
}
