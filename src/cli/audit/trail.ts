import type { CaseTrail, TrailLeaf } from '../../actions/read-trail.ts'
import { openCheckpoint } from '../../seal/checkpoint.ts'
import { NoteError, type NoteKey } from '../../seal/note.ts'
import { checkInclusion, isEvidence } from './inclusion.ts'

/** What a check of a case's trail found. */
export interface CheckedTrail {
  readonly request: string
  readonly leaves: number
  readonly size: number
  /** What does not hold, with the place of the leaf in the file, from 1; empty when all does. */
  readonly faults: readonly string[]
}

type Trail = Omit<CaseTrail, 'next'>

/** Whether a JSON object is a trail, as {@link CaseTrail} has it. */
export const isTrail = (value: Record<string, unknown>): value is Record<string, unknown> & Trail =>
  value.format === 'puente-trail/1' &&
  typeof value.request === 'string' &&
  typeof value.size === 'number' &&
  typeof value.checkpoint === 'string' &&
  Array.isArray(value.leaves)

/**
 * Checks a trail with nothing but the public key: its tree is signed, and each leaf is in it, once, and rests on the request. Where there is
 * no such tree, nothing is proven by it.
 */
export function checkTrail({ request, size, checkpoint, leaves }: Trail, key: NoteKey): CheckedTrail {
  const faults = headFaults(checkpoint, size, key)
  if (faults.length > 0) return { request, leaves: leaves.length, size, faults }
  const seen = new Set<number>()
  for (const [n, leaf] of leaves.entries()) {
    const found = isObject(leaf) ? leafFaults(leaf, { size, checkpoint, request }, key) : ['it is no evidence']
    for (const what of found) faults.push(`leaf ${n + 1}: ${what}`)
    if (!isObject(leaf)) continue
    if (seen.has(leaf.index)) faults.push(`leaf ${n + 1}: it stands in the file twice`)
    seen.add(leaf.index)
  }
  return { request, leaves: leaves.length, size, faults }
}

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null

function headFaults(checkpoint: string, size: number, key: NoteKey): string[] {
  try {
    return openCheckpoint(checkpoint, key).size === size ? [] : ['the checkpoint has another size']
  } catch (error) {
    if (!(error instanceof NoteError)) throw error
    return [error.message]
  }
}

function leafFaults(
  { text, hash, index, path, subject, salt }: TrailLeaf,
  { size, checkpoint, request }: Pick<Trail, 'size' | 'checkpoint' | 'request'>,
  key: NoteKey,
): readonly string[] {
  const leaf = {
    id: '',
    hash,
    text,
    ...(subject === undefined ? {} : { subject }),
    ...(salt === undefined ? {} : { salt }),
  }
  const evidence = { leaf, hash, index, size, path, checkpoint }
  if (!isEvidence({ ...evidence })) return ['it is no evidence']
  const { faults } = checkInclusion(evidence, key)
  return requestsOf(text).includes(request) ? faults : [...faults, 'it does not rest on the request']
}

function requestsOf(text: string): readonly unknown[] {
  try {
    const requests = (JSON.parse(text) as { requests?: unknown } | null)?.requests
    return Array.isArray(requests) ? requests : []
  } catch {
    return []
  }
}
