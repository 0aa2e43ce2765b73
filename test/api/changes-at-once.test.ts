import { setTimeout } from 'node:timers/promises'
import t from 'tap'
import { lockFeed } from '../../src/store/feed.ts'
import { greenOf, idOf, plant, recall, revise } from '../follower.ts'
import { type TestNode, testNode } from '../node.ts'

/** Changes of one indicator that meet. */

t.setTimeout(300_000)

/** Resolves when so many wait for the feed, or after five seconds. */
async function waitingForFeed(node: TestNode, count: number): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    const { rowCount } = await node.context.database.client.query(
      `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like '%feed_head for update%'`,
    )
    if ((rowCount ?? 0) >= count) return
    await setTimeout(10)
  }
}

t.test('what is recalled is the version that stands then', async (t) => {
  const node = await testNode(t)
  await plant(node, 1, greenOf())
  const [revised, recalled] = await node.context.database.transaction(async (transaction) => {
    await lockFeed(transaction)
    const revising = revise(node, 1, { description: 'as it was last' })
    await waitingForFeed(node, 1)
    const recalling = recall(node, 1)
    await waitingForFeed(node, 2)
    return [revising, recalling]
  })
  await Promise.all([revised, recalled])
  const shown = await node.call('ana.cert-br', {
    url: `/v1/indicators/${idOf(1)}`,
    headers: { accept: 'application/stix+json' },
  })
  const stix = shown.body.objects.find(({ type }: { type: string }) => type === 'indicator')
  t.match(stix, { revoked: true, description: 'as it was last' })
})

t.test('a history that is read while a version is written names none twice', async (t) => {
  const node = await testNode(t)
  await plant(node, 1, greenOf())
  const { client } = node.context.database
  const query = client.query.bind(client) as (...given: unknown[]) => Promise<unknown>
  let meanwhile: Promise<unknown> | undefined
  client.query = (async (...given: unknown[]) => {
    if (meanwhile === undefined && String(given[0]).includes('from indicator_version')) {
      meanwhile = revise(node, 1, { description: 'meanwhile' })
      await meanwhile
    }
    return await query(...given)
  }) as typeof client.query
  const history = () => node.call('ana.cert-br', { url: `/v1/indicators/${idOf(1)}/history` })
  const versions = async () => (await history()).body.items.map(({ version }: { version: number }) => version)
  t.strictSame(await versions(), [1])
  t.ok(meanwhile)
  t.strictSame(await versions(), [1, 2])
})

t.test('where a value lies is said of that value, not of another that stood there', async (t) => {
  const node = await testNode(t)
  const payload = (value: string, modified: string) =>
    JSON.stringify({ id: idOf(2), value, tlp: 'green', created: '2026-05-01T00:00:00.000Z', modified })
  for (const [value, day] of [
    ['203.0.113.5', '02'],
    ['198.51.100.9', '03'],
  ] as const)
    await node.call('ana.cert-br', {
      method: 'POST',
      url: '/v1/indicators',
      headers: { 'content-type': 'application/json' },
      payload: payload(value, `2026-05-${day}T00:00:00.000Z`),
    })
  await node.context.database.client.query("update indicator set asn = 64999, country = 'CL'")
  const { items } = (await node.call('ana.cert-br', { url: `/v1/indicators/${idOf(2)}/history` })).body
  t.strictSame(
    items.map(({ indicator }: { indicator: { value: string; network?: object } }) => [
      indicator.value,
      indicator.network,
    ]),
    [
      ['203.0.113.5', undefined],
      ['198.51.100.9', { asn: 64999, country: 'CL' }],
    ],
  )
})
