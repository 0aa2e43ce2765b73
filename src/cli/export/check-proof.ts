import type { NoteKey } from '../../seal/note.ts'
import { checkInclusion, isEvidence } from '../audit/inclusion.ts'
import { digestOf, type PackageFault, parsed, textOf } from './package-contents.ts'

/** What does not hold of a package's proof: that the audit log has a leaf about this manifest, in a tree that the key signed. */
export function checkProof(files: ReadonlyMap<string, Uint8Array>, key: NoteKey, faults: PackageFault[]): void {
  const where = 'audit-proof.json'
  const bytes = files.get(where)
  if (bytes === undefined) return
  const proof = parsed(bytes)
  if (proof === undefined || !isEvidence(proof)) {
    faults.push({ where, what: 'it is no proof' })
    return
  }
  const { leaf, hash, index, size, path, checkpoint } = proof
  const told = { text: leaf?.text, subject: leaf?.subject, salt: leaf?.salt }
  if (textOf(bytes) !== `${JSON.stringify({ leaf: told, hash, index, size, path, checkpoint })}\n`)
    faults.push({ where, what: 'it is not as a node writes it' })
  if (leaf?.subject === undefined || leaf.salt === undefined)
    faults.push({ where, what: 'it does not say what the leaf is about' })
  for (const what of checkInclusion(proof, key).faults) faults.push({ where, what })
  if (checkpoint?.split('\n\n')[1]?.split('\n').length !== 2)
    faults.push({ where, what: 'its checkpoint has more than one signature' })
  const subject = parsed(Buffer.from(proof.leaf?.subject ?? ''))
  if (subject?.manifest !== digestOf(files.get('manifest.json') ?? new Uint8Array(0)))
    faults.push({ where, what: 'the leaf is not of this manifest' })
}
