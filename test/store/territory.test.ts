import t from 'tap'
import type { Territory } from '../../src/store/territory.ts'
import { rowsOfTerritory } from '../../src/store/territory-pages.ts'
import { greenOf } from '../follower.ts'
import { testNode } from '../node.ts'

const values: readonly (readonly [type: string, value: string])[] = [
  ['ipv4-address', '192.0.2.1'],
  ['ipv4-address', '192.0.2.200'],
  ['ipv4-prefix', '192.0.2.128/25'],
  ['ipv4-prefix', '192.0.0.0/16'],
  ['ipv4-address', '192.0.3.1'],
  ['ipv6-address', '2001:db8::1'],
  ['ipv6-prefix', '2001:db8:1::/48'],
  ['ipv6-address', '3fff::1'],
  ['domain-name', 'example.com'],
  ['domain-name', 'www.example.com'],
  ['domain-name', 'other.www.example.com'],
  ['domain-name', 'example-a.com'],
  ['domain-name', 'examplea.com'],
  ['domain-name', 'example.org'],
]

const nothing: Territory = { prefixes: [], otherPrefixes: [], asns: [], countries: [], domains: [], otherDomains: [] }

const territories: Readonly<Record<string, Territory>> = {
  nothing,
  'IPv4 prefix': { ...nothing, prefixes: ['192.0.2.0/24'] },
  'prefix with another within': { ...nothing, prefixes: ['192.0.2.0/24'], otherPrefixes: ['192.0.2.128/25'] },
  'IPv6 prefix': { ...nothing, prefixes: ['2001:db8::/32'] },
  everything: { ...nothing, prefixes: ['0.0.0.0/0', '::/0'], domains: ['com', 'org'] },
  'prefixes within each other': { ...nothing, prefixes: ['192.0.2.0/24', '192.0.2.0/28', '192.0.0.0/16'] },
  domain: { ...nothing, domains: ['com.example'] },
  'domain with another within': { ...nothing, domains: ['com.example'], otherDomains: ['com.example.www'] },
  'AS number': { ...nothing, asns: [64_500] },
  'AS number and the prefix of another': { ...nothing, asns: [64_500], otherPrefixes: ['192.0.2.128/25'] },
  country: { ...nothing, countries: ['CL'] },
  'all kinds': {
    prefixes: ['192.0.2.0/24', '2001:db8::/32'],
    otherPrefixes: ['2001:db8:1::/48'],
    asns: [64_500],
    countries: ['CL'],
    domains: ['org.example'],
    otherDomains: [],
  },
}

t.test('what concerns an organisation is the same, found among the newest or by the indexes', async (t) => {
  const node = await testNode(t)
  const { database, policy } = node.context
  for (const round of [0, 1]) {
    for (const [n, [type, value]] of values.entries()) {
      const id = `indicator--00000000-0000-4000-8000-${String(round * 100 + n).padStart(12, '0')}`
      await node.plant(greenOf(), { type, value }, { id })
    }
  }
  await database.client.query(
    `update indicator set asn = case position % 3 when 0 then 64500 end, country = case position % 3 when 1 then 'CL' end`,
  )
  const { directory, visibility } = await policy.current()
  const bitmap = new Uint8Array(32).fill(255)
  const visible = { epoch: directory.epoch, handlings: visibility.size, bitmap, organisation: undefined }
  for (const [name, territory] of Object.entries(territories)) {
    const filter = { territory, at: '2026-06-01T00:00:00.000Z' }
    const all = await rowsOfTerritory(database, visible, filter, undefined, 1_000)
    const positions = all.map(({ position }) => position)
    t.equal(new Set(positions).size, all.length, `${name}: ${all.length}, each once`)
    t.ok(name === 'nothing' ? all.length === 0 : all.length > 0 && (name === 'everything' || all.length < 28), name)
    for (const near of [1, 5, 27]) {
      const found: bigint[] = []
      for (let below: bigint | undefined; ; ) {
        const page = await rowsOfTerritory(database, visible, filter, below, 3, near)
        found.push(...page.map(({ position }) => position))
        if (page.length < 3) break
        below = page.at(-1)?.position
      }
      t.strictSame(found, positions, `${name}, with ${near} newest`)
    }
  }
})
