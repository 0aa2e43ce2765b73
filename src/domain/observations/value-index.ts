import { observableTypes } from '../observables/types.ts'
import { ipv4At, readIpv6 } from './addresses.ts'
import { KeyedHash } from './keyed-hash.ts'
import { KnownValues } from './known-values.ts'
import { KnownPrefixes, type Prefix } from './prefixes.ts'

/** Spaces of the hash: one for each family of correlation keys, and two for the family `ip`, whose values are hashed as numbers. */
export const ipv4Space = 1
export const ipv6Space = 2
const spaces: ReadonlyMap<string, number> = new Map(
  [...new Set([...observableTypes.values()].map(({ family }) => family))].map((family, n) => [family, n + 3]),
)

/** The space in which values of a family other than `ip` are hashed. */
export function spaceOf(family: string): number {
  const space = spaces.get(family)
  if (space === undefined) throw new Error(`no type has the family ${family}`)
  return space
}

/** Longest prefix lengths: those of addresses. */
const bits4 = 32
const bits6 = 128

/**
 * Everything that looking an observation up needs to know of indicators: the values by hash, and which prefixes there may be
 * under each handling, so that most addresses are asked for once.
 */
export class ValueIndex {
  readonly values = new KnownValues()
  readonly hash: KeyedHash
  /** Of all that was ever added. */
  readonly prefixes = new KnownPrefixes()
  readonly #scratch = Buffer.alloc(32_768)
  readonly #network = new Uint8Array(17)
  readonly #address = new Uint8Array(16)

  /** @param key random bytes for the hash */
  constructor(key: Uint8Array) {
    this.hash = new KeyedHash(key)
  }

  /** Adds a correlation key as one of the indicator at this position of the feed; positions never fall. */
  add(key: string, position: number, handling: number, until: number): void {
    const network = this.hashKey(key)
    if (network !== undefined) this.prefixes.add(network, handling)
    this.values.add(this.hash, position, handling, until)
  }

  /** Bytes held by the arrays. */
  get bytes(): number {
    return this.values.bytes
  }

  /** Hashes a correlation key. @returns the network where it is no address */
  hashKey(key: string): Prefix | undefined {
    const colon = key.indexOf(':')
    const family = key.slice(0, colon)
    const size = this.#scratch.write(key.slice(colon + 1))
    if (family === 'ip') return this.#hashNetwork(size)
    this.hash.bytes(spaceOf(family), this.#scratch, 0, size)
    return undefined
  }

  /** Hashes an IPv4 prefix: bits beyond `length` are ignored. */
  hash4(address: number, length: number): void {
    const network = this.#network
    const kept = length === bits4 ? address : address & ~(0xffffffff >>> length)
    network[0] = kept >>> 24
    network[1] = kept >>> 16
    network[2] = kept >>> 8
    network[3] = kept
    network[4] = length
    this.hash.bytes(ipv4Space, network, 0, 5)
  }

  /** Hashes an IPv6 prefix of 16 bytes: bits beyond `length` are ignored. */
  hash6(address: Uint8Array, length: number): void {
    const network = this.#network
    for (let n = 0; n < 16; n++) {
      const kept = Math.min(Math.max(length - 8 * n, 0), 8)
      network[n] = (address[n] ?? 0) & (0xff00 >> kept)
    }
    network[16] = length
    this.hash.bytes(ipv6Space, network, 0, 17)
  }

  /** Hashes the canonical text of a network in the scratch: its own key is its numbers. */
  #hashNetwork(size: number): Prefix | undefined {
    const slash = this.#scratch.subarray(0, size).indexOf(47)
    const end = slash === -1 ? size : slash
    const length = slash === -1 ? undefined : Number(this.#scratch.toString('latin1', slash + 1, size))
    const address = ipv4At(this.#scratch, 0, end)
    if (address !== -1) {
      this.hash4(address, length ?? bits4)
      return length === undefined ? undefined : { version: 4, length, first: address >>> 0 }
    }
    if (!readIpv6(this.#scratch, 0, end, this.#address)) throw new Error('a canonical network could not be read')
    this.hash6(this.#address, length ?? bits6)
    return length === undefined ? undefined : { version: 6, length, first: 0 }
  }
}
