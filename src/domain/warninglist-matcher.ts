import { canonicalAddress, isNetwork, parseNetwork } from './observables/ip.ts'
import type { Observable } from './observables/observable.ts'
import { type AddressRange, rangeOf } from './observables/ranges.ts'
import { observableTypes } from './observables/types.ts'
import type { Warning, Warninglist } from './warninglist.ts'

/** Networks that do not overlap, by number: the one that may touch a given one is found in a few steps. */
class Ranges {
  readonly #first: bigint[] = []
  readonly #last: bigint[] = []

  constructor(ranges: readonly AddressRange[]) {
    for (const { first, last } of [...ranges].sort((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0))) {
      const end = this.#last.at(-1)
      if (end !== undefined && first <= end) this.#last[this.#last.length - 1] = last > end ? last : end
      else {
        this.#first.push(first)
        this.#last.push(last)
      }
    }
  }

  /** Whether any of them has an address of the range. */
  touch({ first, last }: AddressRange): boolean {
    let [low, high] = [0, this.#first.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#last[middle] ?? 0n) < first) low = middle + 1
      else high = middle
    }
    const begin = this.#first[low]
    return begin !== undefined && begin <= last
  }
}

/** One list, prepared. No entry is ever run as a pattern: every look-up is a set's or a search in order. */
class Entries {
  readonly warning: Warning
  readonly #types: ReadonlySet<string>
  readonly #kind: Warninglist['kind']
  readonly #texts: ReadonlySet<string>
  /** Lengths of the texts of a `substring` list, so that a value is cut into what could be one of them. */
  readonly #lengths: readonly number[]
  readonly #networks: Readonly<Record<4 | 6, Ranges>>

  constructor({ name, category, kind, types, entries }: Warninglist) {
    this.warning = { list: name, category }
    this.#kind = kind
    this.#types = new Set(types)
    const texts = entries.map((entry) => entry.trim().toLowerCase()).filter((entry) => entry !== '')
    const networks = kind === 'string' || kind === 'cidr' ? texts.flatMap(networkIn) : []
    this.#networks = {
      4: new Ranges(networks.filter(({ version }) => version === 4)),
      6: new Ranges(networks.filter(({ version }) => version === 6)),
    }
    const plain = kind === 'cidr' ? [] : kind === 'hostname' ? texts.map((text) => text.replace(/^\.+/, '')) : texts
    this.#texts = new Set(plain)
    this.#lengths = kind === 'substring' ? [...new Set(plain.map(({ length }) => length))].sort((a, b) => a - b) : []
  }

  /** @param host where it is a name */
  has(type: string, value: string, host: string | undefined, range: AddressRange | undefined): boolean {
    if (this.#types.size > 0 && !this.#types.has(type)) return false
    if (range !== undefined && this.#networks[range.version].touch(range)) return true
    switch (this.#kind) {
      case 'string':
        return this.#texts.has(value)
      case 'hostname':
        return host !== undefined && this.#hasHost(host)
      case 'cidr':
        return false
      case 'substring':
        return this.#lengths.some((length) => this.#hasPart(value, length))
    }
  }

  /** A host or any domain above it. */
  #hasHost(host: string): boolean {
    for (let at = 0; at !== -1; at = next(host, at)) if (this.#texts.has(host.slice(at))) return true
    return false
  }

  #hasPart(value: string, length: number): boolean {
    for (let at = 0; at + length <= value.length; at++) if (this.#texts.has(value.slice(at, at + length))) return true
    return false
  }
}

/** Where the domain above begins. */
const next = (host: string, at: number): number => {
  const dot = host.indexOf('.', at)
  return dot === -1 ? -1 : dot + 1
}

/** An address or network as a list writes it: `FE80::/10`, and with host bits, which some have. */
function networkIn(text: string): AddressRange[] {
  const [base = '', length, ...more] = text.split('/')
  const address = canonicalAddress(base)
  if (address === undefined || more.length > 0) return []
  if (length === undefined) return [rangeOf(address)]
  const bits = address.includes(':') ? 128 : 32
  if (!/^\d{1,3}$/.test(length) || Number(length) < 1 || Number(length) > bits) return []
  const { version, first } = rangeOf(address)
  const free = BigInt(bits - Number(length))
  const start = (first >> free) << free
  return [{ version, first: start, last: start | ((1n << free) - 1n) }]
}

/** All warninglists, in memory. */
export class WarninglistMatcher {
  readonly #lists: readonly Entries[]

  constructor(lists: readonly Warninglist[]) {
    this.#lists = lists.map((list) => new Entries(list))
  }

  get empty(): boolean {
    return this.#lists.length === 0
  }

  /**
   * The lists that a value is on. An address or network is on a list when the two share an address, whichever is the wider: to block a
   * network is to block what is known in it.
   */
  warningsOf({ type, value }: Observable): Warning[] {
    return this.#matching(type, value, (lists) => lists.map(({ warning }) => warning))
  }

  has({ type, value }: Observable): boolean {
    return this.#matching(type, value, (lists) => lists.length > 0)
  }

  #matching<T>(type: string, value: string, answer: (lists: readonly Entries[]) => T): T {
    if (this.#lists.length === 0) return answer([])
    const host = observableTypes.get(type)?.host?.(value)
    const range = host !== undefined && isNetwork(host) ? rangeOf(canonical(host)) : undefined
    const name = range === undefined ? host : undefined
    const text = value.toLowerCase()
    return answer(this.#lists.filter((list) => list.has(type, text, name, range)))
  }
}

const canonical = (network: string): string => (network.includes('/') ? parseNetwork(network) : network)
