// alone: it measures how much memory the process takes
import { get as httpGet, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { actions } from '../../src/actions/index.ts'
import { limits } from '../../src/domain/limits.ts'
import { list, post, publisher, reader, savedList, sql } from '../blocklists.ts'
import { peakBytes } from '../formats/sources.ts'
import { type TestNode, testNode } from '../node.ts'

/** Lists that are longer than what sockets hold. */

t.setTimeout(300_000)

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
