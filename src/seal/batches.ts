import { foldSubtrees, hashLeaf, hashNode, type Subtree, subtreesOf } from './merkle.ts'
import { inclusionRanges, type Way, wayToRoot } from './proofs.ts'

/**
 * The tree over a batch of envelopes: one signature over its root covers them all, and each is proven alone by its path. A batch
 * holds envelopes of one handling only: whoever may have one of them may have all, so that its size tells nothing else.
 */
export interface SealedBatch {
  readonly size: number
  /** 32 bytes. */
  readonly root: Buffer
  /** Leaf hash of an envelope (RFC 6962 §2.1). @throws {RangeError} */
  readonly digestOf: (index: number) => Buffer
  /** Audit path of an envelope, the innermost hash first. @throws {RangeError} */
  readonly pathOf: (index: number) => Buffer[]
}

/** @param texts exact texts of the envelopes, at least one */
export function batchOf(texts: readonly string[]): SealedBatch {
  if (texts.length === 0) throw new RangeError('a batch has at least one envelope')
  const levels = [texts.map(hashLeaf)]
  for (let level = levels[0] ?? []; level.length > 1; level = levels.at(-1) ?? []) {
    // Complete subtrees only: what stands over at the right edge is folded when it is asked for.
    levels.push(Array.from({ length: level.length >> 1 }, (_, n) => hashNode(at(level, 2 * n), at(level, 2 * n + 1))))
  }
  const size = texts.length
  const node = ({ level, index }: Subtree): Buffer => at(levels[level] ?? [], index)
  return {
    size,
    root: foldSubtrees(subtreesOf({ from: 0, to: size }).map(node)),
    digestOf: (index) => node({ level: 0, index }),
    pathOf: (index) => inclusionRanges(index, size).map((range) => foldSubtrees(subtreesOf(range).map(node))),
  }
}

function at(hashes: readonly Buffer[], index: number): Buffer {
  const hash = hashes[index]
  if (hash === undefined) throw new RangeError('there is no such envelope in the batch')
  return hash
}

/** An envelope's place in its batch, as it is sent with it. */
export interface PlaceInBatch {
  readonly index: number
  readonly path: readonly Uint8Array[]
}

/** What is sealed of a batch. */
interface SealedTree {
  readonly size: number
  /** 32 bytes. */
  readonly root: Uint8Array
}

/** Whether an envelope with this leaf hash is in the batch that was sealed. Those of one seal are mostly asked one after the other. */
export function isInBatch(digest: Uint8Array, { index, path }: PlaceInBatch, sealed: SealedTree): boolean {
  const way = wayToRoot(digest, { index, size: sealed.size, path }, sealed.root, proven.get(sealed))
  if (way !== undefined) proven.set(sealed, way)
  return way !== undefined
}

/** The way of the last envelope that was proven by a seal: most of a path is its neighbour's, too. */
const proven = new WeakMap<SealedTree, Way>()

/** Leaf hash of the exact text of an envelope, 32 bytes. */
export const envelopeDigest = (text: string): Buffer => hashLeaf(text)
