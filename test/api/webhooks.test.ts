import { setTimeout as sleep } from 'node:timers/promises'
import type { InjectOptions } from 'fastify'
import t from 'tap'
import { amberFor, greenOf, plant, told } from '../follower.ts'
import { freshAddress, type TestNode, testNode } from '../node.ts'
import { bearing, pairOf, register, tokenFor } from '../tokens.ts'
import { json, Receiver, sendAll, sender, subscribe } from '../webhooks.ts'
import { ask, dataOf, errorsOf } from './graphql.ts'

/** The doors of webhooks: whose they are, what they take, and what is on the log. What is sent is in test/delivery. */

t.setTimeout(120_000)

const account = 'camila.csirt-cl'
const hook = 'https://soc.example/hook'
const none = '00000000-0000-4000-8000-000000000000'

const send = (node: TestNode, method: InjectOptions['method'], url: string, payload?: object, by = account) =>
  node.call(by, {
    method: method as 'POST',
    url: `/v1/subscriptions${url}`,
    ...(payload === undefined ? {} : { headers: json, payload: JSON.stringify(payload) }),
  })

t.test('made, listed, changed and removed, each on the audit log, and its secret told once', async (t) => {
  const node = await testNode(t)
  const made = await send(node, 'POST', '', {
    ...{ name: ' SOC ', url: hook, batch: 7, ownSystem: true },
    filter: { tlp: ['green'], network: '192.0.2.0/24' },
  })
  t.equal(made.status, 201)
  const { id, secret, ...subscription } = made.body
  t.match(secret, /^whsec_/)
  t.strictSame(subscription, {
    ...{ name: 'SOC', url: hook, filter: { tlp: ['green'], network: '192.0.2.0/24' }, ownSystem: true, batch: 7 },
    ...{ purpose: 'defence', createdAt: '2026-06-01T00:00:00.000Z', state: 'active', waiting: 0, deadLetters: 0 },
  })
  t.strictSame((await send(node, 'GET', '')).body, { items: [{ id, ...subscription }] })
  t.strictSame((await send(node, 'GET', `/${id}`)).body, { id, ...subscription })
  const amended = await send(node, 'PATCH', `/${id}`, { name: 'SOC 2', url: `${hook}2`, batch: 8, paused: true })
  t.match(amended.body, { name: 'SOC 2', url: `${hook}2`, batch: 8, state: 'paused', paused: { reason: 'owner' } })
  await send(node, 'POST', `/${id}/secret`, {})
  t.equal((await send(node, 'DELETE', `/${id}`)).status, 204)
  t.strictSame((await send(node, 'GET', '')).body, { items: [] })
  t.equal((await send(node, 'DELETE', `/${id}`)).status, 404)
  const { rows } = await node.context.database.client.query(
    `select l.action, l.actor, s.subject from audit_leaf l join audit_subject s on s.leaf = l.id where l.action like '%subscription%' or
       l.action like '%webhook%' order by l.id`,
  )
  t.strictSame(
    rows.map(({ action, actor, subject }) => [action, actor, JSON.parse(subject).id]),
    ['create-subscription', 'amend-subscription', 'rotate-webhook-secret', 'remove-subscription'].map((action) => [
      ...[action, account, id],
    ]),
  )
  t.notMatch(rows.map(({ subject }) => subject).join(), /whsec/)
})

t.test('they are the account’s own: for anybody else there are none', async (t) => {
  const node = await testNode(t)
  const { id } = await subscribe(node, account, hook)
  const asked: [InjectOptions['method'], string, object?][] = [
    ['GET', ''],
    ['PATCH', '', { name: 'x' }],
    ['PATCH', '', { from: 'now' }],
    ['DELETE', ''],
    ['POST', '/secret', {}],
    ['POST', '/ping'],
    ['GET', '/dead-letters'],
    ['POST', '/dead-letters/replay', {}],
  ]
  for (const other of ['diego.csirt-cl', 'nico.lacnic']) {
    t.strictSame((await send(node, 'GET', '', undefined, other)).body, { items: [] })
    for (const [method, url, body] of asked) {
      const there = await send(node, method, `/${id}${url}`, body, other)
      const nowhere = await send(node, method, `/${none}${url}`, body, other)
      t.equal(there.status, 404, `${method} ${url}`)
      t.strictSame(there.body, nowhere.body)
    }
  }
  for (const [method, url, body] of asked) {
    t.match(await send(node, method, `/${id}${url}`, body, 'anonymous'), {
      status: 401,
      body: { code: 'credentials_required' },
    })
  }
  const { body: key } = await node.call('nico.lacnic', {
    method: 'POST',
    url: `/v1/accounts/${account}/keys`,
    headers: json,
    payload: JSON.stringify({ name: 'reads', scopes: ['read'] }),
  })
  const reading = await node.app.inject({
    method: 'POST',
    url: '/v1/subscriptions',
    headers: { ...json, authorization: `Bearer ${key.secret}` },
    payload: JSON.stringify({ name: 'x', url: hook }),
  })
  t.match(reading.json(), { status: 403, code: 'scope_required' })
  const { body: writes } = await node.call('nico.lacnic', {
    method: 'POST',
    url: `/v1/accounts/${account}/keys`,
    headers: json,
    payload: JSON.stringify({ name: 'writes', scopes: ['write'] }),
  })
  const blind = await node.app.inject({
    method: 'POST',
    url: '/v1/subscriptions',
    headers: { ...json, authorization: `Bearer ${writes.secret}` },
    payload: JSON.stringify({ name: 'x', url: hook, from: 'beginning' }),
  })
  t.match(blind.json(), { status: 403, code: 'scope_required' }, 'who may not read is sent nothing')
  t.match((await send(node, 'GET', `/${id}`)).body, { name: 'test', state: 'active' }, 'nobody changed it')
})

t.test('what does not fit is refused, and names what', async (t) => {
  const node = await testNode(t)
  const good = { name: 'x', url: hook }
  const bad: [object, number, string, string?][] = [
    [{}, 400, 'invalid_request'],
    [{ ...good, name: '' }, 400, 'invalid_request', '/name'],
    [{ ...good, name: 'a\nb' }, 400, 'invalid_request', '/name'],
    [{ ...good, name: 'a\u0000' }, 400, 'invalid_text', '/name'],
    [{ ...good, batch: 0 }, 400, 'invalid_request', '/batch'],
    [{ ...good, batch: 1_001 }, 400, 'invalid_request', '/batch'],
    [{ ...good, url: 'https://user:secret@soc.example/' }, 422, 'endpoint_refused', '/url'],
    [{ ...good, url: 'http://soc.example/' }, 422, 'endpoint_refused', '/url'],
    [{ ...good, url: `https://soc.example/${'x'.repeat(2_048)}` }, 400, 'invalid_request', '/url'],
    [{ ...good, filter: { community: ['lac-csirts'], nothing: 1 } }, 400, 'invalid_request'],
    [{ ...good, filter: { status: ['recalled'] } }, 400, 'invalid_request'],
    [{ ...good, filter: { type: [] } }, 400, 'invalid_request'],
    [{ ...good, filter: { network: '192.0.2.0/99' } }, 422, 'invalid_value'],
    [{ ...good, from: 'yesterday' }, 400, 'invalid_request'],
    [{ ...good, cursor: 'x' }, 400, 'cursor_invalid'],
    [{ ...good, account: 'ana.cert-br' }, 400, 'invalid_request'],
  ]
  for (const [body, status, code, pointer] of bad) {
    const answer = await send(node, 'POST', '', body)
    t.match([answer.status, answer.body.code], [status, code], JSON.stringify(body).slice(0, 80))
    if (pointer !== undefined) t.match(answer.body.position, { pointer }, JSON.stringify(body).slice(0, 80))
  }
  const feed = await node.call(account, { url: '/v1/feed?tlp=green' })
  t.equal(
    (await send(node, 'POST', '', { ...good, cursor: feed.body.cursor })).body.code,
    'cursor_invalid',
    'of another filter',
  )
  const both = { ...good, cursor: feed.body.cursor, from: 'now', filter: { tlp: ['green'] } }
  t.match((await send(node, 'POST', '', both)).body, { code: 'invalid_request', position: { pointer: '/from' } })
  const theirs = await node.call('diego.csirt-cl', { url: '/v1/feed?tlp=green' })
  const stolen = { ...good, cursor: theirs.body.cursor, filter: { tlp: ['green'] } }
  t.equal((await send(node, 'POST', '', stolen)).body.code, 'cursor_invalid', 'of another reader')
  t.strictSame((await send(node, 'GET', '')).body.items, [], 'none of them was made')
  const { id } = await subscribe(node, account, hook)
  for (const body of [{}, { filter: {} }, { ownSystem: true }, { purpose: 'research' }, { paused: 'no' }]) {
    t.equal((await send(node, 'PATCH', `/${id}`, body)).status, 400, JSON.stringify(body))
  }
  for (const oldSecretSeconds of [-1, 604_801, 0.5]) {
    t.equal((await send(node, 'POST', `/${id}/secret`, { oldSecretSeconds })).status, 400)
  }
  t.equal((await send(node, 'GET', '/x')).status, 400)
})

t.test('an account has twenty, however many are made at once', async (t) => {
  const node = await testNode(t)
  const made = await Promise.all(
    Array.from({ length: 30 }, (_, n) => send(node, 'POST', '', { name: `${n}`, url: hook })),
  )
  t.equal(made.filter(({ status }) => status === 201).length, 20)
  t.match(
    made.find(({ status }) => status !== 201),
    { status: 409, body: { code: 'too_many_subscriptions' } },
  )
  t.equal((await send(node, 'POST', '', { name: 'x', url: hook }, 'diego.csirt-cl')).status, 201, 'others have theirs')
})

t.test('it begins where it is told: at the beginning, now, or behind what the feed gave', async (t) => {
  const node = await testNode(t, { privateHosts: ['127.0.0.1'] })
  const endpoint = await Receiver.start(t)
  await plant(node, 1, greenOf())
  const { body } = await node.call(account, { url: '/v1/feed?originator=cert-br&tlp=green&tlp=amber' })
  await plant(node, 2, amberFor('lac-csirts'))
  const filter = { tlp: ['green', 'amber'], originator: ['cert-br'] }
  const make = async (name: string, more: object) => {
    const answer = await send(node, 'POST', '', { name, url: endpoint.url.replace('hook', name), filter, ...more })
    t.equal(answer.status, 201, answer.text)
  }
  await make('beginning', { from: 'beginning' })
  await make('now', {})
  await make('behind', { cursor: body.cursor, ownSystem: true })
  await plant(node, 3, greenOf())
  await plant(node, 4, greenOf({ originator: 'csirt-cl' }))
  await sendAll(node.context)
  const got = (name: string) =>
    told(endpoint.got.filter(({ path }) => path === `/${name}`).flatMap((each) => each.body.data.changes))
  t.strictSame(got('beginning'), ['published 0001', 'published 0002', 'published 0003'])
  t.strictSame(got('now'), ['published 0003'])
  t.strictSame(got('behind'), ['published 0002', 'published 0003'], 'whatever the order of the filter')
})

t.test('one made with a token outlives it, and ends with the key the token was asked for with', async (t) => {
  const node = await testNode(t, { privateHosts: ['127.0.0.1'] })
  const endpoint = await Receiver.start(t)
  const pair = await pairOf()
  const key = await register(node, 'ana.cert-br', pair)
  const token = await tokenFor(node, 'ana.cert-br', pair)
  t.equal((await bearing(node, token)).status, 200)
  const made = await node.app.inject({
    method: 'POST',
    url: '/v1/subscriptions',
    headers: { ...json, authorization: `Bearer ${token}` },
    payload: JSON.stringify({ name: 'x', url: endpoint.url }),
  })
  t.equal(made.statusCode, 201)
  node.at('2026-06-02T00:00:00.000Z')
  await plant(node, 1, greenOf())
  t.equal(await sendAll(node.context), 1)
  await node.call('marta.lacnic', { method: 'DELETE', url: `/v1/client-keys/${key}` })
  await plant(node, 2, greenOf())
  t.equal(await sendAll(node.context), 0)
  const { body } = await send(node, 'GET', `/${made.json().id}`, undefined, 'ana.cert-br')
  t.match(body, { state: 'paused', paused: { reason: 'credential_ended' } })
})

t.test('a key that is taken back in the middle of a backlog ends it there', async (t) => {
  const node = await testNode(t, { privateHosts: ['127.0.0.1'] })
  const endpoint = await Receiver.start(t)
  const pair = await pairOf()
  const key = await register(node, 'ana.cert-br', pair)
  const token = await tokenFor(node, 'ana.cert-br', pair)
  for (let n = 1; n <= 5; n++) await plant(node, n, greenOf())
  const made = await node.app.inject({
    method: 'POST',
    url: '/v1/subscriptions',
    headers: { ...json, authorization: `Bearer ${token}` },
    payload: JSON.stringify({ name: 'x', url: endpoint.url, from: 'beginning', batch: 1 }),
  })
  t.equal(made.statusCode, 201)
  endpoint.reply = (_, nth) => ({
    status: 204,
    ...(nth === 2 ? { after: node.call('marta.lacnic', { method: 'DELETE', url: `/v1/client-keys/${key}` }) } : {}),
  })
  const { wake } = sender(t, node.context)
  wake()
  await endpoint.until(2)
  const paused = async () =>
    (await send(node, 'GET', `/${made.json().id}`, undefined, 'ana.cert-br')).body.state === 'paused'
  for (const until = performance.now() + 5_000; performance.now() < until && !(await paused()); ) await sleep(20)
  t.ok(await paused())
  t.strictSame(told(endpoint.items), ['published 0001', 'published 0002'])
})

t.test('each delivery of something above CLEAR is a reading on the audit log', async (t) => {
  const node = await testNode(t, { privateHosts: ['127.0.0.1'] })
  const endpoint = await Receiver.start(t)
  await subscribe(node, account, endpoint.url, {}, 'research')
  const { id } = await subscribe(node, account, endpoint.url)
  await plant(node, 1, greenOf({ tlp: 'clear' }))
  await sendAll(node.context)
  await plant(node, 2, greenOf())
  endpoint.reply = () => ({ status: 500 })
  await sendAll(node.context)
  node.at('2026-06-01T00:00:05.000Z')
  endpoint.reply = () => ({ status: 200 })
  await sendAll(node.context)
  await node.context.audit.flush()
  const { rows } = await node.context.database.client.query(
    "select leaf from audit_leaf where action = 'follow' order by id",
  )
  const leaves = rows.map(({ leaf }) => JSON.parse(leaf))
  t.equal(leaves.length, 2, 'each attempt, and not what is CLEAR')
  t.match(leaves, [
    { actor: account, purpose: 'defence', count: 1 },
    { actor: account, purpose: 'defence', count: 1 },
  ])
  t.match((await send(node, 'GET', `/${id}`)).body, { lastOutcome: 'status 200' })
})

t.test('GraphQL has the same', async (t) => {
  const node = await testNode(t, { privateHosts: ['127.0.0.1'] })
  const endpoint = await Receiver.start(t)
  const made = await dataOf(
    node,
    account,
    `mutation ($url: String!) { createWebhook(input: { name: "soc", url: $url, filter: { tlp: [GREEN], asn: [64496] }, from: BEGINNING }) {
      secret webhook { id state ownSystem batch purpose filter { tlp asn type } } } }`,
    { url: endpoint.url },
  )
  const { id } = made.createWebhook.webhook
  t.match(made.createWebhook, {
    secret: /^whsec_/,
    webhook: {
      state: 'ACTIVE',
      ownSystem: false,
      batch: 100,
      purpose: 'DEFENCE',
      filter: { tlp: ['GREEN'], type: null },
    },
  })
  const changed = await dataOf(
    node,
    account,
    `mutation ($id: ID!) {
      ping: pingWebhook(id: $id) { delivered outcome }
      amendWebhook(id: $id, paused: true) { state paused { reason } }
      rotateWebhookSecret(id: $id) { secret oldSecretUntil }
      replayDeadLetters(webhook: $id)
    }`,
    { id },
  )
  t.match(changed, {
    ping: { delivered: true, outcome: 'status 204' },
    amendWebhook: { state: 'PAUSED', paused: { reason: 'OWNER' } },
    rotateWebhookSecret: { secret: /^whsec_/, oldSecretUntil: '2026-06-02T00:00:00.000Z' },
    replayDeadLetters: 0,
  })
  const query = '($id: ID!) { webhooks { id } webhook(id: $id) { id } deadLetters(webhook: $id) { id } }'
  t.strictSame(await dataOf(node, account, `query ${query}`, { id }), {
    ...{ webhooks: [{ id }], webhook: { id }, deadLetters: [] },
  })
  const nothing = { webhooks: [], webhook: null, deadLetters: null }
  t.strictSame(await dataOf(node, 'diego.csirt-cl', `query ${query}`, { id }), nothing)
  const refused = await ask(node, 'diego.csirt-cl', 'mutation ($id: ID!) { removeWebhook(id: $id) }', { id })
  t.strictSame(errorsOf(refused), ['removeWebhook not_found'])
  t.strictSame(await dataOf(node, account, 'mutation ($id: ID!) { removeWebhook(id: $id) }', { id }), {
    removeWebhook: id,
  })
  const id2 = 'not a uuid'
  t.strictSame(errorsOf(await ask(node, account, 'mutation ($id: ID!) { removeWebhook(id: $id) }', { id: id2 })), [
    'removeWebhook not_found',
  ])
  t.strictSame(await dataOf(node, account, `query ${query}`, { id: id2 }), nothing)
})

t.test('the cursor of a delivery from which PAP kept something back is none of the feed', async (t) => {
  const node = await testNode(t, { privateHosts: ['127.0.0.1'] })
  const endpoint = await Receiver.start(t)
  for (const [n, pap] of [
    [1, 'green'],
    [2, 'amber'],
    [3, 'green'],
  ] as const)
    await plant(node, n, greenOf({ pap }))
  const cursorOf = async (more: object) => {
    await subscribe(node, 'camila.csirt-cl', endpoint.url, more)
    await sendAll(node.context)
    return endpoint.got.at(-1)?.body.data.cursor as string
  }
  const feed = (cursor: string) => node.call('camila.csirt-cl', { url: `/v1/feed?cursor=${cursor}` })
  t.match(await feed(await cursorOf({})), { status: 400, body: { code: 'cursor_invalid' } })
  t.match(await feed(await cursorOf({ ownSystem: true })), { status: 200, body: { items: { length: 0 }, more: false } })
})

t.test('a filter that finds nothing passes over much at a time, and keeps its place', async (t) => {
  const node = await testNode(t, { privateHosts: ['127.0.0.1'] })
  const endpoint = await Receiver.start(t)
  const lines = Array.from({ length: 3_000 }, (_, n) => JSON.stringify({ value: freshAddress(n + 1), tlp: 'green' }))
  const { status } = await node.call('ana.cert-br', {
    method: 'POST',
    url: '/v1/indicators',
    headers: { 'content-type': 'application/x-ndjson' },
    payload: lines.join('\n'),
  })
  t.equal(status, 200)
  const { id } = await subscribe(node, 'camila.csirt-cl', endpoint.url, {
    batch: 1,
    filter: { domain: 'nothing.example' },
  })
  const pool = node.context.database.client
  const query = pool.query.bind(pool) as (...given: unknown[]) => unknown
  let statements = 0
  const counted = (...given: unknown[]) => {
    statements++
    return query(...given)
  }
  Object.assign(pool, { query: counted })
  await sendAll(node.context)
  t.ok(statements < 150, `${statements} statements for 3,000 changes`)
  t.strictSame(endpoint.got, [])
  await plant(node, 9, greenOf())
  t.match((await node.call('camila.csirt-cl', { url: `/v1/subscriptions/${id}` })).body, { state: 'active' })
})
