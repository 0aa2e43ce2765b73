import { isIP, isIPv4, isIPv6 } from 'node:net'
import { ipv6Groups, ipv6Text } from './ipv6.ts'
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
  const groups = ipv6Groups(text)
  const mapped = groups[5] === 0xffff && groups.slice(0, 5).every((group) => group === 0)
  return mapped ? ipv4Text(groups.slice(6)) : ipv6Text(groups)
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
export const shortestContaining = { 4: 8, 6: 16 } as const

/** Every shorter prefix in which a canonical address or prefix lies, the longest first, down to /8 or /16 (IPv6). */
export function containingPrefixes(network: string): string[] {
  const [address = '', digits] = network.split('/')
  const groups = addressGroups(address)
  const length = digits === undefined ? addressBits(address) : Number(digits)
  const prefixes: string[] = []
  for (let shorter = length - 1; shorter >= shortestContaining[isIPv4(address) ? 4 : 6]; shorter--) {
    prefixes.push(`${textOf(masked(groups, shorter))}/${shorter}`)
  }
  return prefixes
}

const addressBits = (address: string): number => (address.includes(':') ? 128 : 32)

const networkOf = (address: string, length: number): string =>
  `${textOf(masked(addressGroups(address), length))}/${length}`

/** A canonical address as groups of 16 bits: two or eight. */
export function addressGroups(address: string): number[] {
  if (address.includes(':')) return ipv6Groups(address)
  const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number)
  return [a * 256 + b, c * 256 + d]
}

const textOf = (groups: readonly number[]): string => (groups.length === 2 ? ipv4Text(groups) : ipv6Text(groups))

const ipv4Text = (groups: readonly number[]): string => groups.map((group) => `${group >> 8}.${group & 0xff}`).join('.')

function masked(groups: readonly number[], length: number): number[] {
  return groups.map((group, index) => {
    const kept = Math.min(Math.max(length - index * 16, 0), 16)
    return group & (0xffff << (16 - kept))
  })
}
