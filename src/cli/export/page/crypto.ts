import { ed25519 } from '@noble/curves/ed25519.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { Buffer } from 'buffer'

/**
 * What the check of a package asks of `node:crypto`, for a page in a browser: SHA-256, and Ed25519 signatures with keys in DER. Browsers have
 * the second only lately, and neither in a page that was opened from a disk everywhere. The bundle of the page has this in its place.
 */

export function createHash(algorithm: string) {
  if (algorithm !== 'sha256') throw new Error(`the page knows no ${algorithm}`)
  const hash = sha256.create()
  const hasher = {
    update(data: string | Uint8Array) {
      hash.update(typeof data === 'string' ? Buffer.from(data) : data)
      return hasher
    },
    digest(encoding?: 'hex') {
      const digest = Buffer.from(hash.digest())
      return encoding === undefined ? digest : digest.toString(encoding)
    },
  }
  return hasher
}

export const hash = (algorithm: string, data: string | Uint8Array, encoding: 'binary'): string =>
  createHash(algorithm).update(data).digest().toString(encoding)

/** A raw Ed25519 key: the last 32 bytes of its DER (RFC 8410 §4). */
export const createPublicKey = ({ key }: { readonly key: Uint8Array }): Uint8Array => key.subarray(-32)

/** As RFC 8032 §5.1.7 has it, like the library under Node: no point of small order passes for a key that somebody holds. */
export function verify(_algorithm: null, data: Uint8Array, key: Uint8Array, signature: Uint8Array): boolean {
  return ed25519.verify(signature, data, key, { zip215: false })
}

const notHere = (): never => {
  throw new Error('the page makes no signatures')
}
export const createPrivateKey = notHere
export const sign = notHere
