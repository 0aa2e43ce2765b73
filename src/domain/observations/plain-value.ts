import { ipv4At, mappedIpv4, readIpv6 } from './addresses.ts'

/** What a value written in the plain way is; `undefined` where the parsers of observables must look. */
export type PlainKind = 'ipv4' | 'ipv6' | 'name' | 'digest' | undefined

const digit = 1
const hexLetter = 2
const letter = 4
const dot = 8
const colon = 16
const hyphen = 32
const other = 64

/** Byte → its lower case, and what class of character it is. */
const lower = new Uint8Array(256).map((_, byte) => (byte >= 65 && byte <= 90 ? byte + 32 : byte))
const classes = new Uint8Array(256).map((_, byte) => {
  const character = String.fromCharCode(lower[byte] ?? 0)
  if (character >= '0' && character <= '9') return digit
  if (character >= 'a' && character <= 'z') return character <= 'f' ? hexLetter : letter
  return { '.': dot, ':': colon, '-': hyphen }[character] ?? other
})

/** Types whose plain values are read here, and as what. */
const kindsOf: ReadonlyMap<string, readonly PlainKind[]> = new Map<string, readonly PlainKind[]>([
  ['', ['ipv4', 'ipv6', 'name', 'digest']],
  ['ip-address', ['ipv4', 'ipv6']],
  ['ipv4-address', ['ipv4']],
  ['ipv6-address', ['ipv6']],
  ['domain-name', ['name']],
  ['hostname', ['name']],
])

/** Digests that are told by their length, as `detectType` does. */
const digestOfLength: Readonly<Record<number, string>> = {
  32: 'md5',
  40: 'sha1',
  56: 'sha224',
  64: 'sha256',
  96: 'sha384',
  128: 'sha512',
}
const plainDigests = new Set(Object.values(digestOfLength))

/** RFC 1035 §2.3.4. */
const nameBytes = 253
const labelBytes = 63

/** What detection takes for something else than a name although a name can begin so. */
const otherBeginnings = /^(?:as\d|cve-|ghsa-|euvd-|cwe-)/

/** One value, read from its bytes into numbers: addresses, names of plain labels, digests. Nothing is allocated. */
export class PlainValue {
  ipv4 = 0
  readonly ipv6 = new Uint8Array(16)
  /** A name or digest in lower case, `length` bytes of it. */
  readonly bytes = Buffer.alloc(256)
  length = 0
  /** Where the labels of a name begin. */
  readonly labels = new Uint8Array(128)
  labelCount = 0
  /** The type of a digest. */
  digestType = ''
  #type = ''
  #kinds: readonly PlainKind[] = kindsOf.get('') ?? []

  /** The name or digest as text. */
  get text(): string {
    return this.bytes.toString('latin1', 0, this.length)
  }

  /** @param type of the value; empty when it is to be told */
  read(from: Buffer, start: number, end: number, type: string): PlainKind {
    const length = end - start
    if (length === 0 || length > nameBytes) return undefined
    let seen = 0
    for (let n = 0; n < length; n++) {
      const byte = from[start + n] ?? 0
      this.bytes[n] = lower[byte] ?? 0
      seen |= classes[byte] ?? other
    }
    if ((seen & other) !== 0) return undefined
    this.length = length
    if (type !== this.#type) {
      this.#type = type
      this.#kinds = kindsOf.get(type) ?? (plainDigests.has(type) ? ['digest'] : [])
    }
    const kind = this.#read(seen, type)
    return this.#kinds.includes(kind) ? kind : undefined
  }

  /** An address from its 16 bytes. @returns nothing when it maps an IPv4 address, which then is in `ipv4` */
  setIpv6(from: Buffer, start: number): Uint8Array | undefined {
    for (let n = 0; n < 16; n++) this.ipv6[n] = from[start + n] ?? 0
    this.ipv4 = mappedIpv4(this.ipv6)
    return this.ipv4 === -1 ? this.ipv6 : undefined
  }

  /** A digest from its raw bytes. */
  setDigest(from: Buffer, start: number, end: number, type: string): void {
    this.digestType = type
    this.length = this.bytes.write(from.toString('hex', start, end), 'latin1')
  }

  #read(seen: number, type: string): PlainKind {
    if ((seen & colon) !== 0) {
      if ((seen & ~(digit | hexLetter | colon)) !== 0 || !readIpv6(this.bytes, 0, this.length, this.ipv6))
        return undefined
      this.ipv4 = mappedIpv4(this.ipv6)
      // A type of one version takes the other only where it is mapped: the parsers know how.
      return this.ipv4 === -1 ? 'ipv6' : undefined
    }
    if ((seen & dot) === 0) return (seen & ~(digit | hexLetter)) === 0 ? this.#readDigest(type) : undefined
    if ((seen & ~(digit | dot)) === 0) {
      this.ipv4 = ipv4At(this.bytes, 0, this.length)
      return this.ipv4 === -1 ? undefined : 'ipv4'
    }
    // Hexadecimal digits with dots may be a hardware address when nobody says what they are.
    if (type === '' && (seen & (letter | hyphen)) === 0) return undefined
    return this.#readName(type)
  }

  #readDigest(type: string): PlainKind {
    const named = digestOfLength[this.length]
    if (named === undefined || (type !== '' && type !== named)) return undefined
    this.digestType = named
    return 'digest'
  }

  /** Two labels or more of letters, digits and inner hyphens; nothing that IDNA would touch, no number at the end, no onion. */
  #readName(type: string): PlainKind {
    const { bytes, length, labels } = this
    let start = 0
    let count = 0
    for (let at = 0; at <= length; at++) {
      if (at < length && bytes[at] !== 46) continue
      const size = at - start
      if (size === 0 || size > labelBytes || bytes[start] === 45 || bytes[at - 1] === 45) return undefined
      if (size > 3 && bytes[start + 2] === 45 && bytes[start + 3] === 45) return undefined
      labels[count++] = start
      start = at + 1
    }
    const last = labels[count - 1] ?? 0
    const first = bytes[last] ?? 0
    if (count < 2 || (first >= 48 && first <= 57)) return undefined
    if (length - last === 5 && bytes.toString('latin1', last, length) === 'onion') return undefined
    const c = bytes[0]
    if (type === '' && (c === 97 || c === 99 || c === 101 || c === 103) && otherBeginnings.test(this.text))
      return undefined
    this.labelCount = count
    return 'name'
  }
}
