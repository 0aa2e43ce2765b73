import t from 'tap'
import { loadWarninglist, removeWarninglist } from '../../src/actions/index.ts'
import { startContext } from '../../src/actions/start.ts'
import { domain, green, linesOf, list, post, reader, warn } from '../blocklists.ts'
import { testNode } from '../node.ts'

t.setTimeout(300_000)

t.test('another process knows at once what a warninglist holds', async (t) => {
  const node = await testNode(t)
  await node.plant(green, domain('evil.example'))
  t.strictSame(linesOf(await list(node, 'domains.txt')), ['evil.example'], 'its lists are in memory')
  const other = await startContext({
    database: { url: node.databaseUrl, connections: 2, statementTimeoutMs: 30_000 },
    clock: () => new Date(),
    log: { info: () => {}, warn: () => {}, error: () => {} },
    version: 'test',
  })
  await loadWarninglist(
    other,
    Buffer.from(JSON.stringify({ name: 'x', type: 'string', list: ['evil.example'], matching_attributes: [] })),
  )
  await other.close()
  t.strictSame(linesOf(await list(node, 'domains.txt')), [])
})

t.test('warninglists keep what is known out of lists, and are shown beside indicators', async (t) => {
  const node = await testNode(t)
  const planted = [
    domain('evil.example'),
    domain('www.known.example'),
    { type: 'ipv4-address', value: '192.0.2.7' },
    { type: 'ipv4-prefix', value: '198.51.100.0/24' },
    { type: 'ipv6-address', value: '2001:db8::1' },
    { type: 'url', value: 'https://cdn.known.example/x' },
    { type: 'md5', value: 'd41d8cd98f00b204e9800998ecf8427e' },
    { type: 'email-address', value: 'x@disposable.example' },
  ]
  for (const observable of planted) await node.plant({ ...green, tlp: 'clear' }, observable)
  const all = async () => linesOf(await list(node, 'all.txt'))
  t.equal((await all()).length, 7)
  await warn(node, 'hostname', ['.known.example'], [], 'names')
  await warn(node, 'cidr', ['198.51.100.77', '2001:DB8::/32', 'nonsense'], ['ip-src'], 'networks')
  await warn(node, 'string', ['192.0.2.7', 'D41D8CD98F00B204E9800998ECF8427E'], [], 'strings')
  await warn(node, 'substring', ['disposable'], ['email-src'], 'substrings')
  t.strictSame(await all(), ['evil.example'], 'whichever way they match')
  t.match(
    (await list(node, 'all.haproxy')).text,
    /1 values; left out: 0 not valid here, 0 inside another, 1 on warninglists/,
  )

  const page = await node.call(reader, { method: 'GET', url: '/v1/indicators?include=warnings' })
  const warningsOf = (value: string) => page.body.items.find((each: { value: string }) => each.value === value).warnings
  t.equal(warningsOf('evil.example'), undefined)
  t.strictSame(warningsOf('www.known.example'), [{ list: 'names', category: 'False positive' }])
  t.strictSame(warningsOf('198.51.100.0/24'), [{ list: 'networks', category: 'False positive' }])
  t.strictSame(warningsOf('x@disposable.example'), [{ list: 'substrings', category: 'False positive' }])
  const lines = (await node.call(reader, { method: 'GET', url: '/v1/indicators?include=warnings&format=ndjson' })).text
  t.equal(lines.match(/"warnings"/g)?.length, 7)
  t.notMatch((await node.call(reader, { method: 'GET', url: '/v1/indicators' })).text, 'warnings')
  const id = page.body.items.find((each: { value: string }) => each.value === '192.0.2.7').id
  t.match((await node.call(reader, { method: 'GET', url: `/v1/indicators/${id}` })).body, {
    warnings: [{ list: 'strings' }],
  })

  const checked = await post(node, reader, '/v1/warninglists/check', {
    values: [{ value: '198.51.100.77' }, { value: 'good.example', type: 'domain-name' }],
  })
  t.strictSame(checked.body.results, [
    { value: '198.51.100.77', warnings: [{ list: 'networks', category: 'False positive' }] },
    { value: 'good.example', type: 'domain-name', warnings: [] },
  ])
  t.equal((await post(node, reader, '/v1/warninglists/check', { values: [{ value: '???' }] })).status, 422)
  const { items } = (await node.call('anonymous', { method: 'GET', url: '/v1/warninglists' })).body
  t.strictSame(
    items.map(({ name, entries }: { name: string; entries: number }) => [name, entries]),
    [
      ['names', 1],
      ['networks', 3],
      ['strings', 2],
      ['substrings', 1],
    ],
  )
  for (const name of ['names', 'networks', 'strings']) t.ok(await removeWarninglist(node.context, name))
  t.notOk(await removeWarninglist(node.context, 'names'))
  t.equal((await all()).length, 7, 'and without them everything is back')
})
