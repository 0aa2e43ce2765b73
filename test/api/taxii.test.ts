import { once } from 'node:events'
import { connect } from 'node:net'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { Shuffles } from '../../src/actions/collection-order.ts'
import { actions, type TestNode, testNode } from '../node.ts'
import { indicator, marked, TaxiiClient, taxiiType } from '../taxii.ts'
import { handling, ipv6 } from './graphql.ts'

/** TAXII 2.1, asked by a client written from its text. `TAXII_OBJECTS` says how many objects are paged through (400). */

const objects = Number(process.env.TAXII_OBJECTS ?? 400)

t.setTimeout(600_000 + objects * 60)

t.test('discovery, API root and collections are those that a caller may know', async (t) => {
  const node = await testNode(t)
  const ana = new TaxiiClient(node, 'ana.cert-br')
  const { body: discovery } = await ana.ask('/taxii2/')
  t.match(discovery, { title: 'Puente', default: '/taxii2/node/', api_roots: ['/taxii2/node/'] })
  t.match((await ana.ask(discovery.default)).body, { versions: [taxiiType], max_content_length: 10 * 1024 * 1024 })
  const aliases = async (account: string) => {
    const { body } = await new TaxiiClient(node, account).ask('/taxii2/node/collections/')
    return body.collections.map(
      ({ alias, can_write }: { alias: string; can_write: boolean }) => `${alias}${can_write ? '+' : ''}`,
    )
  }
  t.strictSame(await aliases('anonymous'), ['public'])
  t.strictSame([...(await aliases('ana.cert-br'))].sort(), [
    'all',
    'community-fraude-sul+',
    'community-lac-csirts+',
    'community-node-community+',
    'mine+',
    'public',
  ])
  t.strictSame(
    [...(await aliases('bruno.cert-br'))].filter((alias) => alias.endsWith('+')),
    [],
    'a reader adds nothing',
  )
  const path = await ana.collection('community-lac-csirts')
  t.strictSame((await ana.ask(path)).body, (await ana.ask('/taxii2/node/collections/community-lac-csirts/')).body)
  const stranger = new TaxiiClient(node, 'lucia.lacnic')
  for (const asked of [
    path,
    `${path}objects/`,
    `${path}manifest/`,
    '/taxii2/node/collections/community-nowhere/',
    '/taxii2/nowhere/',
  ]) {
    const answer = await stranger.ask(asked)
    t.equal(answer.status, 404, asked)
    t.equal(answer.text, (await stranger.ask(`${asked.slice(0, -1)}x/`)).text)
  }
})

t.test('every answer has the media type, byte for byte, on the wire', async (t) => {
  const node = await testNode(t, { requestsPerMinute: 40 })
  await node.app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = node.app.server.address() as { port: number }
  const raw = async (head: string): Promise<string> => {
    const socket = connect(port, '127.0.0.1')
    socket.write(`${head}\r\nHost: here\r\nConnection: close\r\n\r\n`)
    const chunks: Buffer[] = []
    socket.on('data', (chunk) => chunks.push(chunk))
    await once(socket, 'close')
    return Buffer.concat(chunks).toString()
  }
  const asked: readonly (readonly [string, number])[] = [
    ['GET /taxii2/ HTTP/1.1', 200],
    ['GET /taxii2/node/collections/public/objects/ HTTP/1.1', 200],
    ['GET /taxii2/node/collections/nowhere/ HTTP/1.1', 404],
    ['GET /taxii2/nowhere HTTP/1.1', 404],
    ['PUT /taxii2/ HTTP/1.1', 405],
    ['GET /taxii2/ HTTP/1.1\r\nAuthorization: Bearer nonsense', 401],
    ['GET /taxii2/ HTTP/1.1\r\nAccept: application/json', 406],
    [
      'POST /taxii2/node/collections/public/objects/ HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 0',
      415,
    ],
    ['GET /taxii2/node/collections/public/objects/?limit=0 HTTP/1.1', 400],
    ['GET /taxii2/node/collections/public/objects/ HTTP/1.1\r\nRange: items 5-9', 200],
  ]
  for (const [head, status] of asked) {
    const answer = await raw(head)
    t.match(answer, new RegExp(`^HTTP/1.1 ${status} `), head)
    t.match(answer, /\r\ncontent-type: application\/taxii\+json;version=2\.1\r\n/, head)
  }
  for (let n = 0; n < 60; n++) await raw('GET /taxii2/ HTTP/1.1')
  const limited = await raw('GET /taxii2/ HTTP/1.1')
  t.match(limited, /^HTTP\/1.1 429 /)
  t.match(limited, /\r\ncontent-type: application\/taxii\+json;version=2\.1\r\n/)
  t.match(limited, /"error_code":"rate_limited"/)
})

t.test('Accept and Content-Type as clients send them', async (t) => {
  const node = await testNode(t)
  const accepted = [
    undefined,
    '*/*',
    'application/*',
    'application/taxii+json',
    'application/taxii+json; version=2.1',
    'application/taxii+json;version="2.1"',
    'application/json, application/taxii+json;version=2.1',
    'application/taxii+json;version=2.0, application/taxii+json;version=2.1;q=0.5',
  ]
  for (const accept of accepted) {
    const answer = await node.call('anonymous', {
      method: 'GET',
      url: '/taxii2/',
      headers: accept === undefined ? {} : { accept },
    })
    t.equal(answer.status, 200, accept ?? 'none')
    t.equal(answer.headers['content-type'], taxiiType)
  }
  for (const accept of [
    'application/json',
    'application/taxii+json;version=2.0',
    'application/taxii+json;q=0',
    '',
    ';;,',
  ])
    t.equal((await node.call('anonymous', { method: 'GET', url: '/taxii2/', headers: { accept } })).status, 406, accept)
  const ana = new TaxiiClient(node, 'ana.cert-br')
  const mine = await ana.collection('mine')
  for (const type of ['application/taxii+json', 'application/taxii+json; version=2.1'])
    t.equal(
      (await ana.add(mine, { objects: [indicator(marked('clear'))] }, { 'content-type': type })).status,
      202,
      type,
    )
  for (const type of ['application/json', 'application/stix+json;version=2.1', 'application/taxii+json;version=2.0'])
    t.equal(
      (await ana.add(mine, { objects: [indicator(marked('clear'))] }, { 'content-type': type })).status,
      415,
      type,
    )
  const basic = Buffer.from(`ana:${node.as('ana.cert-br').authorization?.slice('Bearer '.length)}`).toString('base64')
  const { body } = await node.call('anonymous', {
    method: 'GET',
    url: `${mine}`,
    headers: { authorization: `Basic ${basic}` },
  })
  t.equal(body.alias, 'mine', 'a key is the password of Basic')
})

t.test('what is added is published; what is not valid fails alone', async (t) => {
  const node = await testNode(t)
  const ana = new TaxiiClient(node, 'ana.cert-br')
  const community = await ana.collection('community-lac-csirts')
  const [good, amber, unmarked] = [indicator(marked('green')), indicator(marked('amber')), indicator()]
  const broken = indicator({ ...marked('clear'), pattern: '[nonsense' })
  const answer = await ana.add(community, { objects: [good, broken, amber, unmarked, 7] })
  t.equal(answer.status, 202)
  t.match(answer.body, { status: 'complete', total_count: 5, success_count: 2, failure_count: 3, pending_count: 0 })
  t.strictSame(
    answer.body.successes.map(({ id }: { id: string }) => id),
    [good.id, amber.id],
  )
  t.match(answer.body.failures, [
    { id: broken.id, message: /^invalid_pattern: / },
    { id: unmarked.id, message: /^marking_required: / },
    { id: 'unknown', message: /^invalid_stix: / },
  ])
  const status = `/taxii2/node/status/${answer.body.id}/`
  t.strictSame((await ana.ask(status)).body, answer.body)
  t.equal((await new TaxiiClient(node, 'bruno.cert-br').ask(status)).status, 404, 'it is for who sent it')
  t.equal((await new TaxiiClient(node, 'anonymous').ask(status)).status, 401)
  const members = new TaxiiClient(node, 'diego.csirt-cl')
  const there = await members.objects(await members.collection('community-lac-csirts'))
  t.strictSame(there.map(({ id }) => id).sort(), [good.id, amber.id].sort(), 'AMBER is for the community')
  t.match((await ana.add(community, { objects: [good] })).body, { success_count: 1, failure_count: 0 }, 'twice is once')
  t.equal((await ana.add(await ana.collection('public'), { objects: [good] })).status, 403)
  t.equal((await new TaxiiClient(node, 'bruno.cert-br').add(community, { objects: [good] })).status, 403)
  t.equal(
    (await new TaxiiClient(node, 'anonymous').add(await ana.collection('public'), { objects: [good] })).status,
    401,
  )
  const large = JSON.stringify({ objects: [good], x_more: 'x'.repeat(10 * 1024 * 1024) })
  t.equal((await ana.add(community, large)).status, 413)
  t.equal((await ana.add(community, `{"objects":[${'7,'.repeat(10_000)}7]}`)).status, 413)
  for (const envelope of ['{}', '{"objects":[]}', '[]', '7', '{"objects":{}}', '', '{"objects":[', '{"more":true}'])
    t.ok([400, 422].includes((await ana.add(community, envelope)).status), envelope)
})

t.test('a filter that is repeated or malformed is a mistake', async (t) => {
  const node = await testNode(t)
  const url = '/taxii2/node/collections/public/objects/'
  const malformed = [
    ...[
      'limit=0',
      'limit=-1',
      'limit=x',
      'limit=1.5',
      'limit=1&limit=2',
      'limit=',
      'added_after=yesterday',
      'added_after=',
    ],
    ...[
      'added_after=2026-01-01T00:00:00Z&added_after=2026-01-01T00:00:00Z',
      'added_after=2026-01-01',
      'next=x',
      'next=1&next=2',
    ],
    ...[
      'match[id]=',
      'match[type]=a,,b',
      'match[type]=a&match[type]=b',
      'match[version]=newest',
      'match[name]=x',
      'match=x',
    ],
    ...['match%5Bversion%5D=2026-13-01T00:00:00Z', `match[id]=${'indicator--x,'.repeat(101)}y`],
  ]
  for (const query of malformed)
    t.equal((await node.call('anonymous', { method: 'GET', url: `${url}?${query}` })).status, 400, query)
  const { body } = await node.call('anonymous', { url: `${url}?limit=0` })
  t.match(body.details, { position: { pointer: /limit/ } }, 'what it is is told')
  for (const query of [
    'limit=100000',
    'next=',
    'x_vendor=1',
    'added_after=2026-01-01T00:00:00.123456789Z',
    'added_after=9999-12-31T23:59:59Z',
  ])
    t.equal((await node.call('anonymous', { method: 'GET', url: `${url}?${query}` })).status, 200, query)
})

t.test('versions: last, first, all and times; fields join by AND, values by OR', async (t) => {
  const node = await testNode(t)
  const ana = new TaxiiClient(node, 'ana.cert-br')
  const mine = await ana.collection('mine')
  const [one, two] = [indicator(marked('clear')), indicator(marked('clear'))]
  const later = (n: number) => `2026-05-0${n}T00:00:00.000Z`
  await ana.add(mine, { objects: [one, two] })
  node.at('2026-06-01T00:00:01.000Z')
  await ana.add(mine, { objects: [{ ...one, modified: later(2), name: 'second' }] })
  node.at('2026-06-01T00:00:02.000Z')
  await ana.add(mine, { objects: [{ ...one, modified: later(3), name: 'third' }] })
  const versions = async (filter: Record<string, string>, path = `${mine}objects/`) => {
    const { body } = await ana.ask(path, filter)
    return (body.objects ?? [])
      .map(({ id, modified }: { id: string; modified: string }) => `${id === one.id ? 1 : 2} ${modified.slice(9, 10)}`)
      .sort()
  }
  t.strictSame(await versions({}), ['1 3', '2 1'])
  t.strictSame(await versions({ 'match[version]': 'last' }), ['1 3', '2 1'])
  t.strictSame(await versions({ 'match[version]': 'first' }), ['1 1', '2 1'])
  t.strictSame(await versions({ 'match[version]': 'all' }), ['1 1', '1 2', '1 3', '2 1'])
  t.strictSame(await versions({ 'match[version]': `first,${later(2)}` }), ['1 1', '1 2', '2 1'])
  t.strictSame(await versions({ 'match[version]': 'last,first' }), ['1 1', '1 3', '2 1'])
  t.strictSame(await versions({ 'match[version]': later(2) }), ['1 2'])
  t.strictSame(await versions({ 'match[version]': 'all', 'match[id]': one.id }), ['1 1', '1 2', '1 3'])
  t.strictSame(await versions({ 'match[id]': `${one.id},${two.id}` }), ['1 3', '2 1'])
  t.strictSame(await versions({ 'match[id]': one.id, 'match[type]': 'malware' }), [])
  t.strictSame(await versions({ 'match[type]': 'malware,indicator' }), ['1 3', '2 1'])
  t.strictSame(await versions({ 'match[type]': 'malware' }), [])
  t.strictSame(await versions({ 'match[spec_version]': '2.0' }), [])
  t.strictSame(await versions({ 'match[spec_version]': '2.0,2.1' }), ['1 3', '2 1'])
  t.strictSame(await versions({}, `${mine}objects/${one.id}/`), ['1 3'])
  t.strictSame(await versions({ 'match[version]': 'all' }, `${mine}objects/${one.id}/`), ['1 1', '1 2', '1 3'])
  t.strictSame(await versions({ 'match[version]': '2020-01-01T00:00:00Z' }, `${mine}objects/${one.id}/`), [])
  const { body, headers } = await ana.ask(`${mine}objects/${one.id}/versions/`)
  t.strictSame(
    body.versions,
    [1, 2, 3].map((n) => (n === 1 ? '2026-05-01T00:00:00.000Z' : later(n))),
  )
  t.match(headers, { 'x-taxii-date-added-first': /\.\d{6}Z$/, 'x-taxii-date-added-last': /\.\d{6}Z$/ })
  // By one at a time, the way from the first to the last.
  const { body: first } = await ana.ask(`${mine}objects/${one.id}/versions/`, { limit: '1' })
  t.match(first, { more: true, next: /^.+$/, versions: ['2026-05-01T00:00:00.000Z'] })
  const { body: second } = await ana.ask(`${mine}objects/${one.id}/versions/`, { limit: '5', next: first.next })
  t.strictSame(second, { versions: [later(2), later(3)] })
  t.equal((await ana.ask(`${mine}objects/indicator--00000000-0000-4000-8000-ffffffffffff/`)).status, 404)
  t.equal((await ana.ask(`${mine}objects/nonsense/`)).status, 404)
})

t.test('a recall comes to those who had it, without what it was; DELETE is a recall', async (t) => {
  const node = await testNode(t)
  const [ana, diego, sofia] = ['ana.cert-br', 'diego.csirt-cl', 'sofia.csirt-ar'].map(
    (account) => new TaxiiClient(node, account),
  )
  if (ana === undefined || diego === undefined || sofia === undefined) throw new Error('nobody is there')
  const community = await ana.collection('community-lac-csirts')
  const [one, two] = [indicator({ ...marked('green'), name: 'known to few' }), indicator(marked('green'))]
  await ana.add(community, { objects: [one, two] })
  const { last } = await diego.poll(community, undefined, 10)
  const path = `${community}objects/${one.id}/`
  t.equal((await diego.ask(path, {}, { method: 'DELETE' })).status, 403, 'a reader may not')
  const camila = new TaxiiClient(node, 'camila.csirt-cl')
  t.equal((await camila.ask(path, {}, { method: 'DELETE' })).status, 403, 'nor who is not the originator')
  t.equal((await ana.ask(path, { 'match[version]': 'last' }, { method: 'DELETE' })).status, 400)
  t.equal((await new TaxiiClient(node, 'lucia.lacnic').ask(path, {}, { method: 'DELETE' })).status, 404)
  const deleted = await ana.ask(path, {}, { method: 'DELETE', headers: { 'content-type': taxiiType } })
  t.equal(deleted.status, 200, 'with a type and no body')
  t.equal((await ana.ask(path, {}, { method: 'DELETE' })).status, 409)
  const { objects: news } = await diego.poll(community, last, 10)
  t.match(news, [{ id: one.id, revoked: true }])
  t.notMatch(JSON.stringify(news), /known to few|3fff:abc/, 'of its content there is nothing')
  t.ok((news[0]?.modified ?? '') > one.modified)
  t.match((await diego.ask(path)).body.objects, [{ revoked: true }])
  t.strictSame(
    (await sofia.objects(community)).map(({ id }) => id),
    [two.id],
    'who never looked had nothing',
  )
  t.equal((await sofia.ask(path)).status, 404)
})

/** Objects under a few handlings, some hidden from Diego. */
async function plantMany(node: TestNode, count: number): Promise<Set<string>> {
  const seen = new Set<string>()
  const kinds = [
    handling('cert-br', { tlp: 'green', communities: ['lac-csirts'] }),
    handling('cert-br', { tlp: 'amber', communities: ['lac-csirts'] }),
    handling('cert-br', { tlp: 'amber', communities: ['fraude-sul'] }),
    handling('colcert', { tlp: 'clear' }),
  ]
  for (let n = 0; n < count; n++) {
    const id = await node.plant(kinds[n % kinds.length] ?? (kinds[0] as never), ipv6(n))
    if (n % kinds.length < 2) seen.add(id)
  }
  return seen
}

const once_ = (t: Test, found: readonly { id: string }[], expected: ReadonlySet<string>, what: string) => {
  const ids = found.map(({ id }) => id)
  if (new Set(ids).size !== ids.length) t.fail(`${what}: twice`)
  t.strictSame([...new Set(ids)].sort(), [...expected].sort(), what)
}

t.test(
  'every limit from 1 to 1,000 pages through all of it, each object once, in the order of unique times',
  async (t) => {
    const node = await testNode(t)
    const expected = await plantMany(node, Math.min(objects, 400))
    const diego = new TaxiiClient(node, 'diego.csirt-cl')
    const community = await diego.collection('community-lac-csirts')
    const manifest = await diego.manifest(community)
    once_(t, manifest, expected, 'the manifest')
    const times = manifest.map(({ date_added }) => date_added)
    t.strictSame(times, [...new Set(times)].sort(), 'times are unique, and ascend')
    const limits = [...Array(20).keys()].map((n) => n + 1).concat([33, 64, 99, 100, 101, 199, 200, 201, 999, 1_000])
    for (const limit of limits) once_(t, await diego.objects(community, {}, [limit]), expected, `limit ${limit}`)
    once_(t, await diego.objects(community, {}, [7, 1, 100, 3]), expected, 'a limit that changes between pages')
    for (const limit of [1, 7, 150])
      once_(t, (await diego.poll(community, undefined, limit)).objects, expected, `by time, ${limit}`)
    for (const [n, { date_added }] of manifest.entries()) {
      if (n % 29 !== 0) continue
      const { body } = await diego.ask(`${community}manifest/`, { added_after: date_added, limit: '1' })
      t.equal(body.objects?.[0]?.id, manifest[n + 1]?.id, 'strictly after')
      const one = await diego.ask(`${community}objects/${manifest[n]?.id}/`)
      t.equal(one.headers['x-taxii-date-added-first'], date_added, 'one object says the same time')
    }
    const { body } = await diego.ask(`${community}objects/`, { limit: '1' })
    for (const filter of [{ 'match[type]': 'indicator' }, { added_after: '2020-01-01T00:00:00Z' }] as Record<
      string,
      string
    >[])
      t.equal(
        (await diego.ask(`${community}objects/`, { ...filter, next: body.next })).status,
        400,
        'a cursor is of its filter',
      )
    t.equal(
      (await new TaxiiClient(node, 'sofia.csirt-ar').ask(`${community}objects/`, { next: body.next })).status,
      400,
    )
  },
)

t.test('a row that leaves the memory while others are read is on the page all the same', async (t) => {
  const node = await testNode(t)
  const diego = new TaxiiClient(node, 'diego.csirt-cl')
  const all = await diego.collection('all')
  await plantMany(node, 3)
  const ids = (await diego.objects(all, {}, [3])).map(({ id }) => id)
  const { hot } = node.context.column
  const [first = 0, ...others] = [1, 2, 3]
  for (const position of others) hot.forget(position)
  t.ok(hot.get(first) !== undefined && others.every((position) => hot.get(position) === undefined))
  const keep = hot.keep.bind(hot)
  hot.keep = (row) => {
    keep(row)
    hot.forget(first)
  }
  t.strictSame(
    (await diego.objects(all, {}, [3])).map(({ id }) => id),
    ids,
  )
})

t.test('with writers at work, who goes on by time or by `next` has each object once', async (t) => {
  const node = await testNode(t)
  const expected = new Set<string>()
  const diego = new TaxiiClient(node, 'diego.csirt-cl')
  const community = await diego.collection('community-lac-csirts')
  let writing = 3
  const clocked = { now: Date.parse('2026-06-01T00:00:00.000Z') }
  const write = async (account: string, seed: number) => {
    const path = await new TaxiiClient(node, account).collection('community-lac-csirts')
    const writer = new TaxiiClient(node, account)
    for (let left = objects / 3; left > 0; ) {
      const size = Math.max(1, Math.min(left, 1 + ((seed * 7919 + Math.round(left)) % 40)))
      const batch = Array.from({ length: size }, () => indicator(marked(left % 3 < 1 ? 'amber' : 'green')))
      for (const { id } of batch) expected.add(id)
      const { body } = await writer.add(path, { objects: batch })
      if (body.success_count !== batch.length) t.fail(JSON.stringify(body.failures))
      left -= size
      // Often in one millisecond, sometimes not.
      if (seed === 1) node.at(new Date(++clocked.now).toISOString())
    }
    writing--
  }
  const byTime = async (limit: number) => {
    const got: { id: string }[] = []
    for (let last: string | undefined, ended = false; ; ) {
      ended = writing === 0
      const page = await diego.poll(community, last, limit)
      got.push(...page.objects)
      last = page.last
      if (ended) return got
    }
  }
  const [, , , few, many] = await Promise.all([
    write('ana.cert-br', 1),
    write('carlos.colcert', 2),
    write('martin.csirt-ar', 3),
    byTime(5),
    byTime(1_000),
  ])
  once_(t, few, expected, 'by time, five at a time')
  once_(t, many, expected, 'by time, a thousand at a time')
  // Each page with another limit; of enough objects, every one from 1 to 1,000.
  for (const first of objects < 100_000 ? [1] : [1, 440, 615, 750, 870]) {
    const limits = Array.from({ length: 1_001 - first }, (_, n) => first + n)
    once_(t, await diego.objects(community, {}, limits), expected, `by \`next\`, limits from ${first}`)
  }
})

t.test(
  'what becomes visible later is added later: nobody who goes on misses it, and its time is taken by nothing else',
  async (t) => {
    const node = await testNode(t)
    const admin = await actions.authenticate(node.context, { ...node.as('policy.lacnic') })
    const membership = (action: 'add-member' | 'remove-member') =>
      actions[action](node.context, admin, { community: 'fraude-sul', organisation: 'csirt-cl' })
    await plantMany(node, 60)
    const diego = new TaxiiClient(node, 'diego.csirt-cl')
    const all = await diego.collection('all')
    const seen = (records: readonly { id: string }[]) => new Set(records.map(({ id }) => id))
    let { objects: had, last } = await diego.poll(all, undefined, 7)
    for (let round = 0; round < 3; round++) {
      const before = seen(await diego.objects(all))
      const next = await node.plant(handling('cert-br', { tlp: 'green' }), ipv6(10_000 + round))
      await membership('add-member')
      const page = await diego.poll(all, last, 4)
      last = page.last
      const now = seen(await diego.objects(all, {}, [3]))
      const came = [...now].filter((id) => !before.has(id))
      once_(t, page.objects, new Set(came), `round ${round}: all that came, and nothing else`)
      t.ok(came.length > 10 && came.includes(next), `${came.length} came`)
      had = [...had, ...page.objects]
      const manifest = await diego.manifest(all)
      const times = manifest.map(({ date_added }) => date_added)
      t.strictSame(times, [...new Set(times)].sort(), 'times are unique, and ascend')
      // One that arrived says its time everywhere.
      const one = manifest.find(({ id }) => came.includes(id))
      const { headers } = await diego.ask(`${all}objects/${one?.id}/`)
      t.equal(headers['x-taxii-date-added-first'], one?.date_added)
      await membership('remove-member')
      t.equal(seen(await diego.objects(all)).size, before.size + 1, 'what is lost is not there')
    }
  },
)

t.test('times in a millisecond are a permutation, and tell nothing of what lies between', async (t) => {
  const shuffles = new Shuffles(Buffer.alloc(32, 7))
  fc.assert(
    fc.property(fc.nat({ max: 1e9 }), (start) => {
      const codes = Array.from({ length: 1_000 }, (_, slot) => shuffles.codeOf(start, slot))
      return new Set(codes).size === 1_000 && codes.every((code) => code >= 0 && code < 1_000)
    }),
    { numRuns: 50 },
  )
  const other = new Shuffles(Buffer.alloc(32, 8))
  const same = Array.from({ length: 1_000 }, (_, slot) => shuffles.codeOf(5, slot) === other.codeOf(5, slot))
  t.ok(same.filter(Boolean).length < 30, 'another key, another order')
})
