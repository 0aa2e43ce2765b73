import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { auditKey, integrateAudit } from '../../src/actions/integrate-audit.ts'
import { verifyAudit } from '../../src/actions/verify-audit.ts'
import type { Handling } from '../../src/domain/handling.ts'
import { formatKey } from '../../src/seal/note.ts'
import { plantEvent } from '../misp-events.ts'
import type { Answer, TestNode } from '../node.ts'
import { testNode } from '../node.ts'

t.setTimeout(300_000)

/** With a masked form for a reader whose agreement does not cover personal data. */
const masking: Handling = {
  originator: 'cert-br',
  tlp: 'green',
  pap: 'green',
  organisations: [],
  communities: [],
  people: [],
  lawEnforcement: 'on-request',
  personalData: false,
  maskable: false,
  attribution: 'named',
}

const uuidOf = (n: number): string => `5bad1b96-53bc-4148-87eb-${String(n).padStart(12, '0')}`
const tags = (...names: string[]) => ({ Tag: names.map((name) => ({ name })) })

/** A made-up event with a bit of everything. */
const madeUp = (members: object = {}) => ({
  Event: {
    uuid: uuidOf(1),
    info: 'A campaign against banks',
    date: '2026-05-04',
    threat_level_id: '2',
    analysis: '1',
    published: true,
    timestamp: '1777900000',
    publish_timestamp: '1777900001',
    distribution: '3',
    Orgc: { name: 'CERT.example', uuid: uuidOf(90) },
    ...tags('tlp:green', 'PAP:AMBER', 'misp-galaxy:tool="Example"', 'rsit:fraud="phishing"'),
    Attribute: [
      {
        uuid: uuidOf(10),
        type: 'ip-src',
        category: 'Network activity',
        to_ids: true,
        value: '192.0.2.7',
        timestamp: '1777900002',
        comment: 'seen twice',
      },
      {
        uuid: uuidOf(11),
        type: 'filename|sha1',
        category: 'Payload delivery',
        to_ids: false,
        value: 'a.exe|da39a3ee5e6b4b0d3255bfef95601890afd80709',
        timestamp: '1777900003',
      },
      {
        uuid: uuidOf(12),
        type: 'ip-dst|port',
        category: 'Network activity',
        to_ids: true,
        value: '192.0.2.8|443',
        timestamp: '1777900004',
        ...tags('tlp:amber', 'puente:audience="community:lac-csirts"', 'kill-chain:c2'),
      },
      {
        uuid: uuidOf(13),
        type: 'text',
        category: 'Other',
        to_ids: false,
        value: 'who was it',
        timestamp: '1777900005',
      },
      {
        uuid: uuidOf(14),
        type: 'target-email',
        category: 'Targeting data',
        to_ids: false,
        value: 'victim@example.com',
        timestamp: '1777900006',
      },
      {
        uuid: uuidOf(15),
        type: 'email-src',
        category: 'Payload delivery',
        to_ids: true,
        value: 'mallory@example.org',
        timestamp: '1777900007',
      },
    ],
    Object: [
      {
        uuid: uuidOf(20),
        name: 'file',
        'meta-category': 'file',
        template_uuid: uuidOf(91),
        template_version: '24',
        timestamp: '1777900010',
        comment: 'the dropper',
        ObjectReference: [{ uuid: uuidOf(92), referenced_uuid: uuidOf(10), relationship_type: 'connects-to' }],
        Attribute: [
          {
            uuid: uuidOf(21),
            object_relation: 'filename',
            type: 'filename',
            category: 'Payload delivery',
            to_ids: false,
            value: 'b.exe',
            timestamp: '1777900011',
          },
          {
            uuid: uuidOf(22),
            object_relation: 'sha256',
            type: 'sha256',
            category: 'Payload delivery',
            to_ids: true,
            value: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
            timestamp: '1777900012',
          },
          {
            uuid: uuidOf(23),
            object_relation: 'size-in-bytes',
            type: 'size-in-bytes',
            category: 'Other',
            to_ids: false,
            value: '17',
            timestamp: '1777900013',
          },
        ],
      },
      {
        uuid: uuidOf(30),
        name: 'domain-ip',
        'meta-category': 'network',
        ...tags('tlp:amber+strict'),
        distribution: '0',
        Attribute: [
          {
            uuid: uuidOf(31),
            object_relation: 'domain',
            type: 'domain',
            category: 'Network activity',
            to_ids: true,
            value: 'c2.example.org',
            timestamp: '1777900020',
          },
        ],
      },
    ],
    ...members,
  },
})

const push = (node: TestNode, account: string, document: object, query = ''): Promise<Answer> =>
  node.call(account, {
    method: 'POST',
    url: `/v1/indicators?format=misp${query}`,
    headers: { 'content-type': 'application/json' },
    payload: JSON.stringify(document),
  })

/** A client of MISP: the key alone in its header, as PyMISP sends it (pymisp/api.py, `_prepare_request`). */
const misp = (node: TestNode, account: string) => {
  const key = node.as(account).authorization?.replace('Bearer ', '')
  const send = (method: 'GET' | 'POST' | 'HEAD', path: string, body?: object, headers: object = {}) =>
    node.call('anonymous', {
      method,
      url: `/misp/${path}`,
      headers: {
        ...(key === undefined ? {} : { authorization: key }),
        accept: 'application/json',
        'content-type': 'application/json',
        ...headers,
      },
      ...(body === undefined ? {} : { payload: JSON.stringify(body) }),
    })
  return {
    get: (path: string) => send('GET', path),
    head: (path: string) => send('HEAD', path),
    post: (path: string, body: object = {}, headers: object = {}) => send('POST', path, body, headers),
  }
}

interface Attribute {
  readonly uuid: string
  readonly type: string
  readonly value: string
  readonly category: string
  readonly to_ids: boolean
  readonly comment: string
  readonly Tag?: readonly { readonly name: string }[]
  readonly object_relation: string | null
}
interface Event {
  readonly uuid: string
  readonly Attribute: readonly Attribute[]
  readonly Object: readonly { readonly uuid: string; readonly name: string; readonly Attribute: readonly Attribute[] }[]
  readonly Tag: readonly { readonly name: string }[]
}

const everything = ({ Attribute: alone, Object: objects = [] }: Event) => [
  ...alone,
  ...objects.flatMap((each) => each.Attribute),
]
const uuids = (event: Event) =>
  everything(event)
    .map(({ uuid }) => uuid)
    .sort()
const named = (n: number) => (each: { readonly uuid: string }) => each.uuid === uuidOf(n)

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

t.test('readers see of an event what they may see, and nothing of one of which nothing is theirs', async (t) => {
  const node = await testNode(t)
  await push(node, 'ana.cert-br', madeUp())
  const seen = async (account: string) => {
    const { status, body } = await misp(node, account).get(`events/view/${uuidOf(1)}`)
    return status === 200
      ? { event: body.Event as Event & Record<string, unknown>, shown: uuids(body.Event) }
      : undefined
  }
  const green = await seen('sofia.csirt-ar')
  t.ok(green)
  t.notOk(green?.shown.includes(uuidOf(31)), 'AMBER+STRICT of its own organisation')
  t.notOk(green?.event.Object.some(named(30)), 'and the frame around it')
  t.equal(green?.event.attribute_count, String(green?.shown.length), 'what is hidden does not count')
  t.equal(await seen('anonymous'), undefined, 'GREEN is not for the public')
  const absent = await misp(node, 'anonymous').get(`events/view/${uuidOf(2)}`)
  const hidden = await misp(node, 'anonymous').get(`events/view/${uuidOf(1)}`)
  t.strictSame(hidden.text.replace(uuidOf(1), uuidOf(2)), absent.text)

  // All that is GREEN in it is what its audience may not have: then the title is not theirs either.
  const only = madeUp({
    uuid: uuidOf(3),
    info: 'Only for us',
    Object: [],
    Attribute: [{ uuid: uuidOf(40), type: 'domain', value: 'ours.example.org', distribution: '0' }],
  })
  t.equal((await push(node, 'ana.cert-br', only)).status, 200)
  const found = await misp(node, 'sofia.csirt-ar').post('events/restSearch', {})
  t.strictSame(
    found.body.response.map(({ Event: each }: { Event: Event }) => each.uuid),
    [uuidOf(1)],
  )
  const mine = await misp(node, 'ana.cert-br').post('events/restSearch', {})
  t.strictSame(
    mine.body.response.map(({ Event: each }: { Event: Event }) => each.uuid),
    [uuidOf(1), uuidOf(3)],
  )
  for (const path of ['feed/manifest.json', 'feed/hashes.csv', `feed/${uuidOf(3)}.json`])
    t.notMatch(
      (await misp(node, 'sofia.csirt-ar').get(path)).text,
      /Only for us|3,5bad1b96-53bc-4148-87eb-000000000003/,
      path,
    )
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
  t.match(body.Event, { info: 'A later title', Attribute: [{ value: 'it was nobody' }], Object: [] })
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

/** What PyMISP makes of an event, and throws at (pymisp/mispevent.py: `MISPEvent.from_dict`, `MISPAttribute.from_dict`). */
function refusedByPymisp(event: object): string[] {
  const wrong: string[] = []
  const numbers = [
    'id',
    'event_id',
    'object_id',
    'org_id',
    'orgc_id',
    'timestamp',
    'publish_timestamp',
    'sharing_group_id',
    'threat_level_id',
    'analysis',
    'attribute_count',
  ]
  const look = (each: Record<string, unknown>, where: string, needed: readonly string[]) => {
    for (const name of numbers)
      if (each[name] !== undefined && !/^\d+$/.test(String(each[name]))) wrong.push(`${where}: int(${name})`)
    for (const name of needed) if (typeof each[name] !== 'string' || each[name] === '') wrong.push(`${where}: ${name}`)
    if (!['0', '1', '2', '3', '4', '5'].includes(String(each.distribution))) wrong.push(`${where}: distribution`)
    if (String(each.distribution) === '4' && Number(each.sharing_group_id) === 0) wrong.push(`${where}: sharing group`)
    for (const name of ['first_seen', 'last_seen'])
      if (each[name] && Number.isNaN(Date.parse(String(each[name])))) wrong.push(`${where}: ${name}`)
    for (const tag of (each.Tag as { readonly name?: string }[] | undefined) ?? [])
      if (!tag.name) wrong.push(`${where}: Tag`)
  }
  const { Attribute: alone, Object: objects, ...head } = event as Record<string, unknown> & Event
  look(head, 'event', ['uuid', 'info', 'date'])
  for (const each of everything({ ...head, Attribute: alone, Object: objects } as Event))
    look({ ...each }, each.uuid, ['uuid', 'type', 'category', 'value'])
  for (const each of objects) look({ ...each }, each.uuid, ['uuid', 'name', 'meta-category', 'template_version'])
  return wrong
}

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

t.test('what is added to an event of an anonymous source does not tell the source', async (t) => {
  const node = await testNode(t)
  const pushed = await push(node, 'ana.cert-br', madeUp({ Object: [] }), '&attribution=anonymous')
  t.equal(pushed.status, 200, pushed.text)
  await misp(node, 'ana.cert-br').post(`attributes/add/${uuidOf(1)}`, { type: 'domain', value: 'new.example.org' })
  const seen = await misp(node, 'sofia.csirt-ar').get(`events/view/${uuidOf(1)}`)
  t.match(seen.text, /new\.example\.org/)
  t.notMatch(seen.text, /cert-br|CERT\.br|CERT\.example/)
  t.match(seen.body.Event.Orgc.name, /^source-/)
})

t.test('what is masked says nothing of what MISP called it', async (t) => {
  const node = await testNode(t)
  const handling = { ...masking, personalData: true, maskable: true }
  const id = await node.plant(handling, { type: 'email-address', value: 'victim@example.com' })
  await plantEvent(node, { ...masking, tlp: 'clear' }, uuidOf(5), [id])
  const reader = misp(node, 'sofia.csirt-ar')
  const { status, body } = await reader.get(`events/view/${uuidOf(5)}`)
  t.equal(status, 200)
  t.match(body.Event.Attribute, [
    { type: 'other', category: 'Other', to_ids: false, comment: 'masked email-address', object_relation: null },
  ])
  t.notMatch(JSON.stringify(body), /victim|"domain"/)
  t.strictSame((await reader.post('events/restSearch', { type_attribute: 'domain' })).body.response, [])
  t.equal(
    (await misp(node, 'ana.cert-br').post('events/restSearch', { type_attribute: 'domain' })).body.response.length,
    1,
  )
})

t.test('the public sends no events to be read, and nobody a document of any size', async (t) => {
  const node = await testNode(t)
  const anybody = await misp(node, 'anonymous').post('events/add', madeUp())
  t.match([anybody.status, anybody.body.code], [403, 'credentials_required'])
  t.equal((await misp(node, 'sofia.csirt-ar').post('events/add', madeUp())).body.code, 'role_required')
  const large = { value: ['x'.repeat(2 * 1024 * 1024)] }
  t.match((await misp(node, 'ana.cert-br').post('events/restSearch', large)).body, {
    code: 'body_too_large',
    url: '/misp/events/restSearch',
  })
  for (const [path, body] of [
    ['events/add', []],
    ['events/add', { Event: 7 }],
    ['events/add', { uuid: 'x', info: 'x', ...tags('tlp:green') }],
    ['events/add', { info: 7, ...tags('tlp:green') }],
    ['attributes/restSearch', { page: 'x' }],
    ['attributes/restSearch', { limit: 1_000, page: 1_000 }],
    ['attributes/restSearch', { eventinfo: 'x' }],
    ['sightings/add', { timestamp: 'soon', values: ['x'] }],
  ] as const) {
    const answer = await misp(node, 'ana.cert-br').post(path, body as object)
    t.ok(answer.status >= 400 && answer.status < 500, `${path} ${JSON.stringify(body)}: ${answer.status}`)
    t.strictSame(Object.keys(answer.body).slice(0, 4), ['name', 'message', 'url', 'code'])
  }
  const broken = await node.call('ana.cert-br', {
    method: 'POST',
    url: '/misp/events/add',
    headers: { 'content-type': 'application/json' },
    payload: '{"info":"a","info":"b"}',
  })
  t.match([broken.status, broken.body.code], [400, 'duplicate_key'])
})

t.test('a feed of MISP has what the reader may have', async (t) => {
  const node = await testNode(t)
  await push(node, 'ana.cert-br', madeUp())
  const red = {
    ...madeUp().Event,
    uuid: uuidOf(4),
    ...tags('tlp:red', 'puente:people="sofia.csirt-ar"'),
    Object: [],
    Attribute: [{ uuid: uuidOf(60), type: 'domain', value: 'red.example.org' }],
  }
  t.equal((await push(node, 'ana.cert-br', { Event: red })).status, 200)
  const sofia = misp(node, 'sofia.csirt-ar')
  const ana = misp(node, 'ana.cert-br')
  t.equal((await ana.get(`events/view/${uuidOf(4)}`)).status, 200, 'RED by whom it is from')
  t.equal((await ana.get(`feed/${uuidOf(4)}.json`)).status, 404, 'but in no feed')
  t.notOk(Object.hasOwn((await ana.get('feed/manifest.json')).body, uuidOf(4)))
  const { body: manifest } = await sofia.get('feed/manifest.json')
  t.strictSame(Object.keys(manifest), [uuidOf(1)])
  t.match(manifest[uuidOf(1)], {
    info: 'A campaign against banks',
    date: '2026-05-04',
    analysis: '1',
    threat_level_id: '2',
    Orgc: { name: 'CERT.example' },
    Tag: [{ name: 'tlp:green' }],
  })
  const file = await sofia.get(`feed/${uuidOf(1)}.json`)
  const lines = (await sofia.get('feed/hashes.csv')).text.trim().split('\n')
  const md5 = (value: string) => createHash('md5').update(value).digest('hex')
  const values = everything(file.body.Event).flatMap(({ type, value }) =>
    type.includes('|') ? value.split('|') : [value],
  )
  t.strictSame(lines.sort(), [...new Set(values)].map((value) => `${md5(value)},${uuidOf(1)}`).sort())
  t.ok(values.includes('a.exe') && !values.includes('c2.example.org'))
  const again = await push(node, 'martin.csirt-ar', file.body)
  t.equal(again.status, 200, 'a file of the feed is an event that can be published')
  t.equal((await sofia.get('feed/x.json')).status, 404)
  t.strictSame((await misp(node, 'anonymous').get('feed/manifest.json')).body, {})
})

t.test('what was read of events is on the log, and the policy says the same of it again', async (t) => {
  const node = await testNode(t)
  await push(node, 'ana.cert-br', madeUp())
  for (const path of [`events/view/${uuidOf(1)}`, 'feed/manifest.json', 'feed/hashes.csv', 'events/index'])
    await misp(node, 'sofia.csirt-ar').get(path)
  await misp(node, 'sofia.csirt-ar').post('attributes/restSearch', { value: '192.0.2.7' })
  await node.context.audit.flush()
  await integrateAudit(node.context)
  const { rows } = await node.context.database.client.query<{ action: string; subject: string }>(
    `select l.action, s.subject from audit_leaf l join audit_subject s on s.leaf = l.id
     where l.actor = 'sofia.csirt-ar' order by l.id`,
  )
  t.strictSame(new Set(rows.map(({ action }) => action)), new Set(['search-events', 'search']))
  const [first] = rows
  for (const told of [
    `x-misp-event--${uuidOf(1)}`,
    `x-misp-context--${uuidOf(13)}`,
    `x-misp-object--${uuidOf(20)}`,
    `indicator--${uuidOf(10)}`,
  ])
    t.ok(first?.subject.includes(told), told)
  t.notOk(first?.subject.includes(uuidOf(31)), 'and nothing that was not told')
  const report = await verifyAudit(node.context.database, { key: formatKey(auditKey(node.context)) })
  t.strictSame(report.findings, [])
  t.ok(report.readings >= rows.length && report.decisions > rows.length, `${report.decisions} decisions asked again`)
})

/** Pattern, labels and markings of every indicator, by its id. */
async function stixOf(node: TestNode): Promise<Map<string, unknown>> {
  const found = new Map<string, unknown>()
  let url: string | undefined = '/v1/indicators?format=stix&limit=1000'
  while (url !== undefined) {
    const answer: Answer = await node.call('ana.cert-br', { method: 'GET', url })
    for (const { type, id, pattern, labels = [], object_marking_refs: markings } of JSON.parse(answer.text).objects)
      if (type === 'indicator') found.set(id, [pattern, [...labels].sort(), markings])
    url = /<([^>]+)>; rel="next"/.exec(String(answer.headers.link ?? ''))?.[1]
  }
  return new Map([...found].sort(([x], [y]) => (x < y ? -1 : 1)))
}

const data = join(process.cwd(), '..', 'shared', 'data', 'misp-events')
t.test(
  'real events go in, come out, and go in again',
  { skip: existsSync(data) ? false : 'no ../shared/data here' },
  async (t) => {
    const [first, second] = [await testNode(t), await testNode(t)]
    const files = readdirSync(data).filter((name) => name.endsWith('.json'))
    let attributes = 0
    for (const name of files) {
      const document = JSON.parse(readFileSync(join(data, name), 'utf8'))
      const events: Event[] = (document.response ?? [document]).map(({ Event: each }: { Event: Event }) => each)
      const pushed = await push(first, 'ana.cert-br', document, '&tlp=clear')
      const refused = new Set(
        pushed.body.rejected.map(({ position }: { position: { pointer: string } }) =>
          position.pointer.replace(/\/(value|type)$/, ''),
        ),
      )
      for (const event of events) {
        const { body } = await misp(first, 'ana.cert-br').get(`events/view/${event.uuid}`)
        const out: Event & Record<string, unknown> = body.Event
        const plain = ({ Tag: all = [] }: { Tag?: readonly { readonly name: string }[] }) =>
          all.map(({ name: tag }) => tag).filter((tag) => !/^(tlp|pap|puente):/i.test(tag))
        const { info, date, threat_level_id, analysis } = event as Event & Record<string, unknown>
        t.match(out, { info, date, threat_level_id, analysis }, name)
        t.strictSame(plain(out).sort(), plain(event).sort(), `${name}: tags`)
        t.strictSame(
          out.Object.map(({ uuid, name: kind }) => [uuid, kind]).sort(),
          (event.Object ?? []).map(({ uuid, name: kind }) => [uuid, kind]).sort(),
          `${name}: objects`,
        )
        const expected = everything(event).length - refused.size
        t.equal(uuids(out).length, expected, `${name}: attributes`)
        attributes += expected
        const originals = new Map(everything(event).map((each) => [each.uuid, each]))
        for (const each of everything(out)) {
          const { type, category, to_ids, object_relation } = originals.get(each.uuid) ?? ({} as Attribute)
          t.match(each, { type, category, to_ids, object_relation: object_relation ?? null }, `${name}: ${each.uuid}`)
        }
        t.strictSame(refusedByPymisp(out), [], `${name}: as PyMISP reads it`)
        const again = await push(second, 'ana.cert-br', body)
        t.strictSame([again.status, again.body.rejected], [200, []], `${name}: again`)
        const twice = await misp(second, 'ana.cert-br').get(`events/view/${event.uuid}`)
        t.strictSame(twice.body, body, `${name}: the same event again`)
      }
    }
    t.ok(attributes > 2_000, `${attributes} attributes of ${files.length} files`)
    const [ofFirst, ofSecond] = [await stixOf(first), await stixOf(second)]
    t.ok(ofFirst.size > 1_000, `${ofFirst.size} STIX indicators`)
    t.strictSame(ofSecond, ofFirst, 'the same patterns and markings in STIX, under the same ids')
    const [a, b] = [
      await first.call('ana.cert-br', { method: 'GET', url: '/v1/statistics' }),
      await second.call('ana.cert-br', { method: 'GET', url: '/v1/statistics' }),
    ]
    t.strictSame(b.body, a.body, 'as many indicators of the same labels')
  },
)
