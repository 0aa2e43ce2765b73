import { bech32Digits, octetsOf } from './bech32.ts'

/** The prefix that the checksum covers even where people leave it out. */
const prefix = 'bitcoincash'

const generator = [0x98f2bc8e61n, 0x79b76d99e2n, 0xf33e5fb3c4n, 0xae2eabe2a8n, 0x1e4f43e470n] as const

/** Octets of the hash, by the low bits of the version octet. */
const hashOctets = [20, 24, 28, 32, 40, 48, 56, 64] as const

/**
 * A Bitcoin Cash address (CashAddr specification) in lower case with its prefix, from text with or without it.
 * @returns undefined when the text is not one
 */
export function canonicalCashAddress(text: string): string | undefined {
  if (text !== text.toLowerCase() && text !== text.toUpperCase()) return undefined
  const digits = text.toLowerCase().replace(/^bitcoincash:/, '')
  // 112 digits carry the longest hash
  const values = digits.length > 112 ? undefined : bech32Digits(digits)
  if (values === undefined || values.length < 42) return undefined
  const codes = [...prefix].map((character) => character.charCodeAt(0) & 31)
  if (polymod([...codes, 0, ...values]) !== 0n) return undefined
  const payload = octetsOf(values.slice(0, -8))
  const version = payload?.[0] ?? 0x80
  if (payload === undefined || version > 0x7f || payload.length - 1 !== hashOctets[version & 7]) return undefined
  return `${prefix}:${digits}`
}

function polymod(values: readonly number[]): bigint {
  let checksum = 1n
  for (const value of values) {
    const top = checksum >> 35n
    checksum = ((checksum & 0x7ffffffffn) << 5n) ^ BigInt(value)
    generator.forEach((term, bit) => {
      if (((top >> BigInt(bit)) & 1n) === 1n) checksum ^= term
    })
  }
  return checksum ^ 1n
}
