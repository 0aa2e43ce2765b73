import t from 'tap'
import { sealNotices, takePage, tendPeers } from '../../src/actions/index.ts'
import { adminOf, federation, json, post, publish, sees } from './nodes.ts'

/** What nodes tell each other beside indicators: sightings, to whom the policy lets have them, and who left a community. */

t.setTimeout(600_000)

const fed = await federation(t)
const [br, cl, uy] = [fed.node('cert-br'), fed.node('csirt-cl'), fed.node('lacnic')]

const sight = (node: typeof br, account: string, id: string, body: object = {}) =>
  post(node, account, `/v1/indicators/${id}/sightings`, body)
const said = async (node: typeof br, account: string, id: string) => {
  const { status, body } = await node.call(account, { url: `/v1/indicators/${id}/sightings` })
  return status === 200 ? body : { status }
}

t.test('a sighting goes to whoever may have it, added up, and back to the originator', async (t) => {
  const id = await publish(br, 'ana.cert-br', '3fff::1', 'tlp=green')
  await fed.settle()
  for (let n = 0; n < 3; n++) t.equal((await sight(cl, 'diego.csirt-cl', id, { count: 2 })).status, 201)
  await fed.settle()
  for (const [node, account] of [
    [br, 'ana.cert-br'],
    [uy, 'lucia.lacnic'],
  ] as const) {
    const { seen, reports } = await said(node, account, id)
    t.equal(seen.count, 6, 'one envelope says all that was said')
    t.match(reports, [{ organisation: { id: 'csirt-cl' }, count: 6, type: 'seen' }])
  }
  t.equal((await sight(cl, 'diego.csirt-cl', id, { count: 1 })).status, 201)
  await fed.settle()
  t.equal((await said(br, 'ana.cert-br', id)).seen.count, 7, 'a new version takes the place of the one before')
  const { rows } = await br.context.database.client.query('select version, received_from from notice')
  t.match(rows, [{ version: 2, received_from: cl.context.node.id }])
  t.equal(await fed.settle(), 0, 'nothing comes twice, or comes back')
})

t.test('a sighting goes no further than its indicator, or than its reporter lets it', async (t) => {
  const amber = await publish(br, 'ana.cert-br', '3fff::2', 'tlp=amber&audience=csirt-cl')
  const own = await publish(br, 'ana.cert-br', '3fff::3', 'tlp=green')
  const anonymous = await publish(br, 'ana.cert-br', '3fff::4', 'tlp=green')
  await fed.settle()
  t.equal((await sight(cl, 'diego.csirt-cl', amber)).status, 201)
  const handling = { tlp: 'amber', audience: ['cert-br'] }
  t.equal((await sight(cl, 'diego.csirt-cl', own, handling)).status, 201)
  t.equal((await sight(cl, 'diego.csirt-cl', anonymous, { attribution: 'anonymous' })).status, 201)
  await fed.settle()
  t.equal((await said(br, 'ana.cert-br', amber)).seen.count, 1)
  t.equal((await said(br, 'ana.cert-br', own)).seen.count, 1)
  t.equal((await said(uy, 'lucia.lacnic', own)).seen.count, 0, 'who is not in the audience of the report')
  t.equal((await said(br, 'ana.cert-br', anonymous)).seen.count, 0, 'who stays anonymous is not named to nodes')
  const { rows } = await uy.context.database.client.query('select 1 from notice where of_stix_id = any($1::uuid[])', [
    [amber, own, anonymous].map((each) => each.slice(11)),
  ])
  t.strictSame(rows, [], 'no byte of them is where nobody may have it')
})

t.test('what an analyst searches for leaves the node by no way', async (t) => {
  const id = await publish(br, 'ana.cert-br', '3fff::5', 'tlp=green')
  await fed.settle()
  await sees(cl, 'diego.csirt-cl', '3fff::5')
  await cl.call('diego.csirt-cl', { url: `/v1/indicators/${id}` })
  await post(cl, 'diego.csirt-cl', '/v1/lookup', { values: ['3fff::5'] })
  t.equal(await fed.settle(), 0)
})

t.test('what a node may not say for another is refused, and what is not here waits', async (t) => {
  const id = await publish(br, 'ana.cert-br', '3fff::6', 'tlp=green')
  await fed.settle()
  // Chile lost the indicator, and is told of a sighting of it.
  await cl.context.database.client.query('update indicator set recalled = true where stix_id = $1', [id.slice(11)])
  await sight(uy, 'lucia.lacnic', id)
  await fed.pull('csirt-cl', 'lacnic')
  const [waiting] = (await cl.call(adminOf(cl), { url: '/v1/quarantine?code=target_unknown' })).body.items
  t.match(waiting, { item: /^sighting--/, releasable: true, retryAt: /2026/ })
  await cl.context.database.client.query('update indicator set recalled = false where stix_id = $1', [id.slice(11)])
  fed.at('2026-06-01T00:11:00Z')
  await tendPeers(cl.context)
  t.strictSame((await cl.call(adminOf(cl), { url: '/v1/quarantine?code=target_unknown' })).body.items, [])
  t.equal((await said(cl, 'diego.csirt-cl', id)).seen.count, 1)
})

t.test('what its reporter may not have is as what is not here', async (t) => {
  const id = await publish(br, 'ana.cert-br', '3fff::8', 'tlp=green')
  await fed.settle()
  // As a hostile node would say it of an id that it guesses.
  t.equal((await sight(uy, 'lucia.lacnic', id)).status, 201)
  const narrow = await br.call('ana.cert-br', {
    ...{ method: 'PATCH', url: `/v1/indicators/${id}`, headers: json },
    payload: JSON.stringify({ tlp: 'amber', audience: ['csirt-cl'] }),
  })
  t.equal(narrow.status, 200)
  await fed.pull('cert-br', 'lacnic')
  t.equal((await said(br, 'ana.cert-br', id)).seen.count, 0)
  const { items } = (await br.call(adminOf(br), { url: '/v1/quarantine?code=target_unknown' })).body
  t.match(items, [{ item: /^sighting--/ }])
})

t.test('who left a community at its home loses what it had by it everywhere, at once', async (t) => {
  const keep = (node: typeof br, communities: readonly string[]) =>
    node.call(adminOf(node), {
      ...{ method: 'PATCH', url: `/v1/peers/${br.context.node.id}`, headers: json },
      payload: JSON.stringify({ communities }),
    })
  const sql = (node: typeof br, text: string) => node.context.database.client.query(text)
  for (const node of Object.values(fed.nodes)) {
    await sql(node, "insert into community (id, name) values ('finance', 'Finance')")
    await sql(
      node,
      `insert into community_member (community, organisation)
       select 'finance', unnest('{cert-br,csirt-cl,csirt-ar,lacnic}'::text[])`,
    )
  }
  t.match((await keep(uy, ['finance'])).body, { communities: ['finance'] })
  t.equal((await keep(uy, ['nowhere'])).status, 404)
  await publish(br, 'ana.cert-br', '3fff::7', 'tlp=amber&audience=community:finance')
  await fed.settle()
  t.ok(await sees(uy, 'martin.csirt-ar', '3fff::7'))
  t.ok(await sees(uy, 'lucia.lacnic', '3fff::7'))

  await sql(br, "delete from community_member where organisation = 'csirt-ar'")
  await sealNotices(br.context)
  await takePage(uy.context, br.context.node.id, 0)
  t.notOk(await sees(uy, 'martin.csirt-ar', '3fff::7'), 'the word of its home is taken')
  t.ok(await sees(uy, 'lucia.lacnic', '3fff::7'), 'the others still have it')
  await takePage(cl.context, br.context.node.id, 0)
  const { rows } = await cl.context.database.client.query(
    "select 1 from community_member where community = 'finance' and organisation = 'csirt-ar'",
  )
  t.equal(rows.length, 1, 'but not where another keeps the community')
  const refused = (await cl.call(adminOf(cl), { url: '/v1/quarantine?code=community_not_kept' })).body.items
  t.match(refused, [{ item: /^membership--/, releasable: false }])

  await sql(uy, "insert into community_member (community, organisation) values ('finance', 'csirt-ar')")
  await fed.settle()
  t.ok(
    await sees(uy, 'martin.csirt-ar', '3fff::7'),
    'an operator may take it in again, and is not overruled by the old word',
  )
  t.equal((await keep(uy, [])).status, 200)
})

t.test('that a community is there is told to nodes of its members alone', async (t) => {
  const sql = (text: string) => br.context.database.client.query(text)
  const heard = async (node: typeof br) =>
    (await node.call(adminOf(node), { url: '/v1/quarantine?code=community_not_kept' })).body.items.length
  await fed.settle()
  const [before, known] = [await heard(uy), await heard(cl)]
  await sql("insert into community (id, name) values ('taskforce', 'Task force')")
  await sql(
    `insert into community_member (community, organisation)
     select 'taskforce', unnest('{cert-br,rede-sul,csirt-cl}'::text[])`,
  )
  await sql("delete from community_member where community = 'taskforce' and organisation = 'rede-sul'")
  await sealNotices(br.context)
  await fed.settle()
  t.equal(await heard(uy), before, 'none of its own is in it')
  t.equal(await heard(cl), known + 1, 'one of its own is')
})
