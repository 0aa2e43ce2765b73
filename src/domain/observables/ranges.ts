import { asCidr } from './ip.ts'
import { ipv6Groups } from './ipv6.ts'

/** A canonical address or prefix as the first and the last number in it. */
export interface AddressRange {
  readonly version: 4 | 6
  readonly first: bigint
  readonly last: bigint
}

/** @param network canonical, as `parseNetwork` gives it */
export function rangeOf(network: string): AddressRange {
  const [address = '', length = ''] = asCidr(network).split('/')
  const version = address.includes(':') ? 6 : 4
  const groups = version === 6 ? ipv6Groups(address) : address.split('.').map(Number)
  const width = version === 6 ? 16n : 8n
  const first = groups.reduce((number, group) => (number << width) | BigInt(group), 0n)
  const free = BigInt(version === 6 ? 128 : 32) - BigInt(length)
  return { version, first, last: first | ((1n << free) - 1n) }
}
