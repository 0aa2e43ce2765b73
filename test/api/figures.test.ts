import pg from 'pg'
import t from 'tap'
import { integrateAudit, publishFigures, runExports, tendHolds } from '../../src/actions/index.ts'
import { verifyAudit } from '../../src/actions/verify-audit.ts'
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
    { jurisdiction: 'CL', requests: [{ instrument: 'mla', state: 'refused', count: 5 }] },
  ])
  const query = '{ figures(year: 2026) { suppressedBelow jurisdictions { jurisdiction withheld clawBacks } } }'
  t.strictSame((await ask(node, 'anonymous', query)).body.data.figures, {
    suppressedBelow: 5,
    jurisdictions: [{ jurisdiction: 'CL', withheld: null, clawBacks: null }],
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

/** Requests of a jurisdiction that were handed in, without what they said. @returns their ids */
async function put(node: TestNode, instrument: string, state: string, count: number): Promise<string[]> {
  const { rows } = await node.context.database.client.query<{ id: string }>(
    `insert into legal_request (id, liaison, instrument, citation, authority, case_reference, offence, requesting_jurisdiction, facts,
       necessity, scope, named, state, filed_at, expires_at, confidential_until)
     select gen_random_uuid(), '${liaison}', $1, 'x', 'x', 'x', 'fraud', 'CL', 'x', 'x', '{"originators":["csirt-cl"]}', '{csirt-cl}',
       $2, '2026-07-01', '2026-12-01', '2028-01-01' from generate_series(1, $3::int) returning id`,
    [instrument, state, count],
  )
  return rows.map(({ id }) => id)
}

async function published(node: TestNode): Promise<string> {
  Object.assign(node.context, { publishesFigures: true })
  node.at('2027-02-01T00:00:00.000Z')
  await publishFigures(node.context)
  return (await get(node, 'anonymous', figures)).text
}

t.test('a total less the requests that are told does not tell the others', async (t) => {
  const download = (node: TestNode, [request]: readonly string[]) =>
    node.context.database.client.query(
      `insert into export (id, request, account, state, created_at, downloaded_at)
       values (gen_random_uuid(), $1, '${liaison}', 'downloaded', '2026-08-01', '2026-08-02')`,
      [request],
    )
  const clawBack = async (node: TestNode, requests: readonly string[]) => {
    for (const request of requests)
      await node.context.database.client.query(
        `insert into legal_request_step (request, ordinal, step, side, account, note, at)
         values ($1, 0, 'claw-back', 'node', '${officer}', 'x', '2026-09-01')`,
        [request],
      )
  }
  const hold = async (node: TestNode, requests: readonly string[]) => {
    for (const request of requests)
      await node.context.database.client.query(
        "insert into hold (request, organisation, began_at, ends_at) values ($1, 'policia-cl', '2026-09-01', '2026-12-01') on conflict do nothing",
        [request],
      )
  }
  const worlds: Record<string, (node: TestNode, one: boolean) => Promise<unknown>> = {
    'one request that was refused': async (node, one) => {
      await put(node, 'domestic-order', 'refused', 5)
      if (one) await put(node, 'mla', 'refused', 1)
    },
    'one that gave something': async (node, one) => {
      const closed = await put(node, 'domestic-order', 'closed', 6)
      if (one) await download(node, closed)
    },
    'one that was taken back': async (node, one) => {
      await clawBack(node, await put(node, 'domestic-order', 'clawed-back', 5))
      if (one) await clawBack(node, await put(node, 'mla', 'clawed-back', 1))
    },
    'one package': async (node, one) => {
      for (const request of await put(node, 'domestic-order', 'fulfilled', 5)) await download(node, [request])
      if (one) await download(node, await put(node, 'mla', 'fulfilled', 1))
    },
    'one preservation': async (node, one) => {
      await hold(node, await put(node, 'budapest-16-29', 'approved', 5))
      if (one) await hold(node, await put(node, 'eu-epoc-pr', 'approved', 1))
    },
  }
  for (const [what, make] of Object.entries(worlds)) {
    const texts: string[] = []
    for (const one of [false, true]) {
      const node = await legalNode(t)
      await make(node, one)
      texts.push(await published(node))
    }
    t.match(texts[0], '"count":', what)
    t.equal(texts[1], texts[0], what)
  }
  const node = await legalNode(t)
  await put(node, 'domestic-order', 'refused', 3)
  await put(node, 'mla', 'refused', 3)
  t.match(await published(node), '"requests":[],"withheld":6', 'a total is told where nothing in it is')
})

t.test('what is published is of one instant', async (t) => {
  const node = await legalNode(t)
  await put(node, 'domestic-order', 'refused', 3)
  await put(node, 'mla', 'refused', 3)
  const { client } = node.context.database
  const { query } = pg.Client.prototype
  let moved = false
  t.teardown(() => Object.assign(pg.Client.prototype, { query }))
  Object.assign(pg.Client.prototype, {
    // Between what is counted first and what is counted then.
    query(this: pg.Client, ...asked: unknown[]): unknown {
      const ask = () => Reflect.apply(query, this, asked)
      if (moved || !String(asked[0]).startsWith('with happened') || !JSON.stringify(asked).includes('2027-01-01'))
        return ask()
      moved = true
      return client.query("update legal_request set state = 'approved'").then(ask)
    },
  })
  t.match(await published(node), '"withheld":6')
  t.ok(moved)
})

t.test('what is published is held against the log', async (t) => {
  const node = await legalNode(t)
  await put(node, 'mla', 'refused', 5)
  await published(node)
  await integrateAudit(node.context)
  const kinds = async () => Object.keys((await verifyAudit(node.context.database)).counts)
  t.strictSame(await kinds(), [])
  const { client } = node.context.database
  await client.query('alter table published_figures disable trigger all')
  await client.query(`update published_figures set figures = replace(figures, '"count":5', '"count":6')`)
  t.strictSame(await kinds(), ['figures'])
  await client.query('delete from published_figures where year = 2026')
  t.strictSame(await kinds(), ['figures'])
  await put(node, 'mla', 'refused', 1)
  await published(node)
  await integrateAudit(node.context)
  t.strictSame(await kinds(), ['figures'], 'and to publish them again does not mend it')
  await client.query('delete from published_figures where year = 2026')
  await client.query("insert into published_figures (year, figures, at) values (2019, '{}', now())")
  const { findings } = await verifyAudit(node.context.database)
  t.match(
    findings.map(({ sentence }) => sentence),
    [/^of 2026 /, /^that those of 2019 /],
  )
})
