import t from 'tap'
import { runExports, tendHolds } from '../../src/actions/index.ts'
import { approvedRequest, get, legalNode, post, requestBody, step } from '../legal.ts'
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
  const few = await get(node, 'anonymous', figures)
  t.strictSame(few.body, { year: 2026, suppressedBelow: 5, jurisdictions: [] }, 'few are none')
  // As many as there must be, of one kind; one of another beside them.
  await node.context.database.client.query(
    `insert into legal_request (id, liaison, instrument, citation, authority, case_reference, offence, requesting_jurisdiction, facts,
       necessity, scope, named, state, filed_at, expires_at, confidential_until)
     select gen_random_uuid(), '${liaison}', 'mla', 'x', 'x', 'x', 'fraud', 'CL', 'x', 'x', '{"originators":["csirt-cl"]}', '{csirt-cl}',
       'refused', '2026-07-01', '2026-08-01', '2028-01-01' from generate_series(1, 4)`,
  )
  t.strictSame((await get(node, 'anonymous', figures)).body.jurisdictions, [
    { jurisdiction: 'CL', requests: [{ instrument: 'mla', state: 'refused', count: 5 }], withheld: 5 },
  ])
  const query = '{ figures(year: 2026) { suppressedBelow jurisdictions { jurisdiction withheld clawBacks } } }'
  t.strictSame((await ask(node, 'anonymous', query)).body.data.figures, {
    suppressedBelow: 5,
    jurisdictions: [{ jurisdiction: 'CL', withheld: 5, clawBacks: null }],
  })
})
