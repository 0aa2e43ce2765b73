import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import { Fault } from '../../src/domain/errors.ts'
import type { Warninglist } from '../../src/domain/warninglist.ts'
import { WarninglistMatcher } from '../../src/domain/warninglist-matcher.ts'
import { readWarninglist } from '../../src/formats/warninglist.ts'
import { jsonFiles, sharedData } from '../formats/sources.ts'

const listOf = (kind: Warninglist['kind'], entries: readonly string[], types: readonly string[] = []): Warninglist => ({
  name: 'a list',
  version: 1,
  description: '',
  category: 'False positive',
  kind,
  types,
  entries,
})
const hit = (list: Warninglist, type: string, value: string) => new WarninglistMatcher([list]).has({ type, value })

t.test('each kind matches as MISP says', async (t) => {
  const rows: readonly (readonly [boolean, Warninglist['kind'], string, string, string])[] = [
    [true, 'string', 'Example.COM', 'domain-name', 'example.com'],
    [false, 'string', 'example.com', 'domain-name', 'www.example.com'],
    [true, 'string', '192.0.2.1', 'ipv4-address', '192.0.2.1'],
    [true, 'string', '2001:DB8:0::1', 'ipv6-address', '2001:db8::1'],
    [true, 'string', '192.0.2.1', 'ipv4-prefix', '192.0.2.0/24'],
    [true, 'hostname', '.example.com', 'hostname', 'www.example.com'],
    [true, 'hostname', 'example.com', 'domain-name', 'example.com'],
    [false, 'hostname', 'example.com', 'domain-name', 'badexample.com'],
    [true, 'hostname', 'example.com', 'url', 'https://a.example.com:8080/x?y'],
    [false, 'hostname', 'example.com', 'url', 'https://evil.example/example.com'],
    [true, 'cidr', '192.0.2.0/24', 'ipv4-address', '192.0.2.255'],
    [false, 'cidr', '192.0.2.0/24', 'ipv4-address', '192.0.3.0'],
    [true, 'cidr', '192.0.2.7/24', 'ipv4-address', '192.0.2.1'],
    [true, 'cidr', '192.0.2.7', 'ipv4-prefix', '192.0.2.0/28'],
    [true, 'cidr', 'FE80::/10', 'ipv6-address', 'fe80::1'],
    [false, 'cidr', 'FE80::/10', 'ipv6-address', 'fec0::1'],
    [true, 'cidr', '192.0.2.0/24', 'url', 'http://192.0.2.9/x'],
    [false, 'cidr', '::/0', 'ipv6-address', '2001:db8::1'],
    [true, 'substring', 'mailer', 'email-address', 'x@the-mailer.example'],
    [false, 'substring', 'mailer', 'email-address', 'x@mail.example'],
    [false, 'substring', '', 'email-address', 'x@mail.example'],
  ]
  for (const [expected, kind, entry, type, value] of rows)
    t.equal(hit(listOf(kind, ['other.example', entry]), type, value), expected, `${kind} ${entry}: ${value}`)
  t.notOk(hit(listOf('string', ['example.com'], ['url']), 'domain-name', 'example.com'), 'of other types')
})

t.test('networks in order find what a look at each would', async () => {
  const network = fc
    .tuple(fc.integer({ min: 0, max: 63 }), fc.integer({ min: 26, max: 32 }))
    .map(([last, length]) => `192.0.2.${last & ~(2 ** (32 - length) - 1)}/${length}`)
  const hosts = (value: string) => {
    const [address = '', length] = value.split('/')
    return Array.from({ length: 2 ** (32 - Number(length)) }, (_, n) => Number(address.split('.')[3]) + n)
  }
  fc.assert(
    fc.property(fc.array(network, { maxLength: 10 }), network, (entries, asked) => {
      const known = new Set(entries.flatMap(hosts))
      const value = asked.endsWith('/32') ? asked.slice(0, -3) : asked
      const type = value.includes('/') ? 'ipv4-prefix' : 'ipv4-address'
      return hit(listOf('cidr', entries), type, value) === hosts(asked).some((each) => known.has(each))
    }),
  )
})

t.test('what is no warninglist is refused with its reason', async (t) => {
  const good = { name: 'x', type: 'string', list: ['a'], matching_attributes: ['domain'], version: 3 }
  const read = (change: object) => readWarninglist(Buffer.from(JSON.stringify({ ...good, ...change })))
  t.match(read({}), { name: 'x', kind: 'string', types: ['domain-name'], entries: ['a'], version: 3 })
  t.match(read({ matching_attributes: ['ip-dst|port'] }).types, ['ip-port'])
  const refused: readonly (readonly [object, RegExp])[] = [
    [{ type: 'regex' }, /regular expressions are not taken/],
    [{ type: 'other' }, /none of string/],
    [{ name: '' }, /no name/],
    [{ name: 7 }, /no name/],
    [{ list: ['a', 7] }, /list is not one of texts/],
    [{ list: ['a'.repeat(1_025)] }, /list is not one of texts/],
    [{ list: {} }, /list is not one of texts/],
    [{ matching_attributes: 'x' }, /no list of texts/],
    [{ matching_attributes: ['no such'] }, /none of its matching_attributes/],
  ]
  for (const [change, sentence] of refused) t.throws(() => read(change), { message: sentence }, JSON.stringify(change))
  for (const text of ['[]', '7', 'null', '{', '', '{"name":"a","name":"b"}'])
    t.throws(() => readWarninglist(Buffer.from(text)), Fault, text)
  fc.assert(
    fc.property(fc.json(), (text) => {
      try {
        readWarninglist(Buffer.from(text))
      } catch (error) {
        return error instanceof Fault
      }
      return true
    }),
  )
})

const real = sharedData('warninglists')
t.test(
  'the lists of MISP load but for those of regular expressions, and match fast',
  { skip: real === undefined && 'no data beside the project' },
  async (t) => {
    const lists: Warninglist[] = []
    const refused: string[] = []
    for (const file of jsonFiles(real ?? '')) {
      try {
        lists.push(readWarninglist(readFileSync(file)))
      } catch (error) {
        refused.push((error as Error).message)
      }
    }
    t.ok(lists.length >= 29, `${lists.length} lists`)
    t.equal(refused.length, 1)
    t.match(refused[0], /regular expressions/)
    const matcher = new WarninglistMatcher(lists)
    const on = (type: string, value: string) => matcher.warningsOf({ type, value }).map(({ list }) => list)
    t.match(on('ipv4-address', '8.8.8.8').join(), /DNS/i)
    t.match(on('ipv4-address', '10.1.2.3').join(), /1918/)
    t.match(on('md5', 'd41d8cd98f00b204e9800998ecf8427e').join(), /empty/i)
    t.strictSame(on('domain-name', 'evil.example'), [])
    const begin = performance.now()
    for (let n = 0; n < 100_000; n++) matcher.has({ type: 'ipv4-address', value: `198.18.${n >> 8}.${n & 255}` })
    const each = ((performance.now() - begin) / 100_000) * 1_000
    t.ok(each < 100, `${each.toFixed(1)} µs an address, against ${lists.length} lists`)
  },
)
