import t from 'tap'
import { amberFor, Follower, greenOf, idOf, member, plant, revise, told } from '../follower.ts'
import { type TestNode, testNode } from '../node.ts'
import { EventClient } from '../sse.ts'
import { Subscriber } from '../subscriber.ts'

t.setTimeout(300_000)

t.test('a filter of communities is kept to while its reader joins and leaves', async (t) => {
  const node = await testNode(t, { listen: true })
  await plant(node, 1, amberFor('lac-csirts'))
  await plant(node, 2, amberFor('banca-segura'))
  await plant(node, 3, greenOf())
  // Seen whether or not one is a member: only that it is of the community is the members' to know.
  await plant(node, 4, greenOf({ communities: ['lac-csirts'] }))
  const camila = new Follower(node, 'camila.csirt-cl', '&community=lac-csirts&community=academia')
  const stream = await new EventClient(node, 'camila.csirt-cl', 'community=lac-csirts&community=academia').open()
  t.strictSame(told(await camila.catchUp(1)), ['published 0001', 'published 0004'])
  await stream.until(({ events }) => events.length === 2)
  await member(node, 'DELETE', 'csirt-cl')
  await revise(node, 3, { confidence: 5 })
  t.strictSame(told(await camila.catchUp(1)), ['withdrawn 0001', 'withdrawn 0004'])
  await stream.until(({ events }) => events.length === 4)
  await member(node, 'PUT', 'csirt-cl')
  t.strictSame(told(await camila.catchUp(1)), ['published 0001', 'published 0004'])
  await stream.until(({ events }) => events.length === 6)
  t.strictSame(stream.told, [
    ...['published 0001', 'published 0004', 'withdrawn 0001', 'withdrawn 0004', 'published 0001', 'published 0004'],
  ])
  const stranger = new Follower(node, 'grace.observa-us', '&community=lac-csirts')
  t.strictSame(await stranger.catchUp(), [], 'what one is no member of one cannot ask for')
  const many = Array.from({ length: 31 }, (_, n) => `community=c${n}`).join('&')
  t.equal((await node.call('camila.csirt-cl', { url: `/v1/feed?${many}` })).body.code, 'invalid_request')
  stream.cut()
})

const constituency = (node: TestNode, organisation: string, ...entries: [kind: string, value: string][]) =>
  node.call('marta.lacnic', {
    method: 'PUT',
    url: `/v1/organisations/${organisation}/constituency`,
    payload: { entries: entries.map(([kind, value]) => ({ kind, value })) },
  })

t.test('what concerns one’s own organisation is told by the longest prefix, and the longest suffix', async (t) => {
  const node = await testNode(t, { listen: true })
  await constituency(
    node,
    'csirt-cl',
    ['prefix', '192.0.2.0/24'],
    ['prefix', '2001:db8::/32'],
    ['domain', 'example.com'],
  )
  await constituency(
    node,
    'red-andina',
    ['prefix', '192.0.2.128/25'],
    ['prefix', '2001:db8:1::/48'],
    ['domain', 'isp.example.com'],
  )
  const values: readonly [type: string, value: string, whose: string][] = [
    ['ipv4-address', '192.0.2.1', 'csirt-cl'],
    ['ipv4-address', '192.0.2.129', 'red-andina'],
    ['ipv4-address', '198.51.100.1', ''],
    ['ipv6-address', '2001:db8::1', 'csirt-cl'],
    ['ipv6-address', '2001:db8:1::1', 'red-andina'],
    ['ipv6-prefix', '2001:db8:2::/48', 'csirt-cl'],
    ['ipv6-prefix', '2001:d00::/24', ''],
    ['domain-name', 'www.example.com', 'csirt-cl'],
    ['domain-name', 'isp.example.com', 'red-andina'],
    ['domain-name', 'www.isp.example.com', 'red-andina'],
    ['domain-name', 'notexample.com', ''],
    ['url', 'http://192.0.2.130/x', 'red-andina'],
  ]
  for (const [n, [type, value]] of values.entries()) await node.plant(greenOf(), { type, value }, { id: idOf(n + 1) })
  const of = (whose: string) => values.flatMap(([, , owner], n) => (owner === whose ? [idOf(n + 1)] : []))
  for (const [account, organisation] of [
    ['camila.csirt-cl', 'csirt-cl'],
    ['rosa.red-andina', 'red-andina'],
  ] as const) {
    const follower = new Follower(node, account, '&constituency=true')
    await follower.catchUp(2)
    t.strictSame([...follower.held.keys()].sort(), of(organisation), `${account}, polled`)
    const page = await node.call(account, { url: '/v1/indicators?constituency=true' })
    t.strictSame(page.body.items.map(({ id }: { id: string }) => id).sort(), of(organisation), 'a page')
    const stream = await new EventClient(node, account, 'constituency=true').open()
    await stream.until(({ events }) => events.length >= of(organisation).length)
    t.strictSame(stream.events.map(({ data }) => data.id).sort(), of(organisation), 'a stream')
    stream.cut()
    const subscriber = await new Subscriber(node).open(node.as(account))
    await subscriber.init()
    subscriber.subscribe('a', undefined, undefined, { filter: { constituency: true } })
    await subscriber.until((each) => each.told.length >= of(organisation).length)
    t.equal(subscriber.told.length, of(organisation).length, 'a subscription')
    subscriber.ws.terminate()
  }
  t.strictSame((await node.call('anonymous', { url: '/v1/feed?constituency=true' })).body.items, [])
})

t.test('what one answers for is a premise of the cursor: when it changes, one begins again', async (t) => {
  const node = await testNode(t, { listen: true })
  await constituency(node, 'csirt-cl', ['prefix', '2001:db8::/32'])
  await node.plant(greenOf(), { type: 'ipv6-address', value: '2001:db8::1' }, { id: idOf(1) })
  const camila = new Follower(node, 'camila.csirt-cl', '&constituency=true')
  const stream = await new EventClient(node, 'camila.csirt-cl', 'constituency=true').open()
  t.strictSame(told(await camila.catchUp()), ['published 0001'])
  await stream.until(({ events }) => events.length === 1)
  await constituency(node, 'rede-sul', ['prefix', '203.0.113.0/24'])
  t.strictSame(await camila.catchUp(), [], 'what does not concern it changes nothing')
  await constituency(node, 'rede-sul', ['prefix', '2001:db8:8::/48'])
  await t.rejects(camila.catchUp(), /cursor_outdated/)
  await stream.until(({ closed }) => closed, 'the end')
  t.equal(stream.told.at(-1), 'end cursor_outdated')
})

t.test('the other filters are kept to by a stream and a subscription as by a page', async (t) => {
  const node = await testNode(t, { listen: true })
  const at = (n: number, type: string, value: string, more = {}) =>
    node.plant(greenOf(), { type, value }, { id: idOf(n), ...more })
  await at(1, 'ipv4-address', '192.0.2.1', { confidence: 80, class: 'c2-server' })
  await at(2, 'domain-name', 'www.example.com', { confidence: 10, class: 'phishing' })
  await node.plant(
    greenOf({ originator: 'csirt-cl', tlp: 'clear' }),
    { type: 'ipv6-address', value: '2001:db8::1' },
    { id: idOf(3) },
  )
  const filters: readonly [query: string, variables: object, expected: number[]][] = [
    ['type=ipv4-address', { type: ['ipv4-address'] }, [1]],
    ['tlp=clear', { tlp: ['CLEAR'] }, [3]],
    ['class=phishing', { class: ['phishing'] }, [2]],
    ['network=192.0.2.0/24', { network: '192.0.2.0/24' }, [1]],
    ['domain=example.com', { domain: 'example.com' }, [2]],
    ['originator=csirt-cl', { originator: ['csirt-cl'] }, [3]],
    ['min_confidence=50', { minConfidence: 50 }, [1]],
    ['asn=64496', { asn: [64496] }, []],
    ['country=XK', { country: ['XK'] }, []],
  ]
  for (const [query, filter, expected] of filters) {
    const ids = expected.map(idOf)
    const stream = await new EventClient(node, 'sofia.csirt-ar', query).open()
    await stream.until(({ events, lastId }) => lastId !== '' && events.length >= ids.length)
    t.strictSame(
      stream.events.map(({ data }) => data.id),
      ids,
      query,
    )
    stream.cut()
    const subscriber = await new Subscriber(node).open(node.as('sofia.csirt-ar'))
    await subscriber.init()
    subscriber.subscribe('a', undefined, undefined, { filter })
    await subscriber.until((each) => each.cursor !== undefined && each.told.length >= ids.length)
    t.strictSame(
      subscriber.told.map((each) => each.slice(-4)),
      ids.map((each) => each.slice(-4)),
      JSON.stringify(filter),
    )
    subscriber.ws.terminate()
  }
})
