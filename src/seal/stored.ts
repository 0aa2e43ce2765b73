import { foldSubtrees, hashNode, type Range, type Subtree, subtreesOf } from './merkle.ts'

/**
 * Which nodes of a tree are kept: those of every fourth level, the leaves included. 1/15 more than the leaves alone; any
 * other node is hashed from at most eight of them.
 */
export const levelStep = 4

export const isStored = ({ level }: Subtree): boolean => level % levelStep === 0

/** Kept nodes of one level: `from` (inclusive) to `to` (exclusive). */
export interface Span extends Range {
  readonly level: number
}

/** The kept nodes from which the hashes of these ranges are made. Proofs need some hundred, whatever the size of the tree. */
export const spansOf = (ranges: readonly Range[]): Span[] => ranges.flatMap((range) => subtreesOf(range).map(spanOf))

function spanOf({ level, index }: Subtree): Span {
  const above = level % levelStep
  return { level: level - above, from: index * 2 ** above, to: (index + 1) * 2 ** above }
}

/** Gives the hash of a kept node; throws when it is not there. */
export type NodeSource = (node: Subtree) => Uint8Array

/** The hashes of the subtrees of a range, from left to right: the edge of a tree of this size, where it begins at 0. */
export const subtreeHashes = (range: Range, source: NodeSource): Buffer[] =>
  subtreesOf(range).map((subtree) => completeHash(spanOf(subtree), source))

/** The hash over a range. */
export const rangeHash = (range: Range, source: NodeSource): Buffer => foldSubtrees(subtreeHashes(range, source))

function completeHash({ level, from, to }: Span, source: NodeSource): Buffer {
  if (to - from === 1) return Buffer.from(source({ level, index: from }))
  const middle = (from + to) / 2
  return hashNode(completeHash({ level, from, to: middle }, source), completeHash({ level, from: middle, to }, source))
}
