import { Frontier, foldSubtrees, type Range, type Subtree, subtreesOf } from './merkle.ts'
import { consistencyRanges } from './proofs.ts'

/**
 * How the log of periods is kept: with each period the hashes of all complete subtrees that end with it. So any node of the tree is one
 * look-up, and nothing is kept twice.
 */

/** Which period keeps the hash of a subtree, and at which place. */
export const keptAt = ({ level, index }: Subtree): { readonly size: number; readonly level: number } => ({
  size: (index + 1) * 2 ** level,
  level,
})

/** Gives the hash of a subtree; throws when it is not kept. */
export type PeriodHashes = (subtree: Subtree) => Uint8Array

const hashBytes = 32

/** @param kept of each period its hashes, one behind the other, the smallest first */
export const hashesIn =
  (kept: ReadonlyMap<number, Buffer>): PeriodHashes =>
  (subtree) => {
    const { size, level } = keptAt(subtree)
    const hash = kept.get(size)?.subarray(level * hashBytes, (level + 1) * hashBytes)
    if (hash?.length !== hashBytes)
      throw new Error(`the node ${level}/${subtree.index} of the log of periods is missing`)
    return hash
  }

/** The subtrees that are needed to append to a log of this size. */
export const edgeOf = (size: number): Subtree[] => subtreesOf({ from: 0, to: size })

/** Appends a leaf. @returns what is kept with it, the smallest first, and the new root */
export function appendPeriod(
  size: number,
  leaf: Uint8Array,
  hashOf: PeriodHashes,
): { readonly hashes: readonly Uint8Array[]; readonly root: Buffer } {
  const frontier = new Frontier(size, edgeOf(size).map(hashOf))
  const hashes: Uint8Array[] = [leaf]
  frontier.append(leaf, (_, joined) => hashes.push(joined))
  return { hashes, root: frontier.root() }
}

/** The ranges whose hashes show that the log of `newer` periods begins with that of `older`. @throws {RangeError} */
export const extensionRanges = (older: number, newer: number): Range[] => consistencyRanges(older, newer)

/** The proof of {@link extensionRanges}. */
export const extensionPath = (ranges: readonly Range[], hashOf: PeriodHashes): Buffer[] =>
  ranges.map((range) => foldSubtrees(subtreesOf(range).map(hashOf)))
