import type { Caller } from '../domain/caller.ts'
import type { Hop } from '../domain/envelope.ts'
import { Fault } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import type { CheckpointAnswer, CheckpointEntry, SizeProof } from '../formats/checkpoint-answer.ts'
import { subtreesOf } from '../seal/merkle.ts'
import { extensionPath, extensionRanges } from '../seal/period-log.ts'
import { type CheckpointRow, newestCheckpoints } from '../store/checkpoints.ts'
import { openEvidence } from '../store/peer-findings.ts'
import { consistencyPath } from './audit-proofs.ts'
import type { Context } from './context.ts'
import { periodHashes } from './period-hashes.ts'
import { sealCheckpoint } from './seal-checkpoint.ts'
import { readAside } from './set-aside.ts'
import { verb } from './verb.ts'

export interface ServeCheckpointsInput {
  /** Sizes of this node's logs that the peer has heads of. */
  readonly feed: readonly number[]
  readonly audit: readonly number[]
}

/**
 * This node's newest checkpoint with proofs that it extends those that the peer has, what is kept of third nodes, and what is kept of the
 * peer itself. @throws {Fault} `not_found` while nobody operates the node
 */
export const serveCheckpoints = verb(
  'serve-checkpoints',
  async (
    context: Context,
    caller: Caller,
    { feed, audit }: ServeCheckpointsInput,
    { directory },
  ): Promise<CheckpointAnswer> => {
    const { id: self } = context.node
    const { peer = '' } = caller
    await sealCheckpoint(context)
    const [own] = await newestCheckpoints(context.database, self, 1)
    if (own === undefined) throw new Fault('not_found', 'This node has no checkpoint yet.')
    const others: CheckpointEntry[] = []
    for (const { id, state } of directory.peers.values()) {
      if (id === peer || state === 'expelled') continue
      const kept = (await newestCheckpoints(context.database, id, limits.checkpointsGiven)).map(({ entry }) => entry)
      const evidence = await openEvidence(context.database, id, limits.checkpointsGiven)
      for (const entry of new Set([...evidence, ...kept]))
        if (others.length < limits.checkpointEntries) others.push(...passedOn(context, peer, id, entry))
    }
    const yours = await newestCheckpoints(context.database, peer, limits.checkpointsGiven)
    return {
      ...{ v: 1, from: self, to: peer },
      own: entryOf(own.entry),
      proofs: { feed: await feedProofs(context, own, feed), audit: await auditProofs(context, own, audit) },
      others,
      yours: yours.map(({ entry }) => entryOf(entry)),
    }
  },
)

function entryOf(text: string): CheckpointEntry {
  const { envelope, jws: seal, index, path, hops } = readAside(text)
  return { envelope, seal, index, path, hops }
}

/** With a hop of this node; nothing is sent back to where it was, or further than any receiver takes it. */
function passedOn({ node, clock }: Context, to: string, origin: string, text: string): CheckpointEntry[] {
  const entry = entryOf(text)
  const from = entry.hops.at(-1)?.node ?? origin
  const hop: Hop = { node: node.id, from, at: clock().toISOString() }
  if (entry.hops.length >= limits.peerHops || entry.hops.some((each) => each.node === to)) return []
  return [{ ...entry, hops: [...entry.hops, hop] }]
}

async function feedProofs({ database }: Context, own: CheckpointRow, sizes: readonly number[]): Promise<SizeProof[]> {
  const ranges = [...new Set(sizes)]
    .filter((size) => size >= 1 && size < own.size)
    .map((size) => ({ size, ranges: extensionRanges(size, own.size) }))
  const subtrees = ranges.flatMap((each) => each.ranges.flatMap(subtreesOf))
  const hashOf = await periodHashes(database, own.epoch, subtrees)
  return ranges.map((each) => ({ size: each.size, path: extensionPath(each.ranges, hashOf) }))
}

async function auditProofs(context: Context, { audit }: CheckpointRow, sizes: readonly number[]): Promise<SizeProof[]> {
  const proofs: SizeProof[] = []
  for (const size of new Set(sizes)) {
    if (audit === undefined || size < 1 || size >= audit.size) continue
    proofs.push({ size, path: await consistencyPath(context, size, audit.size) })
  }
  return proofs
}
