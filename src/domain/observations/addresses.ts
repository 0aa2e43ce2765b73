import { ipv6Text } from '../observables/ipv6.ts'

/** Addresses read from bytes, without a string: what is not written in the plain way is left to the parsers of observables. */

const dot = 46
const colon = 58

const isDigit = (byte: number): boolean => byte >= 48 && byte <= 57

/** A dotted quad from `start` to `end` as an unsigned number; -1 when it is none, or has leading zeros. */
export function ipv4At(bytes: Uint8Array, start: number, end: number): number {
  let address = 0
  let part = -1
  let parts = 1
  for (let at = start; at < end; at++) {
    const byte = bytes[at] ?? 0
    if (isDigit(byte)) {
      if (part === 0) return -1
      part = part === -1 ? byte - 48 : part * 10 + byte - 48
      if (part > 255) return -1
    } else {
      if (byte !== dot || part === -1) return -1
      address = address * 256 + part
      part = -1
      parts++
    }
  }
  return parts === 4 && part !== -1 ? address * 256 + part : -1
}

/** The value of a hexadecimal digit in lower case, or -1. */
export const hexValue = (byte: number): number => {
  if (isDigit(byte)) return byte - 48
  return byte >= 97 && byte <= 102 ? byte - 87 : -1
}

/** Groups of 16 bits while they are read; `readIpv6` is called once at a time. */
const groups = new Uint16Array(8)

/**
 * An IPv6 address in lower-case hexadecimal groups, `::` for a run of zeros, into 16 bytes.
 * @returns false when it is none, or has a dotted quad at its end
 */
export function readIpv6(bytes: Uint8Array, start: number, end: number, into: Uint8Array): boolean {
  let count = 0
  let gap = -1
  let at = start
  if (bytes[at] === colon) {
    if (bytes[at + 1] !== colon) return false
    gap = 0
    at += 2
  }
  while (at < end) {
    if (count === 8) return false
    let group = 0
    let digits = 0
    for (; at < end && bytes[at] !== colon; at++, digits++) {
      const value = hexValue(bytes[at] ?? 0)
      if (value === -1) return false
      group = group * 16 + value
    }
    if (digits === 0 || digits > 4) return false
    groups[count++] = group
    if (at === end) break
    at++
    if (at === end) return false
    if (bytes[at] === colon) {
      if (gap !== -1) return false
      gap = count
      at++
    }
  }
  return spread(count, gap, into)
}

function spread(count: number, gap: number, into: Uint8Array): boolean {
  // `::` stands for one group at least (node:net takes it so, and RFC 5952 §4.2.2)
  if (gap === -1 ? count !== 8 : count > 7) return false
  const zeros = 8 - count
  for (let n = 0, from = 0; n < 8; n++) {
    const group = gap !== -1 && n >= gap && n < gap + zeros ? 0 : (groups[from++] ?? 0)
    into[2 * n] = group >> 8
    into[2 * n + 1] = group & 0xff
  }
  return true
}

/** The IPv4 address that an IPv4-mapped one maps (RFC 4291 §2.5.5.2), or -1. */
export function mappedIpv4(address: Uint8Array): number {
  for (let n = 0; n < 10; n++) if (address[n] !== 0) return -1
  if (address[10] !== 0xff || address[11] !== 0xff) return -1
  const [a = 0, b = 0, c = 0, d = 0] = address.subarray(12)
  return ((a * 256 + b) * 256 + c) * 256 + d
}

/** The canonical text of the prefix of an unsigned address; of 32 bits, the address itself. */
export function ipv4Prefix(address: number, length: number): string {
  const kept = length === 32 ? address : address & ~(0xffffffff >>> length)
  const text = `${kept >>> 24}.${(kept >>> 16) & 0xff}.${(kept >>> 8) & 0xff}.${kept & 0xff}`
  return length === 32 ? text : `${text}/${length}`
}

/** The same for the 16 bytes of an IPv6 address. */
export function ipv6Prefix(address: Uint8Array, length: number): string {
  const kept = Array.from({ length: 8 }, (_, n) => {
    const group = ((address[2 * n] ?? 0) << 8) | (address[2 * n + 1] ?? 0)
    return group & (0xffff0000 >> Math.min(Math.max(length - 16 * n, 0), 16))
  })
  const text = ipv6Text(kept)
  return length === 128 ? text : `${text}/${length}`
}
