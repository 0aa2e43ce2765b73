import { base58CheckPayload, base58Number } from './base58.ts'
import { isSegwitAddress } from './bech32.ts'
import { canonicalCashAddress } from './cashaddr.ts'
import { keccak256 } from './keccak.ts'
import { invalid } from './type.ts'

/** Bitcoin and those that share its address forms: version bytes before 20 bytes of hash, and a segwit prefix. */
export interface Coin {
  readonly name: string
  /** Version bytes of Base58Check, in hexadecimal. */
  readonly versions: readonly string[]
  /** Human-readable part of segregated witness addresses. */
  readonly segwit?: string
}

/** Octets of the hash that an address carries. */
const hashBytes = 20

/** A parser of the addresses of a coin; test networks are refused. Case is kept in base 58, lowered in Bech32. */
export function coinAddress(coin: Coin): (text: string) => string {
  return (text) => {
    const lower = text.toLowerCase()
    if (coin.segwit !== undefined && lower.startsWith(`${coin.segwit}1`)) {
      // BIP 173: mixed case is refused
      if ((text === lower || text === text.toUpperCase()) && isSegwitAddress(lower, coin.segwit)) return lower
      throw invalid(text, `is not a ${coin.name} address: its Bech32 checksum or form is wrong`)
    }
    const payload = base58CheckPayload(text)
    if (payload === undefined) throw invalid(text, `is not a ${coin.name} address: its checksum is wrong`)
    const version = payload.subarray(0, -hashBytes).toString('hex')
    if (!coin.versions.includes(version)) throw invalid(text, `is not a ${coin.name} address but another coin's`)
    return text
  }
}

const bitcoin = coinAddress({ name: 'Bitcoin', versions: ['00', '05'], segwit: 'bc' })

/** A Bitcoin address; a Bitcoin Cash address, which MISP has no type of its own for, comes back as what it is. */
export const parseBitcoinAddress = (text: string): string => canonicalCashAddress(text) ?? bitcoin(text)

export function parseCashAddress(text: string): string {
  const address = canonicalCashAddress(text)
  if (address === undefined)
    throw invalid(text, 'is not a Bitcoin Cash address: its CashAddr checksum or form is wrong')
  return address
}

/** An Ethereum address in lower case; in mixed case the capitals are a checksum (EIP-55) and must be right. */
export function parseEthereumAddress(text: string): string {
  if (!/^0x[0-9a-f]{40}$/i.test(text)) throw invalid(text, 'is not an Ethereum address: 0x and 40 hexadecimal digits')
  const digits = text.slice(2)
  const lower = digits.toLowerCase()
  if (digits !== lower && digits !== digits.toUpperCase() && digits !== withChecksum(lower)) {
    throw invalid(text, 'is not an Ethereum address: its capitals are not those of EIP-55')
  }
  return `0x${lower}`
}

function withChecksum(lower: string): string {
  const digest = keccak256(Buffer.from(lower, 'ascii')).toString('hex')
  return [...lower].map((digit, index) => ((digest[index] ?? '0') >= '8' ? digit.toUpperCase() : digit)).join('')
}

/** Network bytes of Monero: standard address, integrated address, subaddress; with the length of the text. */
const moneroForms: ReadonlyMap<number, number> = new Map([
  [18, 95],
  [19, 106],
  [42, 95],
])

/** Monero cuts its base 58 into blocks: 11 digits for 8 bytes, and here a last one of 7 digits for 5 bytes. */
export function parseMoneroAddress(text: string): string {
  const bytes = text.length === 95 || text.length === 106 ? moneroBytes(text) : undefined
  if (bytes === undefined) throw invalid(text, 'is not a Monero address: 95 or 106 digits of base 58')
  const digest = keccak256(bytes.subarray(0, -4))
  if (!digest.subarray(0, 4).equals(bytes.subarray(-4)) || moneroForms.get(bytes[0] ?? 0) !== text.length) {
    throw invalid(text, 'is not a Monero address: its checksum or network byte is wrong')
  }
  return text
}

function moneroBytes(text: string): Buffer | undefined {
  const blocks: Buffer[] = []
  for (let start = 0; start < text.length; start += 11) {
    const digits = text.slice(start, start + 11)
    const number = base58Number(digits)
    const hex = number?.toString(16).padStart(digits.length === 11 ? 16 : 10, '0')
    if (hex === undefined || hex.length > (digits.length === 11 ? 16 : 10)) return undefined
    blocks.push(Buffer.from(hex, 'hex'))
  }
  return Buffer.concat(blocks)
}
