import { shortestContaining } from '../observables/ip.ts'
import { observableTypes } from '../observables/types.ts'
import { ipv4At, readIpv6 } from './addresses.ts'
import { KeyedHash } from './keyed-hash.ts'
import { KnownValues } from './known-values.ts'

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
 * at all, so that most addresses are asked for once.
 */
export class ValueIndex {
  readonly values = new KnownValues()
  readonly hash: KeyedHash
  /** Lengths of the prefixes ever added, the longest first. */
  lengths4: readonly number[] = []
  lengths6: readonly number[] = []
  /** A bit for each /24: whether any prefix ever added touches it. Made with the first prefix: 2 MiB. */
  #touched4: Uint8Array | undefined
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
    if (network !== undefined) this.#noteLength(network)
    this.values.add(this.hash, position, handling, until)
  }

  /** Bytes held by the arrays. */
  get bytes(): number {
    return this.values.bytes + (this.#touched4?.byteLength ?? 0)
  }

  /** Hashes a correlation key. @returns the version and length of a network that is no address */
  hashKey(key: string): { readonly version: 4 | 6; readonly length: number } | undefined {
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

  /** Whether a prefix may contain this IPv4 address. */
  touched4(address: number): boolean {
    return this.#touched4 !== undefined && (((this.#touched4[address >>> 11] ?? 0) >> ((address >>> 8) & 7)) & 1) === 1
  }

  /** Hashes the canonical text of a network in the scratch: its own key is its numbers. */
  #hashNetwork(size: number): { readonly version: 4 | 6; readonly length: number } | undefined {
    const slash = this.#scratch.subarray(0, size).indexOf(47)
    const end = slash === -1 ? size : slash
    const length = slash === -1 ? undefined : Number(this.#scratch.toString('latin1', slash + 1, size))
    const address = ipv4At(this.#scratch, 0, end)
    if (address !== -1) {
      this.hash4(address, length ?? bits4)
      return length === undefined ? undefined : { version: 4, length }
    }
    if (!readIpv6(this.#scratch, 0, end, this.#address)) throw new Error('a canonical network could not be read')
    this.hash6(this.#address, length ?? bits6)
    return length === undefined ? undefined : { version: 6, length }
  }

  #noteLength({ version, length }: { readonly version: 4 | 6; readonly length: number }): void {
    // A look-up considers none that is shorter.
    if (length < shortestContaining[version]) return
    if (version === 6) {
      if (!this.lengths6.includes(length)) this.lengths6 = [...this.lengths6, length].sort((a, b) => b - a)
      return
    }
    if (!this.lengths4.includes(length)) this.lengths4 = [...this.lengths4, length].sort((a, b) => b - a)
    this.#touched4 ??= new Uint8Array(2 ** 21)
    const [a = 0, b = 0, c = 0] = this.#network
    const first = (a * 256 + b) * 256 + c
    const last = first + 2 ** Math.max(24 - length, 0) - 1
    for (let n = first; n <= last; n++) this.#touched4[n >> 3] = (this.#touched4[n >> 3] ?? 0) | (1 << (n & 7))
  }
}
