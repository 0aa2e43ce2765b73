import { createHmac } from 'node:crypto'

/** Keyed digest of a text, 32 hex digits: the masked form of values and the aliases of anonymous sources. */
export const keyedDigest = (key: Buffer, text: string): string =>
  createHmac('sha256', key).update(text).digest('hex').slice(0, 32)

/**
 * A UUID that only this node can derive from a text: ids for records that came without one. Keyed, so that nobody can
 * find out from an id who published which value. Shaped as version 5, the form STIX expects of derived ids.
 */
export function keyedUuid(key: Buffer, text: string): string {
  const bytes = createHmac('sha256', key).update(text).digest().subarray(0, 16)
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x50
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  const hex = bytes.toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
