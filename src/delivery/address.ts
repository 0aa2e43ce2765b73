import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

/** NAT64 for local use (RFC 8215): what it translates to cannot be told. */
const localNat64 = ipaddr.IPv6.parse('64:ff9b:1::')
/** What is handed out to networks of the Internet (RFC 4291 §2.4, IANA): nothing else is called. */
const globalUnicast = ipaddr.IPv6.parse('2000::')

/**
 * Whether an address is somewhere on the Internet, and not on this machine, in this network, or of no use as a destination.
 * Addresses inside addresses (IPv4-mapped, NAT64) count as what they hold.
 * @param text an IP address; anything else is not public
 */
export function isPublicAddress(text: string): boolean {
  if (isIP(text) === 0) return false
  const address = ipaddr.parse(text)
  if (address instanceof ipaddr.IPv4) return address.range() === 'unicast'
  if (address.match(localNat64, 48)) return false
  const range = address.range()
  if (range === 'ipv4Mapped') return address.toIPv4Address().range() === 'unicast'
  if (range === 'rfc6052') return new ipaddr.IPv4(address.toByteArray().slice(12)).range() === 'unicast'
  return range === 'unicast' && address.match(globalUnicast, 3)
}
