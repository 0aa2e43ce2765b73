import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type LookupFunction, Socket } from 'node:net'
import t, { type Test } from 'tap'
import { isPublicAddress } from '../../src/delivery/address.ts'
import { jsonFetcher, OutboundRefused, outbound, wayOut } from '../../src/delivery/http.ts'

/** A server of this machine that counts who connects. */
async function server(t: Test, listener: RequestListener) {
  const connections = { count: 0 }
  const made = createServer(listener)
  made.on('connection', () => {
    connections.count++
  })
  made.listen(0, '127.0.0.1')
  await once(made, 'listening')
  t.teardown(() => {
    made.closeAllConnections()
    made.close()
  })
  const { port } = made.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, host: `127.0.0.1:${port}`, port, connections }
}

t.test('an answer is not waited for at the end of a connection that is gone', async (t) => {
  const asked = t.capture(Socket.prototype, 'setKeepAlive', Socket.prototype.setKeepAlive)
  const { url, host } = await server(t, (_request, response) => void response.end('{}'))
  await outbound({ privateHosts: [host] })({ url })
  t.strictSame(
    asked().map(({ args }) => args),
    [[true, 5_000]],
  )
})

t.test('which addresses are on the Internet', async (t) => {
  for (const address of ['8.8.8.8', '200.7.84.1', '2001:4860:4860::8888', '::ffff:8.8.8.8', '64:ff9b::808:808']) {
    t.ok(isPublicAddress(address), address)
  }
  const others = [
    ...['0.0.0.0', '10.0.0.1', '100.64.0.1', '127.0.0.1', '127.1.2.3', '169.254.169.254', '172.16.0.1', '192.168.1.1'],
    ...[
      '192.0.0.1',
      '192.0.2.1',
      '198.18.0.1',
      '198.51.100.1',
      '203.0.113.1',
      '224.0.0.1',
      '240.0.0.1',
      '255.255.255.255',
    ],
    ...[
      '::',
      '::1',
      'fe80::1',
      'fe80::1%eth0',
      'fc00::1',
      'fd00:ec2::254',
      'ff02::1',
      '2001:db8::1',
      '3fff::1',
      'fec0::1',
    ],
    ...[
      '::ffff:127.0.0.1',
      '::ffff:10.0.0.1',
      '::127.0.0.1',
      '64:ff9b::7f00:1',
      '64:ff9b::a00:1',
      '64:ff9b:1::808:808',
    ],
    ...[
      '2002:7f00:1::',
      '2001:0:7f00:1::',
      '100::1',
      '5f00::1',
      '4000::1',
      '::7f00:1',
      'localhost',
      '',
      '8.8.8',
      '8.8.8.8.8',
    ],
  ]
  for (const address of others) t.notOk(isPublicAddress(address), address)
})

t.test('no address of this machine or network is called, however it is written', async (t) => {
  const { port, connections } = await server(t, (_request, response) => response.end('{}'))
  const send = outbound({ privateHosts: [] })
  const hosts = [
    ...['127.0.0.1', '127.1', '2130706433', '0x7f000001', '0177.0.0.1', '0', '[::1]', '[::ffff:127.0.0.1]'],
    ...['[::ffff:7f00:1]', '[64:ff9b::7f00:1]', '10.0.0.1', '169.254.169.254', '192.168.0.1', '[fd00::1]', '[fe80::1]'],
  ]
  for (const host of hosts) await t.rejects(send({ url: `https://${host}:${port}/` }), OutboundRefused, host)
  await t.rejects(send({ url: `https://localhost:${port}/` }), OutboundRefused, 'a name that is this machine')
  t.equal(connections.count, 0)
})

t.test('a name is looked at when the connection is made, once, with all its addresses', async (t) => {
  const { port, connections } = await server(t, (_request, response) => response.end('{}'))
  let asked = 0
  const resolving =
    (...addresses: string[]): LookupFunction =>
    (_name, _options, done) => {
      asked++
      done(
        null,
        addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      )
    }
  for (const addresses of [['127.0.0.1'], ['8.8.8.8', '127.0.0.1'], ['::ffff:127.0.0.1'], ['64:ff9b::7f00:1'], []]) {
    const send = outbound({ privateHosts: [], resolve: resolving(...addresses) })
    asked = 0
    await t.rejects(send({ url: `https://rebinding.example:${port}/` }), OutboundRefused, addresses.join())
    t.equal(asked, 1)
  }
  const failing: LookupFunction = (_name, _options, done) => done(new Error('no such name') as never, [])
  await t.rejects(outbound({ privateHosts: [], resolve: failing })({ url: 'https://gone.example/' }), /no such name/)
  t.equal(connections.count, 0)
})

t.test('only https, without passwords', async (t) => {
  const send = outbound({ privateHosts: [] })
  for (const url of ['http://puente.example/', 'ftp://puente.example/', 'file:///etc/passwd', 'data:,x']) {
    await t.rejects(send({ url }), OutboundRefused, url)
  }
  const advised = /only https is, unless puente\.example:8080 is named in PUENTE_PRIVATE_HOSTS/
  await t.rejects(send({ url: 'http://puente.example:8080/' }), advised)
  await t.rejects(send({ url: 'ftp://puente.example/' }), /only https is$/, 'no advice where it would not help')
  await t.rejects(send({ url: 'https://ana:secret@puente.example/' }), OutboundRefused)
  await t.rejects(send({ url: 'nonsense' }))
})

t.test('a host that is named may be private, and no other with it', async (t) => {
  const named = await server(t, (request, response) => response.end(JSON.stringify({ path: request.url })))
  const other = await server(t, (_request, response) => response.end('{}'))
  const send = outbound({ privateHosts: [named.host] })
  const answer = await send({ url: `${named.url}/keys?x=1` })
  t.match({ status: answer.status, text: answer.body.toString() }, { status: 200, text: '{"path":"/keys?x=1"}' })
  await t.rejects(send({ url: `${other.url}/` }), OutboundRefused)
  t.equal(other.connections.count, 0)
  const byName = outbound({ privateHosts: ['localhost'] })
  t.equal((await byName({ url: `http://localhost:${named.port}/` })).status, 200, 'a name for all its ports')
})

t.test('a redirect is an answer', async (t) => {
  const other = await server(t, (_request, response) => response.end('{}'))
  const first = await server(t, (_request, response) => response.writeHead(302, { location: other.url }).end('{}'))
  const send = outbound({ privateHosts: [first.host, other.host] })
  t.equal((await send({ url: first.url })).status, 302)
  await t.rejects(jsonFetcher(send)(first.url), /status 302/)
  t.equal(other.connections.count, 0)
})

t.test('time and size are bounded', async (t) => {
  const silent = await server(t, () => {})
  const dripping = await server(t, (_request, response) => {
    response.writeHead(200)
    const timer = setInterval(() => response.write('x'), 20)
    response.on('close', () => clearInterval(timer))
  })
  const large = await server(t, (_request, response) => response.end('x'.repeat(5_000)))
  const send = outbound({ privateHosts: [silent.host, dripping.host, large.host] })
  await t.rejects(send({ url: silent.url, timeoutMs: 200 }), /within 200 ms/)
  await t.rejects(send({ url: dripping.url, timeoutMs: 200 }), /within 200 ms/)
  await t.rejects(send({ url: large.url, maxBytes: 4_999 }), /more than 4999 bytes/)
  t.equal((await send({ url: large.url, maxBytes: 5_000 })).body.length, 5_000)
})

t.test('a body is sent, and what is said about it', async (t) => {
  const echo = await server(t, async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    response.end(`${request.method} ${request.headers['content-type']} ${Buffer.concat(chunks)}`)
  })
  const send = outbound({ privateHosts: [echo.host] })
  const { body } = await send({
    url: echo.url,
    method: 'POST',
    headers: { 'content-type': 'text/plain' },
    body: 'hola',
  })
  t.equal(body.toString(), 'POST text/plain hola')
})

t.test('an answer that switches protocols is an error, and not waited for', async (t) => {
  const server = createTcpServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () =>
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello'),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const { port } = server.address() as AddressInfo
  const { post } = wayOut({ privateHosts: ['127.0.0.1'] })
  t.match(await post(`http://127.0.0.1:${port}/hook`, {}, '{}'), { error: /switches protocols/ })
})

t.test('whether a name is known inside is not told to who asks for an endpoint', async (t) => {
  const none = Object.assign(new Error('getaddrinfo ENOTFOUND none.internal'), { code: 'ENOTFOUND' })
  const resolve: LookupFunction = (hostname, _options, done) =>
    hostname === 'there.internal' ? done(null, [{ address: '10.0.0.1', family: 4 }], 4) : done(none, [], 4)
  const { post } = wayOut({ privateHosts: [], resolve })
  const [there, none_] = [await post('https://there.internal/', {}, ''), await post('https://none.internal/', {}, '')]
  t.strictSame(there, none_)
})
