import { createHash } from 'node:crypto'
import type { Inclusion } from '../../actions/audit-proofs.ts'
import { openCheckpoint } from '../../seal/checkpoint.ts'
import { hashLeaf } from '../../seal/merkle.ts'
import { NoteError, type NoteKey } from '../../seal/note.ts'
import { verifyInclusion } from '../../seal/proofs.ts'

/** What a check of evidence found. */
export interface CheckedEvidence {
  readonly hash: string
  readonly index: number
  readonly size: number
  /** What does not hold; empty when all does. */
  readonly faults: readonly string[]
}

/**
 * Checks evidence with nothing but the public key: that the leaf has its hash, the hash its place in the tree, the tree its signature.
 * It touches neither file nor network, and runs in a browser as well.
 */
export function checkInclusion(evidence: Inclusion, key: NoteKey): CheckedEvidence {
  const { leaf, hash, index, size, path, checkpoint } = evidence
  const faults: string[] = []
  if (leaf !== undefined) {
    if (hashLeaf(leaf.text).toString('hex') !== hash) faults.push('the hash is not that of the leaf')
    const { subject, salt } = leaf
    // One without the other proves nothing, and a reader would take the subject for what was logged.
    if ((subject === undefined) !== (salt === undefined))
      faults.push('the leaf has a subject or a salt without the other')
    else if (subject !== undefined && salt !== undefined) {
      const said = subjectOf(leaf.text)
      const commitment = createHash('sha256').update(Buffer.from(salt, 'hex')).update(subject).digest('hex')
      if (commitment !== said) faults.push('the leaf does not commit to the subject')
    }
  }
  if (checkpoint === undefined) return { hash, index, size, faults: [...faults, 'there is no checkpoint of this size'] }
  try {
    const head = openCheckpoint(checkpoint, key)
    const proof = { index, size, path: path.map((step) => Buffer.from(step, 'hex')) }
    if (head.size !== size) faults.push('the checkpoint has another size')
    else if (!verifyInclusion(Buffer.from(hash, 'hex'), proof, head.root))
      faults.push('the leaf is not in the signed tree')
  } catch (error) {
    if (!(error instanceof NoteError)) throw error
    faults.push(error.message)
  }
  return { hash, index, size, faults }
}

/** Digests and salts as the node writes them: a decoder would pass over what follows the digits. */
const digest = /^[0-9a-f]{64}$/
const saltDigits = /^[0-9a-f]{32}$/

/** Whether a JSON object has the members of evidence. */
export function isEvidence(evidence: Record<string, unknown>): evidence is Record<string, unknown> & Inclusion {
  const { hash, index, size, path, leaf, checkpoint } = evidence
  return (
    isText(hash, digest) &&
    typeof index === 'number' &&
    typeof size === 'number' &&
    Array.isArray(path) &&
    path.every((step) => isText(step, digest)) &&
    (checkpoint === undefined || typeof checkpoint === 'string') &&
    (leaf === undefined || isLeaf(leaf))
  )
}

/** What a leaf commits to; undefined where its text is none of a leaf. */
function subjectOf(text: string): unknown {
  try {
    return (JSON.parse(text) as { subject?: unknown } | null)?.subject
  } catch {
    return undefined
  }
}

const isText = (value: unknown, form: RegExp): boolean => typeof value === 'string' && form.test(value)

const isLeaf = (value: unknown): boolean => {
  if (typeof value !== 'object' || value === null) return false
  const { text, subject, salt } = value as Record<string, unknown>
  return (
    typeof text === 'string' &&
    (subject === undefined || typeof subject === 'string') &&
    (salt === undefined || isText(salt, saltDigits))
  )
}
