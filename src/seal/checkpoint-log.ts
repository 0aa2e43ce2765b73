import { foldSubtrees, hashLeaf, hashNode } from './merkle.ts'

/**
 * The log of a node's checkpoints: one leaf for each period, whatever was sealed in it. Its size counts time and not items, and a
 * salt hides whether there were any: who may not have something learns nothing from a checkpoint.
 */

/**
 * The leaf of a period: a commitment to the seals of all its batches.
 * @param salt 32 bytes that the node keeps, other ones for each period
 * @param seals the exact texts of the seals, in the order in which they were made
 */
export function periodLeaf(salt: Uint8Array, seals: readonly string[]): Buffer {
  if (salt.length !== 32) throw new RangeError('the salt of a period has 32 bytes')
  return hashNode(hashLeaf(salt), seals.length === 0 ? hashLeaf('') : foldSubtrees(seals.map(hashLeaf)))
}

/** The head of a node's checkpoint log, as somebody has it. */
export interface CheckpointHead {
  readonly node: string
  readonly epoch: string
  readonly size: number
  /** base64url. */
  readonly root: string
}

/**
 * What two heads say of each other; peers compare what they have of a node. `equivocation`: one size and two roots, which an honest
 * node never signs. `unrelated`: of other nodes, or of other feed epochs.
 */
export function compareHeads(
  a: CheckpointHead,
  b: CheckpointHead,
): 'same' | 'older' | 'newer' | 'equivocation' | 'unrelated' {
  if (a.node !== b.node || a.epoch !== b.epoch) return 'unrelated'
  if (a.size !== b.size) return a.size < b.size ? 'older' : 'newer'
  return a.root === b.root ? 'same' : 'equivocation'
}
