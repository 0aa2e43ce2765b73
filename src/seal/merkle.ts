import { hash } from 'node:crypto'

/**
 * The Merkle tree of RFC 6962 §2.1 (RFC 9162 §2.1 has the same) over SHA-256. Sizes and places are whole numbers up to
 * 2^53 - 1; places count from 0. Hashes are 32 bytes.
 */

/** Hash of a leaf: 0x00 keeps a leaf from being taken for an inner node. */
export const hashLeaf = (leaf: string | Uint8Array): Buffer =>
  sha256(typeof leaf === 'string' ? `\0${leaf}` : Buffer.concat([leafPrefix, leaf]))

/** Hash of an inner node. */
export function hashNode(left: Uint8Array, right: Uint8Array): Buffer {
  if (left.length !== hashBytes || right.length !== hashBytes) throw new RangeError('an inner node is over two hashes')
  innerNode.set(left, 1)
  innerNode.set(right, 1 + hashBytes)
  return sha256(innerNode)
}

/** A third of the time of a hash object, which every envelope and every audit leaf would pay a dozen times. */
const sha256 = (data: string | Uint8Array): Buffer => Buffer.from(hash('sha256', data, 'binary'), 'binary')

const hashBytes = 32
const leafPrefix = Buffer.from([0])
/** What {@link hashNode} hashes: 0x01 and two hashes, written anew each time. */
const innerNode = Buffer.from([1, ...new Uint8Array(2 * hashBytes)])

/** The root of a tree without leaves. */
export const emptyRoot: Buffer = sha256('')

/** A complete subtree: it covers the places from `index · 2^level` on, 2^level of them. */
export interface Subtree {
  readonly level: number
  readonly index: number
}

/** Places `from` (inclusive) to `to` (exclusive), aligned as RFC 6962 splits a tree. */
export interface Range {
  readonly from: number
  readonly to: number
}

/** The complete subtrees that a range consists of, from left to right; at most one of each size. */
export function subtreesOf({ from, to }: Range): Subtree[] {
  const subtrees: Subtree[] = []
  let at = from
  while (at < to) {
    let level = 0
    while (at % 2 ** (level + 1) === 0 && at + 2 ** (level + 1) <= to) level++
    subtrees.push({ level, index: at / 2 ** level })
    at += 2 ** level
  }
  return subtrees
}

/** The hash over the complete subtrees of a range, given from left to right. */
export function foldSubtrees(hashes: readonly Uint8Array[]): Buffer {
  let folded: Buffer | undefined
  for (const hash of hashes.toReversed()) folded = folded === undefined ? Buffer.from(hash) : hashNode(hash, folded)
  return folded ?? emptyRoot
}

/** The right edge of a growing tree: what is needed to append leaves and to tell the root, in O(log n) memory. */
export class Frontier {
  #size: number
  readonly #edge: { readonly level: number; readonly hash: Uint8Array }[]

  /** @param hashes of the subtrees of `{ from: 0, to: size }`, as {@link subtreesOf} lists them */
  constructor(size = 0, hashes: readonly Uint8Array[] = []) {
    const subtrees = subtreesOf({ from: 0, to: size })
    if (subtrees.length !== hashes.length) throw new Error('the edge of the tree does not fit its size')
    this.#size = size
    this.#edge = subtrees.map(({ level }, i) => ({ level, hash: hashes[i] ?? emptyRoot }))
  }

  get size(): number {
    return this.#size
  }

  /** Appends the hash of a leaf. @param onSubtree told of every subtree that it completes, but for the leaf itself */
  append(hash: Uint8Array, onSubtree?: (subtree: Subtree, hash: Buffer) => void): void {
    let carried = hash
    let level = 0
    let index = this.#size++
    for (let left = this.#edge.at(-1); left?.level === level; left = this.#edge.at(-1)) {
      this.#edge.pop()
      const joined = hashNode(left.hash, carried)
      level++
      index = (index - 1) / 2
      onSubtree?.({ level, index }, joined)
      carried = joined
    }
    this.#edge.push({ level, hash: carried })
  }

  root(): Buffer {
    return foldSubtrees(this.#edge.map(({ hash }) => hash))
  }
}
