import t from 'tap'
import { purge, runExports, tendHolds } from '../../src/actions/index.ts'
import { auditKey } from '../../src/actions/integrate-audit.ts'
import { verifyPackage } from '../../src/cli/export/verify-package.ts'
import type { Handling } from '../../src/domain/handling.ts'
import { limits } from '../../src/domain/limits.ts'
import { approvedRequest, get, legalNode, post, requestBody, step } from '../legal.ts'
import type { TestNode } from '../node.ts'
import { download, fileIn, packageOf, start } from '../packages.ts'
import { handling } from './graphql.ts'

/** What a hold gives, and to whom it says so, when it is over or cannot be kept; and what ends it. */

t.setTimeout(240_000)

const liaison = 'ignacio.policia-cl'
const onRequest = handling('csirt-cl', { tlp: 'green' })
const allowed = (originator: string) => handling(originator, { tlp: 'clear', lawEnforcement: 'allowed' })
const address = (n: number) => ({ type: 'ipv4-address', value: `192.0.2.${n}` })
const preserving = { instrument: 'budapest-16-29', expiresAt: '2026-08-15T00:00:00.000Z' }

const recall = async (node: TestNode, id: string, by = 'camila.csirt-cl'): Promise<void> => {
  const { status, text } = await post(node, by, `/v1/indicators/${id}/recall`, { reason: 'wrong' })
  if (status !== 200) throw new Error(text)
}
const linesIn = (bytes: Buffer): number => fileIn(bytes, 'indicators.ndjson').split('\n').length - 1

/** Runs under other limits. */
async function limited<T>(change: Partial<Record<keyof typeof limits, number>>, work: () => Promise<T>): Promise<T> {
  const before = Object.fromEntries(Object.keys(change).map((name) => [name, limits[name as keyof typeof limits]]))
  Object.assign(limits, change)
  try {
    return await work()
  } finally {
    Object.assign(limits, before)
  }
}

t.test('a hold that is over gives nothing, though the clock has not ended it yet', async (t) => {
  const node = await legalNode(t)
  const id = await node.plant(onRequest, address(1))
  await approvedRequest(node, liaison, preserving)
  await tendHolds(node.context)
  await recall(node, id)
  const disclosure = await approvedRequest(node, liaison, { expiresAt: '2026-10-01T00:00:00.000Z' })
  t.equal(linesIn(await packageOf(node, disclosure)), 1, 'while it stands')
  const early = await start(node, disclosure)
  await runExports(node.context)
  node.at('2026-08-20T00:00:00.000Z')
  t.match(await download(node, early), { status: 410 }, 'one that was made before')
  t.equal(linesIn(await packageOf(node, disclosure)), 0, 'one that is made now')
})

t.test('content of a hold that ended stays in no package that is being made', async (t) => {
  const node = await legalNode(t)
  const id = await node.plant(onRequest, address(1))
  await approvedRequest(node, liaison, preserving)
  await tendHolds(node.context)
  await recall(node, id)
  const disclosure = await approvedRequest(node, liaison, { expiresAt: '2026-10-01T00:00:00.000Z' })
  await start(node, disclosure)
  await runExports(node.context, 3)
  const { client } = node.context.database
  const written = async () => (await client.query('select from export_item where stix is not null')).rowCount
  t.equal(await written(), 1, 'it is being sealed')
  node.at('2026-08-20T00:00:00.000Z')
  await tendHolds(node.context)
  t.equal(await written(), 0)
})

for (const [word, account] of [
  ['close', liaison],
  ['refuse', 'iris.csirt-cl'],
] as const) {
  t.test(`after ${word} it gives nothing either`, async (t) => {
    const node = await legalNode(t)
    const id = await node.plant(onRequest, address(1))
    const request = await approvedRequest(node, liaison, preserving)
    await tendHolds(node.context)
    await recall(node, id)
    const disclosure = await approvedRequest(node)
    t.match(await step(node, account, request, word, word === 'close' ? {} : { note: 'no more' }), { status: 200 })
    t.equal(linesIn(await packageOf(node, disclosure)), 0)
  })
}

t.test('no originator ends what is held of others', async (t) => {
  const node = await legalNode(t)
  await node.plant(onRequest, address(1))
  await node.plant(allowed('cert-br'), address(2))
  const theirs = await node.plant(allowed('lacnic'), address(3))
  const scope = { originators: ['csirt-cl', 'cert-br', 'lacnic'], types: ['ipv4-address'] }
  const request = await approvedRequest(node, liaison, { ...preserving, scope })
  await tendHolds(node.context)
  await recall(node, theirs, 'lucia.lacnic')
  const clawedBack = await step(node, 'iris.csirt-cl', request, 'claw-back', { note: 'mine' })
  t.match(clawedBack, { status: 409, body: { code: 'request_state' } })
  await tendHolds(node.context)
  const { rows } = await node.context.database.client.query('select originator from escrow order by 1')
  t.strictSame(
    rows.map(({ originator }: { originator: string }) => originator),
    ['cert-br', 'csirt-cl', 'lacnic'],
  )
})

t.test('that a hold failed is told to those who know all of it', async (t) => {
  const node = await legalNode(t)
  await node.plant(onRequest, address(1))
  for (let n = 2; n < 8; n++) await node.plant(allowed('lacnic'), address(n))
  const scope = { originators: ['csirt-cl', 'lacnic'], types: ['ipv4-address'] }
  await limited({ holdItems: 3 }, async () => {
    await approvedRequest(node, liaison, { ...preserving, scope })
    await tendHolds(node.context)
  })
  const stateFor = async (account: string) => (await get(node, account, '/v1/preservations')).body.items[0].state
  t.equal(await stateFor(liaison), 'failed')
  t.equal(await stateFor('iris.csirt-cl'), 'filling', 'how much others have is told to none of them')
})

t.test('what is purged between disclosure and seal ends that export, and stops no other', async (t) => {
  const node = await legalNode(t)
  const id = await node.plant(onRequest, address(1))
  const request = await approvedRequest(node)
  const first = await start(node, request)
  await runExports(node.context, 3)
  await recall(node, id)
  const rules = { rules: [{ afterRecallDays: 1 }] }
  const headers = { 'content-type': 'application/json' }
  const payload = JSON.stringify(rules)
  t.match(await node.call('olga.lacnic', { method: 'PUT', url: '/v1/retention', headers, payload }), { status: 200 })
  node.at('2026-06-04T00:00:00.000Z')
  await purge(node.context)
  const second = await start(node, request)
  await runExports(node.context)
  const stateOf = async (export_: string) => (await get(node, liaison, `/v1/exports/${export_}`)).body.state
  t.equal(await stateOf(first), 'outdated')
  t.equal(await stateOf(second), 'ready')
})

t.test('an export that fails in a way that nobody foresaw lets others go first, and ends', async (t) => {
  const node = await legalNode(t)
  await node.plant(onRequest, address(1))
  const request = await approvedRequest(node)
  const first = await start(node, request)
  await runExports(node.context, 2)
  const { client } = node.context.database
  await client.query("update export set manifest = null, leaf = 1, proof = 'x' where id = $1", [first])
  const second = await start(node, request)
  const stateOf = async (export_: string) => (await get(node, liaison, `/v1/exports/${export_}`)).body.state
  await t.rejects(runExports(node.context), 'it is said aloud')
  await runExports(node.context)
  t.equal(await stateOf(second), 'ready', 'beside one that cannot be made')
  for (let n = 1; n < limits.exportAttempts; n++) {
    node.at(new Date(node.context.clock().getTime() + limits.exportLeaseMs + 1).toISOString())
    await t.rejects(runExports(node.context))
  }
  t.equal(await stateOf(first), 'failed')
})

t.test('copies that are denied push none out that is not', async (t) => {
  const node = await legalNode(t)
  const ids: string[] = []
  for (let n = 1; n < 6; n++) ids.push(await node.plant(onRequest, address(n)))
  await approvedRequest(node, liaison, preserving)
  await tendHolds(node.context)
  const payload = { lawEnforcement: 'never' }
  for (const id of [...ids].sort().slice(0, 4))
    t.match(await node.call('camila.csirt-cl', { method: 'PATCH', url: `/v1/indicators/${id}`, payload }), {
      status: 200,
    })
  for (const id of ids) await recall(node, id)
  const disclosure = await approvedRequest(node)
  const bytes = await limited({ exportItems: 3 }, () => packageOf(node, disclosure))
  t.equal(linesIn(bytes), 1)
  t.strictSame((await verifyPackage(bytes, auditKey(node.context))).faults, [])
})

t.test('who could give the liaison nothing is not waited for, whatever it has', async (t) => {
  const scope = { originators: ['csirt-cl'], types: ['ipv4-address'] }
  const stateWith = async (change: Partial<Handling> | undefined): Promise<string> => {
    const node = await legalNode(t)
    if (change !== undefined) await node.plant({ ...onRequest, ...change }, address(1))
    const { id } = (await post(node, liaison, '/v1/legal-requests', requestBody({ scope }))).body
    await step(node, liaison, id, 'file')
    return (await step(node, 'policy.lacnic', id, 'approve')).body.state
  }
  t.equal(await stateWith({}), 'under-review', 'its consent is missing')
  t.equal(await stateWith(undefined), 'approved')
  t.equal(await stateWith({ tlp: 'red', people: ['camila.csirt-cl'] }), 'approved', 'RED')
  t.equal(await stateWith({ attribution: 'anonymous' }), 'approved', 'anonymous')
  t.equal(await stateWith({ expiresAt: '2020-01-01T00:00:00.000Z' }), 'approved', 'ended')
})
