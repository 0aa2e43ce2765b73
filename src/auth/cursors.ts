import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto'
import { Fault } from '../domain/errors.ts'

/** What a cursor holds. `bound` is the reader and the query it was given for: for any other it does not open. */
export interface Cursor {
  readonly position: bigint
  readonly epoch: string
}

/**
 * Seals a place in the feed. Opaque and of one length, so that neither its text nor its size tells how much lies between
 * two of them; the nonce is a keyed digest of what is sealed (the same place and query seal to the same text).
 * @param key 32 bytes
 */
export function sealCursor(key: Buffer, { position, epoch }: Cursor, bound: string): string {
  const plain = Buffer.alloc(24)
  plain.writeBigUInt64BE(position, 0)
  Buffer.from(epoch.replaceAll('-', ''), 'hex').copy(plain, 8)
  const nonce = createHmac('sha256', key).update('nonce').update(bound).update(plain).digest().subarray(0, 12)
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(bound))
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]).toString('base64url')
}

/**
 * @throws {Fault} `cursor_invalid` when it was made for another reader or query, or was altered; `cursor_outdated` when the
 * node was restored from a backup since
 */
export function openCursor(key: Buffer, text: string, epoch: string, bound: string): Cursor {
  const sealed = Buffer.from(text, 'base64url')
  if (sealed.length !== 12 + 24 + 16) throw invalid()
  let plain: Buffer
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12)).setAAD(Buffer.from(bound))
    decipher.setAuthTag(sealed.subarray(36))
    plain = Buffer.concat([decipher.update(sealed.subarray(12, 36)), decipher.final()])
  } catch {
    throw invalid()
  }
  if (plain.subarray(8).toString('hex') !== epoch.replaceAll('-', '')) {
    throw new Fault('cursor_outdated', 'This cursor is from before the node was restored; start again without it.')
  }
  return { position: plain.readBigUInt64BE(0), epoch }
}

const invalid = () => new Fault('cursor_invalid', 'This cursor was not given to this reader for this query.')
