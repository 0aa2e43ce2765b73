import t from 'tap'
import { buildApp } from '../../src/app.ts'
import { limits } from '../../src/domain/limits.ts'
import { amber, domain, green, linesOf, list, post, publisher, reader, savedList, sql, warn } from '../blocklists.ts'
import { testNode } from '../node.ts'

/** Saved lists, and the keys that machines read them with. */

t.setTimeout(300_000)

t.test('a saved list is read with its key, in the URL or a header, and with nothing else of its account', async (t) => {
  const node = await testNode(t)
  await node.plant(amber, domain('evil.example'))
  await node.plant(green, { type: 'ipv4-address', value: '192.0.2.7' })
  const { id, key } = await savedList(node, { type: ['domain-name'], tlp: ['amber'] })
  const url = `/v1/blocklists/${id}.txt`
  const ask = (path: string, headers: Record<string, string> = {}) =>
    node.call('anonymous', { method: 'GET', url: path, headers })
  t.strictSame(linesOf(await ask(`${url}?key=${key}`)), ['evil.example'])
  t.strictSame(linesOf(await ask(url, { authorization: `Bearer ${key}` })), ['evil.example'])
  const basic = Buffer.from(`firewall:${key}`).toString('base64')
  t.strictSame(linesOf(await ask(url, { authorization: `Basic ${basic}` })), ['evil.example'])
  t.strictSame(linesOf(await list(node, `${id}.txt`)), ['evil.example'], 'and by its account')
  t.match(await ask(url), { status: 404 }, 'the public does not know it')
  t.match(await list(node, `${id}.txt`, publisher), { status: 404 }, 'nor does anybody else')
  t.match(await ask(`${url}?key=${key}&tlp=green`), { status: 400 }, 'it has its filter')
  t.match(await ask(`${url}?key=${key}`, node.as(reader)), { status: 400 }, 'one of the two')

  t.match(await ask(`/v1/blocklists/all.txt?key=${key}`), { status: 404 }, 'no other list')
  const { id: another } = await savedList(node)
  t.match(await ask(`/v1/blocklists/${another}.txt?key=${key}`), { status: 404 }, 'not even of the same account')
  for (const path of ['/v1/indicators', '/v1/me', '/v1/feed', '/v1/lists', '/v1/warninglists']) {
    t.match(await ask(path, { authorization: `Bearer ${key}` }), { status: 401 }, path)
    t.match(await ask(`${path}?key=${key}`), { status: 400 }, `${path} takes none in the URL`)
  }
  t.match(await ask(`${url}?key=${key.slice(0, -1)}${key.endsWith('A') ? 'B' : 'A'}`), { status: 401 })
  t.match(await ask(`${url}?key=puente-list_`), { status: 401 })
  t.match(await ask(`${url}?key=`), { status: 401 })

  const listed = await node.call(reader, { method: 'GET', url: '/v1/lists' })
  t.match(
    listed.body.items.find((each: { id: string }) => each.id === id),
    {
      id,
      account: reader,
      filter: { type: ['domain-name'] },
      keys: [{ lastUsedAt: String }],
    },
  )
  t.notMatch(listed.text, key.slice(-43), 'the secret is not kept')
  const { rows } = await sql(node, 'select encode(digest, $1) as digest from blocklist_key', ['hex'])
  t.equal((rows[0] as { digest: string }).digest.length, 64)
  t.strictSame((await node.call(publisher, { method: 'GET', url: '/v1/lists' })).body.items, [])
})

t.test('who asks for many at once gets no more than one after the other', async (t) => {
  const node = await testNode(t)
  const { id } = await savedList(node)
  const atOnce = (count: number, url: string, payload: object) =>
    Promise.all(Array.from({ length: count }, () => post(node, reader, url, payload)))
  const keys = await atOnce(20, `/v1/lists/${id}/keys`, {})
  t.equal(keys.filter(({ status }) => status === 201).length, limits.keysPerBlocklist - 1)
  const lists = await atOnce(limits.blocklistsPerAccount + 10, '/v1/lists', { name: 'x', filter: {} })
  t.equal(lists.filter(({ status }) => status === 201).length, limits.blocklistsPerAccount - 1)
})

t.test('no key is in the log of requests', async (t) => {
  const node = await testNode(t)
  const { id, key } = await savedList(node)
  const lines: string[] = []
  const stream = { write: (line: string) => void lines.push(line) }
  const logger = { level: 'trace', stream }
  const app = await buildApp(node.context, { root: process.cwd(), requestsPerMinute: 1_000, trustProxy: [], logger })
  t.teardown(() => app.close())
  for (const secret of [key, `${key}x`]) {
    await app.inject({ method: 'GET', url: `/v1/blocklists/${id}.txt?key=${secret}` })
    await app.inject({ method: 'GET', url: `/v1/blocklists/${id}.txt`, headers: { authorization: `Bearer ${secret}` } })
  }
  await app.inject({ method: 'GET', url: `/none/${id}?key=${key}` })
  t.ok(lines.length >= 10 && lines.join('').includes(`/v1/blocklists/${id}.txt`), `${lines.length} lines`)
  t.notMatch(lines.join(''), key.slice(-20))
})

t.test('GraphQL saves, keys and ends lists, and shows warnings', async (t) => {
  const node = await testNode(t)
  await node.plant(green, domain('known.example'))
  await warn(node, 'hostname', ['known.example'])
  const ask = async (query: string) => (await post(node, reader, '/graphql', { query })).body
  const created = await ask('mutation { createBlocklist(name: "x", filter: { tlp: [GREEN] }) { id filter } }')
  const { id, filter } = created.data.createBlocklist
  t.equal(filter, '{"tlp":["green"]}')
  const issued = await ask(`mutation { issueListKey(blocklist: "${id}") { key { id } secret } }`)
  const { key, secret } = issued.data.issueListKey
  t.equal((await node.call('anonymous', { method: 'GET', url: `/v1/blocklists/${id}.csv?key=${secret}` })).status, 200)
  t.match((await ask('{ blocklists { id account keys { id } } }')).data.blocklists, [
    { id, account: reader, keys: [key] },
  ])
  t.strictSame((await ask(`mutation { revokeListKey(id: "${key.id}") }`)).data, { revokeListKey: key.id })
  t.strictSame((await ask(`mutation { removeBlocklist(id: "${id}") }`)).data, { removeBlocklist: id })
  t.match(await ask(`mutation { removeBlocklist(id: "${id}") }`), { errors: [{ extensions: { code: 'not_found' } }] })
  const { data } = await ask(
    '{ indicators { edges { node { value warnings { list category } } } } warninglists { name entries } }',
  )
  t.strictSame(data.indicators.edges, [
    { node: { value: 'known.example', warnings: [{ list: 'test', category: 'False positive' }] } },
  ])
  t.strictSame(data.warninglists, [{ name: 'test', entries: 1 }])
})

t.test('keys are rotated: several are good at a time, some until an instant', async (t) => {
  const node = await testNode(t)
  const { id, key, keyId } = await savedList(node)
  const issue = (payload: object) => post(node, reader, `/v1/lists/${id}/keys`, payload)
  const read = (secret: string) =>
    node.call('anonymous', { method: 'GET', url: `/v1/blocklists/${id}.txt?key=${secret}` })
  const next = await issue({ expiresAt: '2027-01-01T00:00:00Z' })
  t.equal((await read(next.body.secret)).status, 200)
  t.equal((await read(key)).status, 200)
  t.equal(
    (await node.call(publisher, { method: 'DELETE', url: `/v1/list-keys/${keyId}` })).status,
    404,
    'not by others',
  )
  t.equal((await node.call(reader, { method: 'DELETE', url: `/v1/list-keys/${keyId}` })).status, 204)
  t.equal((await read(key)).status, 401)
  t.equal((await read(next.body.secret)).status, 200)
  node.at('2027-01-01T00:00:00Z')
  t.equal((await read(next.body.secret)).status, 401, 'at its end')
  t.equal((await issue({ expiresAt: '2026-01-01T00:00:00Z' })).status, 400)
  for (let n = 0; n < limits.keysPerBlocklist; n++) t.equal((await issue({})).status, 201)
  t.match(await issue({}), { status: 400 }, 'no more than so many')
  t.equal((await post(node, publisher, `/v1/lists/${id}/keys`, {})).status, 404, 'nobody issues keys of others')
  for (const filter of [
    { status: ['expired'] },
    { q: 'x' },
    { tlp: ['red'] },
    { type: [] },
    { network: 'x' },
    { since: 'x' },
  ])
    t.ok((await post(node, reader, '/v1/lists', { name: 'x', filter })).status >= 400, JSON.stringify(filter))
})
