import t from 'tap'
import { limits } from '../../src/domain/limits.ts'
import { unwritten } from '../../src/store/audit.ts'
import { idOf } from '../follower.ts'
import { testNode } from '../node.ts'
import { sight, sightings } from '../sightings.ts'
import { handling } from './graphql.ts'

/** Sightings under handlings of their own, and of indicators that share an id. */

t.setTimeout(300_000)

const green = handling('cert-br', { tlp: 'green' })
const domain = { type: 'domain-name', value: 'evil.example.com' }

t.test('what a reporter marked itself is on the log like an indicator, RED before it is told', async (t) => {
  const node = await testNode(t)
  const id = await node.plant({ ...green, tlp: 'clear' }, domain)
  const leaves = async () => {
    await node.context.audit.flush()
    const { rows } = await node.context.database.client.query<{ leaf: string; subject: string }>(
      "select l.leaf, s.subject from audit_leaf l join audit_subject s on s.leaf = l.id where l.action = 'read-sightings' order by l.id",
    )
    return rows.map(({ leaf, subject }) => [JSON.parse(leaf).rules, JSON.parse(subject).items.length])
  }
  await sight(node, 'diego.csirt-cl', id)
  t.equal((await sightings(node, 'carlos.colcert', id)).body.reports.length, 1)
  t.strictSame(await leaves(), [], 'CLEAR is not logged')
  await sight(node, 'diego.csirt-cl', id, { tlp: 'red', people: ['carlos.colcert'] })
  t.equal((await sightings(node, 'sofia.csirt-ar', id)).body.reports.length, 1)
  t.strictSame(await leaves(), [], 'nor for whom there is nothing more')
  t.equal((await sightings(node, 'carlos.colcert', id)).body.reports.length, 2)
  t.strictSame(await leaves(), [[['tlp.red', 'jurisdiction.agreement', 'tlp.clear'], 1]])
  const { durable } = node.context.audit
  node.context.audit.durable = () => Promise.reject(unwritten())
  t.match(await sightings(node, 'carlos.colcert', id), { status: 503, body: { code: 'unavailable' } })
  t.equal((await sightings(node, 'sofia.csirt-ar', id)).status, 200)
  node.context.audit.durable = durable
})

t.test('a leaf does not say where a reporter is who stays anonymous', async (t) => {
  const node = await testNode(t)
  const id = await node.plant({ ...green, attribution: 'anonymous' }, domain)
  await sight(node, 'diego.csirt-cl', id, { tlp: 'amber', audience: ['colcert'] })
  const [report] = (await sightings(node, 'carlos.colcert', id)).body.reports
  t.match(report, { alias: /^source-/ })
  await node.context.audit.flush()
  const { items } = (await node.call('carlos.colcert', { url: '/v1/audit/leaves?action=read-sightings' })).body
  t.equal(items.length, 1)
  t.equal(items[0].subject, undefined)
  const { rules, agreements, count } = JSON.parse(items[0].text)
  t.strictSame([rules, agreements, count], [['tlp.green', 'jurisdiction.agreement', 'tlp.amber'], [], 2])
})

t.test('of sightings at once no more handlings are kept than there may be', async (t) => {
  const node = await testNode(t)
  const id = await node.plant(green, domain)
  const said = Array.from({ length: 30 }, (_, n) =>
    sight(node, 'diego.csirt-cl', id, { expiresAt: `2027-01-${String(n + 1).padStart(2, '0')}T00:00:00Z` }),
  )
  const statuses = (await Promise.all(said)).map(({ status }) => status)
  t.equal(statuses.filter((status) => status === 201).length, limits.sightingHandlings)
  t.equal(statuses.filter((status) => status === 413).length, 30 - limits.sightingHandlings)
})

const byValue = (values: readonly string[]) => ({
  method: 'POST' as const,
  url: '/misp/sightings/add',
  headers: { accept: 'application/json', 'content-type': 'application/json' },
  payload: JSON.stringify({ values, type: '0' }),
})

t.test('over the doors of MISP each source of a value is sighted, anonymous ones too', async (t) => {
  const node = await testNode(t)
  for (const originator of ['cert-br', 'csirt-ar'])
    await node.plant(handling(originator, { tlp: 'green', attribution: 'anonymous' }), domain, { id: idOf(7) })
  t.equal((await node.call('diego.csirt-cl', byValue([domain.value]))).status, 200)
  const { rows } = await node.context.database.client.query(
    'select originator, times::int as times from sighting order by originator',
  )
  t.strictSame(rows, [
    { originator: 'cert-br', times: 1 },
    { originator: 'csirt-ar', times: 1 },
  ])
})

t.test('of several those are counted that can be: none is counted and refused', async (t) => {
  const node = await testNode(t)
  const full = await node.plant(green, domain)
  const fill = Array.from({ length: limits.sightingHandlings }, (_, n) =>
    sight(node, 'diego.csirt-cl', full, { expiresAt: `2027-01-0${n + 1}T00:00:00Z` }),
  )
  await Promise.all(fill)
  t.match(await node.call('diego.csirt-cl', byValue([domain.value])), {
    status: 413,
    body: { code: 'too_many_values' },
  })
  const other = await node.plant(handling('csirt-ar', { tlp: 'green' }), domain)
  t.equal((await node.call('diego.csirt-cl', byValue([domain.value]))).status, 200)
  t.equal((await sightings(node, 'diego.csirt-cl', other)).body.seen.count, 1)
  t.equal((await sightings(node, 'diego.csirt-cl', full)).body.seen.count, limits.sightingHandlings)
})
