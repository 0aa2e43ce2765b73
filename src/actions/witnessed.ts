import type { CheckpointContent, Envelope } from '../domain/envelope.ts'
import { Fault } from '../domain/errors.ts'
import type { Peer } from '../domain/peer.ts'
import type { CheckpointEntry } from '../formats/checkpoint-answer.ts'
import { readEnvelope } from '../formats/envelope.ts'
import { EnvelopeError } from '../formats/envelope-error.ts'
import { envelopeDigest } from '../seal/batches.ts'
import { openCheckpoint } from '../seal/checkpoint.ts'
import { NoteError, type NoteKey } from '../seal/note.ts'
import { treeSize } from '../store/audit-tree.ts'
import { updatePeerState } from '../store/peer-states.ts'
import { checkpointsOf } from './ask-checkpoints.ts'
import { Unusable } from './ask-peer.ts'
import { auditRootAt } from './audit-proofs.ts'
import { distrust } from './checkpoint-findings.ts'
import type { Context } from './context.ts'
import { auditKey } from './integrate-audit.ts'

/** A head of this node's audit log that a peer has kept, signed by this node. */
export interface WitnessedHead {
  readonly size: number
  readonly root: Buffer
  readonly note: string
  readonly entry: CheckpointEntry
}

/** The heads of this node's audit log among what a peer gave back: what this node did not sign is none. */
export function witnessedOf(key: NoteKey, entries: readonly CheckpointEntry[]): WitnessedHead[] {
  return entries.flatMap((entry) => {
    try {
      const { content } = readEnvelope(entry.envelope) as Envelope<CheckpointContent>
      if (content.kind !== 'checkpoint' || content.audit === undefined) return []
      const { note } = content.audit
      return [{ ...openCheckpoint(note, key), note, entry }]
    } catch (error) {
      if (error instanceof EnvelopeError || error instanceof NoteError) return []
      throw error
    }
  })
}

/** Holds this node's audit log against what a peer has kept of it. What does not fit is written down, and said in the log. */
export async function compareWitnessed(
  context: Context,
  peer: Peer,
  entries: readonly CheckpointEntry[],
): Promise<void> {
  const heads = witnessedOf(auditKey(context), entries)
  const largest = Math.max(0, ...heads.map(({ size }) => size))
  if (largest === 0) return
  const at = context.clock()
  await updatePeerState(context.database, peer.id, { witnessedSize: largest, witnessedAt: at })
  const size = await treeSize(context.database)
  for (const head of heads) {
    const root = head.size === 0 || head.size > size ? undefined : await auditRootAt(context, head.size)
    if (head.size === 0 || root?.equals(head.root) === true) continue
    const detail = `Our audit log of size ${size} does not extend the head of size ${head.size} that ${peer.name} has kept.`
    await context.database.transaction((transaction) =>
      distrust(context, transaction, {
        ...{ node: context.node.id, kind: 'own_audit_not_extended', detail, seenFrom: peer.id, at },
        ...{ digests: [envelopeDigest(head.entry.envelope)], entries: [] },
      }),
    )
  }
}

/** What a peer said when it was asked for what it has kept. */
export interface Witness {
  readonly peer: string
  readonly name: string
  /** Signed heads of this node's audit log (C2SP tlog-checkpoint). */
  readonly notes: readonly string[]
  /** Why it gave none. */
  readonly failed?: string
}

/** Asks every peer for the heads of this node's audit log that it has kept. Writes nothing down. */
export async function askWitnesses(context: Context, key: NoteKey = auditKey(context)): Promise<Witness[]> {
  const standing = await context.policy.current()
  const active = [...standing.directory.peers.values()].filter(({ state }) => state === 'active')
  return await Promise.all(
    active.map(async (peer): Promise<Witness> => {
      const { id, name } = peer
      try {
        const { yours } = await checkpointsOf(context, standing, peer, [])
        return { peer: id, name, notes: witnessedOf(key, yours).map(({ note }) => note) }
      } catch (error) {
        if (!(error instanceof Unusable || error instanceof Fault)) throw error
        return { peer: id, name, notes: [], failed: error.message }
      }
    }),
  )
}
