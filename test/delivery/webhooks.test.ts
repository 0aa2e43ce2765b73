import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Ajv2020 } from 'ajv/dist/2020.js'
import t, { type Test } from 'tap'
import { parse } from 'yaml'
import { forgetLetters } from '../../src/actions/index.ts'
import { nextAttempt, retryPlan } from '../../src/domain/webhook.ts'
import { amberFor, greenOf, idOf, member, plant, recall, revise, told } from '../follower.ts'
import { type TestNode, testNode } from '../node.ts'
import { json, Receiver, sendAll, sender, subscribe, verifies } from '../webhooks.ts'

/** What endpoints are sent, and what becomes of it when they do not take it. */

t.setTimeout(300_000)

const start = '2026-06-01T00:00:00.000Z'
/** The node's time, so many seconds after its beginning. */
const after = (node: TestNode, seconds: number) => node.at(new Date(Date.parse(start) + seconds * 1000).toISOString())
const nodeFor = (t: Test) => testNode(t, { privateHosts: ['127.0.0.1'] })

async function show(node: TestNode, account: string, id: string) {
  const answer = await node.call(account, { url: `/v1/subscriptions/${id}` })
  if (answer.status !== 200) throw new Error(answer.text)
  return answer.body
}
const amend = (node: TestNode, account: string, id: string, payload: object) =>
  node.call(account, {
    method: 'PATCH',
    url: `/v1/subscriptions/${id}`,
    headers: json,
    payload: JSON.stringify(payload),
  })
const post = (node: TestNode, account: string, url: string, payload?: object) =>
  node.call(account, {
    method: 'POST',
    url: `/v1/subscriptions/${url}`,
    ...(payload === undefined ? {} : { headers: json, payload: JSON.stringify(payload) }),
  })
const pausesOnTheLog = async (node: TestNode) => {
  const { rows } = await node.context.database.client.query(
    `select s.subject from audit_leaf l join audit_subject s on s.leaf = l.id where l.action = 'amend-subscription' and l.actor is null`,
  )
  return rows.map(({ subject }) => JSON.parse(subject))
}

/** What openapi.yaml promises to endpoints. */
function sentSchema(name: string) {
  const ajv = new Ajv2020({ strict: false, formats: { 'date-time': true, uuid: true } })
  ajv.addSchema(parse(readFileSync('openapi.yaml', 'utf8')), 'openapi')
  return ajv.compile({ $ref: `openapi#/components/schemas/${name}` })
}

/** Lets the time pass until there is no further attempt. */
async function exhaust(node: TestNode, account: string, id: string): Promise<void> {
  for (;;) {
    await sendAll(node.context)
    const { nextAttemptAt } = await show(node, account, id)
    if (nextAttemptAt === undefined) return
    node.at(nextAttemptAt)
  }
}

t.test('signed, in the order of the feed, in batches, and with a cursor that goes on', async (t) => {
  const node = await nodeFor(t)
  node.at(new Date().toISOString())
  const endpoint = await Receiver.start(t)
  const { id, secret } = await subscribe(node, 'camila.csirt-cl', endpoint.url, { batch: 2, ownSystem: true })
  for (const n of [1, 2, 3, 4, 5]) await plant(node, n, greenOf())
  const { wake } = sender(t, node.context)
  wake()
  const got = await endpoint.until(3)
  t.strictSame(
    got.map(({ body }) => told(body.data.changes)),
    [['published 0001', 'published 0002'], ['published 0003', 'published 0004'], ['published 0005']],
  )
  const promised = sentSchema('ChangesSent')
  for (const each of got) {
    t.ok(promised(each.body), JSON.stringify(promised.errors))
    t.ok(verifies(secret, each), 'the official library accepts it')
    t.notOk(verifies('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', each), 'and under no other secret')
    t.match(each.body, { type: 'indicators.changed', data: { subscription: id, cursor: String } })
    t.match(each.headers, { 'content-type': 'application/json', 'webhook-id': /^msg_[0-9a-f]{32}$/ })
  }
  t.equal(new Set(got.map((each) => each.id)).size, 3)
  const feed = await node.call('camila.csirt-cl', { url: '/v1/feed' })
  t.strictSame(endpoint.items, feed.body.items, 'the same as the feed has')
  const { cursor } = got[1]?.body.data ?? {}
  const rest = await node.call('camila.csirt-cl', { url: `/v1/feed?cursor=${cursor}` })
  t.strictSame(told(rest.body.items), ['published 0005'], 'the feed goes on behind a delivery')
  await revise(node, 1, { confidence: 5 })
  await recall(node, 2)
  wake()
  await endpoint.untilTold(7)
  t.strictSame(told(endpoint.items.slice(5)), ['revised 0001', 'recalled 0002'])
})

t.test('a failed delivery is sent again later, under the same id, before anything else', async (t) => {
  const node = await nodeFor(t)
  const endpoint = await Receiver.start(t)
  const { id } = await subscribe(node, 'camila.csirt-cl', endpoint.url)
  await plant(node, 1, greenOf())
  endpoint.reply = () => ({ status: 500 })
  t.equal(await sendAll(node.context), 1)
  t.match(await show(node, 'camila.csirt-cl', id), {
    ...{ waiting: 1, failingSince: start, lastOutcome: 'status 500' },
    nextAttemptAt: '2026-06-01T00:00:05.000Z',
  })
  await plant(node, 2, greenOf())
  after(node, 4)
  t.equal(await sendAll(node.context), 0, 'not before its time, whatever comes')
  after(node, 5)
  endpoint.reply = () => ({ status: 503, headers: { 'retry-after': '900' } })
  t.equal(await sendAll(node.context), 1)
  after(node, 5 + 899)
  t.equal(await sendAll(node.context), 0, 'the endpoint asked for more time than the schedule has')
  after(node, 5 + 900)
  endpoint.reply = () => ({ status: 301, headers: { location: '/elsewhere' } })
  t.equal(await sendAll(node.context), 1, 'a redirect is not followed')
  t.ok(endpoint.got.every(({ path }) => path === '/hook'))
  after(node, 5 + 900 + 1_800)
  endpoint.reply = () => ({ status: 200 })
  await sendAll(node.context)
  const [first, ...others] = endpoint.got
  t.strictSame(
    others.slice(0, 3).map(({ id: again, text }) => [again, text]),
    [1, 2, 3].map(() => [first?.id, first?.text]),
    'the same id and the same bytes',
  )
  t.strictSame(told(endpoint.got.at(-1)?.body.data.changes), ['published 0002'])
  const shown = await show(node, 'camila.csirt-cl', id)
  t.match(shown, { waiting: 0, lastOutcome: 'status 200' })
  t.notOk('failingSince' in shown)
})

t.test('what may not be seen any more is not sent again', async (t) => {
  const node = await nodeFor(t)
  const endpoint = await Receiver.start(t)
  await subscribe(node, 'camila.csirt-cl', endpoint.url)
  for (const n of [1, 2, 3]) await plant(node, n, amberFor('lac-csirts'))
  await plant(node, 4, greenOf())
  // The endpoint may have it, and may not: nobody knows.
  endpoint.reply = () => ({ status: 500 })
  await sendAll(node.context)
  t.strictSame(told(endpoint.items), ['published 0001', 'published 0002', 'published 0003', 'published 0004'])
  await revise(node, 2, { audience: ['colcert'] })
  await revise(node, 3, { confidence: 7 })
  await recall(node, 4)
  endpoint.reply = () => ({ status: 200 })
  after(node, 5)
  const before = endpoint.got.length
  await sendAll(node.context)
  t.strictSame(
    endpoint.got.slice(before).map(({ body }) => told(body.data.changes)),
    [['published 0001'], ['withdrawn 0002', 'revised 0003', 'recalled 0004']],
    'one that had the first attempt ends as one that had not',
  )
  t.equal(endpoint.got[before]?.id, endpoint.got[0]?.id)
  await plant(node, 5, amberFor('lac-csirts'))
  endpoint.reply = () => ({ status: 500 })
  await sendAll(node.context)
  await member(node, 'DELETE', 'csirt-cl')
  endpoint.reply = () => ({ status: 200 })
  after(node, 10)
  const left = endpoint.got.length
  await sendAll(node.context)
  const sent = endpoint.got.slice(left)
  t.strictSame(told(sent.flatMap(({ body }) => body.data.changes)).sort(), [
    'withdrawn 0001',
    'withdrawn 0003',
    'withdrawn 0005',
  ])
  t.notMatch(sent.map(({ text }) => text).join(''), /3fff/, 'no value')
  await member(node, 'PUT', 'csirt-cl')
  await sendAll(node.context)
  t.strictSame(told(endpoint.got.at(-1)?.body.data.changes).sort(), [
    'published 0001',
    'published 0003',
    'published 0005',
  ])
})

t.test('what is never taken becomes a dead letter, and can be sent again', async (t) => {
  const node = await nodeFor(t)
  const endpoint = await Receiver.start(t)
  const account = 'camila.csirt-cl'
  const { id } = await subscribe(node, account, endpoint.url, { batch: 10 })
  await plant(node, 1, greenOf())
  await plant(node, 2, greenOf())
  await plant(node, 3, amberFor('lac-csirts'))
  await plant(node, 4, greenOf())
  endpoint.reply = ({ body }) => ({ status: told(body.data.changes).includes('published 0001') ? 422 : 200 })
  await exhaust(node, account, id)
  t.equal(endpoint.got.length, 10, 'ten attempts')
  const listed = await node.call(account, { url: `/v1/subscriptions/${id}/dead-letters` })
  t.match(listed.body.items, [
    { id: endpoint.got[0]?.id, attempts: 10, reason: 'status 422', ids: [idOf(1), idOf(2), idOf(3), idOf(4)] },
  ])
  t.match(await show(node, account, id), { state: 'active', waiting: 0, deadLetters: 1 })
  await plant(node, 5, greenOf())
  await sendAll(node.context)
  t.strictSame(told(endpoint.got.at(-1)?.body.data.changes), ['published 0005'], 'what comes later is not held up')

  await revise(node, 2, { confidence: 9 })
  await recall(node, 4)
  await member(node, 'DELETE', 'csirt-cl')
  endpoint.reply = () => ({ status: 200 })
  await sendAll(node.context)
  const before = endpoint.got.length
  t.match((await post(node, account, `${id}/dead-letters/replay`, { letters: [`msg_${'0'.repeat(32)}`] })).body, {
    replayed: 0,
  })
  t.match((await post(node, account, `${id}/dead-letters/replay`, {})).body, { replayed: 1 })
  await sendAll(node.context)
  t.strictSame(
    endpoint.got.slice(before).map(({ id: again, body }) => [again, told(body.data.changes)]),
    [[endpoint.got[0]?.id, ['published 0001']]],
    'without what was told later, and without what may not be seen now',
  )
  t.match(await show(node, account, id), { waiting: 0, deadLetters: 0 })
})

t.test('a loss that was undone meanwhile is not replayed', async (t) => {
  const node = await nodeFor(t)
  const endpoint = await Receiver.start(t)
  const account = 'camila.csirt-cl'
  const { id } = await subscribe(node, account, endpoint.url)
  await plant(node, 1, amberFor('lac-csirts'))
  await plant(node, 2, amberFor('lac-csirts'))
  await sendAll(node.context)
  await member(node, 'DELETE', 'csirt-cl')
  endpoint.reply = () => ({ status: 422 })
  await exhaust(node, account, id)
  t.match(await show(node, account, id), { deadLetters: 1 })
  endpoint.reply = () => ({ status: 200 })
  await member(node, 'PUT', 'csirt-cl')
  await sendAll(node.context)
  await recall(node, 2)
  await sendAll(node.context)
  const before = endpoint.got.length
  await post(node, account, `${id}/dead-letters/replay`, {})
  await sendAll(node.context)
  t.strictSame(
    endpoint.got.slice(before).map(({ body }) => told(body.data.changes)),
    [['withdrawn 0002']],
    'the one that is back is not taken away; the other is gone',
  )
})

t.test('410 pauses, and so does taking nothing for days; the list, the audit log and the owner say so', async (t) => {
  const node = await nodeFor(t)
  const endpoint = await Receiver.start(t)
  const account = 'camila.csirt-cl'
  const { id } = await subscribe(node, account, endpoint.url)
  await plant(node, 1, greenOf())
  endpoint.reply = () => ({ status: 410 })
  await sendAll(node.context)
  const listed = await node.call(account, { url: '/v1/subscriptions' })
  t.match(listed.body.items, [{ id, state: 'paused', paused: { reason: 'gone', at: start }, waiting: 1 }])
  t.match(await pausesOnTheLog(node), [{ id, paused: 'gone' }])
  after(node, 86_400)
  await plant(node, 2, greenOf())
  t.equal(await sendAll(node.context), 0, 'nothing is sent to it')
  endpoint.reply = () => ({ status: 200 })
  t.match((await amend(node, account, id, { paused: false })).body, { state: 'active' })
  await sendAll(node.context)
  t.strictSame(told(endpoint.items.slice(1)), ['published 0001', 'published 0002'], 'nothing was lost')

  await plant(node, 3, greenOf())
  endpoint.reply = () => ({ status: 500 })
  await sendAll(node.context)
  after(node, 86_400 + 119 * 3_600)
  await sendAll(node.context)
  t.match(await show(node, account, id), { state: 'active' })
  after(node, 86_400 + 120 * 3_600 + 86_400)
  await sendAll(node.context)
  t.match(await show(node, account, id), { state: 'paused', paused: { reason: 'failing' }, waiting: 1 })
  t.match(await pausesOnTheLog(node), [{ paused: 'gone' }, { id, paused: 'failing' }])

  await amend(node, account, id, { paused: true })
  t.match(await show(node, account, id), { paused: { reason: 'owner' } })
  endpoint.reply = () => ({ status: 200 })
  await amend(node, account, id, { paused: false, from: 'now' })
  await plant(node, 4, greenOf())
  const before = endpoint.items.length
  await sendAll(node.context)
  t.strictSame(told(endpoint.items.slice(before)), ['published 0004'], 'put to now, what waited is dropped')
  await amend(node, account, id, { cursor: endpoint.got[0]?.body.data.cursor })
  await sendAll(node.context)
  t.strictSame(told(endpoint.items.slice(before + 1)), ['published 0002', 'published 0003', 'published 0004'])
})

t.test('both secrets sign while one replaces the other, and then the new one alone', async (t) => {
  const node = await nodeFor(t)
  const now = Date.now()
  node.at(new Date(now).toISOString())
  const endpoint = await Receiver.start(t)
  const { id, secret } = await subscribe(node, 'camila.csirt-cl', endpoint.url)
  t.match(secret, /^whsec_[A-Za-z0-9+/]{43}=$/)
  const { body } = await post(node, 'camila.csirt-cl', `${id}/secret`, { oldSecretSeconds: 60 })
  t.not(body.secret, secret)
  t.equal(body.oldSecretUntil, new Date(now + 60_000).toISOString())
  t.match(await show(node, 'camila.csirt-cl', id), { oldSecretUntil: body.oldSecretUntil })
  await plant(node, 1, greenOf())
  await sendAll(node.context)
  node.at(new Date(now + 60_000).toISOString())
  await plant(node, 2, greenOf())
  await sendAll(node.context)
  const [during, later] = endpoint.got
  if (during === undefined || later === undefined) throw new Error('two deliveries were expected')
  t.strictSame([verifies(secret, during), verifies(body.secret, during)], [true, true])
  t.strictSame([verifies(secret, later), verifies(body.secret, later)], [false, true])
  const { rows } = await node.context.database.client.query('select secret, old_secret from webhook_subscription')
  for (const sealed of [rows[0].secret, rows[0].old_secret]) {
    t.notOk(sealed.includes(Buffer.from(body.secret.slice(6), 'base64')), 'not readable in the database')
    t.notOk(sealed.includes(Buffer.from(body.secret)))
  }
})

t.test('a ping is signed, says nothing, and goes to a paused one too', async (t) => {
  const node = await nodeFor(t)
  node.at(new Date().toISOString())
  const endpoint = await Receiver.start(t)
  const { id, secret } = await subscribe(node, 'camila.csirt-cl', endpoint.url)
  await amend(node, 'camila.csirt-cl', id, { paused: true })
  t.strictSame((await post(node, 'camila.csirt-cl', `${id}/ping`)).body, { delivered: true, outcome: 'status 204' })
  const [ping] = endpoint.got
  if (ping === undefined) throw new Error('no ping came')
  t.ok(verifies(secret, ping))
  t.ok(sentSchema('PingSent')(ping.body))
  t.match(ping.body, { type: 'webhook.ping', data: { subscription: id } })
  t.strictSame(Object.keys(ping.body.data), ['subscription'])
  endpoint.reply = () => ({ status: 500 })
  t.strictSame((await post(node, 'camila.csirt-cl', `${id}/ping`)).body, { delivered: false, outcome: 'status 500' })
  t.equal((await post(node, 'diego.csirt-cl', `${id}/ping`)).status, 404, 'not for a colleague')
  t.equal(endpoint.got.length, 2)
})

t.test('nothing is sent to this machine or its network', async (t) => {
  const node = await testNode(t)
  const endpoint = await Receiver.start(t)
  const secure = endpoint.url.replace('http:', 'https:')
  for (const url of [endpoint.url, secure, 'https://169.254.169.254/', 'https://[::1]/', 'ftp://example.org/', 'x']) {
    const answer = await node.call('camila.csirt-cl', {
      method: 'POST',
      url: '/v1/subscriptions',
      headers: json,
      payload: JSON.stringify({ name: 'inside', url }),
    })
    t.match(answer, { status: 422, body: { code: 'endpoint_refused' } }, url)
  }
  // A name may turn into an address of this machine after it was looked at.
  const { id } = await subscribe(node, 'camila.csirt-cl', 'https://localhost.example/hook')
  await node.context.database.client.query('update webhook_subscription set url = $1', [
    endpoint.url.replace('http://127.0.0.1', 'https://localhost'),
  ])
  await plant(node, 1, greenOf())
  t.equal(await sendAll(node.context), 1)
  t.match(await show(node, 'camila.csirt-cl', id), { waiting: 1, lastOutcome: /no address of the Internet/ })
  t.match((await post(node, 'camila.csirt-cl', `${id}/ping`)).body, { delivered: false })
  t.equal(endpoint.got.length, 0)
})

t.test('PAP: only CLEAR and GREEN leave the own systems; RED by TLP goes nowhere', async (t) => {
  const node = await nodeFor(t)
  const [own, other] = [await Receiver.start(t), await Receiver.start(t)]
  const account = 'carlos.colcert'
  await subscribe(node, account, own.url, { ownSystem: true })
  const { id } = await subscribe(node, account, other.url)
  await plant(node, 1, greenOf({ pap: 'clear' }))
  await plant(node, 2, greenOf({ pap: 'green' }))
  await plant(node, 3, greenOf({ pap: 'amber' }))
  await plant(node, 4, greenOf({ pap: 'red' }))
  await plant(node, 5, greenOf({ originator: 'csirt-cl', tlp: 'red', pap: 'clear', people: [account] }))
  const read = await node.call(account, { url: `/v1/indicators/${idOf(5)}` })
  t.equal(read.status, 200, 'he may read RED')
  await sendAll(node.context)
  t.strictSame(told(own.items), ['published 0001', 'published 0002', 'published 0003', 'published 0004'])
  t.strictSame(told(other.items), ['published 0001', 'published 0002'])
  await revise(node, 1, { pap: 'red' })
  await sendAll(node.context)
  t.strictSame(told(other.items.slice(2)), ['withdrawn 0001'], 'what may stay no longer is taken back')
  t.notMatch(other.got.at(-1)?.text, /3fff/)
  const tried = await amend(node, account, id, { ownSystem: true })
  t.equal(tried.status, 400, 'what it is cannot be changed afterwards')
})

t.test('sending stops when the rights do: key, account, and what may be seen', async (t) => {
  const node = await nodeFor(t)
  const endpoint = await Receiver.start(t)
  const account = 'camila.csirt-cl'
  const { id } = await subscribe(node, account, endpoint.url)
  await plant(node, 1, amberFor('lac-csirts'))
  const { wake } = sender(t, node.context)
  wake()
  await endpoint.until(1)
  await member(node, 'DELETE', 'csirt-cl')
  // Nobody wakes it: it finds out by itself.
  const began = performance.now()
  await endpoint.until(2)
  t.ok(performance.now() - began < 5_000, 'within five seconds')
  t.strictSame(endpoint.items.slice(1), [{ change: 'withdrawn', id: idOf(1) }])

  const paused = async (reason: string) => {
    for (const until = performance.now() + 5_000; performance.now() < until; await sleep(20)) {
      const { rows } = await node.context.database.client.query('select paused_reason from webhook_subscription')
      if (rows[0].paused_reason === reason) return true
    }
    return false
  }
  const keys = await node.call('nico.lacnic', { url: `/v1/accounts/${account}/keys` })
  const key = await node.call('nico.lacnic', {
    method: 'POST',
    url: `/v1/accounts/${account}/keys`,
    headers: json,
    payload: JSON.stringify({ name: 'another' }),
  })
  await node.call('nico.lacnic', { method: 'DELETE', url: `/v1/keys/${keys.body.items[0].id}` })
  await plant(node, 2, greenOf())
  t.ok(await paused('credential_ended'), 'the key it was made with was taken back')
  t.equal(endpoint.got.length, 2)
  const authorization = `Bearer ${key.body.secret}`
  const resumed = await node.app.inject({
    method: 'PATCH',
    url: `/v1/subscriptions/${id}`,
    headers: { ...json, authorization },
    payload: JSON.stringify({ paused: false }),
  })
  t.equal(resumed.statusCode, 200, 'another key of the account takes it over')
  wake()
  await endpoint.until(3)
  t.strictSame(told(endpoint.items.slice(2)), ['published 0002'])

  await node.call('nico.lacnic', {
    method: 'PATCH',
    url: `/v1/accounts/${account}`,
    headers: json,
    payload: JSON.stringify({ disabled: true }),
  })
  await plant(node, 3, greenOf())
  t.ok(await paused('credential_ended'), 'the account was disabled')
  t.equal(endpoint.got.length, 3)
})

t.test(
  'an agreement that begins brings what it lets through, masked where it must be, and takes it when it ends',
  async (t) => {
    const node = await nodeFor(t)
    const endpoint = await Receiver.start(t)
    await subscribe(node, 'xochitl.cert-mx', endpoint.url)
    await plant(node, 1, greenOf())
    const personal = greenOf({ personalData: true })
    await node.plant(personal, { type: 'email-address', value: 'ana@example.com' }, { id: idOf(2) })
    await plant(node, 3, greenOf({ notReleasableTo: ['MX'] }))
    t.equal(await sendAll(node.context), 0)
    const agree = (url: string, payload: object) =>
      node.call('policy.lacnic', { method: 'POST', url, headers: json, payload: JSON.stringify(payload) })
    const made = await agree('/v1/agreements', {
      ...{ id: 'br-mx', name: 'invented', parties: ['BR', 'MX'], maxTlp: 'green', purposes: ['defence'] },
      ...{ personalData: false, validFrom: '2026-01-01T00:00:00.000Z', citation: 'invented' },
    })
    t.equal(made.status, 201, made.text)
    await sendAll(node.context)
    t.strictSame(told(endpoint.items), ['published 0001', 'published 0002'])
    t.match(endpoint.items[1], { indicator: { masked: true, value: /^[0-9a-f]{32}$/ } })
    t.notMatch(endpoint.got[0]?.text, /ana@/)
    after(node, 1)
    const ended = await agree('/v1/agreements/br-mx/end', {})
    t.equal(ended.status, 200, ended.text)
    await sendAll(node.context)
    t.strictSame(endpoint.items.slice(2), [
      { change: 'withdrawn', id: idOf(1) },
      { change: 'withdrawn', id: idOf(2) },
    ])
  },
)

t.test('sharing that ends by itself is taken back, without anything else happening', async (t) => {
  const node = await nodeFor(t)
  const endpoint = await Receiver.start(t)
  await subscribe(node, 'camila.csirt-cl', endpoint.url)
  await plant(node, 1, greenOf({ expiresAt: '2026-06-01T01:00:00.000Z' }))
  await sendAll(node.context)
  after(node, 3_599)
  t.equal(await sendAll(node.context), 0)
  after(node, 3_600)
  t.equal(await sendAll(node.context), 1)
  t.strictSame(endpoint.items.slice(1), [{ change: 'withdrawn', id: idOf(1) }])
})

t.test('a body is no larger than it may be, and a larger change goes alone', async (t) => {
  const node = await nodeFor(t)
  const endpoint = await Receiver.start(t)
  await subscribe(node, 'camila.csirt-cl', endpoint.url)
  const large = { description: 'x'.repeat(300_000) }
  for (let n = 1; n <= 8; n++)
    await node.plant(greenOf(), { type: 'domain-name', value: `${n}.example` }, { id: idOf(n), ...large })
  const huge = { description: 'x'.repeat(1_100_000) }
  await node.plant(greenOf(), { type: 'domain-name', value: 'huge.example' }, { id: idOf(9), ...huge })
  await sendAll(node.context)
  t.strictSame(
    endpoint.items.map(({ id }) => id),
    Array.from({ length: 9 }, (_, n) => idOf(n + 1)),
  )
  const [last, ...others] = endpoint.got.map(({ text }) => text.length).reverse()
  t.ok(
    others.every((bytes) => bytes <= 1024 * 1024),
    others.join(),
  )
  t.ok(others.length < 8, 'as many as fit')
  t.ok(Number(last) > 1024 * 1024)
})

t.test('with as many dead letters as are kept it is paused, and loses none', async (t) => {
  const node = await nodeFor(t)
  const endpoint = await Receiver.start(t)
  const account = 'camila.csirt-cl'
  const { id } = await subscribe(node, account, endpoint.url)
  await node.context.database.client.query(
    `insert into webhook_delivery (id, subscription, number, steps, feed_epoch, cursor, created_at, dead_at, dead_reason)
     select 'msg_' || lpad(n::text, 32, '0'), $1, -n, '[]', gen_random_uuid(), '', now(), now(), 'status 500' from generate_series(1, 100) n`,
    [id],
  )
  await plant(node, 1, greenOf())
  endpoint.reply = () => ({ status: 500 })
  await exhaust(node, account, id)
  t.match(await show(node, account, id), {
    ...{ state: 'paused', paused: { reason: 'dead_letters_full' } },
    ...{ waiting: 1, deadLetters: 100 },
  })
  endpoint.reply = () => ({ status: 200 })
  t.match((await post(node, account, `${id}/dead-letters/replay`, {})).body, { replayed: 100 })
  await amend(node, account, id, { paused: false })
  await sendAll(node.context)
  t.strictSame(told(endpoint.items.slice(-1)), ['published 0001'])
  t.match(await show(node, account, id), { waiting: 0, deadLetters: 0 })
})

t.test('dead letters are kept for thirty days', async (t) => {
  const node = await nodeFor(t)
  const endpoint = await Receiver.start(t)
  const { id } = await subscribe(node, 'camila.csirt-cl', endpoint.url)
  await plant(node, 1, greenOf())
  endpoint.reply = () => ({ status: 500 })
  await exhaust(node, 'camila.csirt-cl', id)
  const dead = node.context.clock().getTime()
  node.at(new Date(dead + 30 * 86_400_000).toISOString())
  t.equal(await forgetLetters(node.context), 0)
  node.at(new Date(dead + 30 * 86_400_000 + 1).toISOString())
  t.equal(await forgetLetters(node.context), 1)
  t.match(await show(node, 'camila.csirt-cl', id), { state: 'active', deadLetters: 0 })
})

t.test('after a restore it is paused, and its owner says where it goes on', async (t) => {
  const node = await nodeFor(t)
  const endpoint = await Receiver.start(t)
  const account = 'camila.csirt-cl'
  const { id } = await subscribe(node, account, endpoint.url)
  await plant(node, 1, greenOf())
  await sendAll(node.context)
  await plant(node, 2, greenOf())
  endpoint.reply = () => ({ status: 500 })
  await sendAll(node.context)
  const restored = { ...node.context, node: { ...node.context.node, feedEpoch: randomUUID() } }
  endpoint.reply = () => ({ status: 200 })
  after(node, 5)
  t.equal(await sendAll(restored), 0, 'what was written for positions of before is not sent')
  t.match(await show(node, account, id), { state: 'paused', paused: { reason: 'cursor_outdated' } })
  await amend(node, account, id, { paused: false, from: 'beginning' })
  await sendAll(restored)
  t.strictSame(told(endpoint.items.slice(2)), ['published 0001', 'published 0002'])
})

t.test('retries come later and later, spread by chance, and not before the endpoint says', async (t) => {
  const at = new Date(start)
  const wait = (attempts: number, chance: number, retryAfter?: string) => {
    const next = nextAttempt(retryPlan, attempts, { status: 503, retryAfter }, at, chance)
    return next && (next.getTime() - at.getTime()) / 1000
  }
  t.strictSame(
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((n) => wait(n, 0)),
    [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400, undefined],
    'the schedule of Standard Webhooks 1.0.0',
  )
  t.equal(wait(1, 1), 6)
  t.equal(wait(2, 0, '30'), 300, 'no earlier than the schedule')
  t.equal(wait(1, 0, '600'), 600)
  t.equal(wait(1, 0, 'Mon, 01 Jun 2026 00:10:00 GMT'), 600)
  t.equal(wait(1, 0, '99999999'), 86_400, 'a day at most')
  for (const text of ['', 'soon', '-5', '1e9', 'Mon, 01 Jun 2020 00:00:00 GMT']) t.equal(wait(1, 0, text), 5, text)
})

t.test('an endpoint that does not answer delays no other', async (t) => {
  const node = await nodeFor(t)
  const [slow, quick] = [await Receiver.start(t), await Receiver.start(t)]
  let answer = () => {}
  slow.reply = () => ({
    status: 200,
    after: new Promise<void>((resolve) => {
      answer = resolve
    }),
  })
  // Five slow ones of one account: more than it may have under way at once.
  for (let n = 0; n < 5; n++) await subscribe(node, 'carlos.colcert', slow.url)
  await subscribe(node, 'camila.csirt-cl', quick.url, { batch: 1 })
  await plant(node, 1, greenOf())
  const { wake } = sender(t, node.context)
  wake()
  await slow.until(4)
  await quick.until(1)
  await plant(node, 2, greenOf())
  wake()
  await quick.until(2)
  t.equal(slow.got.length, 4, 'four of one account at once')
  slow.reply = () => ({ status: 200 })
  answer()
  await slow.until(5)
  t.pass('the fifth has its turn')
})

t.test('of two processes one sends, and the other takes over when it dies', async (t) => {
  const node = await nodeFor(t)
  const endpoint = await Receiver.start(t)
  await subscribe(node, 'camila.csirt-cl', endpoint.url, { batch: 1 })
  const [one, two] = [sender(t, node.context), sender(t, node.context)]
  for (let n = 1; n <= 50; n++) {
    await plant(node, n, greenOf())
    one.wake()
    two.wake()
  }
  await endpoint.until(50)
  await Promise.all([one.stop(), two.stop()])
  t.strictSame(
    endpoint.items.map(({ id }) => id),
    Array.from({ length: 50 }, (_, n) => idOf(n + 1)),
    'each once, in order',
  )
  // A process that died in the middle: its delivery is written, and it holds the subscription.
  await plant(node, 51, greenOf())
  endpoint.reply = () => ({ status: 200 })
  const { beat, beginWork, nextSending, settleSending, takeSubscriptions } = await import('../../src/actions/index.ts')
  const dead = '00000000-0000-4000-8000-00000000dead'
  await beat(node.context, dead)
  const [held] = await takeSubscriptions(node.context, dead, 10, [])
  const work = held && (await beginWork(node.context, held))
  const lost = work && (await nextSending(node.context, work))
  const three = sender(t, node.context)
  const began = performance.now()
  three.wake()
  await endpoint.until(51)
  t.ok(performance.now() - began > 1_000, 'not while it may be alive')
  t.ok(performance.now() - began < 10_000, 'and soon after')
  t.equal(endpoint.got.at(-1)?.id, lost?.id, 'under the id that it had')
  const settled = lost && work && (await settleSending(node.context, work, lost, { status: 500 }, retryPlan, 0))
  t.equal(settled, false)
  t.match(await node.context.database.client.query('select failing_since, holder from webhook_subscription'), {
    rows: [{ failing_since: null }],
  })
  await plant(node, 52, greenOf())
  t.equal(work && (await nextSending(node.context, work)), undefined, 'the one thought dead writes no more')
})
