import { createHash } from 'node:crypto'

const alphabet = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'

const digitValues = new Map([...alphabet].map((digit, value) => [digit, value]))

/** Longest text that is decoded: base 58 takes quadratic time, and no address is longer. */
const base58Characters = 64

/** The bytes of base 58 text as Bitcoin writes it (leading `1` = zero byte); undefined when a digit is not one. */
export function base58Bytes(text: string): Buffer | undefined {
  if (text.length > base58Characters) return undefined
  const number = base58Number(text)
  if (number === undefined) return undefined
  const hex = number === 0n ? '' : number.toString(16)
  const zeros = text.length - text.replace(/^1+/, '').length
  return Buffer.concat([Buffer.alloc(zeros), Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex')])
}

/** The number that base 58 digits spell; undefined when a digit is not one. */
export function base58Number(text: string): bigint | undefined {
  let number = 0n
  for (const digit of text) {
    const value = digitValues.get(digit)
    if (value === undefined) return undefined
    number = number * 58n + BigInt(value)
  }
  return number
}

/**
 * The payload of Base58Check text, version first: what is left of the bytes when the four of the checksum (twice
 * SHA-256) are right. Undefined when they are not.
 */
export function base58CheckPayload(text: string): Buffer | undefined {
  const bytes = base58Bytes(text)
  if (bytes === undefined || bytes.length < 5) return undefined
  const payload = bytes.subarray(0, -4)
  const digest = sha256(sha256(payload))
  return digest.subarray(0, 4).equals(bytes.subarray(-4)) ? payload : undefined
}

const sha256 = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest()
