import { createHash } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { Fault } from '../../src/domain/errors.ts'
import { correlationKey } from '../../src/domain/observables/keys.ts'
import { lookedUp } from '../../src/domain/observables/looked-up.ts'
import { parseObservable } from '../../src/domain/observables/parse.ts'
import { KeyedHash } from '../../src/domain/observations/keyed-hash.ts'
import { forEver, KnownValues, none } from '../../src/domain/observations/known-values.ts'
import { Matcher } from '../../src/domain/observations/matcher.ts'
import { VisiblePrefixes } from '../../src/domain/observations/prefixes.ts'
import { now } from '../../src/domain/observations/sink.ts'
import { ValueIndex } from '../../src/domain/observations/value-index.ts'

/** The index must find, for whatever is observed, exactly the keys that a look-up would ask for. */

t.setTimeout(300_000)

const hashKey = Buffer.from('0001020304050607', 'hex')
const everything = new Uint8Array(1).fill(255)
const keyBytes = (key: string): string => createHash('sha256').update(key).digest('hex').slice(0, 32)

t.test('the hash is HalfSipHash-1-3 of 64 bits: words of the space and the bytes', async (t) => {
  const hash = new KeyedHash(hashKey)
  for (let length = 0; length < 40; length++) {
    const bytes = Buffer.from(Array.from({ length }, (_, n) => n * 7))
    hash.bytes(9, bytes, 0, length)
    t.strictSame([hash.lo, hash.hi], reference(9, bytes), `${length} bytes`)
    hash.bytes(9, Buffer.concat([Buffer.from('..'), bytes, Buffer.from('..')]), 2, 2 + length)
    t.strictSame([hash.lo, hash.hi], reference(9, bytes), `${length} bytes elsewhere`)
  }
})

/** Written from the paper, in big integers and without cleverness; the space stands as a first word. */
function reference(space: number, bytes: Buffer): [number, number] {
  const rotate = (x: number, by: number) => ((x << by) | (x >>> (32 - by))) >>> 0
  const key = [hashKey.readUInt32LE(0), hashKey.readUInt32LE(4)] as const
  const v: [number, number, number, number] = [key[0], key[1] ^ 0xee, 0x6c796765 ^ key[0], 0x74656462 ^ key[1]]
  const round = () => {
    v[0] = (v[0] + v[1]) >>> 0
    v[1] = rotate(v[1], 5) ^ v[0]
    v[0] = rotate(v[0], 16)
    v[2] = (v[2] + v[3]) >>> 0
    v[3] = rotate(v[3], 8) ^ v[2]
    v[0] = (v[0] + v[3]) >>> 0
    v[3] = rotate(v[3], 7) ^ v[0]
    v[2] = (v[2] + v[1]) >>> 0
    v[1] = rotate(v[1], 13) ^ v[2]
    v[2] = rotate(v[2], 16)
  }
  const padded = Buffer.alloc(4 * (Math.floor(bytes.length / 4) + 1))
  bytes.copy(padded)
  padded[padded.length - 1] = bytes.length
  const words = [space, ...Array.from({ length: padded.length / 4 }, (_, n) => padded.readUInt32LE(4 * n))]
  for (const word of words) {
    v[3] ^= word
    round()
    v[0] ^= word
  }
  v[2] ^= 0xee
  for (let n = 0; n < 3; n++) round()
  const low = v[1] ^ v[3]
  v[1] ^= 0xdd
  for (let n = 0; n < 3; n++) round()
  return [low | 0, (v[1] ^ v[3]) | 0]
}

/** Values of few parts, so that what is observed often meets what is known; and forms that only look like another type. */
const label = fc.constantFrom(
  'a',
  'b',
  'www',
  'evil',
  'xn--bcher-kva',
  'co',
  'github',
  'under_score',
  'cafe',
  '1x',
  'ab--cd',
  '-x',
  'AS12',
)
const suffix = fc.constantFrom(
  'com',
  'co.uk',
  'uk',
  'example',
  'test',
  'github.io',
  'onion',
  'kawasaki.jp',
  'ck',
  'de',
  '2',
  'com.br',
  'COM',
)
const name = fc
  .tuple(fc.array(label, { minLength: 0, maxLength: 4 }), suffix)
  .map(([labels, end]) => [...labels, end].join('.'))
const octet = fc.constantFrom(0, 1, 7, 10, 113, 192, 203, 255)
const ipv4 = fc.tuple(octet, octet, octet, octet).map((parts) => parts.join('.'))
const prefix4 = fc.tuple(ipv4, fc.integer({ min: 7, max: 32 })).map(([address, length]) => networkOf(address, length))
const group = fc.constantFrom('0', '1', 'db8', '2001', 'ffff', 'c000', '0001', 'FFFF')
const ipv6 = fc
  .tuple(fc.array(group, { minLength: 8, maxLength: 8 }), fc.constantFrom('', 'short', 'mapped', 'dotted'))
  .map(([groups, form]) => {
    if (form === 'short') return `${groups.slice(0, 3).join(':')}::${groups.slice(5).join(':')}`
    if (form === 'mapped') return `::ffff:${groups[0]}:${groups[1]}`
    return form === 'dotted' ? '::ffff:192.0.113.7' : groups.join(':')
  })
const prefix6 = fc.tuple(ipv6, fc.integer({ min: 15, max: 128 })).map(([address, length]) => `${address}/${length}`)
const hex = fc
  .tuple(fc.constantFrom(31, 32, 40, 56, 62, 64, 96, 128), fc.constantFrom('a', 'A', '0', 'F1'))
  .map(([length, of]) => of.repeat(length).slice(0, length))
const url = fc
  .tuple(fc.oneof(name, ipv4), fc.constantFrom('', '/login', ':8080/x?y'))
  .map(([host, path]) => `http://${host}${path}`)
const others = fc.constantFrom(
  'abcd.ef12.3456',
  '00:00:5e:00:53:01',
  'AS64512',
  'as1.com',
  'CVE-2024-1234',
  'cve-2024-1234.com',
  'T1566.001',
  'a@evil.com',
  'evil[.]com',
  'hxxp://evil[.]com/',
  ' evil.com ',
  'evil.com.',
  '1.2.3',
  '01.2.3.4',
  '1.2.3.4:80',
  'evil.com:443',
  'bücher.example',
  '',
  '   ',
  'a..com',
  `${'x'.repeat(64)}.com`,
  '0x1.0x2',
  'cwe-1.com',
  'ghsa-x.com',
  'localhost',
  'C:\\x',
  '\u0000',
  'é.com',
  '1:22:333',
  'dead.beef',
  'face.de',
  '[2001:db8::1]:80',
  '192.0.2.0/24 AS64496',
  '::',
  '1::',
  '::1',
  ':::',
  '1:2:3:4:5:6:7::',
)
const value = fc.oneof(name, ipv4, prefix4, ipv6, prefix6, hex, url, others)
const named = fc.constantFrom(
  'domain-name',
  'hostname',
  'ipv4-address',
  'ipv6-address',
  'ip-address',
  'ipv4-prefix',
  'url',
  'md5',
  'sha1',
  'sha256',
  'sha512-256',
  'onion-address',
  'email-address',
  'file-name',
  'no-such-type',
)
const type = fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: named })

/** Public suffixes as indicators: whoever is under one is not under a parent of his. */
const suffixes = fc.constantFrom<[string, string][]>(
  ['co.uk', 'domain-name'],
  ['com.br', 'domain-name'],
  ['github.io', 'hostname'],
  ['kawasaki.jp', 'domain-name'],
)
const asked = fc.oneof({ weight: 9, arbitrary: fc.tuple(value, type) }, { weight: 1, arbitrary: suffixes })

function networkOf(address: string, length: number): string {
  const number = address.split('.').reduce((total, part) => total * 256 + Number(part), 0)
  const kept = number - (number % 2 ** (32 - length))
  return `${[24, 16, 8, 0].map((shift) => Math.floor(kept / 2 ** shift) % 256).join('.')}/${length}`
}

const parsed = (of: string, as: string | undefined) => {
  try {
    return lookedUp(of, as)
  } catch (error) {
    if (error instanceof Fault) return error
    throw error
  }
}

interface Expected {
  readonly fault?: string
  readonly matches: readonly string[]
}

/** What a look-up finds among these: each known value by its number, with how it matched and under which key. */
function byLookup(known: readonly string[], of: string, as: string | undefined): Expected {
  const asked = parsed(of, as)
  if (asked instanceof Fault) return { fault: `${asked.code} ${asked.message}`, matches: [] }
  const matches = [asked.exact, ...asked.containing].flatMap((key, n) =>
    known.flatMap((one, i) => (one === key ? [`${i + 1} ${n === 0 ? 'exact' : 'containing'} ${keyBytes(key)}`] : [])),
  )
  return { matches: matches.sort() }
}

function byMatcher(index: ValueIndex, of: string, as: string | undefined): Expected {
  const matcher = new Matcher(index, 'line', true)
  matcher.at({ exact: everything, containing: everything }, 0)
  const bytes = Buffer.from(`<${of}>`)
  matcher.text(bytes, 1, bytes.length - 1, as ?? '', 1, now)
  const [fault] = matcher.faults
  const [hit] = matcher.hits
  if (fault !== undefined) return { fault: `${fault.code} ${fault.message}`, matches: [] }
  const matches = (hit?.matches ?? []).map(
    ({ position, exact, valueKey }) => `${position} ${exact ? 'exact' : 'containing'} ${valueKey.toString('hex')}`,
  )
  if (matcher.tally.matches !== matches.length) throw new Error('the tally and the hits differ')
  return { matches: matches.sort() }
}

t.test('an observation finds what a look-up of the same value finds, and is at fault where that is', async (t) => {
  let matched = 0
  let faulty = 0
  fc.assert(
    fc.property(
      fc.array(asked, { maxLength: 30 }),
      fc.array(asked, { minLength: 1, maxLength: 30 }),
      (known, asked) => {
        const keys = known.flatMap(([one, as]) => {
          const found = parsed(one, as)
          return found instanceof Fault ? [] : [found.exact]
        })
        const index = new ValueIndex(hashKey)
        for (const [n, key] of keys.entries()) index.add(key, n + 1, 1, forEver)
        for (const [one, as] of [...known, ...asked]) {
          const expected = byLookup(keys, one, as)
          if (expected.matches.length > 0) matched++
          if (expected.fault !== undefined) faulty++
          const found = byMatcher(index, one, as)
          if (JSON.stringify(found) !== JSON.stringify(expected)) {
            throw new Error(
              `${JSON.stringify([one, as])} of ${JSON.stringify(keys)}: ${JSON.stringify({ found, expected })}`,
            )
          }
        }
      },
    ),
    { numRuns: 2_000, seed: 20_261_125 },
  )
  t.ok(matched > 4_000, `${matched} matched`)
  t.ok(faulty > 1_000, `${faulty} were at fault`)
})

t.test('an indicator that is invisible, expired, revised or recalled is not found', async (t) => {
  const index = new ValueIndex(hashKey)
  const key = correlationKey(parseObservable('domain-name', 'evil.example'))
  index.add(key, 10, 0, forEver)
  index.add(key, 11, 9, forEver)
  index.add(key, 12, 3, 1_000)
  index.add(key, 13, 3, forEver)
  const found = (bitmap: number[], nowMs: number) => {
    const matcher = new Matcher(index, 'line', true)
    const reach = Uint8Array.from(bitmap)
    matcher.at({ exact: reach, containing: reach }, nowMs)
    const bytes = Buffer.from('evil.example')
    matcher.text(bytes, 0, bytes.length, 'domain-name', 1, now)
    return (matcher.hits[0]?.matches ?? []).map(({ position }) => position)
  }
  t.strictSame(found([0b1001], 0), [13, 12, 10], 'the newest first; handling 9 is beyond the bitmap')
  t.strictSame(found([0b1001], 1_000_000), [13, 10], 'one has expired')
  t.strictSame(found([0, 0b10], 0), [11])
  t.strictSame(found([0], 0), [])
  index.values.remove(13)
  index.values.remove(99)
  t.strictSame(found([0b1001], 1_000_000), [10])
})

t.test('what is masked answers to the exact value and not to what it contains', async (t) => {
  const index = new ValueIndex(hashKey)
  index.add('name:evil.example', 1, 5, forEver)
  const matcher = new Matcher(index, 'line', true)
  matcher.at({ exact: Uint8Array.from([0b100000]), containing: Uint8Array.from([0]) }, 0)
  for (const asked of ['evil.example', 'www.evil.example']) {
    const bytes = Buffer.from(asked)
    matcher.text(bytes, 0, bytes.length, 'domain-name', 1, now)
  }
  t.strictSame(
    matcher.hits.map((hit) => hit.value),
    ['evil.example'],
  )
})

t.test('a value that thousands have shows the hundred newest visible ones, however many are hidden', async (t) => {
  const index = new ValueIndex(hashKey)
  for (let n = 1; n <= 5_000; n++) index.add('name:evil.example', n, n % 10 === 0 ? 1 : 2, forEver)
  const matcher = new Matcher(index, 'line', true)
  matcher.at({ exact: Uint8Array.from([0b10]), containing: Uint8Array.from([0b10]) }, 0)
  const bytes = Buffer.from('evil.example')
  for (let n = 0; n < 2; n++) matcher.text(bytes, 0, bytes.length, 'domain-name', 1, now)
  for (const hit of matcher.hits) {
    t.strictSame(
      hit.matches.map(({ position }) => position),
      Array.from({ length: 100 }, (_, n) => 5_000 - 10 * n),
    )
  }
  t.equal(matcher.tally.rows, 1)
  t.equal(matcher.tally.times(0), 2)
})

t.test('the table holds what was added through growth, removal and sweeping', async (t) => {
  const hash = new KeyedHash(hashKey)
  const values = new KnownValues()
  const of = (n: number) => {
    const bytes = Buffer.from(`value ${n}`)
    hash.bytes(7, bytes, 0, bytes.length)
    return hash
  }
  const many = 400_000
  for (let n = 0; n < many; n++) values.add(of(n), n, 1, forEver)
  t.equal(values.size, many)
  for (let n = 0; n < many; n += 2) values.remove(n)
  t.ok(values.generation > 0, 'it was swept')
  t.equal(values.size, many / 2)
  let wrong = 0
  for (let n = 0; n < many; n++) {
    const slot = values.find(of(n))
    const there = slot !== none && values.handling(slot) >= 0
    if (there !== (n % 2 === 1) || (there && values.position(slot) !== n)) wrong++
  }
  t.equal(wrong, 0)
  t.ok(values.bytes / values.size < 120, `${values.bytes / values.size} bytes each`)
})

t.test('which prefixes there are is asked of those alone that the sender may see', (t) => {
  const index = new ValueIndex(hashKey)
  const [shown, hidden] = [3, 4]
  const see = (...handlings: number[]) => {
    const bitmap = new Uint8Array(2)
    for (const id of handlings) bitmap[id >> 3] = (bitmap[id >> 3] ?? 0) | (1 << (id & 7))
    prefixes.see(index.prefixes, bitmap)
  }
  const address = (text: string): number => text.split('.').reduce((all, part) => all * 256 + Number(part), 0)
  const prefixes = new VisiblePrefixes()
  index.add('ip:45.10.20.0/24', 1, hidden, forEver)
  index.add('ip:3fff::/32', 2, hidden, forEver)
  see(shown)
  t.strictSame([prefixes.touched4(address('45.10.20.9')), prefixes.lengths4, prefixes.lengths6], [false, [], []])
  index.add('ip:203.0.112.0/20', 3, shown, forEver)
  index.add('ip:203.0.113.128/25', 4, shown, forEver)
  see(shown)
  t.strictSame([prefixes.touched4(address('203.0.127.1')), prefixes.lengths4], [true, [25, 20]])
  t.notOk(prefixes.touched4(address('203.0.128.1')))
  t.notOk(prefixes.touched4(address('45.10.20.9')))
  see(shown, hidden)
  t.strictSame(
    [prefixes.touched4(address('45.10.20.9')), prefixes.lengths4, prefixes.lengths6],
    [true, [25, 24, 20], [32]],
  )
  see(hidden)
  t.strictSame(
    [prefixes.touched4(address('203.0.127.1')), prefixes.lengths4],
    [false, [24]],
    'what it may not see any more is forgotten',
  )
  t.end()
})
