import t from 'tap'
import { actions } from '../../src/actions/index.ts'
import { readerIn } from '../../src/actions/recognise.ts'
import { publicCaller } from '../../src/domain/caller.ts'
import { type TestNode, testNode } from '../node.ts'

t.setTimeout(300_000)

const uuidOf = (n: number): string => `5bad1b96-53bc-4148-87eb-${String(n).padStart(12, '0')}`
const tags = (...names: string[]) => ({ Tag: names.map((name) => ({ name })) })

/** As PyMISP sends (pymisp/api.py, `_prepare_request`): the bare key, JSON in and out, `{}` where it has nothing to say. */
const misp = (node: TestNode, account: string) => {
  const key = node.as(account).authorization?.replace('Bearer ', '')
  const headers = { authorization: key, accept: 'application/json', 'content-type': 'application/json' }
  const ask = (method: 'GET' | 'POST' | 'DELETE', path: string, body?: object) =>
    node.call('anonymous', {
      ...{ method, url: `/misp/${path}`, headers },
      ...(body === undefined ? {} : { payload: JSON.stringify(body) }),
    })
  return {
    get: (path: string) => ask('GET', path),
    delete: (path: string) => ask('DELETE', path),
    post: (path: string, body: object = {}) => ask('POST', path, body),
    tag: (uuid: string, tag: string) => ask('POST', 'tags/attachTagToObject', { uuid, tag, local: false }),
    untag: (uuid: string, tag: string) => ask('POST', 'tags/removeTagFromObject', { uuid, tag }),
  }
}

const event = (n: number, members: object = {}) => ({
  ...{ uuid: uuidOf(n), info: 'A campaign', date: '2026-05-04', timestamp: '1777900000', ...tags('tlp:green', 'APT') },
  Attribute: [
    {
      uuid: uuidOf(n + 1),
      type: 'domain',
      category: 'Network activity',
      value: `a${n}.example.org`,
      timestamp: '1777900002',
    },
    { uuid: uuidOf(n + 2), type: 'comment', category: 'Other', value: 'who was it', timestamp: '1777900003' },
  ],
  Object: [
    {
      ...{ uuid: uuidOf(n + 3), name: 'file', 'meta-category': 'file', timestamp: '1777900004' },
      Attribute: [
        {
          uuid: uuidOf(n + 4),
          type: 'filename',
          object_relation: 'filename',
          value: `b${n}.exe`,
          timestamp: '1777900004',
        },
        {
          ...{ uuid: uuidOf(n + 5), type: 'sha1', object_relation: 'sha1', timestamp: '1777900004' },
          value: `${String(n).padStart(4, '0')}a3ee5e6b4b0d3255bfef95601890afd80709`,
        },
      ],
    },
  ],
  ...members,
})

const valuesOf = async (node: TestNode, account: string): Promise<string[]> => {
  const { body } = await node.call(account, { method: 'GET', url: '/v1/indicators?status=active&status=expired' })
  return body.items.map(({ value }: { value: string }) => value).sort()
}

const handlingOf = async (node: TestNode, n: number) =>
  (await node.call('ana.cert-br', { method: 'GET', url: `/v1/indicators/indicator--${uuidOf(n)}` })).body.handling

t.test('an event, an object or an attribute is deleted by its originator, and is recalled', async (t) => {
  const node = await testNode(t)
  const [ana, sofia] = [misp(node, 'ana.cert-br'), misp(node, 'sofia.csirt-ar')]
  for (const n of [10, 20, 30]) t.equal((await ana.post('events/add', event(n))).status, 200)
  t.equal((await valuesOf(node, 'sofia.csirt-ar')).length, 6)

  const theirs = await misp(node, 'martin.csirt-ar').post(`events/delete/${uuidOf(10)}`)
  t.match(
    [theirs.status, theirs.body],
    [403, { code: 'originator_only', message: 'You do not have permission to do that.' }],
  )
  t.equal((await misp(node, 'martin.csirt-ar').post(`attributes/delete/${uuidOf(11)}`)).status, 403)
  t.equal((await sofia.post(`events/delete/${uuidOf(10)}`)).status, 403, 'nor a reader')
  t.equal((await ana.post(`events/delete/${uuidOf(99)}`)).status, 404)
  t.equal((await ana.post('events/delete/x')).status, 404)

  const gone = await ana.post(`events/delete/${uuidOf(10)}`)
  t.match([gone.status, gone.body], [200, { saved: true, success: true, message: 'Event deleted.' }])
  for (const client of [ana, sofia]) {
    t.equal((await client.get(`events/view/${uuidOf(10)}`)).status, 404, 'of the event nothing is left')
    t.equal((await client.get(`attributes/view/${uuidOf(11)}`)).status, 404)
  }
  t.equal((await valuesOf(node, 'sofia.csirt-ar')).length, 4, 'what was in it is recalled')
  const history = await node.call('ana.cert-br', {
    method: 'GET',
    url: `/v1/indicators/indicator--${uuidOf(11)}/history`,
  })
  t.match(history.body.items.at(-1), { change: 'recalled' }, 'and its originator still has its history')
  t.equal((await ana.post(`events/delete/${uuidOf(10)}`)).status, 404, 'once')

  const half = await ana.post(`attributes/delete/${uuidOf(24)}`, { hard: 1 })
  t.match([half.status, half.body.code], [400, 'invalid_request'], 'a value would still be there at every other door')
  const object = await ana.post(`objects/delete/${uuidOf(23)}`, { hard: 1 })
  t.match([object.status, object.body.message], [200, 'Object deleted.'])
  t.strictSame((await sofia.get(`events/view/${uuidOf(20)}`)).body.Event.Object, [])
  const context = await ana.delete(`attributes/delete/${uuidOf(22)}`)
  t.match([context.status, context.body.message], [200, 'Attribute deleted.'], 'DELETE, as older clients have it')
  t.equal((await ana.post(`attributes/delete/${uuidOf(21)}`)).status, 200)
  t.strictSame((await ana.get(`events/view/${uuidOf(20)}`)).body.Event.Attribute, [])
  t.equal((await sofia.get(`events/view/${uuidOf(20)}`)).status, 404, 'an empty event is its originator’s alone')
  t.equal((await valuesOf(node, 'sofia.csirt-ar')).length, 2)

  await node.call('ana.cert-br', {
    method: 'POST',
    url: '/v1/indicators?tlp=green',
    payload: [{ value: '192.0.2.99' }],
  })
  const [alone] = (await ana.post('attributes/restSearch', { value: '192.0.2.99' })).body.response.Attribute
  t.equal((await ana.post(`attributes/delete/${alone.uuid}`)).status, 200, 'also one that came by another door')
  t.equal((await ana.delete(`events/delete/${uuidOf(30)}`)).status, 200)
  t.strictSame(await valuesOf(node, 'sofia.csirt-ar'), [])
  const { rows } = await node.context.database.client.query('select from misp_part')
  t.strictSame(rows, [])
})

t.test('an indicator of two events goes with the last of them', async (t) => {
  const node = await testNode(t)
  const ana = misp(node, 'ana.cert-br')
  const shared = { uuid: uuidOf(50), type: 'domain', value: 'both.example.org', timestamp: '1777900002' }
  for (const n of [10, 20]) await ana.post('events/add', event(n, { Attribute: [shared], Object: [] }))
  await ana.post(`events/delete/${uuidOf(10)}`)
  t.strictSame(await valuesOf(node, 'ana.cert-br'), ['both.example.org'])
  await ana.post(`events/delete/${uuidOf(20)}`)
  t.strictSame(await valuesOf(node, 'sofia.csirt-ar'), [])
})

t.test('tags come and go; about handling they only tighten', async (t) => {
  const node = await testNode(t)
  const [ana, sofia] = [misp(node, 'ana.cert-br'), misp(node, 'sofia.csirt-ar')]
  await ana.post('events/add', event(10))
  const namesOf = async (client = ana) =>
    (await client.get(`events/view/${uuidOf(10)}`)).body.Event?.Tag.map(({ name }: { name: string }) => name)
  const onAttribute = async (n: number): Promise<string[]> =>
    (await ana.get(`attributes/view/${uuidOf(n)}`)).body.Attribute.Tag.map(({ name }: { name: string }) => name)

  const attached = await ana.tag(uuidOf(10), 'kill-chain:c2')
  t.match([attached.status, attached.body], [200, { saved: true, success: true, message: /attached to Event/ }])
  t.strictSame(await namesOf(sofia), ['tlp:green', 'PAP:GREEN', 'APT', 'kill-chain:c2'])
  t.equal((await ana.untag(uuidOf(10), 'APT')).status, 200)
  t.strictSame(await namesOf(sofia), ['tlp:green', 'PAP:GREEN', 'kill-chain:c2'])
  t.notOk((await onAttribute(11)).includes('APT'), 'nor do attributes keep what they took over')
  t.match((await ana.tag(uuidOf(11), 'mine')).body, { message: /attached to Attribute/ })
  t.ok((await onAttribute(11)).includes('mine'))
  t.equal((await ana.untag(uuidOf(11), 'mine')).status, 200)
  t.notOk((await onAttribute(11)).includes('mine'))
  for (const body of [{ event: uuidOf(10), tag: 'x:1' }, { request: { Event: { id: uuidOf(10), tag: 'x:2' } } }])
    t.equal((await ana.post('events/addTag', body)).status, 200)
  t.equal((await ana.post('attributes/addTag', { attribute: uuidOf(11), tag: 'x:3' })).status, 200)
  t.match(await namesOf(), ['tlp:green', 'PAP:GREEN', 'kill-chain:c2', 'x:1', 'x:2'])

  for (const [uuid, tag] of [
    [uuidOf(10), 'tlp:clear'],
    [uuidOf(11), 'tlp:white'],
    [uuidOf(11), 'PAP:CLEAR'],
    [uuidOf(10), 'puente:law-enforcement="allowed"'],
    [uuidOf(10), 'puente:audience="csirt-cl"'],
    [uuidOf(11), 'puente:people="sofia.csirt-ar"'],
  ] as const) {
    const { status, body } = await ana.tag(uuid, tag)
    t.match([status, body.code], [422, 'invalid_handling'], `${tag} is looser, or addresses others`)
  }
  t.match((await ana.tag(uuidOf(11), 'tlp:amber')).body.code, 'audience_required')
  t.match((await ana.tag(uuidOf(10), 'iep:x="y"')).body.code, 'marking_unknown')
  t.match((await ana.tag(uuidOf(10), 'puente:moon="full"')).body.code, 'marking_unknown')
  for (const tag of ['tlp:green', 'PAP:GREEN'])
    t.match((await ana.untag(uuidOf(10), tag)).body.code, 'invalid_handling', 'no tag about handling is taken off')
  for (const wrong of [
    {},
    { uuid: uuidOf(10) },
    { uuid: uuidOf(10), tag: '' },
    { tag: 'x' },
    { uuid: uuidOf(10), tag: 'x', local: true },
  ])
    t.match((await ana.post('tags/attachTagToObject', wrong)).body.code, 'invalid_request', JSON.stringify(wrong))
  t.match((await misp(node, 'martin.csirt-ar').tag(uuidOf(10), 'x')).body.code, 'originator_only')
  t.match((await misp(node, 'martin.csirt-ar').tag(uuidOf(11), 'x')).body.code, 'originator_only')
  t.equal((await ana.tag(uuidOf(98), 'x')).status, 404)

  t.equal((await ana.tag(uuidOf(11), 'puente:law-enforcement="never"')).status, 200)
  t.match(await handlingOf(node, 11), { tlp: 'green', lawEnforcement: 'never' })
  t.equal((await ana.tag(uuidOf(10), 'PAP:RED')).status, 200)
  t.match(
    await handlingOf(node, 11),
    { pap: 'red', lawEnforcement: 'never' },
    'what an event is under holds for all in it',
  )
  t.strictSame((await namesOf(sofia)).slice(0, 2), ['tlp:green', 'PAP:RED'])
  const seen = (await sofia.get(`events/view/${uuidOf(10)}`)).body.Event
  t.equal(seen.Attribute.length, 2)
  t.match(seen.Object, [{ name: 'file', Attribute: [{}, {}] }], 'and nothing is lost by it')
  node.at('2026-06-02T00:00:00Z')
  const narrowed = await ana.post(`events/edit/${uuidOf(10)}`, {
    ...tags('tlp:amber', 'puente:audience="csirt-ar"'),
    timestamp: '1780300000',
  })
  t.equal(narrowed.status, 200)
  t.equal((await ana.tag(uuidOf(10), 'tlp:amber+strict')).status, 422, 'who is to have what is in it was never said')
})

t.test('what is context has tags of its own, which narrow it alone', async (t) => {
  const node = await testNode(t)
  const [ana, sofia] = [misp(node, 'ana.cert-br'), misp(node, 'sofia.csirt-ar')]
  await ana.post('events/add', event(10, tags('tlp:amber', 'puente:audience="csirt-ar"', 'APT')))
  const comment = async (client = ana): Promise<{ Tag?: { name: string }[]; value: string } | undefined> =>
    (await client.get(`events/view/${uuidOf(10)}`)).body.Event.Attribute.find(
      ({ uuid }: { uuid: string }) => uuid === uuidOf(12),
    )
  const namesOf = async (client = ana) => (await comment(client))?.Tag?.map(({ name }) => name) ?? []

  const attached = await ana.post('attributes/addTag', { attribute: uuidOf(12), tag: 'admiralty:b' })
  t.match([attached.status, attached.body], [200, { saved: true, message: /attached to Attribute/ }])
  t.equal((await ana.tag(uuidOf(12), 'second')).status, 200)
  t.equal((await ana.tag(uuidOf(12), 'second')).status, 200, 'twice is once')
  t.strictSame(await namesOf(sofia), ['admiralty:b', 'second'])
  t.match(await comment(), { value: 'who was it' }, 'and nothing else changes')
  t.equal((await ana.untag(uuidOf(12), 'second')).status, 200)
  t.equal((await ana.untag(uuidOf(12), 'never')).status, 200)
  t.strictSame(await namesOf(sofia), ['admiralty:b'])

  for (const [tag, code] of [
    ['tlp:green', 'invalid_handling'],
    ['PAP:CLEAR', 'invalid_handling'],
    ['puente:audience="csirt-cl"', 'invalid_handling'],
    ['iep:x="y"', 'marking_unknown'],
  ] as const)
    t.match((await ana.tag(uuidOf(12), tag)).body.code, code, tag)
  t.match((await ana.untag(uuidOf(12), 'tlp:amber')).body.code, 'invalid_handling')
  t.match((await misp(node, 'martin.csirt-ar').tag(uuidOf(12), 'x')).body.code, 'originator_only')
  t.equal((await misp(node, 'diego.csirt-cl').tag(uuidOf(12), 'x')).status, 404, 'nor is it told that it is there')
  t.strictSame(await namesOf(), ['admiralty:b'], 'what was refused changed nothing')

  t.equal((await ana.tag(uuidOf(12), 'tlp:amber+strict')).status, 200)
  t.strictSame(await namesOf(), ['tlp:amber+strict', 'admiralty:b'])
  t.equal(await comment(sofia), undefined, 'no agreement covers that')
  t.match((await ana.get(`events/view/${uuidOf(10)}`)).body.Event.Tag[0], { name: 'tlp:amber' }, 'the event stays')
  t.match(await handlingOf(node, 11), { tlp: 'amber' })
  t.equal((await sofia.get(`attributes/view/${uuidOf(11)}`)).status, 200)
})

t.test('tags are named in the path as well, by name or by the number that this node lists', async (t) => {
  const node = await testNode(t)
  const ana = misp(node, 'ana.cert-br')
  await ana.post('events/add', event(10))
  const number = BigInt(`0x${uuidOf(10).replaceAll('-', '')}`)
  const tagged = async () => (await ana.get(`events/view/${uuidOf(10)}`)).body.Event
  for (const path of [
    `events/addTag/${uuidOf(10)}/one`,
    `events/addTag/${number}/${encodeURIComponent('a/b:c="d e"')}`,
    `events/addTag/${uuidOf(10)}/two/local:0`,
    `attributes/addTag/${uuidOf(11)}/mine`,
    `attributes/addTag/${uuidOf(12)}/said/local:0`,
  ])
    t.equal((await ana.post(path)).status, 200, path)
  t.equal((await ana.post(`events/removeTag/${uuidOf(10)}/one`)).status, 200)
  const [indicator, comment] = (await tagged()).Attribute
  const names = ({ Tag }: { Tag?: { name: string }[] }) => Tag?.map(({ name }) => name) ?? []
  t.strictSame(names(await tagged()).slice(2), ['APT', 'a/b:c="d e"', 'two'])
  t.ok(names(indicator).includes('mine'))
  t.strictSame(names(comment), ['said'])
  t.equal((await ana.post(`attributes/removeTag/${uuidOf(12)}/said`)).status, 200)
  t.strictSame(names((await tagged()).Attribute[1]), [])

  const listed = (await ana.get('tags')).body.Tag.find(({ name }: { name: string }) => name === 'PAP:RED')
  t.equal((await ana.post(`attributes/addTag/${uuidOf(11)}/${listed.id}`)).status, 200)
  t.match(await handlingOf(node, 11), { pap: 'red' })
  for (const [path, expected, code] of [
    [`events/addTag/${uuidOf(10)}/7`, 404, 'not_found'],
    [`events/addTag/${uuidOf(98)}/x`, 404, 'not_found'],
    ['events/addTag/x/y', 404, 'not_found'],
    [`events/addTag/${uuidOf(10)}/x/local:1`, 400, 'invalid_request'],
    [`events/addTag/${uuidOf(10)}/x/global:1`, 404, 'not_found'],
    [`events/addTag/${uuidOf(10)}/%20`, 400, 'invalid_request'],
    [`events/addTag/${uuidOf(10)}/tlp:clear`, 422, 'invalid_handling'],
    [`events/removeTag/${uuidOf(10)}/tlp:green`, 422, 'invalid_handling'],
    [`attributes/addTag/${uuidOf(12)}/tlp:clear`, 422, 'invalid_handling'],
  ] as const) {
    const { status, body } = await ana.post(path)
    t.match([status, body.code], [expected, code], path)
  }
  t.match((await misp(node, 'martin.csirt-ar').post(`events/addTag/${uuidOf(10)}/x`)).body.code, 'originator_only')
})

t.test('an attribute is found by its UUID, not among all', async (t) => {
  const node = await testNode(t)
  const ana = misp(node, 'ana.cert-br')
  await ana.post('events/add', event(10))
  const { client } = node.context.database
  await client.query(
    `insert into misp_part (event, originator, uuid, kind, ordinal, handling_id, body)
     select $1, 'cert-br', gen_random_uuid(), 'context', n, (select handling_id from misp_event), '{}' from generate_series(1, 5000) n`,
    [uuidOf(10)],
  )
  await client.query('analyze misp_part')
  for (const condition of [
    "p.uuid = $1 and p.kind <> 'object'",
    "p.object = $1 or (p.kind = 'object' and p.uuid = $1)",
  ]) {
    const { rows } = await client.query(
      `explain select from misp_part p where p.originator = 'cert-br' and (${condition.replaceAll('$1', `'${uuidOf(12)}'`)})`,
    )
    t.notMatch(JSON.stringify(rows), /Seq Scan/, condition)
  }
})

t.test('TLP of a tag narrows the event, its context, frames and indicators for every reader', async (t) => {
  const node = await testNode(t)
  const [ana, sofia] = [misp(node, 'ana.cert-br'), misp(node, 'sofia.csirt-ar')]
  await ana.post('events/add', event(10, tags('tlp:amber', 'puente:audience="csirt-cl"', 'puente:audience="csirt-ar"')))
  const { rows: before } = await node.context.database.client.query(
    'select from misp_part where handling_id is not null',
  )
  t.equal(before.length, 2)
  t.equal((await sofia.get(`events/view/${uuidOf(10)}`)).status, 200)
  t.equal((await ana.tag(uuidOf(10), 'tlp:amber+strict')).status, 200)
  t.match(await handlingOf(node, 11), { tlp: 'amber+strict' })
  const { rows } = await node.context.database.client.query<{ body: string }>(
    'select h.body from handling h where id in (select handling_id from misp_part union select handling_id from misp_event)',
  )
  t.strictSame([...new Set(rows.map(({ body }) => JSON.parse(body).tlp))], ['amber+strict'], 'context and frames too')
  t.equal((await ana.get(`events/view/${uuidOf(10)}`)).body.Event.Tag[0].name, 'tlp:amber+strict')
  t.equal((await sofia.get(`events/view/${uuidOf(10)}`)).status, 404, 'no agreement covers that')
  t.match((await ana.tag(uuidOf(10), 'tlp:red')).body.code, 'people_required')
  // Whatever a door lets through, a revision that may only tighten does.
  const { directory } = await node.context.policy.current()
  const reader = readerIn(directory, 'ana.cert-br')
  if (reader === undefined) throw new Error('Ana is not there')
  const caller = { ...publicCaller, reader, scopes: ['read', 'write'] } as const
  const id = `indicator--${uuidOf(11)}`
  await actions.revise(node.context, caller, {
    id,
    stricter: true,
    revision: { handling: { tlp: 'clear', pap: 'red' } },
  })
  t.match(await handlingOf(node, 11), { tlp: 'amber+strict', pap: 'red' })
})

t.test('an attribute is edited as PyMISP edits it, and objects are searched', async (t) => {
  const node = await testNode(t)
  const [ana, sofia] = [misp(node, 'ana.cert-br'), misp(node, 'sofia.csirt-ar')]
  for (const n of [10, 20]) await ana.post('events/add', event(n))
  const { Attribute: known } = (await ana.get(`attributes/view/${uuidOf(11)}`)).body
  const { timestamp: _, ...sent } = known
  const edited = await ana.post(`attributes/edit/${uuidOf(11)}`, { ...sent, comment: 'seen again', to_ids: false })
  t.match(
    [edited.status, edited.body.Attribute],
    [200, { comment: 'seen again', to_ids: false, value: 'a10.example.org' }],
  )
  t.match((await sofia.get(`attributes/view/${uuidOf(11)}`)).body.Attribute, { comment: 'seen again' })
  const text = await ana.post(`attributes/edit/${uuidOf(12)}`, { value: 'it was them' })
  t.match([text.status, text.body.Attribute.value], [200, 'it was them'], 'context as well')
  const inside = await ana.post(`attributes/edit/${uuidOf(14)}`, { value: 'c10.exe' })
  t.match([inside.status, inside.body.Attribute], [200, { value: 'c10.exe', object_relation: 'filename' }])
  const whole = (await sofia.get(`events/view/${uuidOf(10)}`)).body.Event
  t.match(whole.Object[0].Attribute.length, 2, 'the others of the object stay')
  t.match((await misp(node, 'martin.csirt-ar').post(`attributes/edit/${uuidOf(11)}`, {})).body.code, 'originator_only')
  t.equal((await ana.post(`attributes/edit/${uuidOf(97)}`, { value: 'x' })).status, 404)
  const wrong = await ana.post(`attributes/edit/${uuidOf(11)}`, { type: 'ip-dst', value: 'nowhere' })
  t.match([wrong.status, wrong.body.code], [422, 'invalid_value'])

  const found = async (query: object, client = ana) => {
    const { body, text } = await client.post('objects/restSearch', { returnFormat: 'json', ...query })
    return Array.isArray(body.response)
      ? body.response.map((each: { Object: { uuid: string } }) => each.Object.uuid)
      : text
  }
  t.strictSame((await found({})).sort(), [uuidOf(13), uuidOf(23)])
  t.strictSame(await found({ value: '0010a3ee5e6b4b0d3255bfef95601890afd80709' }), [uuidOf(13)])
  t.strictSame(await found({ value: 'a10.example.org' }), [], 'not those beside what was found')
  t.strictSame(await found({ object_name: 'file', eventid: uuidOf(20) }), [uuidOf(23)])
  t.strictSame(await found({ object_name: 'domain-ip' }), [])
  t.strictSame(await found({ type_attribute: 'sha1', limit: 1, page: 2 }), [uuidOf(23)])
  t.match(await found({ limit: 1_000, page: 1_000 }), /invalid_request/)
  t.match(await found({ moon: 'full' }), /invalid_request/)
  await ana.post(`events/edit/${uuidOf(10)}`, {
    ...tags('tlp:amber', 'puente:audience="csirt-cl"'),
    timestamp: '1779000000',
  })
  t.strictSame(await found({}, sofia), [uuidOf(23)], 'nor those of an event that is not to be seen')
  t.match((await ana.get('users/view/me')).body.Role, { perm_delete: true, perm_tagger: true })
  t.match((await sofia.get('users/view/me')).body.Role, { perm_delete: false, perm_tagger: false })
})

t.test('an event that is larger than is read at once does not pass for whole', async (t) => {
  const node = await testNode(t)
  const ana = misp(node, 'ana.cert-br')
  const text = 'x'.repeat(60_000)
  const frame = { ...event(10), Object: [] }
  for (let n = 0; n < 3; n++) {
    const Attribute = Array.from({ length: 200 }, (_, i) => ({
      ...{ uuid: uuidOf(10_000 + n * 1_000 + i), type: 'comment', value: `${i} ${text}`, timestamp: '1777900003' },
    }))
    t.equal((await ana.post(n === 0 ? 'events/add' : `events/edit/${uuidOf(10)}`, { ...frame, Attribute })).status, 200)
    const seen = await ana.get(`events/view/${uuidOf(10)}`)
    const [found] = (await ana.post('events/restSearch', { eventid: uuidOf(10) })).body.response
    const file = await ana.get(`feed/${uuidOf(10)}.json`)
    if (n < 2) {
      t.equal(seen.body.Event.Attribute.length, 200 * (n + 1), 'all of it, while it fits')
      t.equal(found.Event.incomplete, undefined)
      t.equal(file.status, 200)
    } else {
      t.match([seen.status, seen.body.code], [413, 'record_too_large'])
      t.match([file.status, file.body.code], [413, 'record_too_large'], 'nor does a file of the feed')
      t.match(found.Event, { incomplete: true }, 'a search says so of it')
      t.ok(found.Event.Attribute.length < 600)
      const { headers } = { headers: { authorization: node.as('ana.cert-br').authorization } }
      t.equal(
        (await node.call('anonymous', { method: 'HEAD', url: `/misp/events/view/${uuidOf(10)}`, headers })).status,
        200,
      )
    }
  }
  await node.context.database.client.query(
    `insert into misp_part select event, originator, gen_random_uuid(), kind, 7, null, null, handling_id, '{"type":"comment","value":"x","tags":[]}'
     from misp_part, generate_series(1, 20000) where uuid = $1`,
    [uuidOf(10_000)],
  )
  await node.context.database.client.query('delete from misp_part where octet_length(body) > 1000')
  t.equal(
    (await ana.get(`events/view/${uuidOf(10)}`)).body.Event.attribute_count,
    '20000',
    'as many as are read at once',
  )
  await node.context.database.client.query(
    `insert into misp_part select event, originator, gen_random_uuid(), kind, 8, null, null, handling_id, body from misp_part limit 1`,
  )
  t.equal((await ana.get(`events/view/${uuidOf(10)}`)).status, 413, 'and one more')
})
