import { once } from 'node:events'
import { request } from 'node:http'
import { connect } from 'node:net'
import t from 'tap'
import { mintKey } from '../../src/auth/api-keys.ts'
import { insertKey } from '../../src/store/keys.ts'
import { amberFor, greenOf, idOf, member, plant, recall, revise } from '../follower.ts'
import { testNode } from '../node.ts'
import { addressOf } from '../sse.ts'
import { Subscriber } from '../subscriber.ts'

t.setTimeout(300_000)

t.test('a subscription gives what is there, then what changes', async (t) => {
  const node = await testNode(t, { listen: true })
  for (let n = 1; n <= 3; n++) await plant(node, n, n === 3 ? amberFor('lac-csirts') : greenOf())
  const camila = await new Subscriber(node).open(node.as('camila.csirt-cl'))
  await camila.init()
  camila.subscribe('a')
  await camila.until(({ told }) => told.length >= 3, 'what is there')
  await revise(node, 1, { confidence: 10 })
  await recall(node, 2)
  await camila.until(({ told }) => told.length >= 5, 'what changed')
  await member(node, 'DELETE', 'csirt-cl')
  await camila.until(({ told }) => told.length >= 6, 'what the policy took')
  t.strictSame(camila.told, [
    ...['PUBLISHED 0001', 'PUBLISHED 0002', 'PUBLISHED 0003'],
    ...['REVISED 0001', 'RECALLED 0002', 'WITHDRAWN 0003'],
  ])
  camila.ws.terminate()
  await plant(node, 4, greenOf())
  const again = await new Subscriber(node).open()
  await again.init({ authorization: node.as('camila.csirt-cl').authorization })
  again.subscribe('a', camila.cursor)
  await again.until(({ told }) => told.length >= 1)
  t.strictSame(again.told, ['PUBLISHED 0004'])
  again.ws.terminate()
})

t.test('who a socket is, is said once: by the handshake, or by the first word', async (t) => {
  const node = await testNode(t, { guards: { connectionInitMs: 300 } })
  await plant(node, 1, greenOf())
  const key = node.as('camila.csirt-cl').authorization
  const closedBy = async (subscriber: Subscriber) => {
    await subscriber.until(({ closed }) => closed !== undefined, 'the end')
    return subscriber.closed
  }
  const silent = await new Subscriber(node).open()
  t.match(await closedBy(silent), { code: 4408 }, 'who says nothing is shown out')
  const hasty = await new Subscriber(node).open(node.as('camila.csirt-cl'))
  hasty.subscribe('a')
  t.match(await closedBy(hasty), { code: 4401 }, 'nothing before the first word')
  const twice = await new Subscriber(node).open()
  await twice.init()
  await twice.init({ authorization: key })
  t.match(await closedBy(twice), { code: 4429 }, 'a second first word')
  const both = await new Subscriber(node).open(node.as('diego.csirt-cl'))
  await both.init({ authorization: key })
  t.strictSame(await closedBy(both), { code: 4403, reason: 'invalid_request' }, 'said twice')
  const wrong = await new Subscriber(node).open()
  await wrong.init({ authorization: 'Bearer puente_0123456789ab_nothing' })
  t.strictSame(await closedBy(wrong), { code: 4403, reason: 'credentials_invalid' })
  const headers = await new Subscriber(node).open()
  await headers.init({ headers: { authorization: key } })
  t.strictSame(await closedBy(headers), { code: 4403, reason: 'invalid_request' }, 'a payload is no set of headers')
  const purpose = await new Subscriber(node).open()
  await purpose.init({ authorization: key, purpose: 'curiosity' })
  t.strictSame(await closedBy(purpose), { code: 4403, reason: 'invalid_request' })
  await t.rejects(new Subscriber(node).open({ authorization: 'Bearer nothing' }), /401/, 'at the handshake')
  const nobody = await new Subscriber(node).open()
  await nobody.init()
  nobody.subscribe('a')
  await nobody.until(({ messages }) => messages.length > 1)
  t.strictSame(nobody.told, [], 'without credentials it is the public')
  nobody.ws.terminate()
})

t.test('a document is asked over a socket what it is asked over HTTP', async (t) => {
  const node = await testNode(t)
  const socket = await new Subscriber(node).open(node.as('camila.csirt-cl'))
  await socket.init()
  const refused = async (query: string, variables: object = {}) => {
    const id = `${socket.messages.length}`
    socket.subscribe(id, undefined, query, variables)
    await socket.until(({ messages }) => messages.some((each) => each.id === id), query.slice(0, 60))
    return socket.codes(id)
  }
  t.strictSame(await refused('{ me { account { id } } }'), ['invalid_request'], 'a query')
  t.strictSame(await refused('mutation { recall(id: "x", reason: "x") { stixId } }'), ['invalid_request'], 'a mutation')
  t.strictSame(await refused('subscription a { feed { cursor } } subscription b { feed { cursor } }'), [
    'invalid_request',
  ])
  t.strictSame(await refused('subscription { feed { nothing } }'), ['invalid_request'], 'validated')
  t.strictSame(await refused('subscription {'), ['malformed'])
  t.strictSame(
    await refused('subscription { feed { cursor } feed2: feed { cursor } }'),
    ['invalid_request'],
    'one field',
  )
  t.strictSame(await refused('subscription { feed(after: "AAAA") { cursor } }'), ['cursor_invalid'])
  t.strictSame(await refused('subscription { feed(filter: { network: "x" }) { cursor } }'), ['invalid_value'])
  const aliases = Array.from({ length: 31 }, (_, n) => `a${n}: cursor`).join(' ')
  t.strictSame(await refused(`subscription { feed { ${aliases} } }`), ['query_too_costly'], 'aliases')
  const deep =
    'entries { indicator { originator { accounts { organisation { accounts { organisation { accounts { id } } } } } } } }'
  t.strictSame(await refused(`subscription { feed { ${deep} } }`), ['query_too_costly'], 'depth')
  const dear =
    'entries { indicator { history { indicator { history { version } } } observations { times } explain { effect } } }'
  t.strictSame(await refused(`subscription { feed { ${dear} } }`), ['query_too_costly'], 'cost')
  t.strictSame(await refused(`subscription { feed { ${'cursor '.repeat(2_100)} } }`), ['query_too_costly'], 'tokens')
  t.strictSame(
    await refused(`subscription { feed { cursor } } # ${'x'.repeat(70_000)}`),
    ['query_too_costly'],
    'length',
  )
  const { body } = await node.call('camila.csirt-cl', {
    method: 'POST',
    url: '/graphql',
    headers: { 'content-type': 'application/json' },
    payload: JSON.stringify({ query: 'subscription { feed { cursor } }' }),
  })
  t.equal(body.errors[0].extensions.code, 'invalid_request', 'and no subscription is answered over HTTP')
  socket.ws.terminate()
})

t.test('a socket has bounds: ids, subscriptions, messages, streams of an account', async (t) => {
  const node = await testNode(t, { guards: { subscriptionsPerSocket: 3, streamsPerAccount: 4 } })
  const open = async () => {
    const subscriber = await new Subscriber(node).open(node.as('camila.csirt-cl'))
    await subscriber.init()
    return subscriber
  }
  const one = await open()
  for (const id of ['a', 'b', 'c', 'd']) one.subscribe(id)
  await one.until(({ messages }) => messages.filter(({ id }) => id !== undefined).length >= 4)
  t.strictSame([one.codes('a'), one.codes('b'), one.codes('c'), one.codes('d')], [[], [], [], ['too_many_streams']])
  one.send({ id: 'a', type: 'complete' })
  one.subscribe('e')
  await one.until(({ messages }) => messages.some(({ id }) => id === 'e'))
  t.strictSame(one.codes('e'), [], 'one that is over makes room')
  const two = await open()
  two.subscribe('a')
  two.subscribe('b')
  await two.until(({ messages }) => messages.filter(({ id }) => id !== undefined).length >= 2)
  t.strictSame(two.codes(), ['too_many_streams'], 'the fourth of the account had room, the fifth not')
  one.subscribe('b')
  await one.until(({ closed }) => closed !== undefined)
  t.match(one.closed, { code: 4409 }, 'an id that is in use')
  const closed = async (message: string) => {
    const subscriber = await open()
    subscriber.send(message)
    await subscriber.until(({ closed: end }) => end !== undefined)
    return subscriber.closed?.code
  }
  t.equal(await closed('{"type":'), 4400)
  t.equal(await closed('{"type":"ping","type":"ping"}'), 4400, 'repeated keys')
  t.equal(await closed(JSON.stringify({ type: 'ping', payload: { x: 'x'.repeat(140_000) } })), 1009, 'too large')
  const flood = await open()
  for (let n = 0; n < 700; n++) flood.send({ type: 'ping' })
  await flood.until(({ closed: end }) => end !== undefined)
  t.match(flood.closed, { code: 1008, reason: 'rate_limited' })
  two.ws.terminate()
})

t.test('pages of other sites, other protocols and other paths get no socket', async (t) => {
  const node = await testNode(t)
  const open = (headers: Record<string, string>, protocol?: string, path?: string) =>
    new Subscriber(node).open(headers, protocol, path)
  await t.rejects(open({ origin: 'https://evil.example' }), /403/)
  await t.rejects(open({ origin: 'null' }), /403/)
  const own = await open({ origin: 'http://127.0.0.1:8460' })
  await own.init()
  own.ws.terminate()
  await t.rejects(
    open({}, 'graphql-transport-ws', '/v1/feed'),
    /200/,
    'a door that does not upgrade answers as it does',
  )
  await t.rejects(open({}, 'graphql-transport-ws', '/nothing'), /404/)
  await t.rejects(open({}, 'graphql-ws'), 'another protocol')
})

t.test('an upgrade that is not to a WebSocket is taken as if nothing was offered, with its body', async (t) => {
  const node = await testNode(t)
  const address = new URL(await addressOf(node))
  const payload = JSON.stringify({ query: '{ me { account { slug } } }' })
  const answer = await new Promise<string>((resolve, reject) => {
    const headers = {
      ...node.as('camila.csirt-cl'),
      'content-type': 'application/json',
      'content-length': String(payload.length),
      connection: 'Upgrade, HTTP2-Settings',
      upgrade: 'h2c',
      'http2-settings': 'AAMAAABkAAQAoAAAAAIAAAAA',
    }
    const asked = request(
      { host: address.hostname, port: address.port, method: 'POST', path: '/graphql', headers },
      (got) => {
        let text = ''
        got.on('data', (chunk) => {
          text += chunk
        })
        got.on('end', () => resolve(`${got.statusCode} ${text}`))
      },
    )
    asked.on('error', reject)
    asked.end(payload)
  })
  t.match(answer, /^200 .*camila\.csirt-cl/)
})

t.test('who does not read is closed, and goes on without a gap', async (t) => {
  const node = await testNode(t, { listen: true, guards: { streamStallMs: 500, lingerMs: 300 } })
  const camila = await new Subscriber(node).open(node.as('camila.csirt-cl'))
  await camila.init()
  const query = `subscription ($after: String) { feed(after: $after) { cursor entries { change stixId indicator { description } } } }`
  camila.subscribe('a', undefined, query)
  await camila.until(({ cursor }) => cursor !== undefined)
  camila.ws.pause()
  for (let n = 1; n <= 200; n++) {
    const value = { type: 'ipv6-address', value: `2001:db8::${n.toString(16)}` }
    await node.plant(greenOf(), value, { id: idOf(n), description: 'x'.repeat(60_000) })
  }
  const open = () => new Promise((resolve) => node.app.server.getConnections((_, count) => resolve(count)))
  while ((await open()) !== 0) await new Promise((resolve) => setTimeout(resolve, 50))
  camila.ws.resume()
  await camila.until(({ closed }) => closed !== undefined)
  t.ok(camila.told.length < 200, `${camila.told.length} of 200 had come`)
  const again = await new Subscriber(node).open(node.as('camila.csirt-cl'))
  await again.init()
  again.subscribe('a', camila.cursor, query)
  await again.until(({ told }) => camila.told.length + told.length >= 200, 'the rest', 60_000)
  const expected = Array.from({ length: 200 }, (_, n) => `PUBLISHED ${idOf(n + 1).slice(-4)}`)
  t.strictSame([...camila.told, ...again.told], expected)
  again.ws.terminate()
})

t.test('a node that stops ends its subscriptions with a cursor', async (t) => {
  const node = await testNode(t, { listen: true })
  const camila = await new Subscriber(node).open(node.as('camila.csirt-cl'))
  await camila.init()
  camila.subscribe('a')
  await camila.until(({ cursor }) => cursor !== undefined)
  const closing = node.app.close()
  await camila.until(({ closed }) => closed !== undefined)
  await closing
  t.strictSame(camila.codes('a'), ['unavailable'])
  t.equal(camila.messages.find(({ payload }) => payload?.errors).payload.errors[0].extensions.cursor, camila.cursor)
  t.match(camila.closed, { code: 1001 })
})

t.test('a request and a handshake in one packet end the connection, and not the node', async (t) => {
  const node = await testNode(t)
  const port = Number(new URL(await addressOf(node)).port)
  const handshake = [
    'GET /graphql HTTP/1.1',
    'host: x',
    'connection: upgrade',
    'upgrade: websocket',
    'sec-websocket-version: 13',
    'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==',
    'sec-websocket-protocol: graphql-transport-ws',
  ].join('\r\n')
  for (const first of ['/v1/feed', '/v1/feed/stream', '/healthz']) {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    socket.resume()
    socket.write(`GET ${first} HTTP/1.1\r\nhost: x\r\n\r\n${handshake}\r\n\r\n`)
    await once(socket, 'close')
    t.equal((await node.call('camila.csirt-cl', { url: '/v1/me' })).status, 200, first)
  }
})

t.test('a credential that has ended by itself is given nothing on a socket that stands', async (t) => {
  const node = await testNode(t, { listen: true })
  for (let n = 1; n <= 3; n++) await plant(node, n, greenOf())
  const { id, secret, digest } = mintKey()
  const expiresAt = new Date('2026-06-01T00:05:00.000Z')
  await node.context.database.transaction((transaction) =>
    insertKey(transaction, { id, account: 'camila.csirt-cl', name: 'x', digest, scopes: ['read'], expiresAt }),
  )
  const socket = await new Subscriber(node).open({ authorization: `Bearer ${secret}` })
  await socket.init()
  node.at('2026-06-01T03:00:00.000Z')
  socket.subscribe('a')
  await socket.until(({ told, closed }) => told.length > 0 || closed !== undefined)
  t.strictSame(socket.told, [])
  t.strictSame(socket.codes('a'), ['credentials_invalid'])
})
