import { setTimeout } from 'node:timers/promises'
import pg from 'pg'
import t from 'tap'
import { purge, runExports, tendHolds } from '../../src/actions/index.ts'
import { integrateAudit } from '../../src/actions/integrate-audit.ts'
import { verifyAudit } from '../../src/actions/verify-audit.ts'
import { dutiesOf } from '../../src/domain/retention.ts'
import { whereIs } from '../columns.ts'
import { approvedRequest, get, legalNode, post } from '../legal.ts'
import { plantEvent } from '../misp-events.ts'
import type { TestNode } from '../node.ts'
import { ask, handling } from './graphql.ts'

t.setTimeout(240_000)

const officer = 'policy.lacnic'
const green = handling('csirt-cl', { tlp: 'green' })
const canary = 'canary7f3a'

const setRules = async (node: TestNode, rules: readonly object[]): Promise<void> => {
  const answer = await node.call(officer, { method: 'PUT', url: '/v1/retention', payload: { rules } })
  if (answer.status !== 200) throw new Error(answer.text)
}

const due = async (node: TestNode): Promise<unknown> => (await get(node, officer, '/v1/retention/due')).body.items

const recall = async (node: TestNode, id: string, reason = 'wrong'): Promise<void> => {
  const { status, text } = await post(node, 'camila.csirt-cl', `/v1/indicators/${id}/recall`, { reason })
  if (status !== 200) throw new Error(text)
}

t.test('what was purged is in no column of any table, and the log holds', async (t) => {
  const node = await legalNode(t)
  const lasting = { ...green, personalData: true, lawEnforcement: 'allowed' as const }
  const brief = { ...lasting, expiresAt: '2026-06-03T00:00:00.000Z' }
  const words = { name: `${canary} name`, description: `${canary} text`, labels: [canary] }
  const recalled = await node.plant(lasting, { type: 'email-address', value: `a@${canary}.example` }, words)
  const expired = await node.plant(brief, { type: 'domain-name', value: `${canary}.example` }, words)
  const kept = await node.plant(lasting, { type: 'domain-name', value: 'kept.example' })
  const patch = { method: 'PATCH' as const, payload: { description: `${canary} again` } }
  t.equal((await node.call('camila.csirt-cl', { ...patch, url: `/v1/indicators/${recalled}` })).status, 200)
  const tool = await node.plantObject(lasting, { type: 'tool', name: canary })
  const soon = await node.plantObject(brief, { type: 'tool', name: `${canary} too` })
  await plantEvent(node, brief, '00000000-0000-4000-8000-000000000001', [recalled, expired], canary)
  await plantEvent(node, lasting, '00000000-0000-4000-8000-000000000002', [recalled, kept], 'an event')
  // As if they had been sealed for a peer, and one of a peer's set aside.
  const { client } = node.context.database
  await client.query(
    `with s as (insert into seal (digest, node, thumbprint, sealed_at, jws) values ('\\x00', gen_random_uuid(), 'x', now(), 'x') returning id)
     insert into envelope (originator, stix_id, bare, version, recalled, node, epoch, digest, body, seal, leaf, path, hops, at)
     select i.originator, i.stix_id, false, 1, false, gen_random_uuid(), gen_random_uuid(), '\\x00', i.stix, s.id, 0, '\\x', '[]', now()
     from indicator i, s`,
  )
  const request = await approvedRequest(node, undefined, {
    scope: { originators: ['csirt-cl'], types: ['email-address', 'domain-name'] },
  })
  const { body } = await post(node, 'ignacio.policia-cl', `/v1/legal-requests/${request}/exports`)
  await runExports(node.context)
  const push = `{"type":"domain-name","value":"b.${canary}.example","tlp":"green"}`
  const pushed = await node.call('camila.csirt-cl', {
    method: 'POST',
    url: '/v1/indicators',
    headers: { 'content-type': 'application/x-ndjson' },
    payload: `${push}\n`,
  })
  t.match(pushed, { status: 200 }, pushed.text)
  const mine = (await get(node, 'camila.csirt-cl', `/v1/indicators?type=domain-name&value=b.${canary}.example`)).body
    .items[0].id
  await get(node, 'camila.csirt-cl', '/v1/indicators')
  const { rows } = await client.query<{ position: bigint }>(
    "select position from indicator where domain_reversed = 'example.canary7f3a'",
  )
  const position = Number(rows[0]?.position)
  t.ok(node.context.column.hot.get(position), 'it is in the memory of the process')
  await recall(node, mine, `${canary} was a mistake`)
  await recall(node, recalled, `${canary} was wrong`)
  await post(node, 'camila.csirt-cl', `/v1/objects/${tool}/recall`, { reason: 'wrong' })
  for (const place of [
    'indicator.value',
    'indicator.stix',
    'indicator_version.stix',
    'envelope.body',
    'export_item.stix',
  ])
    t.ok((await whereIs(node, canary)).includes(place), `${place} has it`)
  t.ok((await whereIs(node, canary)).includes('audit_subject.subject'))
  t.ok((await whereIs(node, canary)).includes('misp_event.body'))

  await setRules(node, [{ personalData: true, afterExpiryDays: 10, afterRecallDays: 30 }, { afterRecallDays: 30 }])
  node.at('2026-06-12T00:00:00.000Z')
  t.equal(await purge(node.context), 0, 'not yet')
  node.at('2026-07-02T00:00:00.000Z')
  t.strictSame(await due(node), [
    { rule: 0, indicators: 2, objects: 2, events: 1, words: 0 },
    { rule: 1, indicators: 1, objects: 0, events: 0, words: 0 },
  ])
  t.equal(await purge(node.context), 6)
  t.strictSame(await due(node), [
    { rule: 0, indicators: 0, objects: 0, events: 0, words: 0 },
    { rule: 1, indicators: 0, objects: 0, events: 0, words: 0 },
  ])
  t.strictSame(await whereIs(node, canary), [])
  await node.context.column.catchUp()
  t.notOk(node.context.column.hot.get(position), 'nor in the memory of the process')
  t.strictSame((await whereIs(node, 'kept.example')).includes('indicator.value'), true, 'what no rule is about stays')

  for (const id of [recalled, expired, mine]) {
    t.equal((await get(node, 'camila.csirt-cl', `/v1/indicators/${id}`)).status, 404, 'nor for its originator')
    t.equal((await get(node, 'camila.csirt-cl', `/v1/indicators/${id}/history`)).status, 404)
  }
  const all = await get(node, 'camila.csirt-cl', '/v1/indicators?status=active&status=expired&status=recalled')
  t.strictSame(
    all.body.items.map(({ value }: { value: string }) => value),
    ['kept.example'],
  )
  t.notMatch((await get(node, 'camila.csirt-cl', `/v1/objects/${tool}`)).text, canary)
  t.notMatch((await get(node, 'camila.csirt-cl', `/v1/objects/${soon}/versions`)).text, canary)
  const again = await node.call('camila.csirt-cl', { ...patch, url: `/v1/indicators/${recalled}` })
  t.ok(again.status === 404 || again.status === 409, 'and nothing is published in its place')
  const feed = (await get(node, 'camila.csirt-cl', '/v1/feed?limit=1000')).body.items
  t.ok(feed.every(({ id }: { id: string }) => id === kept || id === expired || id === recalled || id === mine))
  const headers = node.as('ignacio.policia-cl')
  const fetched = await node.app.inject({ method: 'POST', url: `/v1/exports/${body.id}/download`, headers })
  t.equal(fetched.statusCode, 410)
  t.strictSame(
    (await get(node, 'ignacio.policia-cl', '/v1/claw-backs')).body.items,
    [],
    'the end of a retention is no recall',
  )
  await integrateAudit(node.context)
  t.strictSame((await verifyAudit(node.context.database, {})).findings, [], 'the tree is whole')
})

t.test('what is preserved outlasts its retention, and goes with its hold', async (t) => {
  const node = await legalNode(t)
  const id = await node.plant(green, { type: 'ipv4-address', value: '192.0.2.77' })
  await setRules(node, [{ afterRecallDays: 1 }])
  const preserving = { instrument: 'budapest-16-29', expiresAt: '2026-08-15T00:00:00.000Z' }
  const request = await approvedRequest(node, 'ignacio.policia-cl', preserving)
  await recall(node, id)
  node.at('2026-06-05T00:00:00.000Z')
  t.equal(await purge(node.context), 0, 'nothing is purged while an approved hold waits to be filled')
  await tendHolds(node.context)
  t.equal(await purge(node.context), 1)
  t.equal((await get(node, 'camila.csirt-cl', `/v1/indicators/${id}`)).status, 404, 'gone at every door, held or not')
  t.ok((await whereIs(node, '192.0.2.77')).every((place) => place.startsWith('escrow.')))
  const disclosure = await approvedRequest(node)
  const { body } = await post(node, 'ignacio.policia-cl', `/v1/legal-requests/${disclosure}/exports`)
  await runExports(node.context)
  t.match((await get(node, 'ignacio.policia-cl', `/v1/exports/${body.id}`)).body, { state: 'ready', items: 1 })
  await node.call('ignacio.policia-cl', { method: 'DELETE', url: `/v1/exports/${body.id}` })
  await post(node, 'ignacio.policia-cl', `/v1/legal-requests/${request}/close`)
  await tendHolds(node.context)
  t.strictSame(await whereIs(node, '192.0.2.77'), [])
})

t.test('a hold that nobody can fill any more keeps nothing from being purged', async (t) => {
  const node = await legalNode(t)
  const id = await node.plant(green, { type: 'ipv4-address', value: '192.0.2.78' })
  await setRules(node, [{ afterRecallDays: 1 }])
  await approvedRequest(node, 'berta.policia-cl', { instrument: 'eu-epoc-pr', expiresAt: '2026-08-15T00:00:00.000Z' })
  await node.context.database.client.query("update account set disabled_at = now() where id = 'berta.policia-cl'")
  await recall(node, id)
  node.at('2026-06-05T00:00:00.000Z')
  await tendHolds(node.context)
  t.match((await get(node, officer, '/v1/preservations')).body.items, [{ state: 'failed', items: 0, fault: /no more/ }])
  t.equal(await purge(node.context), 1)
})

t.test('a purge that is broken off was not begun, and is done by the next', async (t) => {
  const node = await legalNode(t)
  const ids: string[] = []
  for (let n = 1; n <= 5; n++)
    ids.push(await node.plant(green, { type: 'domain-name', value: `${canary}-${n}.example` }))
  await plantEvent(node, green, '00000000-0000-4000-8000-000000000003', ids, 'an event')
  for (const id of ids) await recall(node, id)
  await setRules(node, [{ tlp: ['green'], types: ['domain-name'], afterRecallDays: 5 }])
  node.at('2026-06-20T00:00:00.000Z')
  const before = await whereIs(node, canary)
  const blocker = new pg.Client({ connectionString: node.databaseUrl })
  await blocker.connect()
  await blocker.query('begin; lock table misp_part in access exclusive mode')
  const broken = purge(node.context).then(
    () => 'done',
    () => 'broken',
  )
  // It has emptied rows by now, and waits for the attributes of events.
  for (let tries = 0; tries < 100; tries++) {
    const { rowCount } = await blocker.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and wait_event_type = 'Lock' and query like 'delete from misp_part%'`,
    )
    if (rowCount !== 0) break
    await setTimeout(50)
  }
  t.equal(await broken, 'broken')
  await blocker.query('rollback')
  await blocker.end()
  t.strictSame(await whereIs(node, canary), before, 'all of it is there')
  t.equal(await purge(node.context, 1), 5)
  t.strictSame(await whereIs(node, canary), [])
})

t.test('the first rule that matches counts', async (t) => {
  const at = new Date('2026-06-20T00:00:00.000Z')
  const expired = { ...green, expiresAt: '2026-06-01T00:00:00.000Z' }
  const rules = [
    { types: ['url'], afterRecallDays: 900 },
    { tlp: ['green'], afterExpiryDays: 10 },
    { afterExpiryDays: 1, afterRecallDays: 1 },
  ] as const
  const handlings = [
    [0, green],
    [1, expired],
    [2, { ...expired, tlp: 'amber' }],
  ] as const
  t.strictSame(dutiesOf(rules, handlings, at), [
    { rule: 0, handlings: [0, 1], over: [], notTypes: [], types: ['url'], afterRecallDays: 900 },
    { rule: 1, handlings: [0, 1], over: [1], notTypes: ['url'], afterExpiryDays: 10 },
    { rule: 0, handlings: [2], over: [], notTypes: [], types: ['url'], afterRecallDays: 900 },
    { rule: 2, handlings: [2], over: [2], notTypes: ['url'], afterRecallDays: 1, afterExpiryDays: 1 },
  ])
})

t.test('rules are for the operator, and bad ones are refused where they are bad', async (t) => {
  const node = await legalNode(t)
  const put = (account: string, rules: unknown) =>
    node.call(account, { method: 'PUT', url: '/v1/retention', payload: { rules } })
  t.match(await put('ignacio.policia-cl', []), { status: 403 })
  t.match(await get(node, 'camila.csirt-cl', '/v1/retention'), { status: 403 })
  t.match(await put(officer, [{ afterRecallDays: 5 }, { tlp: ['green'] }]), {
    status: 400,
    body: { position: { pointer: '/rules/1' } },
  })
  t.match(await put(officer, [{ types: ['urls'], afterRecallDays: 5 }]), {
    status: 400,
    body: { position: { pointer: '/rules/0/types/0' } },
  })
  for (const bad of [{ afterRecallDays: 0 }, { afterRecallDays: 1.5 }, { tlp: [], afterRecallDays: 1 }, { days: 1 }])
    t.match(await put(officer, [bad]), { status: 400 }, JSON.stringify(bad))
  const query = `mutation { setRetention(rules: [{ tlp: [AMBER_STRICT], types: ["tool", "misp-event"], afterExpiryDays: 3 }]) { tlp types } }`
  t.match((await ask(node, officer, query)).body.data, {
    setRetention: [{ tlp: ['AMBER_STRICT'], types: ['tool', 'misp-event'] }],
  })
  const read = await ask(
    node,
    officer,
    '{ retention { afterExpiryDays personalData } retentionDue { rule indicators } }',
  )
  t.match(read.body.data, {
    retention: [{ afterExpiryDays: 3, personalData: null }],
    retentionDue: [{ rule: 0, indicators: 0 }],
  })
  t.match((await get(node, officer, '/v1/retention')).body, { rules: [{ tlp: ['amber+strict'], afterExpiryDays: 3 }] })
})
