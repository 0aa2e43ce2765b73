import fc from 'fast-check'
import t from 'tap'
import {
  emptyRoot,
  Frontier,
  foldSubtrees,
  hashLeaf,
  hashNode,
  type Range,
  type Subtree,
  subtreesOf,
} from '../../src/seal/merkle.ts'
import { consistencyRanges, inclusionRanges, verifyConsistency, verifyInclusion } from '../../src/seal/proofs.ts'
import { isStored, rangeHash, spansOf, subtreeHashes } from '../../src/seal/stored.ts'

/** The leaves and roots that implementations of RFC 6962 are compared with (certificate-transparency, merkle_tree_test). */
const known = {
  leaves: ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'],
  roots: [
    'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
    'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
    'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
    'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
    '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
    'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
    '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
  ],
  inclusion: [
    [0, 8, ['96a296d2', '5f083f0a', '6b47aaf2']],
    [5, 8, ['bc1a0643', 'ca854ea1', 'd37ee418']],
    [2, 3, ['fac54203']],
    [1, 5, ['6e340b9c', '5f083f0a', 'bc1a0643']],
  ],
  consistency: [
    [1, 1, []],
    [1, 8, ['96a296d2', '5f083f0a', '6b47aaf2']],
    [6, 8, ['0ebc5d34', 'ca854ea1', 'd37ee418']],
    [2, 5, ['5f083f0a', 'bc1a0643']],
  ],
} as const

/** MTH as RFC 6962 §2.1 writes it: slow, and plainly right. */
function headOf(leaves: readonly Uint8Array[]): Buffer {
  const [only] = leaves
  if (only === undefined) return emptyRoot
  if (leaves.length === 1) return hashLeaf(only)
  let k = 1
  while (k * 2 < leaves.length) k *= 2
  return hashNode(headOf(leaves.slice(0, k)), headOf(leaves.slice(k)))
}

/** A tree as the node keeps it: the kept nodes, and whoever asks for another one gets an error. */
function keep(leaves: readonly Uint8Array[]) {
  const nodes = new Map<string, Uint8Array>()
  const frontier = new Frontier()
  const keyOf = ({ level, index }: Subtree) => `${level}/${index}`
  for (const [index, leaf] of leaves.entries()) {
    nodes.set(keyOf({ level: 0, index }), hashLeaf(leaf))
    frontier.append(hashLeaf(leaf), (subtree, hash) => {
      if (isStored(subtree)) nodes.set(keyOf(subtree), hash)
    })
  }
  const source = (node: Subtree): Uint8Array => {
    const hash = nodes.get(keyOf(node))
    if (hash === undefined) throw new Error(`the node ${keyOf(node)} is not kept`)
    return hash
  }
  return { frontier, source, path: (ranges: readonly Range[]) => ranges.map((range) => rangeHash(range, source)) }
}

const leavesOf = (count: number, seed = 0): Buffer[] =>
  Array.from({ length: count }, (_, i) => Buffer.from(`leaf ${seed} ${i}`))

t.test('the known leaves have the known roots and proofs', async (t) => {
  const leaves = known.leaves.map((leaf) => Buffer.from(leaf, 'hex'))
  for (const [size, root] of known.roots.entries()) {
    const { frontier } = keep(leaves.slice(0, size))
    t.equal(frontier.root().toString('hex'), root, `${size} leaves`)
    t.equal(headOf(leaves.slice(0, size)).toString('hex'), root)
  }
  const tree = keep(leaves)
  const begins = (hash: Buffer) => hash.toString('hex').slice(0, 8)
  for (const [index, size, path] of known.inclusion) {
    t.strictSame(tree.path(inclusionRanges(index, size)).map(begins), path, `leaf ${index} of ${size}`)
  }
  for (const [older, newer, path] of known.consistency) {
    t.strictSame(tree.path(consistencyRanges(older, newer)).map(begins), path, `${older} to ${newer}`)
  }
})

t.test('the edge of a tree, read back at any size, goes on to the same root', async (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 60 }), (size, more) => {
      const leaves = leavesOf(size + more)
      const { source } = keep(leaves)
      const resumed = new Frontier(size, subtreeHashes({ from: 0, to: size }, source))
      for (const leaf of leaves.slice(size)) resumed.append(hashLeaf(leaf))
      return resumed.root().equals(headOf(leaves)) && resumed.size === leaves.length
    }),
  )
  t.throws(() => new Frontier(3, [emptyRoot]), /does not fit/)
})

t.test('every proof that is made verifies, and reads few nodes', async (t) => {
  const size = 515
  const leaves = leavesOf(size)
  const { path } = keep(leaves)
  let proofs = 0
  for (let to = 1; to <= size; to += to < 40 ? 1 : 19) {
    const root = headOf(leaves.slice(0, to))
    for (let index = 0; index < to; index += to < 40 ? 1 : 7) {
      const proof = { index, size: to, path: path(inclusionRanges(index, to)) }
      if (!verifyInclusion(hashLeaf(leaves[index] ?? ''), proof, root)) t.fail(`leaf ${index} of ${to}`)
      proofs++
    }
    for (let older = 1; older <= to; older += to < 40 ? 1 : 11) {
      const proof = { older, newer: to, path: path(consistencyRanges(older, to)) }
      if (!verifyConsistency(proof, headOf(leaves.slice(0, older)), root)) t.fail(`${older} to ${to}`)
      proofs++
    }
  }
  t.ok(proofs > 2_000, `${proofs} proofs`)
  const huge = 2 ** 40 + 12_345
  const nodes = spansOf(inclusionRanges(2 ** 39 + 77, huge)).reduce((total, { from, to }) => total + to - from, 0)
  t.ok(nodes < 250, `${nodes} nodes for a tree of 2^40`)
})

t.test('no altered proof verifies', async (t) => {
  const leaves = leavesOf(200)
  const { path } = keep(leaves)
  const other = headOf(leavesOf(5, 1))
  let refused = 0
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 200 }), fc.nat(), fc.nat(), fc.nat(), (size, a, at, bit) => {
      const index = a % size
      const root = headOf(leaves.slice(0, size))
      const leaf = hashLeaf(leaves[index] ?? '')
      const proof = { index, size, path: path(inclusionRanges(index, size)) }
      const flip = (hashes: readonly Buffer[]) =>
        hashes.map((hash, i) => {
          const copy = Buffer.from(hash)
          if (i === at % hashes.length) copy[bit % 32] = (copy[bit % 32] ?? 0) ^ (1 << (bit % 8))
          return copy
        })
      const altered: boolean[] = [
        verifyInclusion(hashLeaf('another'), proof, root),
        verifyInclusion(leaf, proof, other),
        verifyInclusion(leaf, { ...proof, path: [...proof.path, other] }, root),
        verifyInclusion(leaf, { ...proof, index: size }, root),
        verifyInclusion(leaf, { ...proof, index: -1 }, root),
        verifyInclusion(leaf, { ...proof, index: 0.5 }, root),
      ]
      if (proof.path.length > 0) {
        altered.push(verifyInclusion(leaf, { ...proof, path: flip(proof.path) }, root))
        altered.push(verifyInclusion(leaf, { ...proof, path: proof.path.slice(1) }, root))
        altered.push(verifyInclusion(leaf, { ...proof, path: proof.path.slice(0, -1) }, root))
        altered.push(verifyInclusion(leaf, { ...proof, path: proof.path.map((hash) => hash.subarray(1)) }, root))
        altered.push(verifyInclusion(leaf, { ...proof, index: (index + 1) % size }, root))
      }
      const older = 1 + (at % size)
      const olderRoot = headOf(leaves.slice(0, older))
      const steps = { older, newer: size, path: path(consistencyRanges(older, size)) }
      altered.push(
        verifyConsistency(steps, other, root),
        verifyConsistency(steps, olderRoot, other),
        verifyConsistency({ ...steps, path: [...steps.path, other] }, olderRoot, root),
        verifyConsistency({ ...steps, older: size + 1 }, olderRoot, root),
        verifyConsistency({ ...steps, older: 0 }, olderRoot, root),
      )
      if (steps.path.length > 0) {
        altered.push(verifyConsistency({ ...steps, path: flip(steps.path) }, olderRoot, root))
        altered.push(verifyConsistency({ ...steps, path: steps.path.slice(1) }, olderRoot, root))
        altered.push(verifyConsistency({ ...steps, path: steps.path.slice(0, -1) }, olderRoot, root))
        altered.push(verifyConsistency({ ...steps, path: [] }, olderRoot, root))
      }
      refused += altered.length
      return altered.every((held) => !held)
    }),
    { numRuns: 500 },
  )
  t.ok(refused > 5_000, `${refused} refused`)
})

t.test('proofs of what is not there are not made', async (t) => {
  t.throws(() => inclusionRanges(8, 8), RangeError)
  t.throws(() => inclusionRanges(-1, 8), RangeError)
  t.throws(() => inclusionRanges(Number.NaN, 8), RangeError)
  t.throws(() => consistencyRanges(0, 8), RangeError)
  t.throws(() => consistencyRanges(9, 8), RangeError)
  t.strictSame(subtreesOf({ from: 4, to: 4 }), [])
  t.strictSame(foldSubtrees([]), emptyRoot)
})
