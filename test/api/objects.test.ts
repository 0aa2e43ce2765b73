import t, { type Test } from 'tap'
import type { Handling } from '../../src/domain/handling.ts'
import { markingOfTlp } from '../../src/domain/tlp.ts'
import { type Answer, type TestNode, testNode } from '../node.ts'
import { TaxiiClient, taxiiType } from '../taxii.ts'
import { handling } from './graphql.ts'

const id = (type: string, n: number): string => `${type}--${String(n).padStart(8, '0')}-0000-4000-8000-000000000000`
const time = '2024-01-01T00:00:00.000Z'
const sdo = (type: string, n: number, members: object = {}) => ({
  ...{ type, spec_version: '2.1', id: id(type, n), created: time, modified: time },
  ...members,
})
const tool = (n: number, members: object = {}) => sdo('tool', n, { name: `tool ${n}`, ...members })
const tie = (n: number, source: string, target: string, members: object = {}) =>
  sdo('relationship', n, { relationship_type: 'related-to', source_ref: source, target_ref: target, ...members })

async function push(
  node: TestNode,
  objects: readonly object[],
  query = 'tlp=green',
  account = 'ana.cert-br',
): Promise<Answer> {
  return await node.call(account, {
    method: 'POST',
    url: `/v1/indicators?format=stix&${query}`,
    headers: { 'content-type': 'application/json' },
    payload: JSON.stringify({ type: 'bundle', id: id('bundle', 1), objects }),
  })
}
const get = (node: TestNode, account: string, url: string): Promise<Answer> =>
  node.call(account, { method: 'GET', url })
type Rejected = { readonly position: { readonly record: number }; readonly code: string }
const codes = ({ body }: Answer) => (body.rejected ?? []).map(({ position, code }: Rejected) => [position.record, code])

async function taken(
  t: Test,
  node: TestNode,
  objects: readonly object[],
  query?: string,
  account?: string,
): Promise<void> {
  const answer = await push(node, objects, query, account)
  t.equal(answer.status, 200, answer.status === 200 ? 'taken' : answer.text)
}

t.setTimeout(300_000)

t.test('a bundle goes in whole, in any order, and each object comes out as it was', async (t) => {
  const node = await testNode(t)
  const indicator = sdo('indicator', 1, {
    ...{ pattern: "[domain-name:value = 'c2.example.org']", pattern_type: 'stix', valid_from: time },
  })
  const person = sdo('identity', 2, { name: 'Ana', identity_class: 'individual' })
  const objects = [
    sdo('report', 1, { name: 'all', published: time, object_refs: [id('relationship', 1), id('note', 1)] }),
    sdo('note', 1, { content: 'x', object_refs: [id('relationship', 1)] }),
    tie(1, indicator.id, id('malware', 1), { created_by_ref: id('identity', 1) }),
    sdo('sighting', 1, { sighting_of_ref: indicator.id, where_sighted_refs: [id('identity', 1)] }),
    sdo('malware', 1, { is_family: true, name: 'Guabina', x_exact: 1.5, labels: [] }),
    sdo('observed-data', 1, {
      first_observed: time,
      last_observed: time,
      number_observed: 1,
      object_refs: [id('ipv4-addr', 1)],
    }),
    { type: 'ipv4-addr', spec_version: '2.1', id: id('ipv4-addr', 1), value: '198.51.100.7' },
    sdo('identity', 1, { name: 'CERT' }),
    person,
    indicator,
  ]
  const first = await push(node, objects)
  t.match(first, { status: 200, body: { accepted: 10, unchanged: 0, rejected: { length: 0 } } })
  t.match((await push(node, objects)).body, { accepted: 0, unchanged: 10 }, 'again, nothing changes')
  const page = await get(node, 'ana.cert-br', '/v1/objects')
  t.equal(page.body.items.length, 9, 'an observable is one object, whatever else it is')
  const order: string[] = page.body.items.map((each: { type: string }) => each.type)
  t.ok(order.indexOf('relationship') > order.indexOf('malware'), 'after what it is made of')
  const malware = await get(node, 'ana.cert-br', `/v1/objects/${id('malware', 1)}`)
  t.match(malware.body, {
    version: 1,
    change: 'published',
    status: 'active',
    handling: { tlp: 'green' },
    created: time,
  })
  t.match(malware.text, /"x_exact":1\.5/)
  t.notOk('labels' in malware.body.object, 'empty lists are not passed on')
  t.same(malware.body.object.object_marking_refs, [markingOfTlp.green])
  t.equal(
    (await get(node, 'sofia.csirt-ar', `/v1/objects/${person.id}`)).status,
    404,
    'personal data has no masked form',
  )
  const bundle = await node.call('ana.cert-br', {
    ...{ method: 'GET', url: `/v1/objects/${id('relationship', 1)}` },
    headers: { accept: 'application/stix+json' },
  })
  t.equal(bundle.headers['content-type'], 'application/stix+json;version=2.1')
  t.same(
    JSON.parse(bundle.text).objects.map((each: { id: string }) => each.id),
    [markingOfTlp.green, id('relationship', 1)],
  )
  const found = await get(node, 'ana.cert-br', '/v1/indicators?value=198.51.100.7')
  t.equal(found.body.items.length, 1, 'an observable is looked up like an indicator')
})

t.test('one that is wrong fails alone, with its place', async (t) => {
  const node = await testNode(t)
  const wrong: readonly (readonly [object, string, string])[] = [
    [sdo('malware', 1), 'invalid_stix', 'is_family'],
    [tool(2, { name: 7 }), 'invalid_stix', 'name'],
    [tool(3, { confidence: 101 }), 'invalid_stix', 'confidence'],
    [tool(4, { modified: '2023-01-01T00:00:00.000Z' }), 'invalid_stix', 'modified'],
    [tool(5, { created_by_ref: id('tool', 1) }), 'invalid_stix', 'created_by_ref'],
    [tool(6, { 'x-y': 1 }), 'invalid_stix', 'x-y'],
    [tool(7, { id: 'tool--7' }), 'invalid_stix', 'id'],
    [tool(8, { external_references: [{ source_name: 'x' }] }), 'invalid_stix', 'external_references'],
    [tool(9, { kill_chain_phases: [{}] }), 'invalid_stix', 'kill_chain_phases'],
    [sdo('opinion', 1, { opinion: 'no', object_refs: [id('tool', 1)] }), 'invalid_stix', 'opinion'],
    [sdo('location', 1), 'invalid_stix', 'region'],
    [sdo('report', 1, { name: 'x', published: time, object_refs: [] }), 'invalid_stix', 'object_refs'],
    [{ type: 'file', id: id('file', 1), hashes: { MD5: 'x' } }, 'invalid_stix', 'hashes'],
    [tool(10, { object_marking_refs: [id('marking-definition', 77)] }), 'marking_unknown', 'object_marking_refs'],
    [tool(11, { object_marking_refs: [markingOfTlp.amber] }), 'audience_required', ''],
    [tool(12, { revoked: true }), 'object_not_kept', ''],
    [tool(13, { modified: '2199-01-01T00:00:00.000Z' }), 'invalid_record', ''],
    [sdo('x-thing', 1), 'object_not_kept', ''],
    [tie(1, id('tool', 1), id('tool', 99)), 'reference_unknown', ''],
    [sdo('note', 1, { content: 'x', object_refs: [id('tool', 99)] }), 'reference_unknown', ''],
    [tool(14, { sample_refs: Array.from({ length: 5_001 }, (_, n) => id('file', n)) }), 'too_many_values', 'type'],
  ]
  const answer = await push(node, [...wrong.map(([object]) => object), tool(1)])
  t.equal(answer.status, 207)
  t.same(
    codes(answer),
    wrong.map(([, code], n) => [n, code]),
  )
  for (const [n, [, , place]] of wrong.entries()) {
    if (place !== '') t.equal(answer.body.rejected[n].position.pointer, `/objects/${n}/${place}`)
  }
  t.equal(answer.body.accepted, 1)
})

t.test(
  'labels: TLP 1, TLP 2 and OpenCTI ids; of two the stricter, of parts too; what refers only is kept when it has one',
  async (t) => {
    const node = await testNode(t)
    const marked = (n: number, refs: readonly string[], more: object = {}) =>
      tool(n, { object_marking_refs: refs, ...more })
    const statement = {
      ...{ type: 'marking-definition', spec_version: '2.1', id: id('marking-definition', 1), created: time },
      ...{
        definition_type: 'statement',
        definition: { statement: 'Copyright' },
        object_marking_refs: [markingOfTlp.clear],
      },
    }
    await taken(
      t,
      node,
      [
        marked(1, ['marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9']),
        marked(2, [markingOfTlp.clear, 'marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da']),
        marked(3, [markingOfTlp.clear], {
          granular_markings: [{ marking_ref: markingOfTlp.green, selectors: ['name'] }],
        }),
        marked(4, ['marking-definition--826578e1-40ad-459f-bc73-ede076f81f37']),
        marked(5, [markingOfTlp.clear, statement.id]),
        statement,
        sdo('identity', 1, { name: 'nobody marked it' }),
      ],
      'audience=csirt-cl',
    )
    const { body } = await get(node, 'camila.csirt-cl', '/v1/objects')
    const labels = new Map(
      body.items.map((each: { id: string; handling: { tlp: string } }) => [each.id, each.handling.tlp]),
    )
    t.same(
      [1, 2, 3, 5].map((n) => labels.get(id('tool', n))),
      ['clear', 'green', 'green', 'clear'],
    )
    t.notOk(
      labels.has(id('tool', 4)),
      'AMBER+STRICT of CERT.br for itself and CSIRT CL crosses no border without an agreement',
    )
    t.equal(labels.has(id('identity', 1)), false, 'without a label it is not kept, and that is no fault')
    const five = await get(node, 'anonymous', `/v1/objects/${id('tool', 5)}`)
    t.same(
      five.body.object.object_marking_refs,
      [markingOfTlp.clear, statement.id],
      'a statement stays where it can be seen',
    )
  },
)

t.test('a compound pattern is kept whole and found by each observable in it', async (t) => {
  const node = await testNode(t)
  const values = ['c2.example.org', '198.51.100.7', 'd41d8cd98f00b204e9800998ecf8427e']
  const pattern = `([domain-name:value = '${values[0]}' OR ipv4-addr:value IN ('${values[1]}')] FOLLOWEDBY [file:hashes.MD5 = '${values[2]}']) WITHIN 300 SECONDS`
  await taken(t, node, [sdo('indicator', 1, { pattern, pattern_type: 'stix', valid_from: time })])
  const answer = await node.call('ana.cert-br', {
    ...{ method: 'POST', url: '/v1/lookup', headers: { 'content-type': 'application/json' } },
    payload: JSON.stringify({ values }),
  })
  for (const [n, { matches }] of answer.body.results.entries())
    t.equal(matches[0]?.indicator.id, id('indicator', 1), String(values[n]))
  const { text } = await get(node, 'ana.cert-br', '/v1/indicators?format=stix')
  t.equal(JSON.parse(text).objects.at(-1).pattern, pattern)
})

t.test('versions, narrowing and recall', async (t) => {
  const node = await testNode(t)
  const later = (n: number, members: object = {}) => tool(n, { modified: '2024-02-01T00:00:00.000Z', ...members })
  await taken(t, node, [tool(1), tool(2, { description: 'x' }), tie(1, id('tool', 1), id('tool', 2))])
  await taken(t, node, [later(1, { name: 'renamed' })])
  t.same(codes(await push(node, [tool(1, { name: 'old' })])), [[0, 'version_outdated']])
  t.same(codes(await push(node, [later(1, { name: 'other' })])), [[0, 'version_conflict']])
  const versions = await get(node, 'sofia.csirt-ar', `/v1/objects/${id('tool', 1)}/versions`)
  t.same(
    versions.body.items.map((each: { version: number; change: string; object: { name: string } }) => [
      each.version,
      each.change,
      each.object.name,
    ]),
    [
      [1, 'published', 'tool 1'],
      [2, 'revised', 'renamed'],
    ],
  )
  t.equal((await get(node, 'sofia.csirt-ar', `/v1/objects/${id('relationship', 1)}`)).status, 200)
  // Narrowed: old versions go with the present one, and so does what cannot be without it.
  await taken(t, node, [tool(1, { modified: '2024-03-01T00:00:00.000Z' })], 'tlp=amber&audience=csirt-cl')
  for (const what of [`${id('tool', 1)}`, `${id('tool', 1)}/versions`, `${id('relationship', 1)}`]) {
    t.equal((await get(node, 'sofia.csirt-ar', `/v1/objects/${what}`)).status, 404, what)
  }
  const own = await get(node, 'ana.cert-br', `/v1/objects/${id('tool', 1)}/versions`)
  t.same(
    own.body.items.map(({ change }: { change: string }) => change),
    ['published', 'revised', 'narrowed'],
  )
  const recall = (account: string, which: string) =>
    node.call(account, {
      ...{ method: 'POST', url: `/v1/objects/${which}/recall`, headers: { 'content-type': 'application/json' } },
      payload: '{"reason":"wrong"}',
    })
  t.match(await recall('camila.csirt-cl', id('tool', 2)), { status: 403, body: { code: 'originator_only' } })
  t.equal((await recall('camila.csirt-cl', id('tool', 77))).status, 404)
  t.match(await recall('ana.cert-br', id('tool', 2)), { status: 200, body: { version: 2, recalled: true } })
  t.match(await recall('ana.cert-br', id('tool', 2)), { status: 409, body: { code: 'already_recalled' } })
  t.equal((await get(node, 'sofia.csirt-ar', `/v1/objects/${id('tool', 2)}`)).status, 404)
  const gone = await get(node, 'ana.cert-br', `/v1/objects/${id('tool', 2)}`)
  t.match(gone.body, { status: 'recalled', change: 'recalled', object: { revoked: true, name: 'recalled' } })
  t.notOk('description' in gone.body.object, 'what was taken back says no more than it must')
  t.same(codes(await push(node, [later(2, { modified: '2030-01-01T00:00:00.000Z' })])), [[0, 'invalid_record']])
  await taken(t, node, [tool(3)])
  await taken(t, node, [later(3, { revoked: true })])
  t.equal((await get(node, 'sofia.csirt-ar', `/v1/objects/${id('tool', 3)}`)).status, 404, 'revoked in a push')
  t.match((await push(node, [later(3, { revoked: true })])).body, { unchanged: 1 })
})

t.test('a page is full and its pages join, whatever lies between; indicators still find theirs', async (t) => {
  const node = await testNode(t)
  await taken(
    t,
    node,
    Array.from({ length: 30 }, (_, n) => tool(n)),
    'tlp=clear',
  )
  // Ties that the public may see by their own label, and not by what they tie.
  await taken(
    t,
    node,
    Array.from({ length: 30 }, (_, n) => tool(100 + n)),
  )
  await taken(
    t,
    node,
    Array.from({ length: 30 }, (_, n) => tie(n, id('tool', 100 + n), id('tool', n))),
    'tlp=clear',
  )
  await taken(
    t,
    node,
    Array.from({ length: 30 }, (_, n) => tool(200 + n)),
    'tlp=clear',
  )
  for (const limit of [1, 7, 60, 1_000]) {
    const seen: string[] = []
    const sizes: number[] = []
    for (let url = `/v1/objects?limit=${limit}`; url !== ''; ) {
      const { body, headers } = await get(node, 'anonymous', url)
      sizes.push(body.items.length)
      seen.push(...body.items.map((each: { id: string }) => each.id))
      url = /<([^>]+)>; rel="next"/.exec(String(headers.link ?? ''))?.[1] ?? ''
    }
    t.equal(new Set(seen).size, 60, `pages of ${limit}`)
    t.equal(seen.length, 60, 'each once')
    t.ok(
      sizes.slice(0, -1).every((size) => size === limit),
      'all but the last are full',
    )
  }
  const typed = await get(node, 'ana.cert-br', '/v1/objects?type=relationship&type=note&limit=1000')
  t.equal(typed.body.items.length, 30)
  t.equal((await get(node, 'ana.cert-br', '/v1/objects?since=2099-01-01T00:00:00Z')).body.items.length, 0)
  t.match(await get(node, 'ana.cert-br', '/v1/objects?cursor=x'), { status: 400, body: { code: 'cursor_invalid' } })
  t.match(await get(node, 'ana.cert-br', '/v1/objects?format=csv'), { status: 400 })
  // Positions of objects are passed over by whoever reads indicators.
  await node.plant(handling('cert-br', { tlp: 'clear' }) as Handling, { type: 'domain-name', value: 'a.example.org' })
  t.equal((await get(node, 'anonymous', '/v1/indicators')).body.items.length, 1)
  t.match((await get(node, 'anonymous', '/v1/feed')).body, { more: false, items: { length: 1 } })
  const { rows } = await node.context.database.client.query('select position::text from feed_head')
  await node.context.column.catchUp()
  t.equal(String(node.context.column.now.head), rows[0]?.position, 'the column knows how far positions go')
})

t.test('large objects make small pages', async (t) => {
  const node = await testNode(t)
  const large = Array.from({ length: 12 }, (_, n) => tool(n, { description: 'x'.repeat(900_000) }))
  await taken(t, node, large, 'tlp=clear')
  const { body } = await get(node, 'anonymous', '/v1/objects')
  t.equal(body.items.length, 9, '8 MiB')
  t.ok(body.next)
})

t.test('an anonymous source is named by no text, of whatever version', async (t) => {
  const node = await testNode(t)
  const telling = {
    ...{ created_by_ref: id('identity', 1), external_references: [{ source_name: 'CERT.br', description: 'x' }] },
    ...{
      x_author: 'ana',
      extensions: { [id('extension-definition', 1)]: { extension_type: 'property-extension', who: 'ana' } },
    },
  }
  await taken(t, node, [sdo('identity', 1, { name: 'CERT.br' }), tool(1, telling)])
  await taken(
    t,
    node,
    [tool(1, { ...telling, modified: '2024-02-01T00:00:00.000Z' })],
    'tlp=green&attribution=anonymous',
  )
  for (const what of [id('tool', 1), `${id('tool', 1)}/versions`]) {
    const { text, status } = await get(node, 'sofia.csirt-ar', `/v1/objects/${what}`)
    t.equal(status, 200)
    t.notMatch(text, /ana|CERT|cert-br|identity--/, what)
    t.match(text, /"alias":"source-/)
  }
})

t.test('what depends on what: parts appear, and the work for one object is bounded', async (t) => {
  const node = await testNode(t)
  await taken(t, node, [tool(1)], 'tlp=amber&audience=csirt-cl')
  await taken(t, node, [tool(2), tie(1, id('tool', 1), id('tool', 2))], 'tlp=green')
  const status = async (which: string) => (await get(node, 'sofia.csirt-ar', `/v1/objects/${which}`)).status
  t.equal(await status(id('relationship', 1)), 404)
  await taken(t, node, [tool(1, { modified: '2024-02-01T00:00:00.000Z' })], 'tlp=green')
  t.equal(await status(id('relationship', 1)), 200, 'one of its ends was widened')
  // Somebody else under the same id: a reference is good if any of them is visible.
  const clear = handling('csirt-cl', { tlp: 'clear' }) as Handling
  t.equal((await get(node, 'anonymous', `/v1/objects/${id('relationship', 1)}`)).status, 404)
  for (const n of [1, 2]) await node.plantObject(clear, { type: 'tool', id: id('tool', n), name: 'as CSIRT CL has it' })
  await node.plantObject(clear, tie(1, id('tool', 1), id('tool', 2)))
  t.equal((await get(node, 'anonymous', `/v1/objects/${id('relationship', 1)}`)).status, 200)
  t.equal((await get(node, 'anonymous', `/v1/objects/${id('tool', 1)}?originator=cert-br`)).status, 404)
  // Notes about notes, around and around.
  for (const n of [1, 2]) {
    await node.plantObject(clear, sdo('note', n, { content: 'x', object_refs: [id('note', 3 - n)] }))
  }
  t.equal((await get(node, 'anonymous', `/v1/objects/${id('note', 1)}`)).status, 404, 'a circle holds nothing')
  const wide = Array.from({ length: 4_000 }, (_, n) => id('malware', n))
  for (let n = 0; n < 20; n++) await node.plantObject(clear, sdo('grouping', n, { context: 'x', object_refs: wide }))
  const began = performance.now()
  t.equal((await get(node, 'anonymous', '/v1/objects?limit=1000')).status, 200)
  t.ok(performance.now() - began < 10_000, 'bounded')
})

t.test('over TAXII objects and indicators are one collection, in one order', async (t) => {
  const node = await testNode(t)
  const ana = new TaxiiClient(node, 'ana.cert-br')
  const sofia = new TaxiiClient(node, 'sofia.csirt-ar')
  const mine = await ana.collection('mine')
  const pattern = "[domain-name:value = 'c2.example.org']"
  const marked = (tlp: 'clear' | 'green', object: { id: string }) => ({
    ...object,
    object_marking_refs: [markingOfTlp[tlp]],
  })
  const objects = [
    marked('clear', tie(1, id('indicator', 1), id('tool', 1))),
    marked('clear', tie(2, id('tool', 1), id('tool', 2))),
    marked('clear', sdo('report', 1, { name: 'r', published: time, object_refs: [id('tool', 2), id('tool', 1)] })),
    marked('clear', tool(1)),
    marked('green', tool(2)),
    marked('clear', sdo('indicator', 1, { pattern, pattern_type: 'stix', valid_from: time })),
    marked('clear', tie(3, id('tool', 1), id('tool', 99))),
  ]
  const added = await ana.ask(
    `${mine}objects/`,
    {},
    {
      method: 'POST',
      headers: { 'content-type': taxiiType },
      payload: JSON.stringify({ objects }),
    },
  )
  t.match(added.body, {
    status: 'complete',
    success_count: 6,
    failure_count: 1,
    failures: [{ id: id('relationship', 3) }],
  })
  const all = await sofia.collection('all')
  const ids = (found: readonly { id: string }[]) => found.map((each) => each.id).sort()
  const whole = ids(objects.slice(0, 6))
  for (const limits of [[1_000], [1], [2, 3]]) {
    t.strictSame(ids(await sofia.objects(all, {}, limits)), whole, `pages of ${limits}`)
  }
  // The public sees neither tool 2, nor what cannot be without it.
  const anybody = new TaxiiClient(node, 'anonymous')
  const open = await anybody.collection('public')
  const hidden = [id('tool', 2), id('relationship', 2)]
  const seen = await anybody.objects(open, {}, [1])
  t.strictSame(
    ids(seen),
    whole.filter((each) => !hidden.includes(each)),
  )
  t.strictSame((seen.find(({ type }) => type === 'report') as unknown as { object_refs: string[] }).object_refs, [
    id('tool', 1),
  ])
  t.strictSame(ids(await sofia.objects(all, { 'match[type]': 'tool,report' })), [
    id('report', 1),
    id('tool', 1),
    id('tool', 2),
  ])
  t.strictSame(ids(await sofia.objects(all, { 'match[id]': `${id('tool', 1)},${id('indicator', 1)}` })), [
    id('indicator', 1),
    id('tool', 1),
  ])
  t.equal((await anybody.ask(`${open}objects/${id('tool', 2)}/`)).status, 404)
  const manifest = await sofia.ask(`${all}manifest/`)
  t.equal(manifest.body.objects.length, 6)
  const dates = manifest.body.objects.map((each: { date_added: string }) => each.date_added)
  t.equal(new Set(dates).size, 6, 'each at a time of its own')
  const last = [...dates].sort().at(2)
  t.equal((await sofia.objects(all, { added_after: last })).length, 3, 'strictly after')
  // A new version, and a recall, come after what was read.
  await taken(t, node, [marked('clear', tool(1, { modified: '2024-02-01T00:00:00.000Z', name: 'renamed' }))])
  const end = [...dates].sort().at(-1)
  t.match(await sofia.objects(all, { added_after: end }), [{ id: id('tool', 1), name: 'renamed' }])
  const versions = await sofia.ask(`${all}objects/${id('tool', 1)}/versions/`)
  t.strictSame([...versions.body.versions].sort(), [time, '2024-02-01T00:00:00.000Z'])
  t.match(await sofia.objects(all, { 'match[version]': 'first', 'match[type]': 'tool' }), { length: 2 })
  t.equal((await ana.ask(`${mine}objects/${id('tool', 2)}/`, {}, { method: 'DELETE' })).status, 200)
  const recalled = await sofia.objects(all, { 'match[id]': id('tool', 2) })
  t.match(recalled, [{ revoked: true, name: 'recalled' }], 'to those who had it')
  t.notOk(ids(await sofia.objects(all)).includes(id('relationship', 2)), 'and what cannot be without it is gone')
})
