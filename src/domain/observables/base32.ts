const alphabet = 'abcdefghijklmnopqrstuvwxyz234567'

/** Bytes of lower-case base 32 text (RFC 4648 §6) without padding; bits that fill no byte are dropped. */
export function base32Bytes(text: string): Buffer {
  const bytes: number[] = []
  let bits = 0
  let held = 0
  for (const digit of text) {
    held = ((held << 5) | alphabet.indexOf(digit)) & 0xfff
    bits += 5
    if (bits >= 8) {
      bits -= 8
      bytes.push((held >> bits) & 0xff)
    }
  }
  return Buffer.from(bytes)
}
