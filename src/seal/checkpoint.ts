import { decodeBase64, NoteError, type NoteKey, openNote, signNote } from './note.ts'

/** The head of a tree as C2SP tlog-checkpoint has it (c2sp.org/tlog-checkpoint): signed, it is a signed note. */
export interface Checkpoint {
  /** Names the log, for ever and everywhere; the name of its key too. */
  readonly origin: string
  readonly size: number
  /** 32 bytes. */
  readonly root: Buffer
}

/** The audit log of a node, by the node's id. */
export const originOf = (node: string): string => `puente/${node}/audit`

const formatCheckpoint = ({ origin, size, root }: Checkpoint): string =>
  `${origin}\n${size}\n${root.toString('base64')}\n`

/** @param seed of the key, 32 bytes */
export const signCheckpoint = (size: number, root: Buffer, key: NoteKey, seed: Buffer): string =>
  signNote(formatCheckpoint({ origin: key.name, size, root }), key, seed)

/**
 * Opens a signed checkpoint of the log whose key this is. Extension lines are allowed, and passed over.
 * @throws NoteError when it is none, is another log's, or is not signed by the key
 */
export function openCheckpoint(note: string, key: NoteKey): Checkpoint {
  const [origin = '', size = '', root = '', ...extensions] = openNote(note, key).slice(0, -1).split('\n')
  if (origin !== key.name) throw new NoteError('the checkpoint is of another log')
  if (!/^(0|[1-9][0-9]{0,15})$/.test(size) || !Number.isSafeInteger(Number(size))) {
    throw new NoteError('the size of the checkpoint is no number')
  }
  const bytes = decodeBase64(root)
  if (bytes?.length !== 32) throw new NoteError('the root of the checkpoint is not 32 bytes of base64')
  if (extensions.includes('')) throw new NoteError('the checkpoint has an empty line')
  return { origin, size: Number(size), root: bytes }
}
