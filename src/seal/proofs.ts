import { hashNode, type Range } from './merkle.ts'

/**
 * The ranges whose hashes prove that the leaf at `index` is in the tree of `size`, the innermost first
 * (PATH, RFC 6962 §2.1.1).
 * @throws RangeError when the leaf is not in that tree
 */
export function inclusionRanges(index: number, size: number): Range[] {
  if (!(index >= 0 && index < size)) throw new RangeError('the leaf is not in that tree')
  const ranges: Range[] = []
  let [from, to] = [0, size]
  while (to - from > 1) {
    const middle = from + splitOf(to - from)
    if (index < middle) {
      ranges.unshift({ from: middle, to })
      to = middle
    } else {
      ranges.unshift({ from, to: middle })
      from = middle
    }
  }
  return ranges
}

/**
 * The ranges whose hashes prove that the tree of `newer` leaves extends that of `older`, the innermost first
 * (PROOF, RFC 6962 §2.1.2). None where the sizes are equal.
 * @throws RangeError unless 1 ≤ older ≤ newer
 */
export function consistencyRanges(older: number, newer: number): Range[] {
  if (!(older >= 1 && older <= newer)) throw new RangeError('the sizes are not those of an older and a newer tree')
  const ranges: Range[] = []
  let [from, to] = [0, newer]
  while (older !== to) {
    const middle = from + splitOf(to - from)
    if (older <= middle) {
      ranges.unshift({ from: middle, to })
      to = middle
    } else {
      ranges.unshift({ from, to: middle })
      from = middle
    }
  }
  // The verifier has the older root; a subtree of it that begins later it does not have.
  if (from > 0) ranges.unshift({ from, to })
  return ranges
}

/** The largest power of two below `n`, for n ≥ 2. */
function splitOf(n: number): number {
  let split = 1
  while (split * 2 < n) split *= 2
  return split
}

export interface InclusionProof {
  readonly index: number
  readonly size: number
  readonly path: readonly Uint8Array[]
}

/** Whether the path leads from the leaf to the root (RFC 9162 §2.1.3.2). */
export const verifyInclusion = (leafHash: Uint8Array, proof: InclusionProof, root: Uint8Array): boolean =>
  wayToRoot(leafHash, proof, root) !== undefined

/** How a leaf reached a root: where it stood before each step of its path, as RFC 9162 names it. */
export interface Way {
  readonly path: readonly Uint8Array[]
  readonly stops: readonly Stop[]
}

interface Stop {
  readonly fn: number
  readonly sn: number
  readonly hash: Uint8Array
}

/**
 * The way of a leaf to the root; undefined when its path does not lead there.
 * @param known the way of another leaf to this root: where both stand at the same place with the same hash and the same path ahead, the
 *   rest need not be hashed again
 */
export function wayToRoot(
  leafHash: Uint8Array,
  { index, size, path }: InclusionProof,
  root: Uint8Array,
  known?: Way,
): Way | undefined {
  if (!isPlace(index) || !isPlace(size) || index >= size || leafHash.length !== 32) return undefined
  const stops: Stop[] = []
  let [fn, sn] = [index, size - 1]
  let hash = leafHash
  for (const [n, step] of path.entries()) {
    const stop = { fn, sn, hash }
    if (known !== undefined && meets(known, n, stop, path)) return { path, stops: [...stops, ...known.stops.slice(n)] }
    if (step.length !== 32 || sn === 0) return undefined
    stops.push(stop)
    if (fn % 2 === 1 || fn === sn) {
      hash = hashNode(step, hash)
      for (; fn % 2 === 0 && fn > 0; [fn, sn] = [half(fn), half(sn)]);
    } else {
      hash = hashNode(hash, step)
    }
    ;[fn, sn] = [half(fn), half(sn)]
  }
  return sn === 0 && Buffer.compare(hash, root) === 0 ? { path, stops } : undefined
}

function meets(known: Way, n: number, { fn, sn, hash }: Stop, path: readonly Uint8Array[]): boolean {
  const there = known.stops[n]
  if (there?.fn !== fn || there.sn !== sn || path.length !== known.path.length) return false
  return Buffer.compare(there.hash, hash) === 0 && path.every((step, at) => at < n || isSame(step, known.path[at]))
}

const isSame = (a: Uint8Array, b: Uint8Array | undefined): boolean =>
  a === b || (b !== undefined && Buffer.compare(a, b) === 0)

export interface ConsistencyProof {
  readonly older: number
  readonly newer: number
  readonly path: readonly Uint8Array[]
}

/** Whether the path shows that the newer tree begins with the older one (RFC 9162 §2.1.4.2). */
export function verifyConsistency(
  { older, newer, path }: ConsistencyProof,
  olderRoot: Uint8Array,
  newerRoot: Uint8Array,
): boolean {
  if (!isPlace(older) || !isPlace(newer) || older < 1 || older > newer) return false
  if (older === newer) return path.length === 0 && Buffer.compare(olderRoot, newerRoot) === 0
  let [fn, sn] = [older - 1, newer - 1]
  for (; fn % 2 === 1; [fn, sn] = [half(fn), half(sn)]);
  const [first, ...rest] = fn === 0 ? [olderRoot, ...path] : path
  if (first?.length !== 32) return false
  let [older_, newer_]: [Uint8Array, Uint8Array] = [first, first]
  for (const step of rest) {
    if (step.length !== 32 || sn === 0) return false
    if (fn % 2 === 1 || fn === sn) {
      older_ = hashNode(step, older_)
      newer_ = hashNode(step, newer_)
      for (; fn % 2 === 0 && fn > 0; [fn, sn] = [half(fn), half(sn)]);
    } else {
      newer_ = hashNode(newer_, step)
    }
    ;[fn, sn] = [half(fn), half(sn)]
  }
  return sn === 0 && Buffer.compare(older_, olderRoot) === 0 && Buffer.compare(newer_, newerRoot) === 0
}

// Bit operations of JavaScript end at 32 bits; a tree may be larger.
const half = (n: number): number => Math.floor(n / 2)
const isPlace = (n: number): boolean => Number.isSafeInteger(n) && n >= 0
