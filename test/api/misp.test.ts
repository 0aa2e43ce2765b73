import t from 'tap'
import { type Event, madeUp, misp, named, push, refusedByPymisp, tags, uuidOf, uuids } from '../misp.ts'
import { testNode } from '../node.ts'

t.setTimeout(300_000)

t.test('an event comes out as it went in, and goes in again with equal meaning', async (t) => {
  const [first, second] = [await testNode(t), await testNode(t)]
  const pushed = await push(first, 'ana.cert-br', madeUp())
  t.strictSame([pushed.status, pushed.body.rejected], [200, []], pushed.text)
  t.equal(pushed.body.accepted, 6, 'indicators: what is context is none')
  const view = await misp(first, 'ana.cert-br').get(`events/view/${uuidOf(1)}`)
  t.equal(view.status, 200, view.text)
  const { Event: event } = view.body as { readonly Event: Event & Record<string, unknown> }
  t.match(event, {
    uuid: uuidOf(1),
    info: 'A campaign against banks',
    date: '2026-05-04',
    threat_level_id: '2',
    analysis: '1',
    published: true,
    publish_timestamp: '1777900001',
    timestamp: '1777900020',
    distribution: '2',
    attribute_count: '10',
    Orgc: { name: 'CERT.example', uuid: uuidOf(90) },
  })
  t.strictSame(
    event.Tag.map(({ name }) => name),
    ['tlp:green', 'PAP:AMBER', 'misp-galaxy:tool="Example"', 'rsit:fraud="phishing"'],
  )
  t.strictSame(uuids(event), [10, 11, 12, 13, 14, 15, 21, 22, 23, 31].map(uuidOf))
  t.match(event.Attribute.find(named(10)), {
    type: 'ip-src',
    value: '192.0.2.7',
    to_ids: true,
    comment: 'seen twice',
    distribution: '5',
    timestamp: '1777900002',
  })
  t.match(event.Attribute.find(named(11)), {
    type: 'filename|sha1',
    value: 'a.exe|da39a3ee5e6b4b0d3255bfef95601890afd80709',
    to_ids: false,
  })
  t.match(event.Attribute.find(named(12)), { type: 'ip-dst|port', value: '192.0.2.8|443', distribution: '4' })
  t.strictSame(
    event.Attribute.find(named(12))?.Tag?.map(({ name }) => name),
    ['tlp:amber', 'puente:audience="community:lac-csirts"', 'kill-chain:c2'],
  )
  t.match(event.Attribute.find(named(14)), { type: 'target-email', value: 'victim@example.com' })
  t.match(event.Object.find(named(20)), {
    name: 'file',
    'meta-category': 'file',
    template_uuid: uuidOf(91),
    template_version: '24',
    comment: 'the dropper',
    ObjectReference: [{ referenced_uuid: uuidOf(10), relationship_type: 'connects-to' }],
    Attribute: [
      { object_relation: 'filename', value: 'b.exe' },
      { object_relation: 'sha256', to_ids: true },
      { value: '17' },
    ],
  })
  t.strictSame(refusedByPymisp(event), [], 'as PyMISP reads it')
  t.strictSame(refusedByPymisp({ ...event, id: 'x', distribution: '4', sharing_group_id: '0' }).length, 2)
  const again = await push(second, 'ana.cert-br', view.body)
  t.strictSame([again.status, again.body.rejected], [200, []], again.text)
  const out = await misp(second, 'ana.cert-br').get(`events/view/${uuidOf(1)}`)
  t.strictSame(out.body, view.body, 'the same event')
  const once = await push(second, 'ana.cert-br', view.body)
  t.strictSame([once.body.accepted, once.body.unchanged], [0, 6], 'and nothing new the next time')
})

t.test('an event without a marking is refused, as what is in it', async (t) => {
  const node = await testNode(t)
  const unmarked = madeUp({
    Tag: [],
    Object: [],
    Attribute: [
      { uuid: uuidOf(41), type: 'domain', value: 'a.example.org' },
      { uuid: uuidOf(42), type: 'text', value: 'x' },
    ],
  })
  const refused = await push(node, 'ana.cert-br', unmarked)
  t.equal(refused.status, 422)
  t.strictSame(
    refused.body.rejected.map(({ code }: { code: string }) => code),
    ['marking_required', 'marking_required', 'marking_required'],
  )
  t.equal((await misp(node, 'ana.cert-br').get(`events/view/${uuidOf(1)}`)).status, 404)
  t.equal((await push(node, 'ana.cert-br', unmarked, '&tlp=green')).status, 200, 'the pusher may say it beside')
  t.equal((await misp(node, 'ana.cert-br').get(`events/view/${uuidOf(1)}`)).status, 200)
  t.equal(
    (await push(node, 'ana.cert-br', madeUp({ ...tags('tlp:green', 'puente:moon="full"') }))).body.rejected?.[0]?.code,
    'marking_unknown',
  )
})

t.test('the same event again never changes who may have it by itself; a later one does', async (t) => {
  const node = await testNode(t)
  const plain = (members: object = {}) =>
    madeUp({
      ...tags('tlp:amber', 'puente:audience="csirt-cl"'),
      Attribute: [{ uuid: uuidOf(13), type: 'text', value: 'who was it', timestamp: '1777900005' }],
      Object: [{ uuid: uuidOf(20), name: 'file', comment: 'the dropper', timestamp: '1777900010', Attribute: [] }],
      ...members,
    })
  t.strictSame((await push(node, 'ana.cert-br', plain())).body.rejected, [])
  const wider = await push(node, 'ana.cert-br', plain(tags('tlp:green')))
  t.equal(wider.status, 422)
  t.strictSame(
    wider.body.rejected
      .map(({ code, position }: { code: string; position: { pointer: string } }) => [code, position.pointer])
      .sort(),
    [
      ['version_conflict', '/Event'],
      ['version_conflict', '/Event/Attribute/0'],
      ['version_conflict', '/Event/Object/0'],
    ],
  )
  const seen = async () => (await misp(node, 'sofia.csirt-ar').get(`events/view/${uuidOf(1)}`)).status
  t.equal(await seen(), 404, 'it is as narrow as it was')
  const older = await push(node, 'ana.cert-br', plain({ info: 'An older title', timestamp: '1777000000' }))
  t.match(older.body.rejected, [{ code: 'version_conflict', position: { pointer: '/Event' } }])
  const later = { timestamp: '1777999999', ...tags('tlp:green'), info: 'A later title' }
  const text = { uuid: uuidOf(13), type: 'text', value: 'it was nobody', timestamp: '1777999999' }
  t.equal((await push(node, 'ana.cert-br', plain({ ...later, Attribute: [text], Object: [] }))).status, 200)
  const { body } = await misp(node, 'sofia.csirt-ar').get(`events/view/${uuidOf(1)}`)
  t.match(body.Event, { info: 'A later title', Attribute: [{ value: 'it was nobody' }], Object: { length: 0 } })
})

t.test('context that becomes an indicator is context no more', async (t) => {
  const node = await testNode(t)
  const link = (to_ids: boolean, timestamp: string) =>
    madeUp({
      Object: [],
      Attribute: [{ uuid: uuidOf(16), type: 'link', value: 'https://a.example.org/x', to_ids, timestamp }],
    })
  for (const [to_ids, timestamp] of [
    [false, '1777900001'],
    [true, '1777900002'],
    [false, '1777900003'],
  ] as const) {
    await push(node, 'ana.cert-br', link(to_ids, timestamp))
    const { body } = await misp(node, 'ana.cert-br').get(`events/view/${uuidOf(1)}`)
    t.match(body.Event.Attribute, [{ uuid: uuidOf(16), type: 'link', to_ids }])
    t.equal(body.Event.Attribute.length, 1)
  }
})

t.test('what was narrowed, recalled or deleted leaves its event', async (t) => {
  const node = await testNode(t)
  await push(node, 'ana.cert-br', madeUp())
  const shown = async (account: string) => uuids((await misp(node, account).get(`events/view/${uuidOf(1)}`)).body.Event)
  const recalled = await node.call('ana.cert-br', {
    method: 'POST',
    url: `/v1/indicators/indicator--${uuidOf(10)}/recall`,
    headers: { 'content-type': 'application/json' },
    payload: '{"reason":"wrong"}',
  })
  t.equal(recalled.status, 200)
  await push(
    node,
    'ana.cert-br',
    madeUp({ Object: [], Attribute: [{ uuid: uuidOf(13), type: 'text', value: 'who was it', deleted: true }] }),
  )
  for (const account of ['ana.cert-br', 'sofia.csirt-ar']) {
    const left = await shown(account)
    t.notOk(left.includes(uuidOf(10)), `${account}: recalled`)
    t.notOk(left.includes(uuidOf(13)), `${account}: deleted`)
    t.ok(left.includes(uuidOf(11)))
  }
  const { body } = await misp(node, 'sofia.csirt-ar').get(`events/view/${uuidOf(1)}`)
  t.strictSame(body.Event.Object.find(named(20)).ObjectReference, [], 'a reference to what is gone is left out')
})

t.test('indicators as MISP, those of events in them', async (t) => {
  const node = await testNode(t)
  await push(node, 'ana.cert-br', madeUp())
  await node.call('ana.cert-br', {
    method: 'POST',
    url: '/v1/indicators?tlp=green&pap=clear',
    headers: { 'content-type': 'application/json' },
    payload: '[{"value":"alone.example.org"},{"value":"192.0.2.99:8080"}]',
  })
  const { body, headers } = await node.call('ana.cert-br', { method: 'GET', url: '/v1/indicators?format=misp' })
  t.match(headers['content-type'], /^application\/json/)
  const events: Event[] = body.response.map(({ Event: each }: { Event: Event }) => each)
  t.equal(events.length, 2)
  t.strictSame(uuids(events[0] as Event), [10, 11, 12, 15, 21, 22, 31].map(uuidOf))
  const [, others] = events
  t.strictSame(others?.Attribute.map(({ type, value }) => [type, value]).sort(), [
    ['domain', 'alone.example.org'],
    ['ip-dst|port', '192.0.2.99|8080'],
  ])
  t.strictSame(
    others?.Tag.map(({ name }) => name),
    ['tlp:green', 'PAP:CLEAR'],
  )
  const twice = await node.call('ana.cert-br', { method: 'GET', url: '/v1/indicators?format=misp' })
  t.equal(twice.text, (await node.call('ana.cert-br', { method: 'GET', url: '/v1/indicators?format=misp' })).text)
})
