import t from 'tap'
import { isExtended } from '../../src/seal/extension.ts'
import { Frontier, hashLeaf, type Subtree } from '../../src/seal/merkle.ts'
import { appendPeriod, extensionPath, extensionRanges, keptAt } from '../../src/seal/period-log.ts'

/** The log of periods, kept as a hash for each subtree that a period ends, against a tree of all leaves. */

const most = 70
const kept = new Map<number, readonly Uint8Array[]>()
const roots: Buffer[] = []

const hashOf = (subtree: Subtree): Uint8Array => {
  const { size, level } = keptAt(subtree)
  const hash = kept.get(size)?.[level]
  if (hash === undefined) throw new Error(`nothing is kept for ${level}/${subtree.index}`)
  return hash
}

t.test('every root is that of the tree over all leaves', async (t) => {
  const whole = new Frontier()
  for (let size = 0; size < most; size++) {
    const leaf = hashLeaf(`period ${size}`)
    const { hashes, root } = appendPeriod(size, leaf, hashOf)
    kept.set(size + 1, hashes)
    whole.append(leaf)
    t.ok(root.equals(whole.root()), `of ${size + 1}`)
    roots.push(root)
  }
})

t.test('each head is shown to extend each before it, and nothing else is', async (t) => {
  const head = (size: number, root = roots[size - 1] ?? Buffer.alloc(32)) => ({ size, root })
  for (let older = 1; older <= most; older++) {
    for (let newer = older; newer <= most; newer++) {
      const path = older === newer ? [] : extensionPath(extensionRanges(older, newer), hashOf)
      const proofs = [{ size: older, path }]
      t.ok(isExtended(head(older), head(newer), proofs), `${older} to ${newer}`)
      const other = head(older, Buffer.alloc(32, 7))
      t.notOk(isExtended(other, head(newer), proofs), `another root of ${older} to ${newer}`)
      if (older < newer) {
        t.notOk(isExtended(head(older), head(newer), []), 'without a proof')
        t.notOk(isExtended(head(newer), head(older), proofs), 'backwards')
      }
    }
  }
})
