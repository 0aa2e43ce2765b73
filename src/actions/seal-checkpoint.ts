import { createHash, randomBytes } from 'node:crypto'
import type { SigningKey } from '../auth/jwk.ts'
import { signSeal } from '../auth/seals.ts'
import type { CheckpointContent, Envelope } from '../domain/envelope.ts'
import { limits } from '../domain/limits.ts'
import { writeEnvelope } from '../formats/envelope.ts'
import { batchOf } from '../seal/batches.ts'
import { periodLeaf } from '../seal/checkpoint-log.ts'
import { formatKey } from '../seal/note.ts'
import { appendPeriod, edgeOf } from '../seal/period-log.ts'
import { readCheckpoint } from '../store/audit-tree.ts'
import { type CheckpointRow, keepCheckpoint } from '../store/checkpoints.ts'
import type { Transaction } from '../store/database.ts'
import { keepSeals } from '../store/envelopes.ts'
import { insertPeriod, lastPeriod, uncoveredSeals } from '../store/periods.ts'
import { lockSealing } from '../store/sealing.ts'
import { auditHeadOf } from './audit-head-of.ts'
import type { Context } from './context.ts'
import { auditKey } from './integrate-audit.ts'
import { periodHashes } from './period-hashes.ts'
import { writeAside } from './set-aside.ts'

/**
 * Closes the period of this node's log and seals a checkpoint of it and of the audit log, when the last one is old enough. Does nothing
 * on a node that has no peers, or that nobody operates. @returns whether there is a new one
 */
export async function sealCheckpoint(context: Context): Promise<boolean> {
  const standing = await context.policy.current()
  const { peers, operator } = standing.directory
  if (peers.size === 0 || operator === undefined || !(await isDue(context, context.database))) return false
  const at = context.clock()
  const signer = await context.federationKeys.signer(standing, at)
  return await context.database.transaction(async (transaction) => {
    await lockSealing(transaction)
    // Another process may have done it meanwhile.
    if (!(await isDue(context, transaction))) return false
    const head = await closePeriod(context, transaction, at)
    const row = await sealHead(context, transaction, operator, signer, head, at)
    await keepCheckpoint(transaction, row, at, limits.checkpointsKept)
    return true
  })
}

/** The clock may have been set back. */
async function isDue({ node, clock }: Context, queries: Parameters<typeof lastPeriod>[0]): Promise<boolean> {
  const last = await lastPeriod(queries, node.feedEpoch)
  return last === undefined || Math.abs(clock().getTime() - last.at.getTime()) >= limits.checkpointSeconds * 1000
}

interface Head {
  readonly size: number
  readonly root: Buffer
}

async function closePeriod({ node }: Context, transaction: Transaction, at: Date): Promise<Head> {
  const epoch = node.feedEpoch
  const before = (await lastPeriod(transaction, epoch))?.size ?? 0
  const { seals, upto } = await uncoveredSeals(transaction, node.id)
  const salt = randomBytes(32)
  const hashOf = await periodHashes(transaction, epoch, edgeOf(before))
  const { hashes, root } = appendPeriod(before, periodLeaf(salt, seals), hashOf)
  await insertPeriod(transaction, { epoch, size: before + 1, salt, hashes, uptoSeal: upto, at })
  return { size: before + 1, root }
}

async function sealHead(
  context: Context,
  transaction: Transaction,
  operator: string,
  signer: SigningKey,
  { size, root }: Head,
  at: Date,
): Promise<CheckpointRow> {
  const { id: node, feedEpoch: epoch } = context.node
  const audit = await readCheckpoint(transaction)
  const expiresAt = new Date(at.getTime() + limits.checkpointExpirySeconds * 1000).toISOString()
  const content: CheckpointContent = {
    kind: 'checkpoint',
    size,
    root: root.toString('base64url'),
    ...(audit === undefined ? {} : { audit: { key: formatKey(auditKey(context)), note: audit.note } }),
    expiresAt,
  }
  const issuedAt = at.toISOString()
  const envelope: Envelope<CheckpointContent> = {
    ...{ v: 1, id: `checkpoint--${node}`, version: size, previousVersion: size - 1, originator: operator },
    ...{ node, epoch, issuedAt, handling: null, content },
  }
  const text = writeEnvelope(envelope)
  const tree = batchOf([text])
  const jws = await signSeal({ node, epoch, root: tree.root, size: 1, issuedAt }, signer)
  const seal = {
    jws,
    digest: createHash('sha256').update(jws).digest(),
    node,
    thumbprint: signer.kid,
    sealedAt: issuedAt,
  }
  await keepSeals(transaction, [seal])
  return {
    ...{ digest: tree.digestOf(0), node, epoch, size, root, issuedAt, expiresAt, proven: true },
    ...auditHeadOf(envelope),
    entry: writeAside({ envelope: text, index: 0, path: [], hops: [], jws }),
  }
}
