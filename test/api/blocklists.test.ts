// alone: it measures how much memory the process takes
import { get as httpGet, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { actions, loadWarninglist, removeWarninglist } from '../../src/actions/index.ts'
import { startContext } from '../../src/actions/start.ts'
import { buildApp } from '../../src/app.ts'
import type { Handling } from '../../src/domain/handling.ts'
import { limits } from '../../src/domain/limits.ts'
import { blocklistFormats } from '../../src/formats/blocklists/index.ts'
import { peakBytes } from '../formats/sources.ts'
import { type Answer, type TestNode, testNode } from '../node.ts'

t.setTimeout(300_000)

const green: Handling = {
  originator: 'cert-br',
  tlp: 'green',
  pap: 'green',
  organisations: [],
  communities: [],
  people: [],
  lawEnforcement: 'on-request',
  personalData: false,
  maskable: false,
  attribution: 'named',
}
const reader = 'camila.csirt-cl'
const publisher = 'ana.cert-br'
const json = { 'content-type': 'application/json' }

const list = (node: TestNode, file: string, account = reader, headers: Record<string, string> = {}): Promise<Answer> =>
  node.call(account, { method: 'GET', url: `/v1/blocklists/${file}`, headers })
const linesOf = ({ text }: Answer): string[] => text.split('\n').filter((line) => line !== '')
const post = (node: TestNode, account: string, url: string, payload: object, method: 'POST' | 'PATCH' = 'POST') =>
  node.call(account, { method, url, headers: json, payload: JSON.stringify(payload) })

const domain = (value: string) => ({ type: 'domain-name', value })

t.test('a list holds what its reader may see and block, and nothing else', async (t) => {
  const node = await testNode(t)
  await node.plant(green, domain('evil.example'))
  await node.plant({ ...green, tlp: 'clear', pap: 'clear' }, domain('clear.example'))
  await node.plant({ ...green, pap: 'amber' }, domain('pap-amber.example'))
  await node.plant({ ...green, pap: 'red' }, domain('pap-red.example'))
  await node.plant({ ...green, tlp: 'red', people: [reader] }, domain('red.example'))
  await node.plant({ ...green, tlp: 'amber', organisations: ['csirt-ar'] }, domain('others.example'))
  await node.plant({ ...green, expiresAt: '2026-01-01T00:00:00.000Z' }, domain('ended.example'))
  await node.plant(green, domain('old.example'), { validUntil: '2026-01-01T00:00:00.000Z' })
  await node.plant(green, { type: 'ipv4-address', value: '192.0.2.7' })
  await node.plant(green, { type: 'url', value: 'https://evil.example/login' })
  await node.plant(green, { type: 'md5', value: 'd41d8cd98f00b204e9800998ecf8427e' })
  t.strictSame(linesOf(await list(node, 'all.txt')), [
    'clear.example',
    'evil.example',
    '192.0.2.7',
    'https://evil.example/login',
    'd41d8cd98f00b204e9800998ecf8427e',
  ])
  t.strictSame(linesOf(await list(node, 'all.txt', 'anonymous')), ['clear.example'])
  t.strictSame(linesOf(await list(node, 'domains.txt')), ['clear.example', 'evil.example'])
  t.strictSame(linesOf(await list(node, 'addresses.txt')), ['192.0.2.7'])
  t.strictSame(linesOf(await list(node, 'urls.txt')), ['https://evil.example/login'])
  t.strictSame(linesOf(await list(node, 'hashes.txt')), ['d41d8cd98f00b204e9800998ecf8427e'])
  t.strictSame(linesOf(await list(node, 'all.txt?tlp=clear')), ['clear.example'])
  t.strictSame(linesOf(await list(node, 'all.txt?domain=evil.example')), ['evil.example', 'https://evil.example/login'])
  for (const [extension, { mediaType }] of blocklistFormats) {
    const answer = await list(node, `all.${extension}`)
    t.equal(answer.status, 200, extension)
    t.equal(answer.headers['content-type'], mediaType, extension)
    t.notMatch(answer.text, /pap-|red\.example|others|ended|old\.example/, extension)
  }
})

t.test('of an indicator of several values the hashes alone are taken, each once', async (t) => {
  const node = await testNode(t)
  const [md5, sha256] = [
    'd41d8cd98f00b204e9800998ecf8427e',
    'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  ]
  const compound = (type: string, value: string, others: readonly { type: string; value: string }[]) =>
    node.plant(green, { type, value }, { compound: true, observables: [{ type, value }, ...others] })
  await compound('filename', 'bad.exe', [
    { type: 'md5', value: md5 },
    { type: 'sha256', value: sha256 },
  ])
  await compound('md5', md5, [{ type: 'domain-name', value: 'part.example' }])
  await compound('domain-name', 'c2.example', [{ type: 'ipv4-address', value: '192.0.2.9' }])
  await node.plant({ ...green, pap: 'clear' }, { type: 'md5', value: md5 }, { id: idOf(7) })
  await node.plant(green, domain('twice.example'), { id: idOf(8) })
  await node.plant({ ...green, originator: 'csirt-cl' }, { type: 'hostname', value: 'twice.example' })
  t.strictSame(linesOf(await list(node, 'all.txt')), ['twice.example', md5, sha256])
  t.strictSame(linesOf(await list(node, 'hashes.hdb')).length, 1)
})

const idOf = (n: number): string => `indicator--00000000-0000-4000-8000-${String(n).padStart(12, '0')}`

t.test('what is asked for and is not there is absent', async (t) => {
  const node = await testNode(t)
  const saved = await post(node, publisher, '/v1/lists', { name: 'mine', filter: {} })
  for (const file of ['nothing.txt', 'all.exe', 'list-000000000000.txt', `${saved.body.id}.txt`])
    t.match(await list(node, file), { status: 404, body: { code: 'not_found' } }, file)
  for (const file of ['all', 'all.', '.txt', 'a/b.txt', 'ALL.txt', 'all.txt.txt', `${'a'.repeat(41)}.txt`])
    t.ok([400, 404].includes((await list(node, file)).status), file)
  t.equal((await list(node, 'all.txt?status=expired')).status, 400)
  t.equal((await list(node, 'all.txt?network=x')).status, 422)
  t.equal((await node.call(reader, { method: 'POST', url: '/v1/blocklists/all.txt' })).status, 405)
})

t.test('a list that was not changed for its reader is not sent again, and hidden things change nothing', async (t) => {
  const node = await testNode(t)
  await node.plant(green, domain('evil.example'), { validUntil: '2027-01-01T00:00:00.000Z' })
  const first = await list(node, 'domains.rpz')
  const etag = String(first.headers.etag)
  t.match(etag, /^W\/"[0-9a-f]{32}"$/)
  t.equal(first.headers['cache-control'], 'private, no-cache')
  const again = () => list(node, 'domains.rpz', reader, { 'if-none-match': etag })
  t.match(await again(), { status: 304, text: '' })
  t.match(await list(node, 'domains.rpz', reader, { 'if-none-match': `"x", ${etag.slice(2)}` }), { status: 304 })
  const head = await node.call(reader, { method: 'HEAD', url: '/v1/blocklists/domains.rpz' })
  t.match(head, { status: 200, text: '', headers: { etag, 'content-type': 'text/dns; charset=utf-8' } })

  await node.plant({ ...green, tlp: 'amber', organisations: ['csirt-ar'] }, domain('hidden.example'))
  await node.plant({ ...green, pap: 'amber' }, domain('not-for-blocking.example'))
  t.match(await again(), { status: 304 }, 'what it may not see, or not block, changes nothing')
  t.not((await list(node, 'domains.rpz?min_confidence=1')).headers.etag, etag, 'another question has another version')
  t.not((await list(node, 'domains.txt')).headers.etag, etag)

  const other = await node.plant(green, domain('more.example'))
  const second = await again()
  t.match(second, { status: 200 }, 'what it sees does')
  t.match(second.text, /^more\.example CNAME \.$/m)
  await post(node, publisher, `/v1/indicators/${other}/recall`, { reason: 'wrong' })
  const third = await list(node, 'domains.rpz')
  t.notMatch(third.text, /more/)
  t.not(third.headers.etag, second.headers.etag)
  node.at('2026-12-31T23:59:59.999Z')
  t.match(await list(node, 'domains.rpz', reader, { 'if-none-match': String(third.headers.etag) }), { status: 304 })
  node.at('2027-01-01T00:00:00.000Z')
  const expired = await list(node, 'domains.rpz', reader, { 'if-none-match': String(third.headers.etag) })
  t.match(expired, { status: 200 }, 'an indicator that ceases to be believed changes it by itself')
  t.notMatch(expired.text, /evil/)
})

interface Change {
  readonly what: string
  readonly act: (node: TestNode, id: string) => Promise<unknown>
  /** Whether evil.example is in the reader's list before and after. */
  readonly before: boolean
  readonly after: boolean
  readonly handling?: Handling
}

const sql = (node: TestNode, text: string, values: unknown[] = []) => node.context.database.client.query(text, values)
const amber: Handling = { ...green, tlp: 'amber', organisations: ['csirt-cl'] }
const ofCommunity: Handling = { ...green, tlp: 'amber', communities: ['lac-csirts'] }
const patch = (revision: object) => (node: TestNode, id: string) =>
  post(node, publisher, `/v1/indicators/${id}`, revision, 'PATCH')

const changes: readonly Change[] = [
  { what: 'revised', act: patch({ confidence: 90 }), before: true, after: true },
  { what: 'its PAP made stricter', act: patch({ pap: 'amber' }), before: true, after: false },
  { what: 'narrowed', act: patch({ tlp: 'amber', audience: ['csirt-ar'] }), before: true, after: false },
  {
    what: 'widened',
    act: patch({ tlp: 'green' }),
    before: false,
    after: true,
    handling: { ...green, tlp: 'amber', organisations: ['csirt-ar'] },
  },
  {
    what: 'recalled',
    act: (node, id) => post(node, publisher, `/v1/indicators/${id}/recall`, { reason: 'wrong' }),
    before: true,
    after: false,
  },
  {
    what: 'its sharing ends',
    act: async (node) => node.at('2027-01-01T00:00:00.000Z'),
    before: true,
    after: false,
    handling: { ...green, expiresAt: '2027-01-01T00:00:00.000Z' },
  },
  {
    what: 'the reader leaves the community',
    act: (node) =>
      sql(node, "delete from community_member where community = 'lac-csirts' and organisation = 'csirt-cl'"),
    before: true,
    after: false,
    handling: ofCommunity,
  },
  {
    what: 'the reader joins the community',
    act: (node) => sql(node, "insert into community_member (community, organisation) values ('closed', 'csirt-cl')"),
    before: false,
    after: true,
    handling: { ...green, tlp: 'amber', communities: ['closed'] },
  },
  {
    what: 'the agreement ends',
    act: async (node) => {
      const { body } = await node.call(reader, { method: 'GET', url: '/v1/agreements' })
      for (const { id } of body.items)
        await sql(node, 'update agreement set valid_to = $2 where id = $1 and valid_to is null', [
          id,
          '2026-06-01T00:00:00Z',
        ]).catch(() => undefined)
    },
    before: true,
    after: false,
    handling: amber,
  },
  {
    what: 'an agreement starts',
    act: (node) =>
      sql(
        node,
        `insert into agreement (id, name, parties, max_tlp, purposes, personal_data, valid_from, citation)
         values ('new-one', 'New', '{BR,CL}', 'amber+strict', '{defence}', true, '2020-01-01', 'x')`,
      ),
    before: false,
    after: true,
    handling: { ...green, tlp: 'amber+strict', organisations: ['csirt-cl'] },
  },
  {
    what: 'its warninglist is loaded',
    act: (node) => warn(node, 'hostname', ['evil.example']),
    before: true,
    after: false,
  },
]

const warn = (
  node: TestNode,
  type: string,
  list: readonly string[],
  attributes: readonly string[] = [],
  name = 'test',
) =>
  loadWarninglist(
    node.context,
    Buffer.from(JSON.stringify({ name, type, list, matching_attributes: attributes, version: 1, description: 'x' })),
  )

t.test('each change is in the next reading, and changes the version', async (t) => {
  for (const { what, act, before, after, handling = green } of changes) {
    const node = await testNode(t)
    await sql(node, "insert into community (id, name, description) values ('closed', 'Closed', '')")
    const id = await node.plant(handling, domain('evil.example'))
    await node.plant(green, domain('other.example'))
    const first = await list(node, 'domains.txt')
    t.equal(linesOf(first).includes('evil.example'), before, `${what}: before`)
    await act(node, id)
    const second = await list(node, 'domains.txt', reader, { 'if-none-match': String(first.headers.etag) })
    t.equal(second.status, 200, `${what}: another version`)
    t.equal(linesOf(second).includes('evil.example'), after, `${what}: after`)
  }
})

/** A saved list of the reader's, and a key of it. */
async function savedList(node: TestNode, filter: object = {}): Promise<{ id: string; key: string; keyId: string }> {
  const created = await post(node, reader, '/v1/lists', { name: 'for the firewall', filter })
  if (created.status !== 201) throw new Error(created.text)
  const issued = await post(node, reader, `/v1/lists/${created.body.id}/keys`, {})
  if (issued.status !== 201) throw new Error(issued.text)
  return { id: created.body.id, key: issued.body.secret, keyId: issued.body.id }
}

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

/** One node with a list of many batches, longer than what sockets hold: whoever does not read it keeps it from going on. */
let long: Promise<TestNode> | undefined
const batches = 20
function longList(): Promise<TestNode> {
  long ??= (async () => {
    const node = await testNode(t)
    node.app.server.setMaxListeners(100)
    for (let n = 0; n < batches; n++) await plantMany(node, n * limits.blocklistBatch, limits.blocklistBatch)
    return node
  })()
  return long
}
const longName = (n: number): string => `b${n}.a-rather-long-name-that-fills-the-buffers-of-sockets.example`

t.test('a key that is taken back is worth nothing in the next request, and in the middle of a list', async (t) => {
  const node = await longList()
  const undo = () =>
    sql(
      node,
      'with a as (update account set disabled_at = null where id = $1) update organisation set disabled_at = null',
      [reader],
    )
  const endings: Readonly<Record<string, (list: { id: string; keyId: string }) => Promise<unknown>>> = {
    'the key is revoked': ({ keyId }) => node.call(reader, { method: 'DELETE', url: `/v1/list-keys/${keyId}` }),
    'the list is removed': ({ id }) => node.call(reader, { method: 'DELETE', url: `/v1/lists/${id}` }),
    'its account is disabled': () => sql(node, 'update account set disabled_at = now() where id = $1', [reader]),
    'its organisation is disabled': () =>
      sql(node, "update organisation set disabled_at = now() where id = 'csirt-cl'"),
  }
  for (const [what, end] of Object.entries(endings)) {
    const saved = await savedList(node)
    const url = `/v1/blocklists/${saved.id}.rules?key=${saved.key}`
    const open = await opened(t, node, url)
    t.equal(open.status, 200, what)
    await end(saved)
    t.match(await node.call('anonymous', { method: 'GET', url }), { status: 401 }, what)
    t.match(await open.rest(), { whole: false }, `${what}: the list breaks off`)
    await undo()
  }
})

t.test('what a reader gets masked is in no list', async (t) => {
  const node = await testNode(t)
  // Between Brazil and Chile personal data passes whole; to Mexico it would be masked.
  const handling: Handling = { ...green, tlp: 'green', personalData: true, maskable: true }
  await node.plant(handling, domain('person.example'))
  const readers = node.world.accounts.filter(({ roles }) => roles.includes('reader') || roles.includes('publisher'))
  const seen = { masked: 0, whole: 0, absent: 0 }
  for (const { id } of readers) {
    const { body } = await node.call(id, { method: 'GET', url: '/v1/indicators' })
    const [item] = body.items
    const listed = linesOf(await list(node, 'all.txt', id)).length
    const how = item === undefined ? 'absent' : item.masked ? 'masked' : 'whole'
    seen[how]++
    t.equal(listed, how === 'whole' ? 1 : 0, `${id}: ${how}`)
  }
  t.ok(seen.masked > 0 && seen.whole > 0, JSON.stringify(seen))
})

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

/** Many domains at once, as one originator publishes them. */
async function plantMany(node: TestNode, from: number, count: number): Promise<void> {
  const items = Array.from({ length: count }, (_, n) => ({ value: longName(from + n), type: 'domain-name' }))
  const answer = await node.call(publisher, {
    method: 'POST',
    url: '/v1/indicators?tlp=green',
    headers: { 'content-type': 'application/x-ndjson' },
    payload: items.map((item) => JSON.stringify(item)).join('\n'),
  })
  if (answer.status !== 200) throw new Error(answer.text)
}

/** A list asked for over a connection, stopped after its first piece. */
async function opened(t: Test, node: TestNode, path: string, headers: Record<string, string> = {}) {
  if (!node.app.server.listening) await node.app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = node.app.server.address() as AddressInfo
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    httpGet({ host: '127.0.0.1', port, path, headers, highWaterMark: 1 } as object, resolve).on('error', reject)
  })
  t.teardown(() => response.destroy())
  const pieces = response.setEncoding('utf8')[Symbol.asyncIterator]()
  const first = String((await pieces.next()).value)
  return {
    status: response.statusCode,
    first,
    rest: async () => {
      let text = first
      try {
        for (let piece = await pieces.next(); piece.done !== true; piece = await pieces.next()) text += piece.value
      } catch {
        return { whole: false, text }
      }
      return { whole: response.complete, text }
    },
    leave: () => response.destroy(),
  }
}

t.test('what is narrowed while a list is sent is not in the rest of it', async (t) => {
  const node = await longList()
  const open = await opened(t, node, '/v1/blocklists/domains.rules', node.as(reader))
  t.equal(open.status, 200)
  const change = async (n: number, revision: object) => {
    const url = `/v1/indicators?type=domain-name&value=${longName(n)}`
    const { body } = await node.call(reader, { method: 'GET', url })
    return await post(node, publisher, `/v1/indicators/${body.items[0].id}`, revision, 'PATCH')
  }
  // Nines stand at the end of the order.
  t.equal((await change(9_999, { tlp: 'amber', audience: ['csirt-ar'] })).status, 200)
  t.equal((await change(9_998, { confidence: 77 })).status, 200)
  const { whole, text } = await open.rest()
  t.ok(whole)
  t.equal(text.match(/^drop/gm)?.length, batches * limits.blocklistBatch - 1, 'all the others are there')
  t.notMatch(text, /b9999\./)
  t.match(text, /b9998\./, 'what was revised is there as well')
})

t.test('a list is sent in bounded memory', async (t) => {
  const node = await longList()
  const caller = await actions.authenticate(node.context, { authorization: node.as(reader).authorization })
  const read = () =>
    actions['read-blocklist'](node.context, caller, { name: 'domains', extension: 'rules', filter: {} })
  const pieces = async (): Promise<AsyncIterable<string>> => {
    const { text } = await read()
    if (text === undefined) throw new Error('there is no text')
    return text
  }
  for await (const _ of await pieces()) {
    // Once before, for what is remembered of a first reading.
  }
  const { items, peak } = await peakBytes(await pieces(), 4)
  t.ok(items > batches, `${items} pieces`)
  // 16 MB of them may be leaves on their way to the audit log.
  t.ok(peak < 40e6, `${Math.round(peak / 1e6)} MB held for ${batches * limits.blocklistBatch} values`)
})

t.test('a client that leaves gives its place back; too many at once are asked to come again', async (t) => {
  const node = await longList()
  const all = await Promise.all(
    Array.from({ length: limits.blocklistsAtOnceOfAccount }, () =>
      opened(t, node, '/v1/blocklists/domains.rules', node.as(reader)),
    ),
  )
  t.match(await list(node, 'domains.rules'), { status: 503, headers: { 'retry-after': '5' } })
  t.match(await list(node, 'domains.txt', publisher), { status: 200 }, 'others have theirs')
  t.match(await node.call(reader, { method: 'HEAD', url: '/v1/blocklists/domains.rules' }), { status: 200 })
  for (const open of all) open.leave()
  let status = 503
  for (let attempt = 0; status === 503 && attempt < 2_000; attempt++)
    status = (await node.call(reader, { method: 'GET', url: '/v1/blocklists/hashes.txt' })).status
  t.equal(status, 200)
})

t.test('what is above CLEAR is on the log, and for law enforcement before it is given', async (t) => {
  const node = await testNode(t)
  const handling: Handling = { ...green, originator: 'csirt-cl', lawEnforcement: 'allowed' }
  await node.plant(handling, domain('evil.example'))
  const leaves = async () => {
    const { rows } = await sql(node, "select id from audit_leaf where action = 'read-blocklist'")
    return rows.length
  }
  t.equal((await list(node, 'domains.txt')).status, 200)
  await node.context.audit.close()
  t.equal(await leaves(), 1)
  const officer = 'ignacio.policia-cl'
  t.match(await list(node, 'domains.txt', officer), { status: 200, text: 'evil.example\n' })
  t.equal(await leaves(), 2, 'at once')
  await sql(node, 'alter table audit_leaf add constraint full_up check (false) not valid')
  const police = await list(node, 'domains.txt', officer)
  t.match(police, { status: 503 }, 'no log, no list')
  t.notMatch(police.text, 'evil')
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
