import t from 'tap'
import { publishFigures, runExports, tendHolds } from '../../src/actions/index.ts'
import { approvedRequest, get, legalNode, post, requestBody, step } from '../legal.ts'
import type { TestNode } from '../node.ts'
import { ask, handling } from './graphql.ts'

t.setTimeout(120_000)

const liaison = 'ignacio.policia-cl'
const officer = 'policy.lacnic'
const figures = '/v1/transparency/2026'

t.test('yearly figures are for the node, and for others when the operator says so and the year is over', async (t) => {
  const node = await legalNode(t)
  await node.plant(handling('csirt-cl', { tlp: 'green' }), { type: 'ipv4-address', value: '192.0.2.1' })
  const request = await approvedRequest(node)
  const { body } = await post(node, liaison, `/v1/legal-requests/${request}/exports`)
  await runExports(node.context)
  const headers = node.as(liaison)
  const fetched = await node.app.inject({ method: 'POST', url: `/v1/exports/${body.id}/download`, headers })
  t.equal(fetched.statusCode, 200)
  t.equal((await step(node, 'iris.csirt-cl', request, 'claw-back', { note: 'A mistake.' })).status, 200)
  await approvedRequest(node, liaison, { instrument: 'budapest-16-29' })
  await tendHolds(node.context)
  const secret = requestBody({ instrument: 'mla', confidentialUntil: '2028-01-01T00:00:00.000Z' })
  const filed = (await post(node, liaison, '/v1/legal-requests', secret)).body.id
  await step(node, liaison, filed, 'file')
  await step(node, officer, filed, 'refuse', { note: 'No.' })
  await post(node, liaison, '/v1/legal-requests', requestBody())

  const known = await get(node, officer, figures)
  t.strictSame(known.body, {
    year: 2026,
    suppressedBelow: 0,
    jurisdictions: [
      {
        jurisdiction: 'CL',
        requests: [
          { instrument: 'budapest-16-29', state: 'approved', count: 1 },
          { instrument: 'domestic-order', state: 'clawed-back', count: 1 },
          { instrument: 'mla', state: 'refused', count: 1 },
        ],
        ...{ disclosures: 1, withheld: 1, clawBacks: 1, recalls: 0, preservations: 1 },
      },
    ],
  })
  t.strictSame((await get(node, officer, '/v1/transparency/2025')).body.jurisdictions, [])
  for (const account of ['anonymous', liaison, 'iris.csirt-cl'])
    t.equal((await get(node, account, figures)).status, 404, `not published: ${account}`)
  t.equal((await get(node, officer, '/v1/transparency/2027')).status, 400)
  t.equal((await get(node, officer, '/v1/transparency/1999')).status, 400)
  t.equal((await get(node, officer, '/v1/transparency/x')).status, 400)

  Object.assign(node.context, { publishesFigures: true })
  t.equal((await get(node, 'anonymous', figures)).status, 404, 'a year that runs would tell of each request')
  node.at('2027-02-01T00:00:00.000Z')
  t.equal((await get(node, 'anonymous', figures)).status, 404, 'nor before it was published')
  await publishFigures(node.context)
  const few = await get(node, 'anonymous', figures)
  t.strictSame(few.body, { year: 2026, suppressedBelow: 5, jurisdictions: [] }, 'few are none')
  // As many as there must be, of one kind; one of another beside them.
  await node.context.database.client.query(
    `insert into legal_request (id, liaison, instrument, citation, authority, case_reference, offence, requesting_jurisdiction, facts,
       necessity, scope, named, state, filed_at, expires_at, confidential_until)
     select gen_random_uuid(), '${liaison}', 'mla', 'x', 'x', 'x', 'fraud', 'CL', 'x', 'x', '{"originators":["csirt-cl"]}', '{csirt-cl}',
       'refused', '2026-07-01', '2026-08-01', '2028-01-01' from generate_series(1, 4)`,
  )
  await publishFigures(node.context)
  t.strictSame((await get(node, 'anonymous', figures)).text, few.text, 'what was published stays')
  // As if nothing had been published yet.
  await node.context.database.client.query('truncate published_figures')
  await publishFigures(node.context)
  t.strictSame((await get(node, 'anonymous', figures)).body.jurisdictions, [
    { jurisdiction: 'CL', requests: [{ instrument: 'mla', state: 'refused', count: 5 }], withheld: 5 },
  ])
  const query = '{ figures(year: 2026) { suppressedBelow jurisdictions { jurisdiction withheld clawBacks } } }'
  t.strictSame((await ask(node, 'anonymous', query)).body.data.figures, {
    suppressedBelow: 5,
    jurisdictions: [{ jurisdiction: 'CL', withheld: 5, clawBacks: null }],
  })
})

t.test('nobody can tell from published figures what becomes of a request afterwards', async (t) => {
  const worlds = await Promise.all([legalNode(t), legalNode(t)])
  for (const node of worlds) {
    Object.assign(node.context, { publishesFigures: true })
    await node.plant(handling('csirt-cl', { tlp: 'green' }), { type: 'ipv4-address', value: '192.0.2.1' })
    await node.context.database.client.query(
      `insert into legal_request (id, liaison, instrument, citation, authority, case_reference, offence, requesting_jurisdiction, facts,
         necessity, scope, named, originators, state, filed_at, approved_at, expires_at, confidential_until)
       select gen_random_uuid(), '${liaison}', 'mla', 'x', 'x', 'x', 'fraud', 'CL', 'x', 'x', '{"originators":["csirt-cl"]}', '{csirt-cl}',
         '{csirt-cl}', 'approved', '2026-11-01', '2026-11-02', '2027-10-01', '2028-01-01' from generate_series(1, 6)`,
    )
    node.at('2027-01-01T00:00:00.000Z')
    await publishFigures(node.context)
  }
  const [still, moves] = worlds
  const told = async (node: TestNode) => {
    const query =
      '{ figures(year: 2026) { year suppressedBelow jurisdictions { jurisdiction withheld requests { state count } } } }'
    const answers = [ask(node, 'anonymous', query)]
    for (const account of ['anonymous', 'iris.csirt-cl', liaison]) answers.push(get(node, account, figures))
    return (await Promise.all(answers)).map(({ status, text }) => `${status} ${text}`)
  }
  const before = await told(still)
  t.match(before[1], '"state":"approved","count":6')
  const { client } = moves.context.database
  const { rows } = await client.query("select id from legal_request where state = 'approved' limit 2")
  // A confidential one gives nothing any more, and another is taken back: six were five, and then were none.
  t.equal((await step(moves, liaison, rows[0].id, 'close')).status, 200)
  t.equal((await step(moves, officer, rows[1].id, 'claw-back', { note: 'A mistake.' })).status, 200)
  for (const node of worlds) await publishFigures(node.context)
  t.strictSame(await told(moves), before)
  t.match((await get(moves, officer, figures)).body.jurisdictions[0].requests, [
    { count: 4 },
    { count: 1 },
    { count: 1 },
  ])
  Object.assign(moves.context, { publishesFigures: false })
  await publishFigures(moves.context)
  t.equal((await get(moves, 'anonymous', figures)).status, 404)
  Object.assign(moves.context, { publishesFigures: true })
  await publishFigures(moves.context)
  t.strictSame(await told(moves), before, 'nor by stopping and beginning again')
  await t.rejects(client.query("update published_figures set figures = '{}'"), /append-only/)
})
