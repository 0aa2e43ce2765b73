import type { OpenedSeal, SealFault } from '../auth/seals.ts'
import type { Envelope, Gap, Hop } from '../domain/envelope.ts'
import { limits } from '../domain/limits.ts'
import type { PeerKey, PeerState } from '../domain/peer.ts'
import { type KeyStanding, keyStanding } from '../domain/peer-keys.ts'
import { type Quarantined, quarantined, type RefusalCode, type Refused, refused } from '../domain/verdict.ts'
import { EnvelopeError } from '../formats/envelope-error.ts'
import { isInBatch, type PlaceInBatch } from '../seal/batches.ts'
import { readOrFault } from './read-through.ts'

/** One entry of a page of a peer's feed. */
export interface ReceivedEntry extends PlaceInBatch {
  /** The exact text of the envelope. */
  readonly text: string
  /** What `openSeal` made of the seal, once for all entries that it covers. */
  readonly seal: OpenedSeal | SealFault
  readonly hops: readonly Hop[]
  readonly gap?: Gap
  /** What the text says, or what is wrong with it, where that was read before. */
  readonly read?: Envelope | EnvelopeError
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

/** Size and form. */
export function formOf({ text, path, read = readOrFault(text) }: ReceivedEntry): Envelope | Refused {
  if (path.length > limits.auditPathHashes)
    return refused('too_large', 'The audit path is longer than any batch is deep.')
  return read instanceof EnvelopeError ? refused(read.code, read.message) : read
}

/** Whether the seal is over these bytes, and of the node that they name. */
export function judgeSeal({ seal, ...place }: ReceivedEntry, envelope: Envelope, digest: Buffer): Refused | undefined {
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

/** Whether the node may say it, by the key that it said it with. */
export function judgeOrigin(
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
