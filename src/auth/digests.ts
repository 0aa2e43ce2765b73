import { hash } from 'node:crypto'

/** Bytes in which SHA-256 works (FIPS 180-4). */
const blockBytes = 64

/** A key as HMAC uses it, with room behind it for what is digested (RFC 2104). */
interface Pads {
  inner: Buffer
  readonly outer: Buffer
}

const padsOf = new WeakMap<Buffer, Pads>()

/**
 * HMAC-SHA-256 (RFC 2104) of a text, as hex. By hand over two one-shot digests: the object that `createHmac` makes for each text costs
 * as much again as the digests.
 */
function hmacHex(key: Buffer, text: string): string {
  const pads = padsOf.get(key) ?? preparePads(key)
  const room = blockBytes + 3 * text.length
  if (pads.inner.length < room) pads.inner = Buffer.concat([pads.inner.subarray(0, blockBytes)], 2 * room)
  const end = blockBytes + pads.inner.write(text, blockBytes)
  pads.outer.write(hash('sha256', pads.inner.subarray(0, end)), blockBytes, 'hex')
  return hash('sha256', pads.outer)
}

function preparePads(key: Buffer): Pads {
  if (key.length > blockBytes) throw new Error('a key longer than a block would have to be digested first')
  const pad = (byte: number) => Buffer.from(Buffer.concat([key], blockBytes).map((each) => each ^ byte))
  const pads = { inner: pad(0x36), outer: Buffer.concat([pad(0x5c)], blockBytes + 32) }
  padsOf.set(key, pads)
  return pads
}

/** Keyed digest of a text, 32 hex digits: the masked form of values and the aliases of anonymous sources. */
export const keyedDigest = (key: Buffer, text: string): string => hmacHex(key, text).slice(0, 32)

/**
 * A UUID that only this node can derive from a text: ids for records that came without one. Keyed, so that nobody can
 * find out from an id who published which value. Shaped as version 5, the form STIX expects of derived ids.
 */
export function keyedUuid(key: Buffer, text: string): string {
  const hex = hmacHex(key, text)
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 0x3) | 0x8).toString(16)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}
