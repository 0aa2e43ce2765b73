import { setTimeout } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { runExports } from '../../src/actions/index.ts'
import type { Handling } from '../../src/domain/handling.ts'
import { readZip } from '../../src/formats/export-zip.ts'
import { plantEvent } from '../misp-events.ts'
import { type Answer, type TestNode, testNode } from '../node.ts'
import { EventClient } from '../sse.ts'
import { Subscriber } from '../subscriber.ts'
import { deliveredTo, Receiver } from '../webhooks.ts'

/**
 * The two-world twin: what a reader who may not see H is answered must be equal, byte for byte, in a world where H never was and in
 * one where it is, is revised, correlated with what the reader may see, and recalled.
 */

const publicHandling: Handling = {
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

/** What H may be kept from a reader by; each with a reader from whom it is kept. */
const hidden: readonly { readonly why: string; readonly reader: string; readonly handling: Handling }[] = [
  { why: 'GREEN from the public', reader: 'anonymous', handling: publicHandling },
  {
    why: 'AMBER from outside its audience',
    reader: 'sofia.csirt-ar',
    handling: { ...publicHandling, tlp: 'amber', organisations: ['csirt-cl'] },
  },
  {
    why: 'AMBER+STRICT from a client',
    reader: 'rosa.red-andina',
    handling: { ...publicHandling, originator: 'csirt-cl', tlp: 'amber+strict', organisations: ['csirt-cl'] },
  },
  {
    why: 'RED from a colleague of the one it names',
    reader: 'diego.csirt-cl',
    handling: { ...publicHandling, tlp: 'red', people: ['camila.csirt-cl'] },
  },
  {
    why: 'GREEN from an excluded jurisdiction',
    reader: 'camila.csirt-cl',
    handling: { ...publicHandling, notReleasableTo: ['CL'] },
  },
  {
    why: 'what no agreement covers',
    reader: 'jonas.beobachter-de',
    handling: { ...publicHandling, tlp: 'amber', organisations: ['beobachter-de'] },
  },
  {
    why: 'what is kept from law enforcement',
    reader: 'ignacio.policia-cl',
    handling: { ...publicHandling, originator: 'csirt-cl', lawEnforcement: 'never' },
  },
  {
    why: 'what an anonymous source shares with others',
    reader: 'sofia.csirt-ar',
    handling: { ...publicHandling, tlp: 'amber', organisations: ['csirt-cl'], attribution: 'anonymous' },
  },
]

/** What webhooks of both worlds are sent to. */
let endpoint = new Receiver()

const secretValue = 'hidden.victim.example'
const secretParent = 'victim.example'

t.setTimeout(600_000)

for (const { why, reader, handling } of hidden) {
  t.test(`${why}: both worlds answer alike`, async (t) => {
    const options = { privateHosts: ['127.0.0.1'], guards: { heartbeatMs: 100 } }
    const [without, withH] = [await testNode(t, options), await testNode(t, options)]
    endpoint = await Receiver.start(t)
    const events = { shared: eventOf(1), onlyH: eventOf(2), hidden: eventOf(3) }
    const ids = { h: '', visible: '', beside: '', object: '', ...events }
    for (const node of [without, withH]) {
      // Ids are given: nodes derive them from a key of their own, and would differ by that alone.
      const beside = { type: 'domain-name', value: 'open.victim.example' }
      ids.beside = await node.plant(publicHandling, beside, { id: idOf(1) })
      // What is added in one millisecond has an order that every node makes by a key of its own.
      node.at('2026-06-01T00:00:00.001Z')
      const parent = { type: 'domain-name', value: secretParent }
      ids.visible = await node.plant({ ...publicHandling, tlp: 'clear' }, parent, { id: idOf(2) })
    }
    ids.h = await withH.plant(handling, { type: 'domain-name', value: secretValue })
    ids.object = `tool--${uuidAt(9)}`
    await withH.plantObject(handling, { type: 'tool', id: ids.object, name: secretValue })
    for (const node of [without, withH]) await plantObjects(node, ids)
    // An event that is there in both worlds, with H in it in one; one of which H is all there is; and one that is as hidden as H.
    await plantEvent(without, publicHandling, ids.shared, [ids.beside])
    await plantEvent(withH, { ...publicHandling, originator: 'cert-br' }, ids.shared, [ids.beside])
    const open: Handling = { ...publicHandling, tlp: 'clear', originator: handling.originator }
    await plantEvent(withH, handling.originator === 'cert-br' ? publicHandling : open, ids.onlyH, [ids.h], 'of H')
    await plantEvent(withH, handling, ids.hidden, [ids.h], 'hidden too')
    if (handling.originator === 'cert-br') await plantEvent(withH, publicHandling, ids.shared, [ids.beside, ids.h])
    // The same is observed in both worlds; only in one of them it is H that is seen.
    for (const node of [without, withH]) await observeSecret(node, handling)
    await sightSecret(withH, handling, ids.h)
    for (const node of [without, withH]) node.at('2026-06-01T00:00:01.000Z')
    await compare(t, reader, ids, without, withH, 'while it is there')
    await disturb(withH, handling, ids.h)
    for (const node of [without, withH]) node.at('2026-06-01T00:00:02.000Z')
    await compare(t, reader, ids, without, withH, 'after it was revised, correlated and recalled')
  })
}

t.test('the version of a blocklist does not tell that something hidden came, changed and went', async (t) => {
  for (const { why, reader, handling } of hidden) {
    const node = await testNode(t)
    await node.plant({ ...publicHandling, tlp: 'clear' }, { type: 'domain-name', value: secretParent })
    const versions = async () => {
      const answers = ['all.txt', 'domains.rpz', 'all.csv?originator=cert-br', 'domains.squid?min_confidence=0'].map(
        (file) => node.call(reader, { method: 'GET', url: `/v1/blocklists/${file}` }),
      )
      return (await Promise.all(answers)).map(({ headers, status }) => [status, headers.etag])
    }
    const before = await versions()
    const h = await node.plant(handling, { type: 'domain-name', value: secretValue })
    t.strictSame(await versions(), before, `${why}: published`)
    await disturb(node, handling, h)
    t.strictSame(await versions(), before, `${why}: revised and recalled`)
  }
})

const uuidAt = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`
const idOf = (n: number): string => `indicator--${uuidAt(n)}`

/** In both worlds, of somebody else: what is made of something that everybody sees and of what is hidden, or not there at all. */
async function plantObjects(node: TestNode, { h, visible, object }: Ids): Promise<void> {
  const clear: Handling = { ...publicHandling, tlp: 'clear' }
  // Each in a millisecond of its own: in one, their order is by a key that every node has of its own.
  let at = Date.parse('2026-06-01T00:00:00.010Z')
  const plant = (object: Parameters<TestNode['plantObject']>[1]): Promise<string> => {
    node.at(new Date(at++).toISOString())
    return node.plantObject(clear, object)
  }
  const tool = `tool--${uuidAt(1)}`
  const tie = (n: number, source: string, target: string) =>
    plant({
      type: 'relationship',
      id: `relationship--${uuidAt(n)}`,
      relationship_type: 'related-to',
      source_ref: source,
      target_ref: target,
    })
  const about = (type: string, n: number, refs: readonly string[], more: object) =>
    plant({ type, id: `${type}--${uuidAt(n)}`, object_refs: refs, ...more })
  await plant({ type: 'tool', id: tool, name: 'open' })
  await tie(1, visible, tool)
  await tie(2, h, tool)
  await tie(3, tool, object)
  await about('report', 1, [object, tool, h], { name: 'all', published: '2024-01-01T00:00:00Z' })
  await about('note', 1, [object, h], { content: 'of the hidden alone' })
  await about('grouping', 1, [`relationship--${uuidAt(3)}`, `relationship--${uuidAt(1)}`, `note--${uuidAt(1)}`], {
    context: 'x',
  })
  await plant({
    type: 'sighting',
    id: `sighting--${uuidAt(1)}`,
    sighting_of_ref: object,
  })
}
const eventOf = (n: number): string => idOf(n + 100).slice('indicator--'.length)

/** Those who have H, or would, report the value: it is under a name that everybody may see, too. */
async function observeSecret(node: TestNode, handling: Handling): Promise<void> {
  const answer = await node.call(publisherOf(node, handling), {
    method: 'POST',
    url: '/v1/observations',
    headers: { 'content-type': 'text/plain' },
    payload: `${secretValue}\n`,
  })
  if (answer.status !== 200) throw new Error(answer.text)
}

/** And what those who have it say of H itself. */
async function sightSecret(node: TestNode, handling: Handling, id: string): Promise<void> {
  const answer = await node.call(publisherOf(node, handling), {
    method: 'POST',
    url: `/v1/indicators/${id}/sightings`,
    headers: { 'content-type': 'application/json' },
    payload: '{"count":3}',
  })
  if (answer.status !== 201) throw new Error(answer.text)
}

function publisherOf(node: TestNode, handling: Handling): string {
  const publisher = node.world.accounts.find(
    ({ organisation, roles }) => organisation === handling.originator && roles.includes('publisher'),
  )
  if (publisher === undefined) throw new Error(`${handling.originator} has no publisher`)
  return publisher.id
}

/** H is revised, gets company of the same value from another originator, and is recalled. */
async function disturb(node: TestNode, handling: Handling, id: string): Promise<void> {
  const publisher = publisherOf(node, handling)
  const json = { 'content-type': 'application/json' }
  const revised = await node.call(publisher, {
    method: 'PATCH',
    url: `/v1/indicators/${id}`,
    headers: json,
    payload: JSON.stringify({ confidence: 90, description: 'seen again' }),
  })
  if (revised.status !== 200) throw new Error(revised.text)
  await node.plant(handling, { type: 'url', value: `https://${secretValue}/login` })
  const object = { type: 'tool', id: `tool--${uuidAt(9)}`, name: 'renamed' }
  await node.plantObject(handling, { ...object, modified: '2024-02-01T00:00:00.000Z' })
  const taken = await node.call(publisher, {
    method: 'POST',
    url: `/v1/objects/${object.id}/recall`,
    headers: json,
    payload: JSON.stringify({ reason: 'wrong' }),
  })
  if (taken.status !== 200) throw new Error(taken.text)
  const recalled = await node.call(publisher, {
    method: 'POST',
    url: `/v1/indicators/${id}/recall`,
    headers: json,
    payload: JSON.stringify({ reason: 'wrong' }),
  })
  if (recalled.status !== 200) throw new Error(recalled.text)
}

async function compare(
  t: Test,
  reader: string,
  ids: Ids,
  without: TestNode,
  withH: TestNode,
  when: string,
): Promise<void> {
  for (const { name, ask } of questions(reader, ids)) {
    const [a, b] = [await ask(without), await ask(withH)]
    t.strictSame(shown(b), shown(a), `${name}, ${when}`)
  }
}

/** H, what everybody may see, and what is related to both. */
interface Ids {
  h: string
  /** The hidden STIX object. */
  object: string
  visible: string
  beside: string
  /** UUIDs of events. */
  shared: string
  onlyH: string
  hidden: string
}

interface Question {
  readonly name: string
  readonly ask: (node: TestNode) => Promise<Answer>
}

/** A package under a request: everything in it but what names the node, the place in its feed and its log. */
const packaged = (reader: string, scope: object): Question => ({
  name: `a package of ${JSON.stringify(scope)}`,
  ask: async (node) => {
    const id = `00000000-0000-4000-8000-${String(JSON.stringify(scope).length).padStart(12, '0')}`
    if (reader !== 'anonymous')
      await node.context.database.client.query(
        `insert into legal_request (id, liaison, instrument, citation, authority, case_reference, offence, requesting_jurisdiction, facts,
           necessity, scope, named, originators, state, approved_at, expires_at, created_at)
         values ($1, $2, 'domestic-order', 'x', 'x', 'x', 'fraud', 'CL', 'x', 'x', $3, $4, $4, 'approved', '2026-05-01', '2027-01-01', '2026-05-01')
         on conflict do nothing`,
        [id, reader, JSON.stringify({ originators: ['cert-br', 'csirt-cl'], ...scope }), ['cert-br', 'csirt-cl']],
      )
    const started = await node.call(reader, { method: 'POST', url: `/v1/legal-requests/${id}/exports` })
    if (started.status !== 202 && reader === 'ignacio.policia-cl') throw new Error(started.text)
    if (started.status !== 202) return started
    await runExports(node.context)
    const made = await node.call(reader, { method: 'GET', url: `/v1/exports/${started.body.id}` })
    const url = `/v1/exports/${started.body.id}/download`
    const { statusCode, rawPayload } = await node.app.inject({ method: 'POST', url, headers: node.as(reader) })
    if (statusCode !== 200) throw new Error(rawPayload.toString())
    const [, stix, csv, handling, text = '{}'] = [...readZip(rawPayload, 1_000_000)].map(([, each]) =>
      Buffer.from(each).toString(),
    )
    const { node: _, position: __, files, ...manifest } = JSON.parse(text)
    const { items, done, masked } = made.body
    const told = { stix, csv, handling, manifest, files: files.slice(1), items, done, masked }
    return { status: statusCode, headers: {}, text: JSON.stringify(told), body: undefined }
  },
})

function questions(reader: string, { h, visible, beside, object, shared, onlyH, hidden }: Ids): Question[] {
  const get = (url: string): Question => ({
    name: `GET ${url}`,
    ask: (node) => node.call(reader, { method: 'GET', url }),
  })
  const post = (url: string, payload: object, method: 'POST' | 'PATCH' = 'POST'): Question => ({
    name: `${method} ${url} ${JSON.stringify(payload).slice(0, 60)}`,
    ask: (node) =>
      node.call(reader, {
        method,
        url,
        headers: { 'content-type': 'application/json' },
        payload: JSON.stringify(payload),
      }),
  })
  const observed = [secretValue, `www.${secretValue}`, `https://${secretValue}/login`, secretParent]
  const observation = (url: string): Question => ({
    name: `POST ${url}`,
    ask: (node) =>
      node.call(reader, {
        method: 'POST',
        url,
        headers: { 'content-type': 'text/csv' },
        payload: observed.map((value) => `${value},${value.includes('/') ? 'url' : 'domain-name'}\n`).join(''),
      }),
  })
  const webhook = (more: object): Question => ({
    name: `a webhook ${JSON.stringify(more)}`,
    ask: async (node) => {
      const { made, got } = await deliveredTo(node, endpoint, reader, more)
      return { ...made, text: got.map(({ text }) => text.replaceAll(made.body.id, 'subscription')).join('\n') }
    },
  })
  // As long as the feed of the same reader and filter says; then a sign of life, so that what does not come is not waited for.
  const streamed = (query: string): Question => ({
    name: `GET /v1/feed/stream?${query}`,
    ask: async (node) => {
      const { body } = await node.call(reader, { method: 'GET', url: `/v1/feed?limit=1000&${query}` })
      const client = await new EventClient(node, reader, query).open()
      await client.until(
        ({ events, lastId, beats }) => lastId !== '' && events.length >= body.items.length && beats > 1,
      )
      client.cut()
      return { status: client.status, headers: client.headers, text: JSON.stringify(client.events), body: undefined }
    },
  })
  const subscribed = (): Question => ({
    name: 'subscription feed',
    ask: async (node) => {
      const { body } = await node.call(reader, { method: 'GET', url: '/v1/feed?limit=1000' })
      const client = await new Subscriber(node).open(node.as(reader))
      await client.init()
      client.subscribe('1')
      const given = () => client.messages.filter(({ type }) => type !== 'ping')
      const entries = () => given().flatMap(({ payload }) => payload?.data?.feed?.entries ?? [])
      await client.until(({ messages }) => messages.some(({ type }) => type === 'next'))
      await client.until(() => entries().length >= body.items.length)
      // Something that should not come would have the time to.
      await setTimeout(200)
      client.ws.terminate()
      return { status: 101, headers: {}, text: JSON.stringify(given()), body: undefined }
    },
  })
  const graphql = (query: string, variables: object): Question => post('/graphql', { query, variables })
  const asking = (indicators: readonly string[]): Question => {
    const said = { to: 'lacnic', kind: 'information', text: 'What is it?', dueAt: '2026-06-20T00:00:00Z' }
    return post('/v1/assistance', { ...said, indicators })
  }
  const filters = [
    '',
    `?value=${secretValue}`,
    `?domain=${secretParent}`,
    '?q=hidden',
    '?tlp=green&tlp=amber&tlp=red&tlp=amber%2Bstrict',
    '?originator=cert-br',
    '?originator=csirt-cl',
    '?status=active&status=expired&status=recalled',
    '?limit=1',
    '?since=2026-06-01',
    '?format=stix',
    '?format=csv',
    '?format=ndjson',
    '?format=intelmq',
    '?format=n6',
    '?format=cap',
    '?format=misp',
    `?format=misp&domain=${secretParent}`,
    '?community=lac-csirts',
    '?constituency=true',
  ]
  return [
    ...filters.map((filter) => get(`/v1/indicators${filter}`)),
    ...[shared, onlyH, hidden].flatMap((uuid) => [
      get(`/misp/events/view/${uuid}`),
      get(`/misp/feed/${uuid}.json`),
      post('/misp/events/restSearch', { eventid: uuid }),
      post('/misp/events/index', { uuid, timestamp: '2000d' }),
      post(`/misp/events/publish/${uuid}`, {}),
      post(`/misp/attributes/add/${uuid}`, { type: 'domain', value: 'mine.example.org' }),
      post('/misp/objects/restSearch', { eventid: uuid }),
      post('/misp/tags/attachTagToObject', { uuid, tag: 'mine' }),
      post(`/misp/events/delete/${uuid}`, {}),
    ]),
    post('/misp/events/restSearch', {}),
    post('/misp/events/restSearch', { value: secretValue }),
    post('/misp/events/restSearch', { limit: 1, page: 1 }),
    post('/misp/events/restSearch', { limit: 1, page: 2 }),
    post('/misp/events/restSearch', { tags: ['planted'], type_attribute: 'domain' }),
    post('/misp/events/restSearch', { timestamp: '1d' }),
    get('/misp/events/index'),
    post('/misp/objects/restSearch', {}),
    post('/misp/objects/restSearch', { value: secretValue }),
    post(`/misp/attributes/edit/${h.slice('indicator--'.length)}`, { comment: 'mine' }),
    post(`/misp/attributes/delete/${h.slice('indicator--'.length)}`, {}),
    post('/misp/tags/attachTagToObject', { uuid: h.slice('indicator--'.length), tag: 'mine' }),
    post('/misp/attributes/restSearch', {}),
    post('/misp/attributes/restSearch', { value: secretValue }),
    post('/misp/attributes/restSearch', { limit: 1, page: 2 }),
    get(`/misp/attributes/view/${h.slice('indicator--'.length)}`),
    post(`/misp/sightings/add/${h.slice('indicator--'.length)}`, { type: '0' }),
    post('/misp/sightings/add', { values: [secretValue], type: '1' }),
    get('/misp/feed/manifest.json'),
    get('/misp/feed/hashes.csv'),
    get('/misp/users/view/me'),
    post(`/v1/indicators/${h}/widening-requests`, { wanted: { tlp: 'clear' }, reason: 'x' }),
    post(`/v1/indicators/${h}/widening-requests`, { wanted: { audience: ['nobody'] }, reason: 'x' }),
    get('/v1/widening-requests'),
    get(`/v1/widening-requests?indicator=${h}`),
    get('/v1/feed'),
    get('/v1/feed?from=now'),
    get('/v1/feed?limit=1'),
    get(`/v1/feed?domain=${secretParent}`),
    get('/v1/feed?originator=csirt-cl'),
    get('/v1/blocklists/all.txt'),
    get('/v1/blocklists/domains.squid'),
    get(`/v1/blocklists/domains.rpz?domain=${secretParent}`),
    get('/v1/blocklists/all.csv?originator=cert-br'),
    get('/v1/blocklists/list-000000000000.txt'),
    get('/v1/lists'),
    get('/v1/indicators?include=warnings'),
    post('/v1/warninglists/check', { values: [{ value: secretValue, type: 'domain-name' }] }),
    webhook({ ownSystem: true }),
    webhook({ batch: 1 }),
    webhook({ filter: { domain: secretParent } }),
    get(`/v1/feed?community=lac-csirts`),
    get('/v1/feed?constituency=true'),
    streamed(''),
    streamed(`domain=${secretParent}`),
    streamed('from=now'),
    subscribed(),
    get('/v1/statistics'),
    get('/v1/statistics?originator=cert-br'),
    graphql('{ statistics { indicators byTlp { tlp indicators } byOriginator { indicators } } }', {}),
    get(`/v1/indicators/${h}`),
    get(`/v1/indicators/${h}?originator=cert-br`),
    get(`/v1/indicators/${h}?version=1`),
    get(`/v1/indicators/${h}/history`),
    get(`/v1/indicators/${h}/explain`),
    get(`/v1/indicators/${visible}`),
    get(`/v1/indicators/${visible}/history`),
    post('/v1/lookup', { values: [secretValue, `www.${secretValue}`, `https://${secretValue}/login`, secretParent] }),
    get(`/v1/indicators/${h}/observations`),
    get(`/v1/indicators/${visible}/observations`),
    get(`/v1/indicators/${h}/sightings`),
    get(`/v1/indicators/${h}/provenance`),
    get(`/v1/indicators/${h}/holders`),
    get('/v1/outstanding-recalls'),
    get('/v1/outstanding-recalls?of=node'),
    get(`/v1/indicators/${visible}/sightings`),
    get(`/v1/indicators/${h}/related`),
    get(`/v1/indicators/${visible}/related`),
    get(`/v1/indicators/${visible}/related?limit=1`),
    get(`/v1/indicators/${beside}/related`),
    get(`/v1/indicators/${h}?include=quality`),
    get(`/v1/indicators/${visible}?include=quality`),
    get('/v1/indicators?include=quality'),
    post(`/v1/indicators/${h}/sightings`, { count: 2 }),
    post(`/v1/indicators/${h}/sightings`, { count: 0 }),
    post(`/v1/indicators/${visible}/sightings`, { type: 'false-positive', lastSeen: '2026-05-01T00:00:00Z' }),
    get(`/v1/indicators/${visible}/sightings`),
    observation('/v1/observations'),
    observation('/v1/observations?answer=hits'),
    get(`/v1/indicators/${visible}/observations`),
    get('/v1/objects'),
    get('/v1/objects?format=stix'),
    get('/v1/objects?limit=1'),
    get('/v1/objects?limit=3'),
    get('/v1/objects?type=tool'),
    get('/v1/objects?type=relationship&type=note&limit=1'),
    get('/v1/objects?since=2026-01-01T00:00:00Z'),
    ...[
      object,
      ...['relationship', 'report', 'note', 'grouping', 'sighting'].map((type) => `${type}--${uuidAt(1)}`),
    ].flatMap((id) => [
      get(`/v1/objects/${id}`),
      get(`/v1/objects/${id}/versions`),
      get(`/v1/objects/${id}?originator=cert-br`),
    ]),
    get(`/v1/objects/relationship--${uuidAt(2)}`),
    get(`/v1/objects/relationship--${uuidAt(3)}`),
    post(`/v1/objects/${object}/recall`, { reason: 'x' }),
    // To refer to what is hidden is to refer to what is not there.
    post('/v1/indicators?tlp=clear&format=stix', tieOf(`tool--${uuidAt(1)}`, object)),
    post('/v1/indicators?tlp=clear&format=stix', tieOf(h, `tool--${uuidAt(1)}`)),
    post(`/v1/indicators/${h}/recall`, { reason: 'x' }),
    post(`/v1/indicators/${h}`, { confidence: 1 }, 'PATCH'),

    get('/taxii2/node/collections/'),
    ...['public', 'mine', 'community-lac-csirts'].flatMap((name) =>
      ['', 'objects/', `objects/${h}/`].map((path) => get(`/taxii2/node/collections/${name}/${path}`)),
    ),
    ...[
      ...[
        '',
        'manifest/',
        'objects/',
        'objects/?limit=1',
        'objects/?match[version]=all',
        'objects/?match[version]=first',
      ],
      ...['objects/?added_after=2026-05-31T23:59:59.999Z', 'objects/?added_after=2026-06-01T00:00:00.000999Z'],
      ...[
        `objects/?match[id]=${h},${visible}`,
        `objects/${h}/`,
        `objects/${h}/versions/`,
        `objects/${visible}/versions/`,
      ],
    ].map((path) => get(`/taxii2/node/collections/all/${path}`)),
    {
      name: 'DELETE of H over TAXII',
      ask: (node) => node.call(reader, { method: 'DELETE', url: `/taxii2/node/collections/all/objects/${h}/` }),
    },

    packaged(reader, { types: ['domain-name', 'url'] }),
    packaged(reader, { types: ['domain-name'], values: [secretValue, secretParent] }),
    packaged(reader, { domain: secretParent }),
    get('/v1/legal-requests'),
    get('/v1/preservations'),
    get('/v1/claw-backs'),
    ...[h, beside, visible].map((id) => asking([id, id])),
    get('/v1/assistance'),
    ...[h, visible].map((indicator) => post('/v1/replies', { indicator, text: 'Who are you?' })),
    get('/v1/replies'),
    get('/v1/replies?queue=true'),
    ...[h, beside, visible].map((indicator) => post('/v1/attribution-requests', { indicator, reason: 'To call it.' })),
    get('/v1/attribution-requests'),
    get('/v1/assistance?queue=true'),
    get(`/v1/assistance/${uuidAt(50)}`),
    post(`/v1/assistance/${uuidAt(50)}/accept`, {}),

    get('/v1/me'),
    get('/v1/organisations'),
    get('/v1/communities'),
    get('/v1/agreements'),
    get('/v1/clients'),
    graphql(
      'query ($id: ID!) { indicator(id: $id) { value } explain(id: $id) { effect } history(id: $id) { version } }',
      { id: h },
    ),
    graphql('{ indicators(first: 10) { edges { cursor node { id value } } pageInfo { hasNextPage endCursor } } }', {}),
    graphql('query ($v: [String!]!) { lookup(values: $v) { value known matches { match indicator { id } } } }', {
      v: [secretValue],
    }),
    graphql(
      '{ indicators(first: 10) { edges { node { sightings { reports { count } prevalence { organisations } decay { score } } related(limit: 2) { relation indicator { id } } } } } }',
      {},
    ),
    graphql(
      'query ($id: ID!) { sightings(id: $id) { seen { count } } related(id: $id) { relation } observations(id: $id) { times } }',
      { id: h },
    ),
    graphql('mutation ($id: ID!) { sight(id: $id) { count } }', { id: h }),
    graphql(
      'query ($o: ID!) { stixObjects(first: 3) { edges { cursor node { stixId dateAdded stix } } pageInfo { hasNextPage endCursor } } stixObject(id: $o) { stix } stixObjectVersions(id: $o) { stix } }',
      { o: object },
    ),
    // What the reader publishes under the very id and value of H is its own, and answered as new.
    post('/v1/indicators?tlp=clear', { id: h, value: secretValue }),
    get(`/v1/indicators/${h}`),
    post(`/v1/indicators/${h}/recall`, { reason: 'undone' }),
  ]
}

const tieOf = (source: string, target: string) => ({
  type: 'relationship',
  spec_version: '2.1',
  id: `relationship--${uuidAt(7)}`,
  created: '2024-01-01T00:00:00.000Z',
  modified: '2024-01-01T00:00:00.000Z',
  relationship_type: 'related-to',
  source_ref: source,
  target_ref: target,
})

/** The whole answer; what is random in every answer alike (receipts, bundle ids, sealed cursors) is replaced, its length kept. */
function shown({ status, headers, text }: Answer): object {
  const { date: _, 'x-ratelimit-remaining': __, 'x-ratelimit-reset': ___, ...stable } = headers
  const masked = (from: string): string =>
    from
      .replace(/bundle--[0-9a-f-]{36}/g, 'bundle')
      .replace(/"receipt":"[0-9a-f-]{36}"/g, '"receipt"')
      // A cursor of communities, of a constituency, and of neither.
      .replace(
        /(?<![A-Za-z0-9_-])(?:[A-Za-z0-9_-]{144}|[A-Za-z0-9_-]{134}|[A-Za-z0-9_-]{123})(?=["&>])/g,
        'place in the feed',
      )
      .replace(/^W\/"[0-9a-f]{32}"$/, 'version of a list')
      .replace(/"id":"[0-9a-f-]{36}","(indicator|account)"/g, '"id of an exchange","$1"')
      .replace(/"id":"[0-9a-f-]{36}","kind"/g, '"id of an asking","kind"')
      .replace(/"id":"[0-9a-f-]{36}","title"/g, '"id of a collection","title"')
      // Of a collection; and the last three digits of times there, which are a secret permutation.
      .replace(/(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{91}(?=["&>])/g, 'place in a collection')
      .replace(/(:\d\d\.\d{3})\d{3}Z/g, '$1Z')
      .replace(/(?<=(?:"cursor"|"next"|"startCursor"|"endCursor"):"|[?&]cursor=)[A-Za-z0-9_-]{22}(?=["&>])/g, 'cursor')
  return {
    status,
    headers: Object.fromEntries(Object.entries(stable).map(([name, value]) => [name, masked(String(value))])),
    text: masked(text),
  }
}
