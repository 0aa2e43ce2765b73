import { openCheckpoint, originOf } from '../seal/checkpoint.ts'
import { Frontier } from '../seal/merkle.ts'
import { formatKey, type NoteKey, noteKey, parseKey, publicKeyOf } from '../seal/note.ts'
import { isStored } from '../seal/stored.ts'
import { impossiblePending, logExtent, type PlaceRow, placesFrom, strangersBetween } from '../store/audit-rows.ts'
import { readNodes, type TreeNode, treeSize } from '../store/audit-tree.ts'
import type { Database, Queries } from '../store/database.ts'
import { readNode } from '../store/node.ts'
import { DecisionAudit } from './audit-decisions.ts'
import { FiguresAudit } from './audit-figures.ts'
import { type Finding, type FindingKind, Findings } from './audit-findings.ts'
import { HeadAudit } from './audit-heads.ts'
import { LeafAudit } from './audit-leaf-checks.ts'

const placesPerPage = 2_000
const idsPerWindow = 50_000n

export interface VerifyAuditInput {
  /** `name+id+key` of the log, known from elsewhere; the node's own when absent. */
  readonly key?: string
  /** Signed checkpoints that were kept outside the node: the log must extend them. */
  readonly checkpoints?: readonly string[]
  /** Told how many leaves of how many are done. */
  readonly onProgress?: (done: number, all: number) => void
}

export interface AuditReport {
  readonly key: string
  /** Leaves in the tree, and its root as built anew from the rows (hex). */
  readonly size: number
  readonly root: string
  readonly checkpoints: number
  /** Leaves that wait for a place. */
  readonly pending: number
  /** Answers, and decisions in them, about which the policy was asked again. */
  readonly readings: number
  readonly decisions: number
  /** Leaves whose subject was erased. */
  readonly erased: number
  readonly counts: Partial<Record<FindingKind, number>>
  /** The first thousand. */
  readonly findings: readonly Finding[]
}

/**
 * Audits the log from its rows alone, in one snapshot and bounded memory; changes nothing. Whoever runs it needs the database and no
 * permission of the node: it must work when the node is down, and for somebody whom the node would not let in.
 * @throws NoteError when the key or a checkpoint given is none
 */
export function verifyAudit(database: Database, input: VerifyAuditInput = {}): Promise<AuditReport> {
  return database.transaction((queries) => verifyRows(queries, input), 'isolation level repeatable read read only')
}

/** The same in the caller's transaction, which must see one snapshot. */
export async function verifyRows(queries: Queries, input: VerifyAuditInput): Promise<AuditReport> {
  const key = input.key === undefined ? await nodeKey(queries) : parseKey(input.key)
  const outside = (input.checkpoints ?? []).map((note) => openCheckpoint(note, key))
  const findings = new Findings()
  const decisions = new DecisionAudit(findings)
  const figures = new FiguresAudit(findings)
  const leaves = new LeafAudit(findings, decisions, figures)
  const heads = new HeadAudit(queries, findings, key, outside)
  const frontier = new Frontier()
  const { lastId, nodes, pending } = await logExtent(queries)
  const { size, expected } = await rebuild(queries, frontier, findings, leaves, heads, input.onProgress)
  await heads.finish(size)
  await figures.finish(queries, pending)
  if (expected !== undefined && nodes !== expected) {
    findings.add('node-altered', `${nodes} inner nodes are kept, and ${expected} belong to the tree`)
  }
  await findStrangers(queries, lastId, findings)
  return {
    key: formatKey(key),
    size,
    root: frontier.root().toString('hex'),
    checkpoints: heads.heads,
    pending,
    readings: decisions.readings,
    decisions: decisions.decisions,
    erased: leaves.erased,
    counts: findings.counts,
    findings: findings.list,
  }
}

async function nodeKey(queries: Queries): Promise<NoteKey> {
  const { id, signingKey } = await readNode(queries)
  if (signingKey === null) throw new Error('this node has no signing key yet: it gets one when it starts')
  return noteKey(originOf(id), publicKeyOf(signingKey))
}

/** Builds the tree anew, place by place. @returns `expected`: how many inner nodes ought to be kept; unknown where places are missing */
async function rebuild(
  queries: Queries,
  frontier: Frontier,
  findings: Findings,
  leaves: LeafAudit,
  heads: HeadAudit,
  onProgress: VerifyAuditInput['onProgress'],
): Promise<{ readonly size: number; readonly expected: number | undefined }> {
  const all = await treeSize(queries)
  let nodes: number | undefined = 0
  for (let next = 0; ; ) {
    const rows = await placesFrom(queries, next, placesPerPage)
    const last = rows.at(-1)
    if (last === undefined) return { size: next, expected: nodes }
    await leaves.check(queries, rows)
    if (!followOn(rows, next, findings)) {
      nodes = undefined
      heads.lost()
    }
    const made = await append(rows, frontier, heads)
    if (nodes !== undefined) {
      await compareNodes(queries, made, findings)
      nodes += made.length
    }
    next = last.index + 1
    onProgress?.(next, all)
  }
}

function followOn(rows: readonly PlaceRow[], from: number, findings: Findings): boolean {
  let expected = from
  let follow = true
  for (const { index, id } of rows) {
    if (index !== expected) {
      findings.add('place-missing', `places ${expected} to ${index - 1} are missing`, { leaf: String(id) })
      follow = false
    }
    expected = index + 1
  }
  return follow
}

async function append(rows: readonly PlaceRow[], frontier: Frontier, heads: HeadAudit): Promise<TreeNode[]> {
  const made: TreeNode[] = []
  for (const { hash } of rows) {
    frontier.append(hash, (subtree, joined) => {
      if (isStored(subtree)) made.push({ ...subtree, hash: joined })
    })
    await heads.reached(frontier)
  }
  return made
}

async function compareNodes(queries: Queries, made: readonly TreeNode[], findings: Findings): Promise<void> {
  const spans = made.map(({ level, index }) => ({ level, from: index, to: index + 1 }))
  const stored = new Map(
    (await readNodes(queries, spans)).map(({ level, index, hash }) => [`${level}/${index}`, hash] as const),
  )
  for (const { level, index, hash } of made) {
    const there = stored.get(`${level}/${index}`)
    if (there !== undefined && Buffer.compare(there, hash) === 0) continue
    findings.add(
      'node-altered',
      `the inner node ${index} of level ${level} is ${there === undefined ? 'missing' : 'altered'}`,
    )
  }
}

async function findStrangers(queries: Queries, lastId: bigint, findings: Findings): Promise<void> {
  for (let after = -1n; after < lastId; after += idsPerWindow) {
    for (const id of await strangersBetween(queries, after, after + idsPerWindow)) {
      findings.add('leaf-stranger', 'it has no place in the tree, and does not wait for one', { leaf: String(id) })
    }
  }
  for (const id of await impossiblePending(queries, 1_000)) {
    findings.add('leaf-missing', 'it waits for a place, and is gone or has one', { leaf: String(id) })
  }
}
