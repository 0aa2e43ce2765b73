import { readFileSync } from 'node:fs'
import { NoteError, type NoteKey, parseKey } from '../../seal/note.ts'
import { CommandError, exitCodes } from '../exit.ts'
import { type CheckedEvidence, checkInclusion, isEvidence } from './inclusion.ts'
import { type CheckedTrail, checkTrail, isTrail } from './trail.ts'

/** A file is a proof, a note and a leaf: much less than this. */
const evidenceBytes = 64 * 1024 * 1024

/** @throws CommandError when it is no key */
export function keyFrom(text: string): NoteKey {
  try {
    return parseKey(text)
  } catch (error) {
    if (error instanceof NoteError) throw new CommandError(exitCodes.usage, `--key: ${error.message}`, { cause: error })
    throw error
  }
}

/** A file that a person names. @throws CommandError */
export function readNamed(file: string): string {
  try {
    const bytes = readFileSync(file)
    if (bytes.length > evidenceBytes) throw new Error('it is too large')
    return bytes.toString()
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new CommandError(exitCodes.usage, `${file} cannot be read: ${why}`, { cause: error })
  }
}

/**
 * Checks evidence with nothing but the public key: that the leaf has its hash, the hash its place in the tree, the tree its signature.
 * @throws CommandError when the file is no evidence
 */
export function checkEvidence(file: string, key: NoteKey): CheckedEvidence | CheckedTrail {
  const evidence = parseJson(file)
  if (isTrail(evidence)) return checkTrail(evidence, key)
  if (isEvidence(evidence)) return checkInclusion(evidence, key)
  throw new CommandError(
    exitCodes.usage,
    `${file} is not evidence as "puente audit prove" or "puente audit trail" writes it`,
  )
}

function parseJson(file: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(readNamed(file))
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  } catch (error) {
    if (error instanceof CommandError) throw error
  }
  throw new CommandError(exitCodes.usage, `${file} is no JSON`)
}
