import t from 'tap'
import { amberFor, greenOf, idOf, member, plant, recall, revise } from '../follower.ts'
import { testNode } from '../node.ts'
import { EventClient } from '../sse.ts'

t.setTimeout(300_000)

t.test('what is there comes first, then what changes, each once and by its name', async (t) => {
  const node = await testNode(t, { listen: true })
  for (let n = 1; n <= 5; n++) await plant(node, n, greenOf())
  const camila = await new EventClient(node, 'camila.csirt-cl').open()
  await camila.until(({ events }) => events.length >= 5, 'what is there')
  await revise(node, 2, { confidence: 10 })
  await revise(node, 3, { tlp: 'amber', audience: ['csirt-ar'] })
  await recall(node, 4)
  await plant(node, 6, greenOf())
  await camila.until(({ events }) => events.length >= 9, 'what changed')
  t.strictSame(camila.told, [
    ...[1, 2, 3, 4, 5].map((n) => `published 000${n}`),
    ...['revised 0002', 'withdrawn 0003', 'recalled 0004', 'published 0006'],
  ])
  t.equal(camila.events.at(-1)?.data.indicator.id, idOf(6))
  t.equal(new Set(camila.events.map(({ id }) => id)).size, 9, 'a place after each')
  camila.cut()
  await plant(node, 7, greenOf())
  await camila.open()
  await camila.until(({ events }) => events.length >= 10, 'what came meanwhile')
  t.equal(camila.told.at(-1), 'published 0007')
  camila.cut()
})

t.test('what a policy gives or takes comes within a second', async (t) => {
  const node = await testNode(t, { listen: true })
  for (let n = 1; n <= 6; n++) await plant(node, n, n % 2 === 0 ? greenOf() : amberFor('lac-csirts'))
  const camila = await new EventClient(node, 'camila.csirt-cl').open()
  await camila.until(({ events }) => events.length >= 6)
  // Under a handling that was not known when the stream began: that it was given must be known when it is to be taken.
  await plant(node, 7, greenOf({ tlp: 'amber', pap: 'amber', communities: ['lac-csirts'] }))
  await camila.until(({ events }) => events.length >= 7)
  const before = performance.now()
  await member(node, 'DELETE', 'csirt-cl')
  await camila.until(({ events }) => events.length >= 11)
  t.comment(`${Math.round(performance.now() - before)} ms`)
  const ids = ['0001', '0003', '0005', '0007']
  t.strictSame(
    camila.told.slice(7),
    ids.map((id) => `withdrawn ${id}`),
  )
  await member(node, 'PUT', 'csirt-cl')
  await camila.until(({ events }) => events.length >= 15)
  t.strictSame(
    camila.told.slice(11),
    ids.map((id) => `published ${id}`),
  )
  camila.cut()
})

t.test('what refuses a stream is answered before it begins', async (t) => {
  const node = await testNode(t, { guards: { streamsPerAccount: 2, streams: 4 } })
  await plant(node, 1, greenOf())
  const ask = async (account: string, query = '', headers: Record<string, string> = {}) => {
    const client = await new EventClient(node, account, query).open(headers)
    if (client.status === 200) return client
    await client.until(({ closed, problem }) => closed || problem !== undefined)
    t.match(String(client.problem), '"type":"urn:puente:error:')
    return client
  }
  t.equal((await ask('anonymous', '', { authorization: 'Bearer nothing' })).status, 401)
  t.equal((await ask('camila.csirt-cl', 'cursor=AAAA')).status, 400)
  t.equal((await ask('camila.csirt-cl', '', { 'last-event-id': 'AAAA' })).status, 400)
  t.equal((await ask('camila.csirt-cl', 'class=nothing')).status, 400)
  t.equal((await ask('camila.csirt-cl', 'limit=7')).status, 400, 'pages are the poller’s')
  const two = [await ask('camila.csirt-cl'), await ask('camila.csirt-cl')]
  const third = await ask('camila.csirt-cl')
  t.equal(third.status, 429)
  t.match(third.problem, 'too_many_streams')
  const others = [await ask('diego.csirt-cl'), await ask('anonymous')]
  t.equal((await ask('sofia.csirt-ar')).status, 429, 'in all')
  for (const client of [...two, ...others]) client.cut()
  // The node hears of it in its own time.
  let again = await ask('camila.csirt-cl')
  for (let n = 0; n < 50 && again.status !== 200; n++) again = await ask('camila.csirt-cl')
  t.equal(again.status, 200, 'who leaves makes room')
  again.cut()
  const answer = await node.call('camila.csirt-cl', { method: 'HEAD', url: '/v1/feed/stream' })
  t.equal(answer.status, 405, 'an endless answer has no length to ask for')
})

t.test('Last-Event-ID, which is newer, stands for the cursor; a filter and `from` are kept to', async (t) => {
  const node = await testNode(t, { listen: true })
  for (let n = 1; n <= 3; n++) await plant(node, n, n === 2 ? amberFor('lac-csirts') : greenOf())
  const first = await new EventClient(node, 'camila.csirt-cl').open()
  await first.until(({ events }) => events.length === 3)
  first.cut()
  const [one, two] = first.events.map(({ id }) => id)
  const resumed = new EventClient(node, 'camila.csirt-cl', `cursor=${one}`)
  resumed.lastId = two ?? ''
  await resumed.open()
  await resumed.until(({ events }) => events.length > 0)
  t.strictSame(resumed.told, ['published 0003'])
  resumed.cut()
  const amber = await new EventClient(node, 'camila.csirt-cl', 'tlp=amber&from=now').open()
  await amber.until(({ lastId }) => lastId !== '', 'its place')
  await plant(node, 4, greenOf())
  await plant(node, 5, amberFor('lac-csirts'))
  await amber.until(({ events }) => events.length > 0)
  t.strictSame(amber.told, ['published 0005'])
  amber.cut()
})

t.test('a stream that nothing is written on lives, and says so', async (t) => {
  const node = await testNode(t, { guards: { heartbeatMs: 50, connectionTimeoutMs: 300, keepAliveTimeoutMs: 300 } })
  const camila = await new EventClient(node, 'camila.csirt-cl').open()
  await camila.until(({ beats }) => beats >= 20, 'signs of life')
  await plant(node, 1, greenOf())
  await camila.until(({ events }) => events.length === 1, 'what comes, though no signal did')
  camila.cut()
})

t.test('who does not read is closed, holds nobody up, and goes on without a gap', async (t) => {
  const node = await testNode(t, { listen: true, guards: { streamStallMs: 500, lingerMs: 500 } })
  const [stalled, other] = [new EventClient(node, 'camila.csirt-cl'), new EventClient(node, 'diego.csirt-cl')]
  await Promise.all([stalled.open(), other.open()])
  const big = 'x'.repeat(60_000)
  await plant(node, 1, greenOf())
  await stalled.until(({ events }) => events.length === 1)
  stalled.pause()
  for (let n = 2; n <= 200; n++) {
    const value = { type: 'ipv6-address', value: `2001:db8::${n.toString(16)}` }
    await node.plant(greenOf(), value, { id: idOf(n), description: big })
  }
  await other.until(({ events }) => events.length === 200, 'all that came, by who reads', 60_000)
  const open = () => new Promise((resolve) => node.app.server.getConnections((_, count) => resolve(count)))
  while ((await open()) !== 1) await new Promise((resolve) => setTimeout(resolve, 50))
  stalled.resume()
  await stalled.until(({ closed }) => closed, 'the end, though it read nothing')
  t.ok(stalled.events.length < 200, `${stalled.events.length} of 200 had come`)
  await stalled.open()
  await stalled.until(({ events }) => events.filter(({ event }) => event !== 'end').length >= 200, 'the rest', 60_000)
  t.strictSame(
    stalled.told.filter((each) => each !== 'end consumer_too_slow'),
    other.told,
  )
  for (const client of [stalled, other]) client.cut()
})

t.test('a node that stops ends its streams with a cursor', async (t) => {
  const node = await testNode(t, { listen: true })
  await plant(node, 1, greenOf())
  const camila = await new EventClient(node, 'camila.csirt-cl').open()
  await camila.until(({ events }) => events.length === 1)
  const closing = node.app.close()
  await camila.until(({ closed }) => closed, 'the end')
  await closing
  const end = camila.events.at(-1)
  t.equal(end?.event, 'end')
  t.equal(end?.data.code, 'unavailable')
  t.equal(end?.data.cursor, camila.events[0]?.id)
  t.equal(end?.id, camila.events[0]?.id)
})

t.test('a thousand connections broken off at random lose and repeat nothing', async (t) => {
  const node = await testNode(t, { listen: true, guards: { streamsPerAccount: 1_000, connectionsPerAddress: 1_000 } })
  const wanted = 300
  let seed = 7
  const random = () => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
    return seed / 2_147_483_648
  }
  const accounts = ['camila.csirt-cl', 'diego.csirt-cl', 'sofia.csirt-ar', 'anonymous', 'rosa.red-andina']
  const clients = accounts.flatMap((account) => Array.from({ length: 4 }, () => new EventClient(node, account)))
  let [cuts, published] = [0, 0]
  const live = async (client: EventClient) => {
    for (let n = 0; n < 50; n++) {
      await client.open()
      const more = client.events.length + Math.floor(random() * 3)
      const patience = new Promise((resolve) => setTimeout(resolve, random() * 60))
      await Promise.race([client.until(({ events }) => events.length > more, '', 5_000).catch(() => {}), patience])
      client.cut()
      cuts++
    }
  }
  const publishing = (async () => {
    while (published < wanted) await plant(node, ++published, greenOf({ tlp: 'clear' }))
  })()
  await Promise.all([publishing, ...clients.map(live)])
  t.equal(cuts, 1_000)
  await Promise.all(
    clients.map(async (client) => {
      await client.open()
      await client.until(({ events }) => events.length >= wanted, 'the rest', 60_000)
      client.cut()
    }),
  )
  const expected = Array.from({ length: wanted }, (_, n) => `published ${idOf(n + 1).slice(-4)}`)
  for (const client of clients) t.strictSame(client.told, expected)
})

t.test('each account has its leaf on the log for what its streams are given', async (t) => {
  const node = await testNode(t, { listen: true })
  const accounts = ['camila.csirt-cl', 'camila.csirt-cl', 'diego.csirt-cl', 'sofia.csirt-ar', 'anonymous']
  const clients = await Promise.all(accounts.map((account) => new EventClient(node, account, 'from=now').open()))
  await Promise.all(clients.map((client) => client.until(({ lastId }) => lastId !== '')))
  await plant(node, 1, amberFor('lac-csirts'))
  await plant(node, 2, greenOf({ tlp: 'clear' }))
  await Promise.all(clients.map((client) => client.until(({ told }) => told.includes('published 0002'))))
  t.equal(await node.context.audit.flush(), 0)
  const { rows } = await node.context.database.client.query<{ actor: string; leaves: number }>(
    "select actor, count(*)::int as leaves from audit_leaf where action = 'follow' group by actor order by actor",
  )
  t.strictSame(
    rows.map(({ actor, leaves }) => `${actor} ${leaves}`),
    ['camila.csirt-cl 1', 'diego.csirt-cl 1', 'sofia.csirt-ar 1'],
    'one for the AMBER; none for CLEAR, none for the public',
  )
  for (const client of clients) client.cut()
})

t.test('where the log must have it first, nothing is given that it cannot take', async (t) => {
  const node = await testNode(t, { listen: true })
  const [ignacio, camila] = [new EventClient(node, 'ignacio.policia-cl'), new EventClient(node, 'camila.csirt-cl')]
  await Promise.all([ignacio.open(), camila.open()])
  await Promise.all([ignacio, camila].map((client) => client.until(({ lastId }) => lastId !== '')))
  const { database } = node.context
  await database.client.query('alter table audit_subject rename to audit_subject_away')
  await plant(node, 1, greenOf({ originator: 'csirt-cl', lawEnforcement: 'allowed' }))
  await camila.until(({ told }) => told.includes('published 0001'), 'who need not wait')
  await ignacio.until(({ closed }) => closed, 'the end')
  t.strictSame(ignacio.told, ['end unavailable'], 'audit or refuse')
  await database.client.query('alter table audit_subject_away rename to audit_subject')
  await ignacio.open()
  await ignacio.until(({ told }) => told.includes('published 0001'), 'it, once it is on the log')
  for (const client of [ignacio, camila]) client.cut()
})
