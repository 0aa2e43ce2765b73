import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { type CountryResponse, Reader } from 'mmdb-lib'
import { addressGroups } from '../domain/observables/ip.ts'
import { type Ranges, rangesOf4, rangesOf6 } from './asn-ranges.ts'

/** Where an address is: by the registries' allocations (country) and by routing (AS number). */
export interface Network {
  readonly asn?: number
  readonly country?: string
}

const require = createRequire(import.meta.url)
const folderOf = (name: string): string => dirname(require.resolve(`${name}/package.json`))

/**
 * Country and AS number of addresses, from the npm data sets of ip-location-db; read at the first look-up (some
 * hundred milliseconds and 10 MB), then 1–2 µs each.
 */
export class Networks {
  #countries: Reader<CountryResponse> | undefined
  #v4: Ranges<Uint32Array> | undefined
  #v6: Ranges<BigUint64Array> | undefined

  /** @param network an address or prefix in CIDR form, canonical; a prefix is where its first address is */
  locate(network: string): Network {
    const slash = network.indexOf('/')
    const address = slash < 0 ? network : network.slice(0, slash)
    const country = this.#country(address)
    const groups = addressGroups(address)
    const asn = groups.length === 2 ? this.#asn4(groups) : this.#asn6(groups)
    return { ...(asn === undefined ? {} : { asn }), ...(country === undefined ? {} : { country }) }
  }

  #country(address: string): string | undefined {
    this.#countries ??= new Reader(
      readFileSync(join(folderOf('@ip-location-db/geo-whois-asn-country-mmdb'), 'geo-whois-asn-country.mmdb')),
      // What stands of each of two hundred countries is read once.
      { cache: new Map() },
    )
    const found = this.#countries.get(address) as unknown as { readonly country_code?: string } | null
    return found?.country_code
  }

  #asn4([upper = 0, lower = 0]: readonly number[]): number | undefined {
    this.#v4 ??= rangesOf4(readFileSync(join(folderOf('@ip-location-db/asn'), 'asn-ipv4-num.csv')))
    return within(this.#v4, upper * 0x10000 + lower)
  }

  #asn6(groups: readonly number[]): number | undefined {
    this.#v6 ??= rangesOf6(readFileSync(join(folderOf('@ip-location-db/asn'), 'asn-ipv6.csv')))
    return within(this.#v6, upperHalf(groups))
  }
}

/** Binary search for the range that holds a key. */
function within<T extends Uint32Array | BigUint64Array>(ranges: Ranges<T>, key: T[number]): number | undefined {
  let low = 0
  let high = ranges.starts.length - 1
  while (low <= high) {
    const middle = (low + high) >> 1
    if ((ranges.starts[middle] ?? 0) > key) high = middle - 1
    else if ((ranges.ends[middle] ?? 0) < key) low = middle + 1
    else return ranges.asns[middle]
  }
  return undefined
}

const upperHalf = ([a = 0, b = 0, c = 0, d = 0]: readonly number[]): bigint =>
  (BigInt(a * 0x10000 + b) << 32n) | BigInt(c * 0x10000 + d)
