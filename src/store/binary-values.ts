import { ipv6Groups } from '../domain/observables/ipv6.ts'

/** Writes the 16 bytes of a UUID. @throws {RangeError} when it is none */
export function writeUuid(text: string, into: Uint8Array, start: number): void {
  let at = start
  let seen = text.length === 36 ? 0 : noDigit
  // A loop costs a quarter of taking the hyphens out.
  for (let from = 0; from < 36; from += 2) {
    if (from === 8 || from === 13 || from === 18 || from === 23)
      seen |= text.charCodeAt(from++) === hyphen ? 0 : noDigit
    const byte = (nibble(text.charCodeAt(from)) << 4) | nibble(text.charCodeAt(from + 1))
    seen |= byte
    into[at++] = byte
  }
  if (seen > 0xff) throw new RangeError('no UUID')
}

const hyphen = 0x2d
/** More than a byte. */
const noDigit = 0x100

/** @param code of a hexadecimal digit. @returns {@link noDigit} for others */
const nibble = (code: number): number => nibbles[code] ?? noDigit
const nibbles = new Uint16Array(128).fill(noDigit)
for (const digit of '0123456789abcdefABCDEF') nibbles[digit.charCodeAt(0)] = Number.parseInt(digit, 16)

/** `inet` of a canonical address with its length, `192.0.2.0/24`: family, length, no flag, bytes of the address, and these. */
export function networkBytes(network: string): Uint8Array {
  const [address = '', length] = network.split('/')
  const isSix = address.includes(':')
  const bytes = isSix
    ? ipv6Groups(address).flatMap((group) => [group >> 8, group & 0xff])
    : address.split('.').map(Number)
  return Uint8Array.of(isSix ? 3 : 2, Number(length), 0, bytes.length, ...bytes)
}

/** Where PostgreSQL's time begins, in milliseconds since 1970. */
const epochMs = Date.UTC(2000, 0, 1)

/** Microseconds since 2000; finer parts of a second are rounded as PostgreSQL rounds them. */
export function microsOf(iso: string): bigint {
  const wholeMs = Date.parse(`${iso.slice(0, 19)}Z`)
  const micros = toEven(Number(`0${iso.slice(19, -1)}`) * 1_000_000)
  if (Number.isNaN(wholeMs + micros) || !iso.endsWith('Z')) throw new RangeError('not a time in UTC')
  return BigInt(wholeMs - epochMs) * 1_000n + BigInt(micros)
}

/** The nearest whole number; of two, the even one. */
function toEven(number: number): number {
  const up = Math.round(number)
  return up - number === 0.5 && up % 2 === 1 ? up - 1 : up
}

/** The same as PostgreSQL's time. @param micros microseconds since 1970 */
export const sincePostgresEpoch = (micros: bigint): bigint => micros - BigInt(epochMs) * 1_000n
