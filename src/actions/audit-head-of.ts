import type { CheckpointContent, Envelope } from '../domain/envelope.ts'
import { openCheckpoint, originOf } from '../seal/checkpoint.ts'
import { NoteError, parseKey } from '../seal/note.ts'
import type { CheckpointRow } from '../store/checkpoints.ts'

/**
 * The head of the audit log in a checkpoint, by the key that it names and that must be of that node's log.
 * @throws {NoteError} when it is none
 */
export function auditHeadOf({ node, content }: Envelope<CheckpointContent>): Pick<CheckpointRow, 'audit'> {
  if (content.audit === undefined) return {}
  const key = parseKey(content.audit.key)
  if (key.name !== originOf(node)) throw new NoteError('the audit log is of another node')
  const { size, root } = openCheckpoint(content.audit.note, key)
  return { audit: { key: content.audit.key, size, root } }
}
