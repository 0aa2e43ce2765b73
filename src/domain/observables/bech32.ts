/** The 32 digits of Bech32 (BIP 173), which CashAddr shares. */
const alphabet = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l'

const generator = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3] as const
const bech32Constant = 1
/** BIP 350: from witness version 1 on. */
const bech32mConstant = 0x2bc830a3

/** Values 0 to 31 of digits in lower case; undefined when one is not a digit. */
export function bech32Digits(text: string): number[] | undefined {
  const values = [...text].map((digit) => alphabet.indexOf(digit))
  return values.includes(-1) ? undefined : values
}

/** Whether `text`, in lower case, is a segregated witness address of the network `prefix` (BIP 173, BIP 350). */
export function isSegwitAddress(text: string, prefix: string): boolean {
  const separator = text.lastIndexOf('1')
  if (text.length > 90 || text.slice(0, separator) !== prefix) return false
  const values = bech32Digits(text.slice(separator + 1))
  if (values === undefined || values.length < 7) return false
  const version = values[0] ?? 0
  const wanted = version === 0 ? bech32Constant : bech32mConstant
  if (polymod([...expanded(prefix), ...values]) !== wanted) return false
  const program = octetsOf(values.slice(1, -6))
  if (program === undefined || version > 16 || program.length < 2 || program.length > 40) return false
  return version !== 0 || program.length === 20 || program.length === 32
}

/** Groups of five bits as octets; undefined when the padding is not that of whole octets. */
export function octetsOf(values: readonly number[]): number[] | undefined {
  const octets: number[] = []
  let bits = 0
  let held = 0
  for (const value of values) {
    held = ((held << 5) | value) & 0xfff
    bits += 5
    if (bits >= 8) {
      bits -= 8
      octets.push((held >> bits) & 0xff)
    }
  }
  const padding = held & ((1 << bits) - 1)
  return bits >= 5 || padding !== 0 ? undefined : octets
}

function polymod(values: readonly number[]): number {
  let checksum = 1
  for (const value of values) {
    const top = checksum >>> 25
    checksum = ((checksum & 0x1ffffff) << 5) ^ value
    generator.forEach((term, bit) => {
      if (((top >> bit) & 1) === 1) checksum ^= term
    })
  }
  return checksum
}

function expanded(prefix: string): number[] {
  const codes = [...prefix].map((character) => character.charCodeAt(0))
  return [...codes.map((code) => code >> 5), 0, ...codes.map((code) => code & 31)]
}
