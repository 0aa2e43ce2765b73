import { publicCaller } from '../domain/caller.ts'
import type { FindingKind } from '../domain/checkpoint.ts'
import type { Peer } from '../domain/peer.ts'
import type { CheckpointAnswer } from '../formats/checkpoint-answer.ts'
import { notExtended } from '../seal/extension.ts'
import { type CheckpointRow, type Contradiction, markProven } from '../store/checkpoints.ts'
import type { Transaction } from '../store/database.ts'
import { keepFinding, type NewFinding } from '../store/peer-findings.ts'
import { lockPeers, readPeers, updatePeer } from '../store/peers.ts'
import type { Context } from './context.ts'
import { administrative } from './organisations.ts'
import { record } from './verb.ts'

const sentences: Readonly<Record<Contradiction['kind'], string>> = {
  two_roots: 'It signed two roots of its log of periods for one size.',
  two_audit_roots: 'It signed two roots of its audit log for one size.',
  audit_key_changed: 'Another key signs its audit log.',
}

/** What two checkpoints of one node contradict each other in. */
export const contradiction = (
  { kind, node, size, digests, entries }: Contradiction,
  sender: Peer,
  at: Date,
): NewFinding => ({ kind, node, detail: `${sentences[kind]} Size ${size}.`, seenFrom: sender.id, at, digests, entries })

/**
 * Holds a peer's newest checkpoint against those that it was asked to prove. @returns why not; undefined when it extends them all
 */
export async function provenOrFound(
  context: Context,
  peer: Peer,
  newest: CheckpointRow,
  before: readonly CheckpointRow[],
  proofs: CheckpointAnswer['proofs'],
): Promise<string | undefined> {
  const at = context.clock()
  const missing: NewFinding[] = []
  for (const older of before) {
    const kind = notExtended(older, newest, proofs)
    if (kind === undefined) continue
    const log = kind === 'not_extended' ? 'log of periods' : 'audit log'
    const detail = `Its ${log} of size ${sizeOf(newest, kind)} does not extend the head of size ${sizeOf(older, kind)} that it signed.`
    const [digests, entries] = [
      [older.digest, newest.digest],
      [older.entry, newest.entry],
    ]
    missing.push({ kind, node: peer.id, detail, seenFrom: peer.id, at, digests, entries })
  }
  await context.database.transaction(async (transaction) => {
    for (const finding of missing) await distrust(context, transaction, finding)
    if (missing.length === 0)
      await markProven(
        transaction,
        [...before, newest].map(({ digest }) => digest),
      )
  })
  return missing[0]?.detail
}

const sizeOf = (row: CheckpointRow, kind: FindingKind): number =>
  kind === 'not_extended' ? row.size : (row.audit?.size ?? 0)

/**
 * Writes a finding down, and suspends its node: nothing of it is applied, by whatever way it comes, until an operator resumes it.
 * Contradictions that are known change nothing.
 */
export async function distrust(context: Context, transaction: Transaction, finding: NewFinding): Promise<void> {
  await lockPeers(transaction)
  if (!(await keepFinding(transaction, finding))) return
  const { node, kind, detail, seenFrom, at } = finding
  context.log.error({ node, kind, seenFrom }, `logs of nodes contradict each other: ${detail}`)
  const peer = (await readPeers(transaction)).find(({ id }) => id === node)
  if (peer?.state === 'active') await updatePeer(transaction, node, { state: 'suspended', stateSince: at })
  const standing = await context.policy.known()
  await record(transaction, context, publicCaller, standing, administrative('amend-peer', { id: node, kind, seenFrom }))
  context.policy.suspect()
}
