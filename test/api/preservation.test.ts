import t from 'tap'
import { expireRequests, runExports, tendHolds } from '../../src/actions/index.ts'
import { auditKey, integrateAudit } from '../../src/actions/integrate-audit.ts'
import { verifyAudit } from '../../src/actions/verify-audit.ts'
import { verifyPackage } from '../../src/cli/export/verify-package.ts'
import { limits } from '../../src/domain/limits.ts'
import { readZip } from '../../src/formats/export-zip.ts'
import { approvedRequest, get, legalNode, post, requestBody, step } from '../legal.ts'
import type { TestNode } from '../node.ts'
import { ask, handling } from './graphql.ts'

t.setTimeout(240_000)

const liaison = 'ignacio.policia-cl'
const onRequest = handling('csirt-cl', { tlp: 'green' })
const address = (n: number) => ({ type: 'ipv4-address', value: `192.0.2.${n}` })
const preserving = { instrument: 'budapest-16-29', expiresAt: '2026-08-15T00:00:00.000Z' }

async function preserved(node: TestNode, more: object = {}, account = liaison): Promise<string> {
  const request = await approvedRequest(node, account, { ...preserving, ...more })
  await tendHolds(node.context)
  return request
}

const recall = async (node: TestNode, id: string): Promise<void> => {
  const { status, text } = await post(node, 'camila.csirt-cl', `/v1/indicators/${id}/recall`, { reason: 'wrong' })
  if (status !== 200) throw new Error(text)
}

/** What a package under a request of disclosure holds. */
async function packaged(
  node: TestNode,
  request: string,
  account = liaison,
): Promise<{ bytes: Buffer; values: string[] }> {
  const { body } = await post(node, account, `/v1/legal-requests/${request}/exports`)
  await runExports(node.context)
  const headers = node.as(account)
  const answer = await node.app.inject({ method: 'POST', url: `/v1/exports/${body.id}/download`, headers })
  if (answer.statusCode !== 200) throw new Error(answer.body)
  const lines = Buffer.from(readZip(answer.rawPayload, limits.exportBytes).get('indicators.ndjson') ?? []).toString()
  const values = [...lines.matchAll(/= '([^']+)'/g)].map(([, value = '']) => value).sort()
  return { bytes: answer.rawPayload, values }
}

const held = async (node: TestNode, account = liaison): Promise<{ [member: string]: unknown }[]> =>
  (await get(node, account, '/v1/preservations')).body.items

t.test(
  'what is preserved outlasts recall and the end of sharing, and only a request for disclosure opens it',
  async (t) => {
    const node = await legalNode(t)
    const recalled = await node.plant(onRequest, address(1))
    await node.plant({ ...onRequest, expiresAt: '2026-06-02T00:00:00.000Z' }, address(2))
    await node.plant({ ...onRequest, lawEnforcement: 'never' }, address(3))
    await node.plant(onRequest, { type: 'url', value: 'http://outside.example/' })
    const narrowed = await node.plant(onRequest, address(4))
    await node.plant(onRequest, address(5))
    const request = await preserved(node)
    t.match(await held(node), [{ request, state: 'held', items: 4, recalled: 0, ending: false }])
    const late = await node.plant(onRequest, address(6))
    await tendHolds(node.context)
    await recall(node, late)
    await recall(node, recalled)
    const patch = await node.call('camila.csirt-cl', {
      method: 'PATCH',
      url: `/v1/indicators/${narrowed}`,
      payload: { lawEnforcement: 'never' },
    })
    t.equal(patch.status, 200, patch.text)
    await recall(node, narrowed)
    node.at('2026-06-03T00:00:00.000Z')
    t.match(await held(node), [{ items: 4, recalled: 2 }])
    for (const account of [liaison, 'diego.csirt-cl', 'sofia.csirt-ar', 'berta.policia-cl']) {
      const { text } = await get(node, account, '/v1/indicators?value=192.0.2.1&status=active,expired')
      t.notMatch(text, /192\.0\.2\.1"/, `${account} reads nothing of it`)
    }
    const own = await get(node, 'camila.csirt-cl', `/v1/indicators/${recalled}`)
    t.match(own, { status: 200, body: { status: 'recalled' } }, 'to its originator it is what any recalled one is')
    const refused = await post(node, liaison, `/v1/legal-requests/${request}/exports`)
    t.match(refused, { status: 409 }, 'to keep is not to be given')

    const disclosure = await approvedRequest(node)
    const { bytes, values } = await packaged(node, disclosure)
    t.strictSame(values, ['192.0.2.1', '192.0.2.2', '192.0.2.5'], 'what was narrowed since stays narrow')
    t.match(await verifyPackage(bytes, auditKey(node.context)), { faults: { length: 0 }, items: 3 })
    const files = readZip(bytes, limits.exportBytes)
    const manifest = JSON.parse(Buffer.from(files.get('manifest.json') ?? []).toString())
    const from = manifest.items.map(({ preservedUnder }: { preservedUnder?: string }) => preservedUnder)
    t.strictSame(from.filter((each: unknown) => each === request).length, 2)
    t.match(Buffer.from(files.get('handling.csv') ?? []).toString(), /It is a copy preserved under the request/)
    await integrateAudit(node.context)
    t.strictSame((await verifyAudit(node.context.database, {})).findings, [])

    const other = await approvedRequest(node, 'ignacio.policia-cl', {
      scope: { originators: ['csirt-cl'], types: ['url'] },
    })
    t.strictSame((await packaged(node, other)).values, ['http://outside.example/'], 'no more than the scope')
    t.equal((await step(node, liaison, request, 'close')).status, 200)
    await tendHolds(node.context)
    t.match(await held(node), [{ state: 'ended', items: 0 }])
    t.equal((await node.context.database.client.query('select from escrow')).rows.length, 0, 'released, the copies go')
    t.strictSame((await packaged(node, disclosure)).values, ['192.0.2.5'])
  },
)

t.test('a package of what is held is outdated when the hold ends, or the consent is taken back', async (t) => {
  const node = await legalNode(t)
  const id = await node.plant(onRequest, address(1))
  const request = await preserved(node)
  await recall(node, id)
  const disclosure = await approvedRequest(node)
  const { body } = await post(node, liaison, `/v1/legal-requests/${disclosure}/exports`)
  await runExports(node.context)
  t.match((await get(node, liaison, `/v1/exports/${body.id}`)).body, { state: 'ready', items: 1 })
  t.equal((await step(node, 'iris.csirt-cl', request, 'refuse', { note: 'No more.' })).status, 200)
  await tendHolds(node.context)
  t.equal((await node.context.database.client.query('select from escrow')).rows.length, 0)
  const headers = node.as(liaison)
  const answer = await node.app.inject({ method: 'POST', url: `/v1/exports/${body.id}/download`, headers })
  t.match(answer, { statusCode: 410 })
})

t.test('a compound indicator is found in a hold by each of what it consists of, as it was', async (t) => {
  const node = await legalNode(t)
  const pattern = (first: string, second: string) =>
    `[domain-name:value = '${first}' AND network-traffic:dst_ref.value = '${second}']`
  const stix = (text: string, modified: string) => ({
    ...{ type: 'indicator', spec_version: '2.1', id: 'indicator--0a1b2c3d-0000-4000-8000-00000000000a' },
    ...{ created: '2026-05-01T00:00:00.000Z', modified, valid_from: '2026-05-01T00:00:00.000Z' },
    ...{ pattern: text, pattern_type: 'stix' },
  })
  const push = async (text: string, modified: string) => {
    const bundle = {
      type: 'bundle',
      id: 'bundle--0a1b2c3d-0000-4000-8000-00000000000b',
      objects: [stix(text, modified)],
    }
    const answer = await post(node, 'camila.csirt-cl', '/v1/indicators?format=stix&tlp=green', bundle)
    t.match(answer, { body: { accepted: 1 } }, answer.text)
  }
  await push(pattern('first.example', '192.0.2.7'), '2026-05-01T00:00:00.000Z')
  const byValue = (value: string) => {
    const types = value.endsWith('.example') ? { types: ['domain-name'] } : {}
    return { scope: { originators: ['csirt-cl'], values: [value], ...types } }
  }
  await preserved(node, byValue('192.0.2.7'))
  await push(pattern('first.example', '192.0.2.8'), '2026-05-02T00:00:00.000Z')
  await recall(node, 'indicator--0a1b2c3d-0000-4000-8000-00000000000a')
  const find = async (value: string) =>
    (await packaged(node, await approvedRequest(node, liaison, byValue(value)))).values
  t.strictSame(await find('first.example'), ['192.0.2.7', 'first.example'])
  t.strictSame(await find('192.0.2.7'), ['192.0.2.7', 'first.example'])
  t.strictSame(await find('192.0.2.8'), [], 'and not by what it consists of since')
  const renewed = await step(node, liaison, (await held(node))[0]?.request as string, 'renew', {
    expiresAt: '2026-12-01T00:00:00.000Z',
  })
  await step(node, 'policy.lacnic', renewed.body.id, 'approve')
  await step(node, 'iris.csirt-cl', renewed.body.id, 'approve')
  await tendHolds(node.context)
  node.at('2026-08-16T00:00:00.000Z')
  await expireRequests(node.context)
  await tendHolds(node.context)
  t.strictSame(await find('192.0.2.7'), ['192.0.2.7', 'first.example'], 'nor is that lost by a renewal')
})

t.test('another organisation, and another scope, open nothing', async (t) => {
  const node = await legalNode(t)
  const id = await node.plant({ ...onRequest, lawEnforcement: 'allowed' }, address(1))
  await preserved(node)
  await recall(node, id)
  const { client } = node.context.database
  const disclosure = await approvedRequest(node, 'berta.policia-cl')
  t.strictSame((await packaged(node, disclosure, 'berta.policia-cl')).values, ['192.0.2.1'], 'one unit, one escrow')
  await client.query("update hold set organisation = 'policia-ar'")
  t.strictSame((await packaged(node, disclosure, 'berta.policia-cl')).values, [])
})

t.test(
  'a preservation is for sixty days at least, is listed before it ends, and goes on by two approvals',
  async (t) => {
    const node = await legalNode(t)
    const id = await node.plant(onRequest, address(1))
    const short = requestBody({ ...preserving, expiresAt: '2026-07-30T00:00:00.000Z' })
    t.match(await post(node, liaison, '/v1/legal-requests', short), {
      status: 400,
      body: { code: 'invalid_request', position: { pointer: '/expiresAt' } },
    })
    const request = await preserved(node, { confidentialUntil: undefined })
    await recall(node, id)
    t.match((await get(node, liaison, '/v1/preservations?ending=true')).body, { items: { length: 0 } })
    node.at('2026-08-05T00:00:00.000Z')
    for (const account of [liaison, 'policy.lacnic', 'iris.csirt-cl']) {
      const { body } = await get(node, account, '/v1/preservations?ending=true')
      t.match(body.items, [{ request, ending: true, items: 1, recalled: 1 }], account)
    }
    t.strictSame((await get(node, 'berta.policia-cl', '/v1/preservations')).body, { items: [] })
    t.equal((await get(node, 'diego.csirt-cl', '/v1/preservations')).status, 403)
    const until = { expiresAt: '2026-12-01T00:00:00.000Z' }
    t.equal((await step(node, 'berta.policia-cl', request, 'renew', until)).status, 404)
    t.equal((await step(node, liaison, request, 'renew', { expiresAt: '2026-08-20T00:00:00.000Z' })).status, 400)
    const renewal = await step(node, liaison, request, 'renew', until)
    t.match(renewal, { status: 201, body: { state: 'filed', renews: request } })
    const next = renewal.body.id
    t.equal((await step(node, 'policy.lacnic', next, 'approve')).status, 200)
    await tendHolds(node.context)
    t.equal((await held(node)).length, 1, 'one approval is none')
    t.match((await get(node, liaison, '/v1/preservations?ending=true')).body.items, [{ request }])
    await step(node, 'iris.csirt-cl', next, 'approve')
    await tendHolds(node.context)
    t.match(await held(node), [
      { request: next, items: 1, recalled: 1, renews: request, until: until.expiresAt },
      { request, renewedBy: next, ending: false },
    ])
    node.at('2026-08-16T00:00:00.000Z')
    await expireRequests(node.context)
    await tendHolds(node.context)
    t.match(await held(node), [
      { request: next, state: 'held', items: 1 },
      { request, state: 'ended' },
    ])
    const disclosure = await approvedRequest(node)
    t.strictSame((await packaged(node, disclosure)).values, ['192.0.2.1'])
    t.equal((await step(node, liaison, disclosure, 'renew', until)).status, 409, 'what is to be given is not renewed')
  },
)

t.test(
  'a preservation approved late is not shorter for it, and one that is secret is told to no originator',
  async (t) => {
    const node = await legalNode(t)
    await node.plant({ ...onRequest, lawEnforcement: 'allowed' }, address(1))
    await node.plant(onRequest, address(2))
    const secret = { ...preserving, confidentialUntil: '2027-01-01T00:00:00.000Z' }
    const { body } = await post(node, liaison, '/v1/legal-requests', requestBody(secret))
    await step(node, liaison, body.id, 'file')
    node.at('2026-07-01T00:00:00.000Z')
    await step(node, 'policy.lacnic', body.id, 'approve')
    await tendHolds(node.context)
    t.match(await held(node), [{ items: 1, until: '2026-08-30T00:00:00.000Z' }], 'and what is on request is not in it')
    t.strictSame((await get(node, 'iris.csirt-cl', '/v1/preservations')).body, { items: [] })
    node.at('2026-08-20T00:00:00.000Z')
    await expireRequests(node.context)
    await tendHolds(node.context)
    t.match(await held(node), [{ state: 'held', items: 1 }])
    node.at('2026-08-30T00:00:00.000Z')
    await tendHolds(node.context)
    t.match(await held(node), [{ state: 'ended' }])
    const { rows } = await node.context.database.client.query(
      `select action from audit_leaf l join audit_subject s on s.leaf = l.id where s.subject like '{"preserved%' order by l.id`,
    )
    t.strictSame(rows, [{ action: 'approve-request' }, { action: 'close-request' }], 'begin and end are on the log')
  },
)

t.test('a recall reaches the liaison who has it in a package, and stays until it is confirmed', async (t) => {
  const node = await legalNode(t)
  const [first, second] = [await node.plant(onRequest, address(1)), await node.plant(onRequest, address(2))]
  await node.plant(onRequest, address(3))
  const request = await approvedRequest(node)
  const waiting = await post(node, liaison, `/v1/legal-requests/${request}/exports`)
  await runExports(node.context)
  await packaged(node, request)
  t.strictSame((await get(node, liaison, '/v1/claw-backs')).body, { items: [] })
  await recall(node, first)
  await recall(node, second)
  const listed = (await get(node, liaison, '/v1/claw-backs')).body.items
  t.match(listed, [
    { indicator: first, request, originator: 'csirt-cl', version: 1, overdue: false, organisation: 'policia-cl' },
    { indicator: second },
  ])
  t.equal(listed.length, 2, 'not of the package that nobody fetched')
  t.not(listed[0].export, waiting.body.id)
  t.match((await get(node, liaison, '/v1/legal-requests?queue=true')).body.items, [{ id: request, state: 'fulfilled' }])
  for (const account of ['iris.csirt-cl', 'policy.lacnic'])
    t.equal((await get(node, account, '/v1/claw-backs')).body.items.length, 2, account)
  t.strictSame((await get(node, 'berta.policia-cl', '/v1/claw-backs')).body, { items: [] })
  t.equal((await get(node, 'diego.csirt-cl', '/v1/claw-backs')).status, 403)
  t.strictSame((await get(node, liaison, '/v1/claw-backs?overdue=true')).body, { items: [] })
  node.at('2026-06-06T00:00:00.000Z')
  t.match((await get(node, 'policy.lacnic', '/v1/claw-backs?overdue=true')).body.items, [{ overdue: true }, {}])
  const at = `/v1/exports/${listed[0].export}/confirm`
  t.equal((await post(node, 'berta.policia-cl', at, { note: 'Deleted.' })).status, 404)
  t.equal((await post(node, liaison, at, { note: ' ' })).status, 400)
  t.equal((await post(node, liaison, at, { note: 'x', indicators: ['nonsense'] })).status, 400)
  t.match(await post(node, liaison, at, { note: 'Deleted.', indicators: [first] }), {
    status: 200,
    body: { items: [{ indicator: first, overdue: false, note: 'Deleted.' }] },
  })
  t.match((await get(node, liaison, '/v1/claw-backs')).body.items, [{ indicator: second }])
  const query = 'mutation ($e: ID!) { confirmClawBacks(export: $e, note: "Deleted.") { indicator confirmedAt } }'
  const confirmed = await ask(node, liaison, query, { e: listed[0].export })
  t.match(confirmed.body.data.confirmClawBacks, [{ indicator: second }])
  t.equal((await post(node, liaison, at, { note: 'Deleted.' })).status, 409)
  t.strictSame((await get(node, liaison, '/v1/claw-backs')).body, { items: [] })
  const read = '{ clawBacks(confirmed: true) { indicator note } preservations { request state } }'
  t.equal((await ask(node, 'iris.csirt-cl', read)).body.data.clawBacks.length, 2)
  const { rows } = await node.context.database.client.query(
    "select from audit_leaf where action = 'confirm-claw-backs'",
  )
  t.equal(rows.length, 2)
})
