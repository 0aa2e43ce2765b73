import fc from 'fast-check'
import t from 'tap'
import { blockableTypes } from '../../src/formats/blocklists/format.ts'
import { isValid } from '../../src/formats/blocklists/grammar.ts'
import { blocklistFormats } from '../../src/formats/blocklists/index.ts'
import { blockableOf } from '../../src/policy/release.ts'
import { formatOf, greenHandling, hostileTexts, inOrder, written } from './blocklist-values.ts'

const values = [
  { type: 'domain-name', value: 'evil.example' },
  { type: 'hostname', value: 'www.evil.example' },
  { type: 'domain-name', value: 'evil-x.example' },
  { type: 'hostname', value: 'evil.example' },
  { type: 'ipv4-address', value: '192.0.2.7' },
  { type: 'ipv4-prefix', value: '192.0.2.0/24' },
  { type: 'ipv4-address', value: '198.51.100.1' },
  { type: 'ipv6-address', value: '2001:db8::1' },
  { type: 'ipv6-prefix', value: '2001:db8::/32' },
  { type: 'ipv6-address', value: '3fff:0:1:2:3:4:5:6' },
  { type: 'url', value: 'https://evil.example/login?a=1;b' },
  { type: 'md5', value: 'd41d8cd98f00b204e9800998ecf8427e' },
  { type: 'sha256', value: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855' },
]
/** Lines but for comments. */
const linesOf = (text: string) => text.split('\n').filter((line) => line !== '' && !/^[#;] /.test(line))

t.test('each format writes what its consumer reads', async (t) => {
  const lines = async (extension: string) => linesOf((await written(extension, values)).text)
  t.strictSame(await lines('rpz'), [
    '$TTL 300',
    '@ IN SOA localhost. root.localhost. 1790000000 300 60 86400 60',
    '@ IN NS localhost.',
    'evil.example CNAME .',
    '*.evil.example CNAME .',
    'www.evil.example CNAME .',
    '*.www.evil.example CNAME .',
    'evil-x.example CNAME .',
    '*.evil-x.example CNAME .',
    '24.0.2.0.192.rpz-ip CNAME .',
    '32.7.2.0.192.rpz-ip CNAME .',
    '32.1.100.51.198.rpz-ip CNAME .',
    '32.zz.db8.2001.rpz-ip CNAME .',
    '128.1.zz.db8.2001.rpz-ip CNAME .',
    '128.6.5.4.3.2.1.0.3fff.rpz-ip CNAME .',
  ])
  t.strictSame(await lines('squid'), ['.evil.example', '.evil-x.example'], 'collapsed, though evil-x stands between')
  t.strictSame(await lines('haproxy'), ['evil.example', 'www.evil.example', 'evil-x.example'])
  t.strictSame(await lines('hosts'), ['0.0.0.0 evil.example', '0.0.0.0 www.evil.example', '0.0.0.0 evil-x.example'])
  t.strictSame(await lines('dnsmasq'), ['local=/evil.example/', 'local=/www.evil.example/', 'local=/evil-x.example/'])
  t.strictSame((await lines('unbound')).slice(0, 2), ['server:', 'local-zone: "evil.example." always_nxdomain'])
  t.strictSame((await lines('nft')).slice(5), [
    'add element inet puente blocked4 {',
    '192.0.2.0/24,',
    '198.51.100.1,',
    '}',
    'add element inet puente blocked6 {',
    '2001:db8::/32,',
    '3fff:0:1:2:3:4:5:6,',
    '}',
  ])
  t.ok((await lines('ipset')).includes('add puente4 192.0.2.7 -exist'), 'ipset takes networks inside others')
  t.strictSame(
    await lines('strings'),
    ['evil.example', 'www.evil.example', 'evil-x.example'].map((each) => Buffer.from(each).toString('base64')),
  )
  t.strictSame(await lines('ips'), ['192.0.2.7', '198.51.100.1', '2001:db8::1', '3fff:0:1:2:3:4:5:6'])
  t.strictSame(await lines('md5'), ['d41d8cd98f00b204e9800998ecf8427e'])
  t.strictSame(await lines('hdb'), ['d41d8cd98f00b204e9800998ecf8427e:*:Puente.md5-d41d8cd98f00:73'])
  t.equal((await lines('hsb')).length, 1)
  t.strictSame((await lines('csv')).slice(0, 2), [
    'type,value,class,confidence,tlp,valid_until',
    'domain-name,evil.example,c2-server,,green,',
  ])
  const intel = await lines('intel')
  t.equal(intel[0], '#fields\tindicator\tindicator_type\tmeta.source\tmeta.desc')
  t.ok(intel.includes('evil.example/login?a=1;b\tIntel::URL\tPuente\tc2-server'))
  t.ok(intel.includes('192.0.2.0/24\tIntel::SUBNET\tPuente\tc2-server'))
  const rules = await lines('rules')
  t.equal(rules.length, 9)
  t.equal(new Set(rules.map((rule) => /sid:(\d+)/.exec(rule)?.[1])).size, 9, 'each has a number of its own')
  t.strictSame(await lines('rules'), rules, 'and the same number again')
  t.equal((await lines('txt')).length, 12)
})

t.test('what is left out is counted, and told where there are comments', async (t) => {
  const { text, tally } = await written('squid', [...values, { type: 'domain-name', value: 'evil.example;' }])
  t.strictSame(tally, { values: 2, invalid: 1, covered: 1, known: 0 })
  t.match(text, /^# Puente blocklist all\n/)
  t.match(text, /\n# 2 values; left out: 1 not valid here, 1 inside another, 0 on warninglists\n$/)
  const { tally: ipsum } = await written('nft', values)
  t.equal(ipsum.covered, 2, 'networks inside others')
})

t.test('an empty list is a file that loads', async (t) => {
  for (const extension of blocklistFormats.keys()) {
    const { text, tally } = await written(extension, [])
    t.equal(tally.values, 0)
    t.notOk(
      linesOf(text).some((line) => line.includes('example') || line.includes('element')),
      extension,
    )
  }
})

t.test('a hostile value is left out, and never breaks its neighbours', async (t) => {
  const wrong: string[] = []
  let tried = 0
  for (const [extension, format] of blocklistFormats) {
    const good = linesOf((await written(extension, values)).text).join()
    for (const type of format.takes) {
      for (const value of hostileTexts.filter((each) => !isValid({ type, value: each }))) {
        const { text, tally } = await written(extension, [...values, { type, value }])
        tried++
        if (tally.invalid !== 1 || linesOf(text).join() !== good) wrong.push(JSON.stringify([extension, type, value]))
      }
    }
  }
  t.ok(tried > 3_000, `${tried} tried`)
  t.strictSame(wrong, [])
  const passing = hostileTexts.flatMap((value) =>
    blockableTypes.filter((type) => isValid({ type, value })).map((type) => `${type} ${value}`),
  )
  t.strictSame(passing, ['ipv4-address 192.0.2.1'], 'nothing of them is valid but one address')
})

t.test('whatever comes in, a value is one record of the grammar or none', async (t) => {
  const piece = fc.oneof(
    fc.constantFrom(...hostileTexts),
    fc.domain(),
    fc.ipV4(),
    fc.ipV6(),
    fc.webUrl(),
    fc.string(),
    fc.string({ unit: 'binary' }),
    fc
      .tuple(fc.domain(), fc.constantFrom(';', '"', '\n', '.', ' ', '\u037e', '#', '|', '\\'), fc.domain())
      .map((parts) => parts.join('')),
  )
  const observables = fc.array(fc.record({ type: fc.constantFrom(...blockableTypes), value: piece }), { maxLength: 12 })
  const record: Readonly<Record<string, RegExp>> = {
    rpz: /^(\$TTL 300|@ IN (SOA localhost\. root\.localhost\. \d+ 300 60 86400 60|NS localhost\.)|(\*\.)?[a-z0-9_.-]+ CNAME \.)$/,
    unbound: /^(server:|local-zone: "[a-z0-9_.-]+\." always_nxdomain)$/,
    dnsmasq: /^local=\/[a-z0-9_.-]+\/$/,
    hosts: /^0\.0\.0\.0 [a-z0-9_.-]+$/,
    squid: /^\.[a-z0-9_.-]+$/,
    haproxy: /^[a-z0-9_.-]+$/,
    nft: /^(add (table|set|element) inet puente.*|flush set inet puente blocked[46]|[0-9a-f.:]+(\/\d+)?,|\})$/,
    ipset:
      /^(create puente[46] hash:net family inet6? maxelem \d+ -exist|flush puente[46]|add puente[46] [0-9a-f.:]+(\/\d+)? -exist)$/,
    rules:
      /^drop (ip [0-9a-f.:]+(\/\d+)? any <> any any|dns any any -> any any) \(msg:"Puente blocklist, [a-z0-9_.-]+";( dns\.query; dotprefix; content:"\.[a-z0-9_.-]+"; nocase; endswith;)? sid:\d{10}; rev:1;\)$/,
    strings: /^[A-Za-z0-9+/]+=*$/,
    ips: /^[0-9a-f.:]+$/,
    md5: /^[0-9a-f]{32}$/,
    sha256: /^[0-9a-f]{64}$/,
    hdb: /^[0-9a-f]{32}:\*:Puente\.md5-[0-9a-f]{12}:73$/,
    hsb: /^[0-9a-f]{40,64}:\*:Puente\.sha\d+-[0-9a-f]{12}:73$/,
    txt: /^[!-~]+$/,
    csv: /^(type,value,class,confidence,tlp,valid_until|[a-z0-9-]+,("[ -~]+"|[!-~]+),c2-server,,green,)$/,
    intel: /^(#fields\tindicator\tindicator_type\tmeta\.source\tmeta\.desc|[!-~]+\tIntel::[A-Z_]+\tPuente\tc2-server)$/,
  }
  t.strictSame(Object.keys(record).sort(), [...blocklistFormats.keys()].sort())
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...blocklistFormats.keys()), observables, async (extension, found) => {
      const { text, tally } = await written(extension, found)
      for (const line of linesOf(text))
        if (record[extension]?.test(line) !== true) throw new Error(`${extension}: ${JSON.stringify(line)}`)
      const taken = found.filter(({ type }) => formatOf(extension).takes.includes(type))
      const said = tally.values + tally.invalid + tally.covered
      return said <= taken.length && new Set(taken.map(({ value }) => value)).size <= said + tally.invalid
    }),
    { numRuns: 600 },
  )
})

t.test('collapsed domains cover what was left out, and no two overlap', async () => {
  const label = fc.constantFrom('a', 'b', 'a-b', 'x')
  const domain = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => [...labels, 'example'].join('.'))
  await fc.assert(
    fc.asyncProperty(fc.array(domain, { maxLength: 30 }), async (names) => {
      const { text } = await written(
        'squid',
        names.map((value) => ({ type: 'domain-name', value })),
      )
      const kept = linesOf(text)
      const covered = names.every((name) => kept.some((each) => `.${name}`.endsWith(each)))
      const apart = kept.every((a) => kept.every((b) => a === b || !a.endsWith(b)))
      return covered && apart
    }),
  )
})

t.test('merged networks cover what was left out, and no two overlap', async () => {
  const network = fc.tuple(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 24, max: 32 })).map(([last, length]) => {
    const base = length === 32 ? last : last & (0xff << (32 - length)) & 0xff
    return length === 32
      ? { type: 'ipv4-address', value: `192.0.2.${base}` }
      : { type: 'ipv4-prefix', value: `192.0.2.${base}/${length}` }
  })
  const hosts = (value: string): number[] => {
    const [address = '', length = '32'] = value.split('/')
    const first = Number(address.split('.')[3])
    return Array.from({ length: 2 ** (32 - Number(length)) }, (_, n) => first + n)
  }
  await fc.assert(
    fc.asyncProperty(fc.array(network, { maxLength: 30 }), async (networks) => {
      const { text } = await written('nft', networks)
      const kept = linesOf(text)
        .filter((line) => line.endsWith(','))
        .flatMap((line) => hosts(line.slice(0, -1)))
      const wanted = new Set(networks.flatMap(({ value }) => hosts(value)))
      return kept.length === wanted.size && kept.every((each) => wanted.has(each))
    }),
  )
})

t.test('the order is that of the values, whatever order they come in', async (t) => {
  for (const extension of blocklistFormats.keys()) {
    const [a, b] = [await written(extension, values), await written(extension, [...values].reverse(), 100)]
    t.equal(a.text, b.text, extension)
  }
  t.equal(inOrder(values).length, values.length)
})

t.test('what may not be acted upon has no form that a codec would take', async (t) => {
  t.throws(() => blockableOf({ ...greenHandling, pap: 'amber' }, 'permit'), /acted upon/)
  t.throws(() => blockableOf({ ...greenHandling, pap: 'red' }, 'permit'), /acted upon/)
  t.throws(() => blockableOf({ ...greenHandling, tlp: 'red', pap: 'clear' }, 'permit'), /acted upon/)
  t.throws(() => blockableOf(greenHandling, 'redact'), /whole/)
  t.throws(() => blockableOf(greenHandling, 'deny'), /whole/)
})
