import { limits } from '../domain/limits.ts'
import { originOf, signCheckpoint } from '../seal/checkpoint.ts'
import { Frontier, hashLeaf } from '../seal/merkle.ts'
import { noteKey, publicKeyOf } from '../seal/note.ts'
import { isStored, spansOf, subtreeHashes } from '../seal/stored.ts'
import { growTree, insertCheckpoint, lockTree, pendingLeaves, type TreeNode, treeSize } from '../store/audit-tree.ts'
import type { Transaction } from '../store/database.ts'
import { nodesOf } from './audit-nodes.ts'
import type { Context } from './context.ts'

/**
 * Takes committed audit leaves into the Merkle tree and signs its new head; on the clock. Each batch is one transaction: tree and
 * checkpoint are there together, or the leaves wait for the next time. Does nothing while another process of the node does it.
 * @returns how many leaves were taken
 */
export async function integrateAudit(context: Context): Promise<number> {
  let total = 0
  for (;;) {
    const taken = await context.database.transaction((transaction) => integrateBatch(transaction, context))
    total += taken
    if (taken < limits.treeBatchLeaves) return total
  }
}

async function integrateBatch(transaction: Transaction, context: Context): Promise<number> {
  if (!(await lockTree(transaction))) return 0
  const pending = await pendingLeaves(transaction, limits.treeBatchLeaves)
  if (pending.length === 0) return 0
  const size = await treeSize(transaction)
  const edge = { from: 0, to: size }
  const frontier = new Frontier(size, subtreeHashes(edge, await nodesOf(transaction, spansOf([edge]))))
  const nodes: TreeNode[] = []
  const leaves = pending.map(({ id, text }) => {
    const hash = hashLeaf(text)
    frontier.append(hash, (subtree, joined) => {
      if (isStored(subtree)) nodes.push({ ...subtree, hash: joined })
    })
    return { id, hash }
  })
  await growTree(transaction, size, leaves, nodes)
  const root = frontier.root()
  const { signingKey } = context.node
  const note = signCheckpoint(frontier.size, root, auditKey(context), signingKey)
  await insertCheckpoint(transaction, { size: frontier.size, root, note, at: context.clock() })
  return leaves.length
}

/** The key with which this node signs checkpoints. */
export const auditKey = ({ node }: Pick<Context, 'node'>) => noteKey(originOf(node.id), publicKeyOf(node.signingKey))
