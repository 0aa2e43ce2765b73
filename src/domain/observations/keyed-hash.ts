/** Bytes of key that {@link KeyedHash} takes. */
export const hashKeyBytes = 8

/** A hash of 64 bits as two signed 32-bit halves. */
export interface Hash {
  readonly lo: number
  readonly hi: number
}

/** Rounds after each of the two halves of the result. */
const finalRounds = 3

/**
 * HalfSipHash-1-3 with a result of 64 bits (Aumasson and Bernstein, 2012): SipHash on 32-bit words, the only
 * integers that JavaScript is fast with. It is keyed: whoever publishes values or sends observations cannot choose them to collide.
 */
export class KeyedHash implements Hash {
  readonly #k0: number
  readonly #k1: number
  /** The halves of the last result, as signed 32-bit numbers: two numbers are returned without an object. */
  lo = 0
  hi = 0

  /** @param key {@link hashKeyBytes} random bytes */
  constructor(key: Uint8Array) {
    const view = new DataView(key.buffer, key.byteOffset, hashKeyBytes)
    this.#k0 = view.getInt32(0, true)
    this.#k1 = view.getInt32(4, true)
  }

  /**
   * Hashes bytes `start` to `end` (exclusive) in a space of their own for each `space`; the result is in `lo` and `hi`.
   * One loop does all rounds: words of the input, the last word with the length, and then rounds on zero, which mix and
   * add nothing.
   */
  bytes(space: number, bytes: Uint8Array, start: number, end: number): void {
    let v0 = this.#k0
    let v1 = this.#k1 ^ 0xee
    let v2 = 0x6c796765 ^ this.#k0
    let v3 = 0x74656462 ^ this.#k1
    const length = end - start
    const lastStep = (length >>> 2) + 1
    const steps = lastStep + 2 * finalRounds
    let word = space
    let at = start
    let lo = 0
    for (let step = 0; step <= steps; step++) {
      v3 ^= word
      v0 = (v0 + v1) | 0
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
      v0 = (v0 << 16) | (v0 >>> 16)
      v2 = (v2 + v3) | 0
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
      v0 = (v0 + v3) | 0
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
      v2 = (v2 + v1) | 0
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
      v2 = (v2 << 16) | (v2 >>> 16)
      v0 ^= word
      if (step < lastStep) {
        word = step + 1 < lastStep ? wordAt(bytes, at) : lastWord(bytes, at, end, length)
        at += 4
      } else {
        word = 0
        if (step === lastStep) v2 ^= 0xee
        else if (step === lastStep + finalRounds) {
          lo = v1 ^ v3
          v1 ^= 0xdd
        }
      }
    }
    this.lo = lo
    this.hi = v1 ^ v3
  }
}

const wordAt = (bytes: Uint8Array, at: number): number =>
  (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24)

/** What is left of the input, up to three bytes, and its length in the highest byte. */
function lastWord(bytes: Uint8Array, at: number, end: number, length: number): number {
  let word = length << 24
  for (let shift = 0, from = at; from < end; from++, shift += 8) word |= (bytes[from] ?? 0) << shift
  return word
}
