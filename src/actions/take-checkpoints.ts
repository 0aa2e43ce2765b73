import { openSeal } from '../auth/seals.ts'
import { worldOf } from '../domain/directory.ts'
import type { CheckpointContent, Envelope } from '../domain/envelope.ts'
import { Fault } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import type { Peer } from '../domain/peer.ts'
import type { CheckpointEntry } from '../formats/checkpoint-answer.ts'
import { envelopeDigest } from '../seal/batches.ts'
import { NoteError } from '../seal/note.ts'
import { type CheckpointRow, contradictionsOf, keepCheckpoint, knownDigests, toBeProven } from '../store/checkpoints.ts'
import { claimHeads, ensurePeerState } from '../store/peer-states.ts'
import { checkpointsOf } from './ask-checkpoints.ts'
import { Unusable } from './ask-peer.ts'
import { auditHeadOf } from './audit-head-of.ts'
import { contradiction, distrust, provenOrFound } from './checkpoint-findings.ts'
import type { Context, Standing } from './context.ts'
import { factsOf } from './judge-page.ts'
import { receiveEnvelope } from './receive-envelope.ts'
import { sealCheckpoint } from './seal-checkpoint.ts'
import { writeAside } from './set-aside.ts'
import { compareWitnessed } from './witnessed.ts'

/** What the clock does: this node's checkpoint is sealed, and those of all peers are asked for, side by side. */
export async function exchangeCheckpoints(context: Context): Promise<void> {
  await sealCheckpoint(context)
  const { directory } = await context.policy.current()
  const active = [...directory.peers.values()].filter(({ state }) => state === 'active')
  await Promise.all(
    active.map(async ({ id }) => {
      const at = context.clock()
      const before = new Date(at.getTime() - limits.checkpointAskSeconds * 1000)
      // One process asks.
      if (await claimHeads(context.database, id, at, before)) await takeCheckpoints(context, id)
    }),
  )
}

/**
 * Asks a peer for its checkpoint, for proofs that it extends what is kept of it, and for what it has of others and of this node. What they
 * contradict is written down, and its node suspended. @returns why nothing came; undefined when something did
 */
export async function takeCheckpoints(context: Context, id: string): Promise<string | undefined> {
  const standing = await context.policy.current()
  const peer = standing.directory.peers.get(id)
  if (peer?.state !== 'active') return 'nothing is asked of it'
  await ensurePeerState(context.database, id)
  try {
    const before = await toBeProven(context.database, id, limits.checkpointProofs)
    const answer = await checkpointsOf(context, standing, peer, before)
    const own = await keep(context, standing, peer, answer.own)
    if (own?.node !== id) throw new Unusable('it gave no checkpoint of its own')
    const newest = await provenOrFound(context, peer, own, before, answer.proofs)
    const known = await knownDigests(
      context.database,
      answer.others.map(({ envelope }) => envelopeDigest(envelope)),
    )
    for (const entry of answer.others)
      if (!known.has(envelopeDigest(entry.envelope).toString('hex'))) await keep(context, standing, peer, entry)
    await compareWitnessed(context, peer, answer.yours)
    return newest
  } catch (error) {
    if (!(error instanceof Unusable || error instanceof Fault)) throw error
    context.log.warn({ peer: id, reason: error.message }, 'checkpoints of a peer could not be taken')
    return error.message
  }
}

/** Judges a checkpoint as everything else that comes, keeps it, and compares it with all that are kept. @returns what was kept */
async function keep(
  context: Context,
  standing: Standing,
  sender: Peer,
  entry: CheckpointEntry,
): Promise<CheckpointRow | undefined> {
  const row = await judged(context, standing, sender, entry)
  if (row === undefined) return undefined
  const at = context.clock()
  await context.database.transaction(async (transaction) => {
    if (await keepCheckpoint(transaction, row, at, limits.checkpointsKept))
      for (const found of await contradictionsOf(transaction, row.digest))
        await distrust(context, transaction, contradiction(found, sender, at))
  })
  return row
}

/** Third nodes need not be enrolled here, and of what is found already nothing more is asked. */
const ofNoConcern: readonly string[] = ['node_unknown', 'node_suspended', 'node_expelled']

async function judged(
  context: Context,
  { directory }: Standing,
  sender: Peer,
  { envelope: text, seal: jws, index, path, hops }: CheckpointEntry,
): Promise<CheckpointRow | undefined> {
  const keys = [...directory.peers.values()].flatMap((peer) => peer.keys)
  const received = { text, index, path, hops, seal: await openSeal(jws, keys), sender: sender.id }
  const facts = {
    self: context.node.id,
    node: (id: string) => {
      const peer = directory.peers.get(id)
      return peer && factsOf(peer)
    },
    ...{ readers: [], world: worldOf(directory), targetOf: () => undefined },
  }
  const verdict = receiveEnvelope(received, facts, () => undefined, context.clock())
  if (verdict.outcome !== 'applied' || verdict.effect !== 'checkpoint') {
    const reason = 'code' in verdict ? verdict.code : verdict.outcome
    if (!ofNoConcern.includes(reason)) context.log.warn({ peer: sender.id, reason }, 'a checkpoint was not taken')
    return undefined
  }
  const envelope = verdict.envelope as Envelope<CheckpointContent>
  try {
    return {
      ...auditHeadOf(envelope),
      ...{ digest: verdict.digest, node: envelope.node, epoch: envelope.epoch, issuedAt: envelope.issuedAt },
      ...{ size: envelope.content.size, root: Buffer.from(envelope.content.root, 'base64url') },
      expiresAt: envelope.content.expiresAt,
      entry: writeAside({ envelope: text, index, path, hops, jws }),
      ...{ receivedFrom: sender.id, proven: false },
    }
  } catch (error) {
    if (!(error instanceof NoteError)) throw error
    context.log.warn({ peer: sender.id, reason: error.message }, 'a checkpoint was not taken')
    return undefined
  }
}
