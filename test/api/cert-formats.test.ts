import t from 'tap'
import * as samples from '../formats/cert-samples.ts'
import { type TestNode, testNode } from '../node.ts'

t.setTimeout(300_000)

const push = (node: TestNode, query: string, payload: string, type: string) =>
  node.call('ana.cert-br', {
    method: 'POST',
    url: `/v1/indicators${query}`,
    headers: { 'content-type': type },
    payload,
  })

const page = (node: TestNode, query: string) =>
  node.call('ana.cert-br', { method: 'GET', url: `/v1/indicators?limit=1000&${query}` })

const bot = (time: string, family: string, address = '192.0.2.200') =>
  `bot|${address}|64496|${time}|family: ${family};|Example, BR\n`

t.test('the formats of CERTs', async (t) => {
  const node = await testNode(t)

  t.test('go in by their media type, by their beginning or by name, and again without a trace', async (t) => {
    const bodies: readonly (readonly [string, string, string, number, number])[] = [
      ['CAP', '?tlp=green', samples.capNew, 13, 0],
      ['CAP, old', '?tlp=green&format=cap', samples.capOld, 8, 0],
      ['Shadowserver', '?tlp=green&report=2026-06-01-event4_sinkhole-example-asn.csv', samples.sinkhole, 1, 1],
      ['Shadowserver, a service', '?tlp=green&report=scan_dns', samples.openDns, 2, 0],
      ['IntelMQ', '?tlp=green', JSON.stringify([samples.intelmqNested]), 1, 0],
      ['n6', '?tlp=green', JSON.stringify(samples.n6Events[0]), 1, 0],
      ['OpenIOC', '?tlp=green', samples.openioc11, 1, 1],
      ['columns', '?tlp=green&columns=lastSeen,value,-', '2026-06-01;mapped.example.com;x\n', 1, 0],
    ]
    const types: Readonly<Record<string, string>> = {
      IntelMQ: 'application/json',
      n6: 'application/x-ndjson',
      OpenIOC: 'text/xml',
    }
    for (const [name, query, body, taken, refused] of bodies) {
      const type = types[name] ?? 'text/csv'
      const first = await push(node, query, body, type)
      t.equal(first.status, refused === 0 ? 200 : 207, `${name}: ${first.text}`)
      t.match(first.body, { accepted: taken, rejectedTotal: refused }, name)
      const again = await push(node, query, body, type)
      t.match(again.body, { accepted: 0, rejectedTotal: refused }, `${name}, again`)
    }
    const { body } = await page(node, 'value=192.0.2.41')
    t.match(body.items, [
      {
        classType: 'infected-system',
        lastSeen: '2026-06-01T04:05:09.000Z',
        version: 1,
        labels: ['shadowserver:event4_sinkhole'],
      },
    ])
  })

  t.test('of events of one finding the latest stands, in whatever order they come', async (t) => {
    const [early, late] = [bot('2026-01-01 10:00:00', 'mirai'), bot('2026-01-02 10:00:00', 'mirai')]
    t.match((await push(node, '?tlp=green', late + early, 'text/plain')).body, { accepted: 1, unchanged: 1 })
    t.match((await push(node, '?tlp=green', early, 'text/plain')).body, { accepted: 0, unchanged: 1, rejectedTotal: 0 })
    t.match((await push(node, '?tlp=green', bot('2026-01-03 10:00:00', 'mirai'), 'text/plain')).body, { accepted: 1 })
    const { body } = await page(node, 'value=192.0.2.200')
    t.equal(body.items.length, 1)
    t.match(body.items, [{ version: 2, lastSeen: '2026-01-03T10:00:00.000Z' }])
    const conflict = `bot|192.0.2.200|64497|2026-01-03 10:00:00|family: mirai;|Example, BR\n`
    const same = await push(node, '?tlp=green', conflict, 'text/plain')
    t.match(same.body, { code: 'version_conflict', rejectedTotal: 1 }, 'nobody can say which of two is right')
  })

  t.test('a feed does not undo what its originator narrowed', async (t) => {
    const day = (n: number) => bot(`2026-02-0${n} 10:00:00`, 'mirai', '192.0.2.202')
    t.match((await push(node, '?tlp=green', day(1), 'text/plain')).body, { accepted: 1 })
    t.match((await push(node, '?tlp=amber&audience=csirt-cl', day(2), 'text/plain')).body, { accepted: 1 })
    t.match((await push(node, '?tlp=green', day(3), 'text/plain')).body, { code: 'version_conflict', rejectedTotal: 1 })
    t.match((await page(node, 'value=192.0.2.202')).body.items, [{ version: 2, handling: { tlp: 'amber' } }])
    const list = '192.0.2.203\n'
    t.match((await push(node, '?tlp=green', list, 'text/plain')).body, { accepted: 1 })
    t.match((await push(node, '?tlp=amber&audience=csirt-cl', list, 'text/plain')).body, { accepted: 1 })
    t.match((await push(node, '?tlp=green', list, 'text/plain')).body, { code: 'version_conflict' }, 'nor a daily list')
    t.match(
      (await push(node, '?tlp=amber%2Bstrict&audience=csirt-cl', list, 'text/plain')).body,
      { accepted: 1 },
      'narrower still',
    )
  })

  t.test('other findings about an address are other indicators', async (t) => {
    const body = bot('2026-01-01 10:00:00', 'a', '192.0.2.201') + bot('2026-01-01 10:00:00', 'b', '192.0.2.201')
    t.match((await push(node, '?tlp=green', body, 'text/plain')).body, { accepted: 2 })
    t.match((await push(node, '?tlp=green', body, 'text/plain')).body, { accepted: 0, unchanged: 2 })
    t.equal((await page(node, 'value=192.0.2.201')).body.items.length, 2)
  })

  t.test('the stricter marking holds, and without one nothing is taken', async (t) => {
    const unmarked = await push(node, '', bot('2026-01-01 10:00:00', 'x'), 'text/plain')
    t.match(unmarked.body, { code: 'marking_required', rejectedTotal: 1 })
    const [open, internal] = samples.n6Events
    t.match((await push(node, '', JSON.stringify({ ...open, name: 'own' }), 'application/json')).body, { accepted: 1 })
    const kept = await push(node, '?tlp=green&audience=csirt-cl', JSON.stringify(internal), 'application/json')
    t.match(kept.body, { accepted: 1 })
    const items = (await page(node, `value=${encodeURIComponent('http://phish.example.com/login')}`)).body.items
    t.match(items, [{ handling: { tlp: 'amber+strict' } }])
    const other = await node.call('camila.csirt-cl', { method: 'GET', url: '/v1/indicators?value=192.0.2.82' })
    t.same(other.body.items, [], 'what is internal stays with its publisher')
    const yellow = await push(node, '?tlp=green', JSON.stringify(samples.intelmqEvent), 'application/json')
    t.match(yellow.body, { code: 'audience_required' })
  })

  t.test('what is said about reading must be possible', async (t) => {
    for (const query of ['?report=no%20report', '?columns=class', '?columns=value,colour', '?format=nonsense']) {
      const answer = await push(node, `${query}&tlp=green`, 'a\n', 'text/csv')
      t.equal(answer.status >= 400 && answer.status < 500, true, `${query}: ${answer.status}`)
    }
    const bomb = '<!DOCTYPE a [<!ENTITY b "c">]><ioc>&b;</ioc>'
    t.match((await push(node, '?tlp=green', bomb, 'application/xml')).body, { code: 'invalid_xml' })
  })

  t.test('and go out, by name', async (t) => {
    const cap = await page(node, 'format=cap&value=192.0.2.200')
    t.match(cap.headers['content-type'], /^text\/plain/)
    t.match(cap.text.split('\n')[2], 'bot|192.0.2.200|64496|2026-01-03 10:00:00|family: mirai;tlp: green;|AS64496, BR')
    const intelmq = await page(node, 'format=intelmq&value=192.0.2.200')
    t.match(JSON.parse(intelmq.text), { 'source.ip': '192.0.2.200', tlp: 'GREEN', 'malware.name': 'mirai' })
    const n6 = await page(node, 'format=n6&value=192.0.2.200')
    t.match(JSON.parse(n6.text), [{ category: 'bots', restriction: 'need-to-know', address: [{ ip: '192.0.2.200' }] }])
    const more = await node.call('ana.cert-br', { method: 'GET', url: '/v1/indicators?limit=1&format=cap' })
    t.match(more.headers.link, /rel="next"/)
    t.equal((await page(node, 'format=cap&include=quality')).status, 400)
  })
})
