import t from 'tap'
import { publishFigures, purge, runExports, tendHolds } from '../../src/actions/index.ts'
import { limits } from '../../src/domain/limits.ts'
import { readZip } from '../../src/formats/export-zip.ts'
import { approvedRequest, get, legalNode, post } from '../legal.ts'
import { handling } from './graphql.ts'

t.setTimeout(240_000)

const liaison = 'ignacio.policia-cl'
const green = handling('csirt-cl', { tlp: 'green' })

t.test('many things under one request are few in what the public is told', async (t) => {
  const node = await legalNode(t)
  const ids: string[] = []
  for (let n = 1; n <= 6; n++) ids.push(await node.plant(green, { type: 'ipv4-address', value: `192.0.2.${n}` }))
  const request = await approvedRequest(node)
  for (let n = 1; n <= 5; n++) {
    const { body } = await post(node, liaison, `/v1/legal-requests/${request}/exports`)
    await runExports(node.context)
    const headers = node.as(liaison)
    const { statusCode } = await node.app.inject({ method: 'POST', url: `/v1/exports/${body.id}/download`, headers })
    t.equal(statusCode, 200)
  }
  // Its originator takes them back, and looks next year whether a package had them under a request of which it is not to know.
  for (const id of ids) await post(node, 'camila.csirt-cl', `/v1/indicators/${id}/recall`, { reason: 'wrong' })
  Object.assign(node.context, { publishesFigures: true })
  t.match((await get(node, 'policy.lacnic', '/v1/transparency/2026')).body.jurisdictions, [
    { jurisdiction: 'CL', disclosures: 5, recalls: 30 },
  ])
  node.at('2027-02-01T00:00:00.000Z')
  await publishFigures(node.context)
  t.strictSame((await get(node, 'anonymous', '/v1/transparency/2026')).body.jurisdictions, [])
})

t.test('a package of what is held is whole, whatever is purged before it is fetched', async (t) => {
  const node = await legalNode(t)
  const id = await node.plant(green, { type: 'ipv4-address', value: '192.0.2.77' })
  const preserving = { instrument: 'budapest-16-29', expiresAt: '2026-08-15T00:00:00.000Z' }
  await approvedRequest(node, liaison, preserving)
  await tendHolds(node.context)
  await post(node, 'camila.csirt-cl', `/v1/indicators/${id}/recall`, { reason: 'wrong' })
  const disclosure = await approvedRequest(node)
  const { body } = await post(node, liaison, `/v1/legal-requests/${disclosure}/exports`)
  await runExports(node.context)
  const payload = { rules: [{ afterRecallDays: 1 }] }
  await node.call('policy.lacnic', { method: 'PUT', url: '/v1/retention', payload })
  node.at('2026-06-05T00:00:00.000Z')
  t.equal(await purge(node.context), 1)
  const headers = node.as(liaison)
  const fetched = await node.app.inject({ method: 'POST', url: `/v1/exports/${body.id}/download`, headers })
  t.equal(fetched.statusCode, 200)
  const lines = readZip(fetched.rawPayload, limits.exportBytes).get('indicators.ndjson') ?? []
  t.match(Buffer.from(lines).toString(), /192\.0\.2\.77/)
})

t.test('with a hold goes what packages that nobody fetched have of it', async (t) => {
  const node = await legalNode(t)
  const id = await node.plant(green, { type: 'ipv4-address', value: '192.0.2.77' })
  const preserving = { instrument: 'budapest-16-29', expiresAt: '2026-08-15T00:00:00.000Z' }
  const hold = await approvedRequest(node, liaison, preserving)
  await tendHolds(node.context)
  await post(node, 'camila.csirt-cl', `/v1/indicators/${id}/recall`, { reason: 'wrong' })
  const disclosure = await approvedRequest(node)
  const { body } = await post(node, liaison, `/v1/legal-requests/${disclosure}/exports`)
  await runExports(node.context)
  await post(node, liaison, `/v1/legal-requests/${hold}/close`)
  await tendHolds(node.context)
  const { rows } = await node.context.database.client.query('select from export_item where stix is not null')
  t.equal(rows.length, 0)
  const fetched = await post(node, liaison, `/v1/exports/${body.id}/download`)
  t.match(fetched, { status: 410, body: { code: 'export_outdated' } })
})
