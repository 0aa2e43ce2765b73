// alone: it measures how busy the process is
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { type TestNode, testNode } from '../node.ts'

/** Clients that are slow, many, or speak no HTTP, and a node that has too much to do; over real sockets. */

t.setTimeout(300_000)

const patience = {
  headersTimeoutMs: 600,
  bodyTimeoutMs: 800,
  slowBodyMs: 800,
  slowBodyBytes: 64,
  lingerMs: 300,
  connectionTimeoutMs: 700,
  keepAliveTimeoutMs: 700,
}

interface Listening extends TestNode {
  readonly port: number
}

async function listening(t: Test, options: Parameters<typeof testNode>[1]): Promise<Listening> {
  const node = await testNode(t, options)
  const url = new URL(await node.app.listen({ host: '127.0.0.1', port: 0 }))
  return { ...node, port: Number(url.port) }
}

/** A connection; `text` is what came so far, `closed` resolves when it is over. */
function dial(t: Test, port: number): { socket: Socket; text: () => string; closed: Promise<number> } {
  const socket = connect(port, '127.0.0.1')
  const chunks: Buffer[] = []
  const began = performance.now()
  socket.on('data', (chunk) => chunks.push(chunk))
  // A reset is one of the ways in which a server closes.
  socket.on('error', () => {})
  const closed = new Promise<number>((resolve) => socket.on('close', () => resolve(performance.now() - began)))
  t.teardown(() => socket.destroy())
  return { socket, text: () => Buffer.concat(chunks).toString('latin1'), closed }
}

/** Status, headers and body of the one answer in a text. */
function answerIn(text: string): { status: number; head: string; body: { code?: string } } {
  const [head = '', body = ''] = text.split('\r\n\r\n')
  return {
    status: Number(head.split(' ')[1]),
    head: head.toLowerCase(),
    body: body.startsWith('{') ? JSON.parse(body) : {},
  }
}

const patient = { guards: patience }
const head = (node: Listening, method: string, url: string, headers: readonly string[]): string =>
  [
    `${method} ${url} HTTP/1.1`,
    'host: node',
    `authorization: ${node.as('marta.lacnic').authorization}`,
    ...headers,
    '',
    '',
  ].join('\r\n')

t.test('slow clients', async (t) => {
  const node = await listening(t, patient)

  t.test('headers that do not come are waited for no longer than that', async (t) => {
    const silent = dial(t, node.port)
    const dripping = dial(t, node.port)
    dripping.socket.write('GET /v1/me HTTP/1.1\r\n')
    const drip = setInterval(() => dripping.socket.write('x-a: b\r\n'), 100)
    t.teardown(() => clearInterval(drip))
    t.ok((await silent.closed) < 5_000, 'a connection that says nothing')
    t.ok((await dripping.closed) < 5_000, 'a header now and then')
    t.match(answerIn(dripping.text()), { status: 408, body: { code: 'request_incomplete' } })
  })

  t.test('a body that is no stream comes in time, stalled or dripping', async (t) => {
    for (const url of ['/v1/communities', '/graphql']) {
      const { socket, text, closed } = dial(t, node.port)
      socket.write(head(node, 'POST', url, ['content-type: application/json', 'content-length: 1000']))
      const drip = setInterval(() => socket.write(' '.repeat(10)), 50)
      t.teardown(() => clearInterval(drip))
      t.ok((await closed) < 5_000, `${url} is closed`)
      t.equal(answerIn(text()).status, 408)
      t.match(text(), 'request_incomplete')
      t.match(answerIn(text()).head, 'connection: close')
    }
  })

  t.test('a stream keeps a rate, and one that does may take longer', async (t) => {
    const publisher = node.as('ana.cert-br').authorization
    const lines = ['content-type: application/x-ndjson', 'transfer-encoding: chunked', 'connection: close']
    const start = `POST /v1/indicators?tlp=clear HTTP/1.1\r\nhost: node\r\nauthorization: ${publisher}\r\n${lines.join('\r\n')}\r\n\r\n`
    const stalled = dial(t, node.port)
    stalled.socket.write(`${start}5\r\n{"val\r\n`)
    const dripping = dial(t, node.port)
    dripping.socket.write(start)
    const drip = setInterval(() => dripping.socket.write('1\r\n \r\n'), 200)
    t.teardown(() => clearInterval(drip))
    for (const slow of [stalled, dripping]) {
      t.ok((await slow.closed) < 5_000)
      t.match(answerIn(slow.text()), { status: 408, body: { code: 'request_incomplete' } })
    }
    const steady = dial(t, node.port)
    steady.socket.write(start)
    for (let n = 0; n < 25; n++) {
      const line = `${JSON.stringify({ value: `s${n}.steady.example.com` })}\n`
      steady.socket.write(`${line.length.toString(16)}\r\n${line}\r\n`)
      await sleep(100)
    }
    steady.socket.write('0\r\n\r\n')
    await steady.closed
    t.equal(answerIn(steady.text()).status, 200, 'in 2.5 seconds')
  })

  t.test('an answer that has begun is broken off, and nothing is put behind it', async (t) => {
    const { error } = node.context.log
    const errors: string[] = []
    node.context.log.error = (_facts, message) => void errors.push(message)
    for (const lines of [0, 1, 2_500]) {
      const { socket, text, closed } = dial(t, node.port)
      socket.write(head(node, 'POST', '/v1/lookup', ['content-type: application/x-ndjson', 'content-length: 9000000']))
      socket.write('"192.0.2.1"\n'.repeat(lines))
      t.ok((await closed) < 6_000, `after ${lines} lines`)
      t.ok(text().split('HTTP/1.1').length <= 2, text().slice(0, 200))
      t.notMatch(text(), 'request_incomplete')
    }
    t.strictSame(errors, [])
    node.context.log.error = error
    t.equal((await node.call('anonymous', { method: 'GET', url: '/healthz' })).status, 200)
  })

  t.test('a body that broke off takes its Idempotency-Key with it, and is no error of the node', async (t) => {
    const errors: string[] = []
    const { error } = node.context.log
    node.context.log.error = (_facts, message) => void errors.push(message)
    node.context.log.warn = (_facts, message) => void errors.push(message)
    const headers = ['content-type: application/x-ndjson', 'content-length: 9000', 'idempotency-key: broken']
    const { authorization } = node.as('ana.cert-br')
    const broken = dial(t, node.port)
    broken.socket.write(
      `POST /v1/indicators?tlp=clear HTTP/1.1\r\nhost: node\r\nauthorization: ${authorization}\r\n${headers.join('\r\n')}\r\n\r\n${' '.repeat(5_000)}`,
    )
    const { client } = node.context.database
    const open = async () =>
      (await client.query("select 1 from receipt where idempotency_key = 'broken'")).rowCount as number
    while ((await open()) === 0) await sleep(10)
    broken.socket.destroy()
    while ((await open()) === 1) await sleep(10)
    const again = await node.call('ana.cert-br', {
      method: 'POST',
      url: '/v1/indicators?tlp=clear',
      headers: { 'content-type': 'application/x-ndjson', 'idempotency-key': 'broken' },
      payload: '{"value": "192.0.2.77"}\n',
    })
    t.match(again, { status: 200, body: { accepted: 1 } })
    const document = dial(t, node.port)
    document.socket.write(
      head(node, 'POST', '/v1/communities', ['content-type: application/json', 'content-length: 99']),
    )
    await sleep(100)
    document.socket.destroy()
    await sleep(100)
    t.strictSame(errors, [], 'nothing on the log')
    node.context.log.error = error
  })

  t.test('what is left of a body after its answer is not waited for', async (t) => {
    const rows = [
      ['/v1/indicators', 'x-a: b', 'credentials_required'],
      ['/v1/organisations', 'authorization: Bearer nonsense', 'credentials_invalid'],
      ['/v1/nothing', 'x-a: b', 'not_found'],
    ]
    for (const [url = '', header = '', code = ''] of rows) {
      const { socket, text, closed } = dial(t, node.port)
      const headers = ['host: node', 'content-type: text/csv', 'content-length: 100000000', header]
      socket.write(`POST ${url} HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n${'x'.repeat(5_000)}`)
      const more = setInterval(() => socket.write('x'.repeat(2_000)), 50)
      t.teardown(() => clearInterval(more))
      t.ok((await closed) < 5_000, url)
      t.match(text(), `"code":"${code}"`)
    }
  })

  t.test('a reader that takes nothing of its answer is let go', async (t) => {
    const rows = Array.from({ length: 1_000 }, (_, n) => ({
      value: `r${n}.reader.example.com`,
      description: 'x'.repeat(3_000),
    }))
    const published = await node.call('ana.cert-br', {
      method: 'POST',
      url: '/v1/indicators?tlp=clear',
      headers: { 'content-type': 'application/json' },
      payload: JSON.stringify(rows),
    })
    t.equal(published.status, 200)
    const served = once(node.app.server, 'connection') as Promise<[Socket]>
    const { socket } = dial(t, node.port)
    socket.pause()
    // 20 answers of 3 MB: more than the kernel keeps for a reader
    for (let n = 0; n < 20; n++) socket.write(head(node, 'GET', '/v1/indicators?limit=1000', []))
    const [theirs] = await served
    const began = performance.now()
    await once(theirs, 'close')
    t.ok(performance.now() - began < 60_000, 'the socket is closed')
  })

  t.test('a request at which the node works long is not a silent connection', async (t) => {
    const held = await node.context.database.transaction(async ({ client }) => {
      await client.query('lock table organisation in share mode')
      const body = '{"id":"calm","name":"Calm","kind":"isp","jurisdiction":"BR"}'
      const headers = ['content-type: application/json', `content-length: ${body.length}`, 'connection: close']
      const waiting = dial(t, node.port)
      waiting.socket.write(head(node, 'POST', '/v1/organisations', headers) + body)
      await sleep(3 * patience.connectionTimeoutMs)
      return waiting
    })
    await held.closed
    t.equal(answerIn(held.text()).status, 201)
  })

  t.test('an idle connection is kept a while, and no longer', async (t) => {
    const { socket, text, closed } = dial(t, node.port)
    socket.write('GET /healthz HTTP/1.1\r\nhost: node\r\n\r\n')
    while (!text().includes('alive')) await sleep(10)
    t.match(answerIn(text()).head, 'connection: keep-alive')
    socket.write('GET /healthz HTTP/1.1\r\nhost: node\r\n\r\n')
    while (text().split('alive').length < 4 && !text().endsWith('alive"}')) await sleep(10)
    t.ok((await closed) < 6_000, 'closed when nothing more is asked')
  })
})

t.test('what is no HTTP gets a problem, and the connection is closed', async (t) => {
  const node = await listening(t, patient)
  const rows: readonly (readonly [name: string, text: string, status: number, code: string])[] = [
    ['nonsense', 'hello\r\n\r\n', 400, 'malformed'],
    ['a TLS hello', '\x16\x03\x01\x02\x00\x01\x00', 400, 'malformed'],
    ['an unknown method', 'FETCH / HTTP/1.1\r\nhost: node\r\n\r\n', 400, 'malformed'],
    ['no host', 'GET /healthz HTTP/1.1\r\n\r\n', 400, ''],
    ['a space in the URL', 'GET /v1/me and more HTTP/1.1\r\nhost: node\r\n\r\n', 400, 'malformed'],
    ['a bare line feed in a header', 'GET /healthz HTTP/1.1\r\nhost: node\r\nx: a\nb: c\r\n\r\n', 400, 'malformed'],
    [
      'two lengths',
      'POST /graphql HTTP/1.1\r\nhost: node\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n',
      400,
      'malformed',
    ],
    [
      'a length and chunks',
      'POST /graphql HTTP/1.1\r\nhost: node\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
      'malformed',
    ],
    [
      'a bad chunk',
      'POST /graphql HTTP/1.1\r\nhost: node\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n',
      400,
      'malformed',
    ],
    ['one huge header', `GET / HTTP/1.1\r\nhost: node\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`, 431, 'headers_too_large'],
    [
      'ten thousand headers',
      `GET / HTTP/1.1\r\nhost: node\r\n${'x: y\r\n'.repeat(10_000)}\r\n`,
      431,
      'headers_too_large',
    ],
    ['a huge URL', `GET /${'y'.repeat(20_000)} HTTP/1.1\r\nhost: node\r\n\r\n`, 431, 'headers_too_large'],
  ]
  for (const [name, text, status, code] of rows) {
    const { socket, text: answered, closed } = dial(t, node.port)
    socket.write(text, 'latin1')
    await closed
    const answer = answerIn(answered())
    t.equal(answer.status, status, name)
    if (code === '') continue
    t.equal(answer.body.code, code, `${name}: ${answered().slice(0, 200)}`)
    t.match(answer.head, 'content-type: application/problem+json', name)
    t.match(answer.head, 'connection: close', name)
  }
  const after = await node.call('anonymous', { method: 'GET', url: '/healthz' })
  t.equal(after.status, 200, 'the node goes on')
})

t.test('so many connections of one address and in all, and no more', async (t) => {
  const refusedAt = async (options: Parameters<typeof testNode>[1], wanted: number): Promise<string[]> => {
    const node = await listening(t, options)
    const dialled = Array.from({ length: wanted }, () => dial(t, node.port))
    for (const { socket } of dialled) socket.write('GET /healthz HTTP/1.1\r\nhost: node\r\n\r\n')
    while (dialled.some(({ text }) => text() === '')) await sleep(10)
    const answers = dialled.map(({ text }) => answerIn(text()))
    for (const { status, head, body } of answers.filter((each) => each.status !== 200)) {
      t.match({ status, body }, { status: 503, body: { code: 'unavailable' } })
      t.match(head, 'retry-after: 5')
    }
    for (const { socket } of dialled) socket.destroy()
    while ((await connectionsOf(node)) > 0) await sleep(10)
    const later = dial(t, node.port)
    later.socket.write('GET /healthz HTTP/1.1\r\nhost: node\r\nconnection: close\r\n\r\n')
    await later.closed
    t.equal(answerIn(later.text()).status, 200, 'those that end make room')
    return answers.map(({ status }) => String(status)).sort()
  }
  const expected = (good: number, refused: number) => [...Array(good).fill('200'), ...Array(refused).fill('503')]
  t.strictSame(await refusedAt({ guards: { connectionsPerAddress: 5 } }, 8), expected(5, 3), 'of one address')
  t.strictSame(
    await refusedAt({ guards: { connectionsPerAddress: 5 }, trustProxy: ['loopback'] }, 8),
    expected(8, 0),
    'a proxy that is trusted brings many people',
  )
  t.strictSame(await refusedAt({ guards: { connections: 6 }, trustProxy: ['127.0.0.1'] }, 6), expected(6, 0), 'in all')
  t.strictSame(
    await refusedAt({ guards: { connections: 20 }, trustProxy: ['127.0.0.1'] }, 22),
    expected(20, 2),
    'in all',
  )
})

const connectionsOf = (node: Listening): Promise<number> =>
  new Promise((resolve, reject) =>
    node.app.server.getConnections((error, count) => (error === null ? resolve(count) : reject(error))),
  )

t.test('a node with too much to do turns requests away until it has time', async (t) => {
  const node = await testNode(t, { guards: { eventLoopDelayMs: 30 } })
  const ask = (url: string) => node.call('ana.cert-br', { method: 'GET', url })
  const graphql = () =>
    node.call('ana.cert-br', {
      method: 'POST',
      url: '/graphql',
      headers: { 'content-type': 'application/json' },
      payload: '{"query": "{ me { operator } }"}',
    })
  let busy = true
  const block = () => {
    for (const until = performance.now() + 150; performance.now() < until; );
    if (busy) setTimeout(block, 1)
  }
  block()
  const until = performance.now() + 10_000
  let answer = await ask('/v1/me')
  while (answer.status === 200 && performance.now() < until) {
    await sleep(50)
    answer = await ask('/v1/me')
  }
  t.match(answer, { status: 503, body: { code: 'unavailable' }, headers: { 'retry-after': '2' } })
  const refused = await graphql()
  t.match(refused, { status: 503, body: { errors: [{ extensions: { code: 'unavailable' } }] } })
  t.equal(refused.headers['retry-after'], '2')
  t.equal((await ask('/healthz')).status, 200, 'that it lives can still be asked')
  t.equal((await ask('/readyz')).status, 200)
  busy = false
  while (answer.status === 503 && performance.now() < until + 10_000) {
    await sleep(50)
    answer = await ask('/v1/me')
  }
  t.equal(answer.status, 200, 'and it recovers by itself')
})

t.test('one long task is no overload', async (t) => {
  const node = await testNode(t, { guards: { eventLoopDelayMs: 300 } })
  await sleep(100)
  for (const until = performance.now() + 4_000; performance.now() < until; );
  for (let n = 0; n < 30; n++) {
    const { status } = await node.call('anonymous', { method: 'GET', url: '/v1/indicators' })
    if (status !== 200) t.fail(`${status} after a long task`)
    await sleep(50)
  }
  t.pass('answered all the time')
})

t.test('a pool without a free connection answers 503 in time, and not 500', async (t) => {
  const node = await testNode(t, {
    database: { connections: 2, connectTimeoutMs: 2_000 },
    guards: { databaseWaiting: 40 },
  })
  const ask = (url: string) => node.call('ana.cert-br', { method: 'GET', url })
  t.equal((await ask('/v1/me')).status, 200)
  const { client } = node.context.database
  const slow = [client.query('select pg_sleep(8)'), client.query('select pg_sleep(8)')]
  await sleep(50)
  const began = performance.now()
  const waiting = Array.from({ length: 45 }, () => ask('/v1/me'))
  await sleep(100)
  const answers = await Promise.all([...waiting, ...Array.from({ length: 15 }, () => ask('/v1/me'))])
  t.ok(performance.now() - began < 7_500, `${Math.round(performance.now() - began)} ms`)
  for (const { status, body, headers, text } of answers) {
    if (status !== 503 || body.code !== 'unavailable' || headers['retry-after'] !== '2') t.fail(text)
  }
  const told = new Set(answers.map(({ body }) => body.detail))
  t.strictSame(
    [...told].sort(),
    ['The database cannot answer just now; try again.', 'The node has more to do than it can; try again.'],
    'those who waited in vain, and those turned away because too many waited',
  )
  const put = await node.call('ana.cert-br', {
    method: 'POST',
    url: '/v1/indicators?tlp=clear',
    headers: { 'content-type': 'application/json' },
    payload: '{"value": "192.0.2.1"}',
  })
  t.match(put, { status: 503, body: { code: 'unavailable' } }, 'a push too')
  await Promise.all(slow)
  t.equal((await ask('/v1/me')).status, 200, 'and it recovers by itself')
})
