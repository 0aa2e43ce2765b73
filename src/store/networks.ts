import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import ipaddr from 'ipaddr.js'
import { type CountryResponse, Reader } from 'mmdb-lib'

/** Where an address is: by the registries' allocations (country) and by routing (AS number). */
export interface Network {
  readonly asn?: number
  readonly country?: string
}

interface Ranges<T extends Uint32Array | BigUint64Array> {
  readonly starts: T
  readonly ends: T
  readonly asns: Uint32Array
}

const require = createRequire(import.meta.url)
const folderOf = (name: string): string => dirname(require.resolve(`${name}/package.json`))

/**
 * Country and AS number of addresses, from the npm data sets of ip-location-db; read at the first look-up (about half a
 * second and 30 MB), then 1–2 µs each.
 */
export class Networks {
  #countries: Reader<CountryResponse> | undefined
  #v4: Ranges<Uint32Array> | undefined
  #v6: Ranges<BigUint64Array> | undefined

  /** @param network an address or prefix in CIDR form; a prefix is where its first address is */
  locate(network: string): Network {
    const address = ipaddr.parse(network.split('/', 1)[0] ?? network)
    const country = this.#country(address.toString())
    const asn = address.kind() === 'ipv4' ? this.#asn4(address as ipaddr.IPv4) : this.#asn6(address as ipaddr.IPv6)
    return { ...(asn === undefined ? {} : { asn }), ...(country === undefined ? {} : { country }) }
  }

  #country(address: string): string | undefined {
    this.#countries ??= new Reader(
      readFileSync(join(folderOf('@ip-location-db/geo-whois-asn-country-mmdb'), 'geo-whois-asn-country.mmdb')),
    )
    const found = this.#countries.get(address) as unknown as { readonly country_code?: string } | null
    return found?.country_code
  }

  #asn4(address: ipaddr.IPv4): number | undefined {
    const [a = 0, b = 0, c = 0, d = 0] = address.octets
    this.#v4 ??= rangesOf4(readFileSync(join(folderOf('@ip-location-db/asn'), 'asn-ipv4-num.csv'), 'latin1'))
    return within(this.#v4, ((a << 24) | (b << 16) | (c << 8) | d) >>> 0)
  }

  #asn6(address: ipaddr.IPv6): number | undefined {
    this.#v6 ??= rangesOf6(readFileSync(join(folderOf('@ip-location-db/asn'), 'asn-ipv6.csv'), 'latin1'))
    return within(this.#v6, upperHalf(address))
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

/** Lines `start,end,asn,name`, addresses as numbers, ascending. */
function rangesOf4(csv: string): Ranges<Uint32Array> {
  const rows = rowsOf(csv)
  const ranges = {
    starts: new Uint32Array(rows.length),
    ends: new Uint32Array(rows.length),
    asns: new Uint32Array(rows.length),
  }
  for (const [i, [start, end, asn]] of rows.entries()) {
    ranges.starts[i] = Number(start)
    ranges.ends[i] = Number(end)
    ranges.asns[i] = Number(asn)
  }
  return ranges
}

/** Lines `start,end,asn,name`, addresses as text, ascending. Routes are no longer than /64: the upper half decides. */
function rangesOf6(csv: string): Ranges<BigUint64Array> {
  const rows = rowsOf(csv)
  const ranges = {
    starts: new BigUint64Array(rows.length),
    ends: new BigUint64Array(rows.length),
    asns: new Uint32Array(rows.length),
  }
  for (const [i, [start, end, asn]] of rows.entries()) {
    ranges.starts[i] = upperHalf(ipaddr.IPv6.parse(start))
    ranges.ends[i] = upperHalf(ipaddr.IPv6.parse(end))
    ranges.asns[i] = Number(asn)
  }
  return ranges
}

const upperHalf = (address: ipaddr.IPv6): bigint =>
  address.parts.slice(0, 4).reduce((half, part) => (half << 16n) | BigInt(part), 0n)

function rowsOf(csv: string): [string, string, string][] {
  return csv
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split(',', 3) as [string, string, string])
}
