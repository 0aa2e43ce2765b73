import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'

/** A text with signatures as C2SP signed-note has it (c2sp.org/signed-note). */

/** Who signs: the name of the key, and its Ed25519 public key (32 bytes). */
export interface NoteKey {
  readonly name: string
  readonly publicKey: Buffer
  /** First four bytes of SHA-256 over name, newline, type and key: tells keys of one name apart. */
  readonly id: Buffer
}

/** A note that is not one, or whose signature does not hold. The message says which. */
export class NoteError extends Error {
  override readonly name = 'NoteError'
}

const ed25519 = 1
/** DER around a raw Ed25519 key (RFC 8410 §7, §4). */
const privatePrefix = Buffer.from('302e020100300506032b657004220420', 'hex')
const publicPrefix = Buffer.from('302a300506032b6570032100', 'hex')

/** Notes are a few hundred bytes; what is much larger is none. */
const noteCharacters = 65_536

/** @throws NoteError when the name cannot stand in a note */
export function noteKey(name: string, publicKey: Buffer): NoteKey {
  if (name === '' || /[\s+]/u.test(name)) throw new NoteError('the name of a key has no white space and no plus sign')
  if (publicKey.length !== 32) throw new NoteError('an Ed25519 public key has 32 bytes')
  const digest = createHash('sha256')
    .update(`${name}\n`)
    .update(Buffer.from([ed25519]))
    .update(publicKey)
    .digest()
  return { name, publicKey, id: digest.subarray(0, 4) }
}

/** The private key with this seed of 32 bytes (RFC 8032 §5.1.5). */
export const privateKeyOf = (seed: Buffer): KeyObject =>
  createPrivateKey({ key: Buffer.concat([privatePrefix, seed]), format: 'der', type: 'pkcs8' })

/** The public key that belongs to a seed, as 32 bytes. */
export const publicKeyOf = (seed: Buffer): Buffer =>
  createPublicKey(privateKeyOf(seed)).export({ format: 'der', type: 'spki' }).subarray(publicPrefix.length)

/** `name+id+key`: the form in which people compare and keep keys. */
export const formatKey = ({ name, id, publicKey }: NoteKey): string =>
  `${name}+${id.toString('hex')}+${Buffer.concat([Buffer.from([ed25519]), publicKey]).toString('base64')}`

/** @throws NoteError */
export function parseKey(text: string): NoteKey {
  const [name = '', id = '', encoded = '', ...more] = splitKey(text.trim())
  const bytes = decodeBase64(encoded)
  if (more.length > 0 || bytes?.length !== 33 || bytes[0] !== ed25519) {
    throw new NoteError('a key is written as name+id+key, and is an Ed25519 one')
  }
  const key = noteKey(name, bytes.subarray(1))
  if (key.id.toString('hex') !== id) throw new NoteError('the id of the key does not belong to it')
  return key
}

/** Base64 may hold plus signs: only the first two separate. */
function splitKey(text: string): string[] {
  const first = text.indexOf('+')
  const second = text.indexOf('+', first + 1)
  return first < 0 || second < 0 ? [] : [text.slice(0, first), text.slice(first + 1, second), text.slice(second + 1)]
}

/** Signs a text, which ends with a newline. Ed25519 is deterministic: the same text has the same note. */
export function signNote(text: string, key: NoteKey, seed: Buffer): string {
  refuseControls(text)
  const signature = sign(null, Buffer.from(text), privateKeyOf(seed))
  return `${text}\n— ${key.name} ${Buffer.concat([key.id, signature]).toString('base64')}\n`
}

/**
 * The text of a note, if the key signed it. Signatures of others are passed over; one of this key that does not hold
 * refuses the note.
 * @throws NoteError
 */
export function openNote(note: string, key: NoteKey): string {
  if (note.length > noteCharacters) throw new NoteError('the note is too long to be one')
  const end = note.lastIndexOf('\n\n')
  const text = note.slice(0, end + 1)
  const lines = note.slice(end + 2).split('\n')
  if (end < 0 || lines.pop() !== '' || lines.length === 0) throw new NoteError('the note has no signatures')
  refuseControls(text)
  let signed = false
  for (const line of lines) {
    const [dash, name, encoded = '', ...more] = line.split(' ')
    const bytes = decodeBase64(encoded)
    if (dash !== '—' || more.length > 0 || bytes === undefined || bytes.length < 5) {
      throw new NoteError('the note has a signature that is none')
    }
    if (name !== key.name || !bytes.subarray(0, 4).equals(key.id)) continue
    if (!holds(text, key, bytes.subarray(4))) throw new NoteError('the signature does not hold')
    signed = true
  }
  if (!signed) throw new NoteError('the note is not signed by this key')
  return text
}

function holds(text: string, { publicKey }: NoteKey, signature: Buffer): boolean {
  const key = createPublicKey({ key: Buffer.concat([publicPrefix, publicKey]), format: 'der', type: 'spki' })
  return signature.length === 64 && verify(null, Buffer.from(text), key, signature)
}

function refuseControls(text: string): void {
  for (const character of text) {
    if (character < ' ' && character !== '\n') throw new NoteError('the note holds a control character')
  }
  if (!text.endsWith('\n') || !text.isWellFormed()) throw new NoteError('the text of a note ends with a newline')
}

/** Base64 in its one canonical spelling (RFC 4648 §4); undefined otherwise. */
export function decodeBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64') === text ? bytes : undefined
}
