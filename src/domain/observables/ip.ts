import { isIP, isIPv4, isIPv6 } from 'node:net'
import ipaddr from 'ipaddr.js'
import { invalid } from './type.ts'

/**
 * The canonical text of an address: strict dotted quad, or RFC 5952; an IPv4-mapped IPv6 address (RFC 4291 §2.5.5.2)
 * is the IPv4 address it maps. No short or octal forms (they mean different hosts to different programs), no zones
 * (`%eth0` means something on one machine only).
 * @returns undefined when the text is no address
 */
export function canonicalAddress(text: string): string | undefined {
  if (isIPv4(text)) return text
  if (!isIPv6(text) || text.includes('%')) return undefined
  const address = ipaddr.IPv6.parse(text)
  return address.isIPv4MappedAddress() ? address.toIPv4Address().toString() : address.toRFC5952String()
}

/**
 * The canonical text of an address or prefix; a prefix of full length is the address.
 * @throws {Fault} `invalid_value` for anything else, and for a prefix with host bits set
 */
export function parseNetwork(text: string): string {
  const slash = text.indexOf('/')
  if (slash === -1) {
    const address = canonicalAddress(text)
    if (address === undefined) throw invalid(text, 'is not an IP address (no short forms, leading zeros or zones)')
    return address
  }
  const base = text.slice(0, slash)
  const address = canonicalAddress(base)
  const digits = text.slice(slash + 1)
  if (address === undefined || !/^\d{1,3}$/.test(digits))
    throw invalid(text, 'is not a prefix: an address, / and a length')
  // ::ffff:192.0.2.0/120 is 192.0.2.0/24
  const length = Number(digits) - (isIPv6(base) && isIPv4(address) ? 96 : 0)
  const bits = addressBits(address)
  if (length > bits || length < 0) throw invalid(text, `is not a prefix: the length goes up to ${bits}`)
  if (length === 0) throw invalid(text, 'is the whole address space, not an indicator')
  if (length === bits) return address
  const network = networkOf(address, length)
  if (network !== `${address}/${length}`) throw invalid(text, `has host bits set; the nearest prefix is ${network}`)
  return network
}

export const isPrefix = (network: string): boolean => network.includes('/')
export const isNetwork = (host: string): boolean => isPrefix(host) || isIP(host) !== 0

/** The type id of a canonical address or prefix. */
export function networkType(network: string): string {
  const version = network.includes(':') ? 'ipv6' : 'ipv4'
  return isPrefix(network) ? `${version}-prefix` : `${version}-address`
}

/** Canonical address or prefix → CIDR form: `192.0.2.1/32`. */
export const asCidr = (network: string): string => (isPrefix(network) ? network : `${network}/${addressBits(network)}`)

/** Shortest prefixes that a look-up of what contains an address considers. */
const shortest = { 4: 8, 6: 16 } as const

/** Every shorter prefix in which a canonical address or prefix lies, the longest first, down to /8 or /16 (IPv6). */
export function containingPrefixes(network: string): string[] {
  const [address = '', digits] = network.split('/')
  const length = digits === undefined ? addressBits(address) : Number(digits)
  const floor = shortest[isIPv4(address) ? 4 : 6]
  const prefixes: string[] = []
  for (let shorter = length - 1; shorter >= floor; shorter--) prefixes.push(networkOf(address, shorter))
  return prefixes
}

const addressBits = (address: string): number => (address.includes(':') ? 128 : 32)

function networkOf(address: string, length: number): string {
  const bytes = ipaddr.parse(address).toByteArray()
  const masked = bytes.map((byte, index) => {
    const kept = Math.min(Math.max(length - index * 8, 0), 8)
    return byte & (0xff << (8 - kept))
  })
  const network = ipaddr.fromByteArray(masked)
  return `${network.kind() === 'ipv6' ? (network as ipaddr.IPv6).toRFC5952String() : network.toString()}/${length}`
}
