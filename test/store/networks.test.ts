import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import ipaddr from 'ipaddr.js'
import t from 'tap'
import { rangesOf4, rangesOf6 } from '../../src/store/asn-ranges.ts'
import { Networks } from '../../src/store/networks.ts'

const require = createRequire(import.meta.url)
const dataOf = (name: string): Buffer => readFileSync(require.resolve(`@ip-location-db/asn/${name}`))

const upperHalf = (text: string): bigint =>
  ipaddr.IPv6.parse(text)
    .parts.slice(0, 4)
    .reduce((half, part) => (half << 16n) | BigInt(part), 0n)

t.test('each line of the data sets is read as its text says', async (t) => {
  for (const [name, read, number] of [
    ['asn-ipv4-num.csv', rangesOf4, Number],
    ['asn-ipv6.csv', rangesOf6, upperHalf],
  ] as const) {
    const data = dataOf(name)
    const lines = data.toString('utf8').trimEnd().split('\n')
    const { starts, ends, asns } = read(data)
    t.equal(starts.length, lines.length)
    const wrong = lines.filter((line, n) => {
      const [start = '', end = '', asn] = line.split(',')
      return starts[n] !== number(start) || ends[n] !== number(end) || asns[n] !== Number(asn)
    })
    t.strictSame(wrong, [], name)
  }
})

t.test('what stands behind the double colon ends the address', async (t) => {
  const spellings = ['2001:db8::', '::', '::1', '1:2:3:4:5:6:7:8', '1::2:3:4:5:6:7', '1:2::3:4:5:6', 'ABCD:ef01::1:2:3']
  const { starts, ends } = rangesOf6(Buffer.from(spellings.map((each) => `${each},${each},64496,"A, B"`).join('\n')))
  t.strictSame([...starts], spellings.map(upperHalf))
  t.strictSame(ends, starts)
  t.equal(rangesOf4(Buffer.from('')).starts.length, 0)
  t.throws(() => rangesOf4(Buffer.from('1,2,3,x\n4,5\n')), { message: /cut/ })
})

t.test('where an address is', async (t) => {
  const networks = new Networks()
  t.match(networks.locate('200.160.2.3'), { asn: 22548, country: 'BR' })
  t.match(networks.locate('2001:12ff::/32'), { asn: 22548, country: 'BR' })
  t.notOk(networks.locate('203.0.113.1').asn, 'reserved for documentation')
})
