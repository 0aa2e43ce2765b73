import type { OpenedSeal, SealFault } from '../auth/seals.ts'
import { type Envelope, type Gap, type Hop, type IndicatorContent, isWhole, onlyNarrows } from '../domain/envelope.ts'
import { Fault } from '../domain/errors.ts'
import type { Handling } from '../domain/handling.ts'
import { limits } from '../domain/limits.ts'
import type { PeerKey, PeerState } from '../domain/peer.ts'
import { type KeyStanding, keyStanding } from '../domain/peer-keys.ts'
import type { Reader, World } from '../domain/reader.ts'
import type { Effect, Quarantined, RefusalCode, Refused, Verdict } from '../domain/verdict.ts'
import { EnvelopeError, readEnvelope } from '../formats/envelope.ts'
import { stixObjectOf } from '../formats/envelope-stix.ts'
import { stixDraft } from '../formats/stix-object.ts'
import { judgeHops } from '../policy/hops.ts'
import { type Narrowing, narrowed } from '../policy/local-narrowing.ts'
import { mayTravel } from '../policy/travelling.ts'
import { judgeVersion, type KnownVersion } from '../policy/version-rules.ts'
import { envelopeDigest, isInBatch, type PlaceInBatch } from '../seal/batches.ts'
import type { TypeFacts } from './handling.ts'
import { typeFactsOf } from './type-facts.ts'

/** One entry of a page of a peer's feed. */
export interface ReceivedEntry extends PlaceInBatch {
  /** The exact text of the envelope. */
  readonly text: string
  /** What `openSeal` made of the seal, once for all entries that it covers. */
  readonly seal: OpenedSeal | SealFault
  readonly hops: readonly Hop[]
  readonly gap?: Gap
  /** Node id of the peer that sent the page. */
  readonly sender: string
}

/** What the operator enrolled of a node. Nothing of it was learnt from the node. */
export interface NodeFacts {
  readonly state: PeerState
  /** Organisations homed there. */
  readonly homes: ReadonlySet<string>
  /** Communities whose membership it keeps. */
  readonly communities: ReadonlySet<string>
  readonly keys: readonly PeerKey[]
}

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

function formOf({ text, path }: ReceivedEntry): Envelope | Refused {
  if (path.length > limits.auditPathHashes)
    return refused('too_large', 'The audit path is longer than any batch is deep.')
  try {
    return readEnvelope(text)
  } catch (error) {
    if (error instanceof EnvelopeError) return refused(error.code, error.message)
    throw error
  }
}

function judgeSeal({ seal, ...place }: ReceivedEntry, envelope: Envelope, digest: Buffer): Refused | undefined {
  if ('fault' in seal) return refused(seal.fault, seal.detail)
  if (!isInBatch(digest, place, seal))
    return refused('path_invalid', 'The path does not lead to the root that was sealed.')
  if (seal.node !== envelope.node || seal.epoch !== envelope.epoch) {
    return refused('seal_mismatch', 'The seal is of another node or epoch than the envelope.')
  }
  return Date.parse(envelope.issuedAt) <= Date.parse(seal.issuedAt)
    ? undefined
    : refused('seal_mismatch', 'The envelope is dated after its seal.')
}

function judgeOrigin(
  envelope: Envelope,
  seal: OpenedSeal,
  node: NodeFacts | undefined,
): Refused | Quarantined | undefined {
  if (node === undefined) return refused('node_unknown', 'The node that sealed it is not enrolled here.')
  if (node.state === 'expelled') return refused('node_expelled', 'The node that sealed it was expelled.')
  // As pinned now: between opening the seal and here the key may have been revoked.
  const key = node.keys.find(({ thumbprint }) => thumbprint === seal.thumbprint)
  if (key === undefined) return refused('key_unknown', 'The key is not one of the node that the envelope names.')
  const standing = keyStanding(key, seal.issuedAt)
  if (standing === 'revoked_later') {
    return quarantined('key_revoked_later', 'Its key was revoked before it came, back to after its date.', 'operator')
  }
  if (standing !== 'valid') return refused(codeOf[standing], 'The key was not to be believed when it sealed this.')
  // A checkpoint is its node's own word.
  if (envelope.content.kind !== 'checkpoint' && !node.homes.has(envelope.originator)) {
    return refused('originator_not_homed', 'The originator is not homed at the node that sealed it.')
  }
  if (envelope.content.kind === 'membership' && !node.communities.has(envelope.content.community)) {
    return refused('community_not_kept', 'The node does not keep the members of that community.')
  }
  return node.state === 'suspended' ? quarantined('node_suspended', 'The node is suspended.', 'operator') : undefined
}

const codeOf: Readonly<Record<Exclude<KeyStanding, 'valid' | 'revoked_later'>, RefusalCode>> = {
  not_yet: 'key_not_yet_valid',
  revoked: 'key_revoked',
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

/**
 * Personal data by its type is personal data, whatever the handling says, and also where the pattern alone has it; and what has no masked
 * form has none.
 */
export function byType(envelope: Envelope, handling: Handling): Handling {
  if (!isWhole(envelope)) return handling
  const [sealed, written] = [typeFactsOf(envelope.content), factsOfPattern(envelope.content)]
  const personalData = sealed.personalData || written?.personalData === true
  const maskable = sealed.maskable && written?.maskable !== false
  const said = (handling.personalData || !personalData) && (maskable || !handling.maskable)
  return said ? handling : narrowed(handling, { personalData, maskable })
}

/** What the text says that readers get beside the observables; undefined where its pattern is none that this node reads. */
function factsOfPattern(content: IndicatorContent): TypeFacts | undefined {
  if (patternFacts.has(content)) return patternFacts.get(content)
  const facts = readPattern(content)
  patternFacts.set(content, facts)
  return facts
}

/** The destination is asked by them twice. */
const patternFacts = new WeakMap<IndicatorContent, TypeFacts | undefined>()

function readPattern(content: IndicatorContent): TypeFacts | undefined {
  try {
    const origin = { position: {}, pointer: '', received: content.stix, markingOf: () => ({}) }
    return typeFactsOf(stixDraft(stixObjectOf(content), origin))
  } catch (error) {
    if (error instanceof Fault) return undefined
    throw error
  }
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

const refused = (code: RefusalCode, detail: string): Refused => ({ outcome: 'refused', code, detail })
const quarantined = (code: RefusalCode, detail: string, retry: Quarantined['retry']): Quarantined => ({
  outcome: 'quarantined',
  code,
  detail,
  retry,
})
