import t from 'tap'
import { type Attribute, madeUp, misp, push, tags, uuidOf } from '../misp.ts'
import { testNode } from '../node.ts'

t.setTimeout(300_000)

/** What PyMISP reads of the answers it begins with (pymisp/api.py, `PyMISP.__init__`), and refuses to go on without. */
t.test('a client of MISP begins as PyMISP does', async (t) => {
  const node = await testNode(t)
  const client = misp(node, 'ana.cert-br')
  const { body: version } = await client.get('servers/getVersion')
  t.match(version.version, /^\d+\.\d+\.\d+$/)
  t.match(version.pymisp_recommended_version, /^\d+\.\d+\.\d+$/)
  const { body: me } = await client.get('users/view/me')
  t.match(me, {
    User: { email: 'ana.cert-br', id: /^\d+$/, org_id: /^\d+$/ },
    Role: { perm_add: true, perm_sighting: true },
  })
  t.ok('UserSetting' in me)
  t.strictSame((await client.get(`users/view/${me.User.id}`)).body, me)
  t.equal((await client.get('users/view/1')).status, 404)
  const { result } = (await client.get('attributes/describeTypes.json')).body
  for (const type of result.types) {
    const { default_category: category, to_ids } = result.sane_defaults[type]
    t.ok(result.category_type_mappings[category].includes(type), type)
    t.ok(to_ids === 0 || to_ids === 1)
  }
  t.ok(['ip-dst', 'filename|sha256', 'comment', 'btc', 'yara'].every((type) => result.types.includes(type)))
  t.strictSame(result.categories, Object.keys(result.category_type_mappings))
  t.ok((await client.get('tags')).body.Tag.some(({ name }: { name: string }) => name === 'tlp:amber+strict'))
  t.equal((await client.head(`events/view/${uuidOf(1)}`)).status, 404)
  const stranger = await node.call('anonymous', {
    method: 'GET',
    url: '/misp/users/view/me',
    headers: { authorization: 'x'.repeat(40) },
  })
  t.strictSame([stranger.status, Object.keys(stranger.body)], [403, ['name', 'message', 'url', 'code']])
  t.equal(
    (
      await node.call('anonymous', {
        method: 'GET',
        url: '/misp/servers/getVersion',
        headers: { 'x-misp-auth': 'nobody' },
      })
    ).status,
    403,
  )
  const elsewhere = await client.get('galaxies/index')
  t.match([elsewhere.status, elsewhere.body], [404, { name: /./, url: '/misp/galaxies/index', code: 'not_found' }])
  t.equal(
    (await node.call('anonymous', { method: 'GET', url: '/v1/me', headers: { authorization: 'puente_x' } })).status,
    401,
    'elsewhere a key has its scheme',
  )
})

t.test('a client of MISP publishes, adds, searches and sights', async (t) => {
  const node = await testNode(t)
  const [ana, sofia] = [misp(node, 'ana.cert-br'), misp(node, 'sofia.csirt-ar')]
  const bare = await ana.post('events/add', { info: 'Unmarked', Attribute: [] })
  t.match([bare.status, bare.body], [422, { code: 'marking_required', url: '/misp/events/add' }])
  const made = await ana.post('events/add', { info: 'By a client', date: '2026-05-05', ...tags('tlp:green', 'APT') })
  t.equal(made.status, 200, made.text)
  const { uuid, id } = made.body.Event
  t.equal(String(BigInt(`0x${uuid.replaceAll('-', '')}`)), id, 'a number that counts nothing')
  t.equal((await ana.head(`events/view/${id}`)).status, 200)
  t.equal((await sofia.head(`events/view/${id}`)).status, 404, "an empty event is its originator's alone")

  const one = await ana.post(`attributes/add/${uuid}`, {
    type: 'domain',
    value: 'C2.example.org',
    comment: 'seen',
    uuid: uuidOf(50),
  })
  t.match(
    [one.status, one.body],
    [
      200,
      {
        Attribute: {
          uuid: uuidOf(50),
          type: 'domain',
          value: 'c2.example.org',
          comment: 'seen',
          category: 'Network activity',
        },
      },
    ],
  )
  const several = await ana.post(`attributes/add/${id}`, [
    { type: 'ip-dst', value: '192.0.2.50', ...tags('tlp:amber', 'puente:audience="csirt-cl"') },
    { type: 'comment', value: 'by hand' },
    { type: 'ip-dst', value: 'nowhere' },
  ])
  t.equal(several.status, 200, several.text)
  t.equal(several.body.Attribute.length, 2)
  t.match(several.body.rejected, [{ code: 'invalid_value', position: { pointer: '/Event/Attribute/2/value' } }])
  const object = await ana.post(`objects/add/${uuid}`, {
    name: 'domain-ip',
    Attribute: [{ type: 'ip-dst', object_relation: 'ip', value: '192.0.2.51' }],
  })
  t.match(
    [object.status, object.body],
    [200, { Object: { name: 'domain-ip', Attribute: [{ object_relation: 'ip', value: '192.0.2.51' }] } }],
  )
  t.equal((await ana.post(`events/publish/${uuid}`)).status, 200)
  const single = await ana.post(`attributes/add/${uuid}/breakOnDuplicate:0`, [
    { type: 'domain', value: 'c2.example.org', uuid: uuidOf(50) },
  ])
  t.match([single.status, single.body.Attribute.uuid], [200, uuidOf(50)], 'a list of one is answered as one')
  t.equal((await ana.post(`attributes/add/${uuid}/sudo:1`, { type: 'domain', value: 'x.example.org' })).status, 404)
  const head = await ana.post('events/add/metadata:1', {
    ...tags('tlp:green'),
    info: 'Head alone',
    uuid: uuidOf(70),
    date: '2026-05-01',
  })
  t.match([head.status, head.body.Event.info, 'Attribute' in head.body.Event], [200, 'Head alone', false])

  const theirs = await sofia.get(`events/view/${uuid}`)
  t.strictSame(theirs.body.Event.Attribute.map(({ value }: Attribute) => value).sort(), ['by hand', 'c2.example.org'])
  const before = theirs.body.Event.timestamp
  node.at('2026-06-20T00:00:00Z')
  await ana.post(`attributes/add/${uuid}`, { type: 'domain', value: 'later.example.org', distribution: '0' })
  t.equal((await sofia.get(`events/view/${uuid}`)).body.Event.timestamp, before, 'what is hidden changes no time')
  t.strictSame((await sofia.get(`events/view/${uuid}`)).body, theirs.body)

  const refused = await sofia.post(`attributes/add/${uuid}`, { type: 'domain', value: 'x.example.org' })
  t.match([refused.status, refused.body], [403, { message: 'You do not have permission to do that.', rule: 'own' }])
  t.equal((await sofia.post(`attributes/add/${uuidOf(77)}`, { type: 'domain', value: 'x.example.org' })).status, 404)
  const edited = await ana.post(`events/edit/${uuid}`, {
    info: 'By a client, again',
    timestamp: '1781000000',
  })
  t.match([edited.status, edited.body.Event.info], [200, 'By a client, again'])

  const by = async (query: object, client = ana) => {
    const { body, text } = await client.post('events/restSearch', { returnFormat: 'json', ...query })
    return Array.isArray(body.response) ? body.response.length : text
  }
  await push(node, 'ana.cert-br', madeUp())
  t.equal(await by({}), 3)
  t.equal(await by({ limit: 1, page: 2 }), 1)
  t.equal(await by({ limit: 1, page: 3 }), 1)
  t.equal(await by({ limit: 1, page: 4 }), 0)
  t.equal(await by({ value: 'c2[.]example.org' }), 2, 'two events have it')
  t.equal(await by({ value: 'c2.example.org' }, sofia), 1, 'one of them as far as Sofía may see')
  t.equal(await by({ value: ['192.0.2.51', 'no such thing'] }), 1)
  t.equal(await by({ value: 'no such thing' }), 0)
  t.equal(await by({ type_attribute: 'filename|sha1' }), 1)
  t.equal(await by({ category: 'Payload delivery' }), 1)
  t.equal(await by({ category: 'Payload delivery', to_ids: 1, enforceWarninglist: 0 }), 1)
  t.equal(await by({ category: 'Persistence mechanism' }), 0)
  t.equal(await by({ category: 'Network activity' }), 2, 'also where the author named none')
  t.equal(await by({ tags: ['rsit:fraud="phishing"'] }), 1)
  t.equal(await by({ tags: { NOT: ['rsit:fraud="phishing"'] } }), 2)
  t.equal(await by({ eventinfo: 'BANKS' }), 1)
  t.equal(await by({ from: '2026-05-05' }), 1)
  t.equal(await by({ eventid: [id, uuidOf(1)] }), 2)
  t.equal(await by({ eventid: 'x' }), 0)
  t.equal(await by({ org: 'cert-br' }), 3)
  t.equal(await by({ org: 'csirt-cl' }), 0)
  t.equal(await by({ timestamp: '1781000000' }), 1)
  for (const wrong of [
    { threat_level_id: 1 },
    { enforceWarninglist: 1 },
    { value: '%example%' },
    { limit: -1 },
    { from: 'May' },
    { timestamp: 'soon' },
    { returnFormat: 'csv' },
    { tags: { AND: ['a', 'b'] } },
    { org: '!x' },
    { value: [{}] },
  ])
    t.match(await by(wrong), /"code":"invalid_request"/, JSON.stringify(wrong))
  t.equal((await ana.post('events/index', { limit: 1 })).body.length, 1)

  const found = await ana.post('attributes/restSearch', { value: 'c2.example.org', to_ids: true })
  t.match(found.body.response.Attribute, [{ type: 'domain', Event: { info: /./ }, Tag: [{ name: /^tlp:/ }] }])
  const all = await ana.post('attributes/restSearch', { type_attribute: ['ip-src', 'ip-dst'] })
  t.strictSame(all.body.response.Attribute.map(({ value }: Attribute) => value).sort(), [
    '192.0.2.50',
    '192.0.2.51',
    '192.0.2.7',
  ])
  const read = await sofia.get(`attributes/view/${uuidOf(50)}`)
  t.match(read.body.Attribute, { uuid: uuidOf(50), value: 'c2.example.org' })

  const seen = await sofia.post(`sightings/add/${uuidOf(50)}`, { type: '0' })
  t.match([seen.status, seen.body], [200, { Sighting: { type: '0', Organisation: { name: /./ } } }])
  t.equal((await sofia.post('sightings/add', { values: ['c2.example.org'], type: '1' })).status, 200)
  t.equal((await sofia.post('sightings/add', { values: ['unknown.example.org'] })).status, 404)
  t.equal((await sofia.post(`sightings/add/${uuidOf(50)}`, { type: '9' })).status, 400)
  const { body: reports } = await node.call('ana.cert-br', {
    method: 'GET',
    url: `/v1/indicators/indicator--${uuidOf(50)}/sightings`,
  })
  t.strictSame([reports.seen.count, reports.falsePositive.count], [1, 1])

  const beside = await misp(node, 'ana.cert-br').post(
    'events/add',
    { info: 'By profile', Attribute: [{ type: 'domain', value: 'p.example.org' }] },
    { 'puente-handling': 'tlp=amber&audience=community:lac-csirts' },
  )
  t.match(
    beside.body.Event.Tag.map(({ name }: { name: string }) => name),
    ['tlp:amber', 'PAP:GREEN', 'puente:audience="community:lac-csirts"'],
  )
})
