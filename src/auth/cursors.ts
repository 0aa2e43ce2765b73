import { createCipheriv, createDecipheriv } from 'node:crypto'
import { Fault } from '../domain/errors.ts'
import { keyedDigest } from './digests.ts'

/**
 * Seals a place in the feed: a few numbers, and the epoch of the feed. Opaque and of one length for each kind, so that neither its
 * text nor its size tells how much lies between two of them; the nonce is a keyed digest of what is sealed (the same place and
 * query seal to the same text).
 * @param key 32 bytes
 * @param bound the kind of cursor, the reader and the query it is given for: for any other it does not open
 */
export function sealCursor(key: Buffer, place: readonly bigint[], epoch: string, bound: string): string {
  const plain = Buffer.alloc(epochBytes + 8 * place.length)
  plain.write(epoch.replaceAll('-', ''), 'hex')
  for (const [n, number] of place.entries()) plain.writeBigInt64BE(number, epochBytes + 8 * n)
  const digest = keyedDigest(key, `nonce ${bound} ${plain.toString('hex')}`)
  const nonce = Buffer.from(digest.slice(0, 2 * nonceBytes), 'hex')
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(bound))
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]).toString('base64url')
}

/**
 * @param numbers how many the kind of cursor holds
 * @throws {Fault} `cursor_invalid` when it was made for another reader or query, or was altered; `cursor_outdated` when the
 * node was restored from a backup since
 */
export function openCursor(key: Buffer, text: string, epoch: string, bound: string, numbers: number): bigint[] {
  const sealed = Buffer.from(text, 'base64url')
  const end = nonceBytes + epochBytes + 8 * numbers
  if (sealed.length !== end + tagBytes || sealed.toString('base64url') !== text) throw cursorInvalid()
  let plain: Buffer
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, nonceBytes)).setAAD(Buffer.from(bound))
    decipher.setAuthTag(sealed.subarray(end))
    plain = Buffer.concat([decipher.update(sealed.subarray(nonceBytes, end)), decipher.final()])
  } catch {
    throw cursorInvalid()
  }
  if (!plain.subarray(0, epochBytes).equals(bytesOfEpoch(epoch))) throw cursorOutdated()
  return Array.from({ length: numbers }, (_, n) => plain.readBigInt64BE(epochBytes + 8 * n))
}

const nonceBytes = 12
const tagBytes = 16
const epochBytes = 16

const bytesOfEpoch = (epoch: string): Buffer => Buffer.from(epoch.replaceAll('-', ''), 'hex')

export const cursorInvalid = (): Fault =>
  new Fault('cursor_invalid', 'This cursor was not given to this reader for this query.')

export const cursorOutdated = (): Fault =>
  new Fault('cursor_outdated', 'This cursor is from before the node was restored; start again without it.')
