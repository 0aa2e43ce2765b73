import t, { type Test } from 'tap'
import { actions, type TestNode, testNode } from '../node.ts'
import { indicator, marked, type StixObject, TaxiiClient } from '../taxii.ts'
import { handling, ipv6, statementsOf } from './graphql.ts'

/** The order of a collection, and what is found in it, where milliseconds are long, or cut by what happens meanwhile. */

t.setTimeout(300_000)

const shared = handling('cert-br', { tlp: 'amber', communities: ['lac-csirts'] })
const hidden = handling('cert-br', { tlp: 'amber', communities: ['fraude-sul'] })

const once = (t: Test, found: readonly { id: string }[], expected: readonly string[], what: string) =>
  t.strictSame(found.map(({ id }) => id).sort(), [...expected].sort(), what)

/** Runs something once, right before the next transaction of a node. */
function beforeNextTransaction(node: TestNode, work: () => Promise<unknown>): void {
  const { database } = node.context
  const { transaction } = database
  database.transaction = async <T>(...given: Parameters<typeof transaction<T>>) => {
    database.transaction = transaction
    await work()
    return (await transaction.call(database, given[0], given[1])) as T
  }
}

async function plantTies(node: TestNode, count: number, isShown: (n: number) => boolean): Promise<string[]> {
  const ends = await Promise.all([shared, shared, hidden].map((each) => node.plantObject(each, malware)))
  const [source, seen, unseen] = ends
  const shown: string[] = []
  for (let n = 0; n < count; n++) {
    const target = isShown(n) ? seen : unseen
    const tie = { type: 'relationship', relationship_type: 'variant-of', source_ref: source, target_ref: target }
    const id = await node.plantObject(shared, tie)
    if (isShown(n)) shown.push(id)
  }
  return shown
}

const malware = { type: 'malware', name: 'guabina', is_family: true }
const ties = { 'match[type]': 'relationship' }

t.test('what a hidden part hides is passed over, and pages are full', async (t) => {
  const node = await testNode(t)
  const diego = new TaxiiClient(node, 'diego.csirt-cl')
  const all = await diego.collection('all')
  const shown = await plantTies(node, 240, (n) => n % 13 === 0 || n > 220)
  for (const limit of [1, 2, 3, 10, 35, 36, 1_000])
    once(t, await diego.objects(all, ties, [limit]), shown, `limit ${limit}`)
  for (const limit of [shown.length - 1, shown.length]) {
    const { body } = await diego.ask(`${all}objects/`, { ...ties, limit: `${limit}` })
    t.equal(body.objects.length, limit)
    t.equal(body.more === true, limit < shown.length, 'more is said where there is more that is shown')
  }
})

t.test('a page of a long millisecond costs as many statements as one by REST, and one', async (t) => {
  const node = await testNode(t)
  const diego = new TaxiiClient(node, 'diego.csirt-cl')
  const all = await diego.collection('all')
  await plantTies(node, 200, () => true)
  const taxii = () => diego.ask(`${all}objects/`, { ...ties, limit: '50' })
  const rest = () => node.call('diego.csirt-cl', { method: 'GET', url: '/v1/objects?type=relationship&limit=50' })
  await taxii()
  // The log is written when it comes to it.
  const asked = async (page: () => Promise<unknown>) =>
    (await statementsOf(page)).filter(({ text }) => /policy_epoch|stix_object/.test(text))
  const [ours, theirs] = [await asked(taxii), await asked(rest)]
  t.equal(ours.length, theirs.length + 1)
  const most = Math.max(...ours.flatMap(({ values }) => values.map((each) => (Array.isArray(each) ? each.length : 0))))
  t.ok(most <= 51, `${most} are asked for together, whatever else its millisecond has`)
})

t.test('a version that was replaced while a page was read is not on it, and the next one is on the next', async (t) => {
  const node = await testNode(t)
  const [ana, diego] = [new TaxiiClient(node, 'ana.cert-br'), new TaxiiClient(node, 'diego.csirt-cl')]
  const [community, all] = [await ana.collection('community-lac-csirts'), await diego.collection('all')]
  const tool = (n: number, modified: string, name: string): StixObject & { name: string } =>
    ({
      ...{ type: 'tool', spec_version: '2.1', id: `tool--00000000-0000-4000-8000-00000000000${n}`, name },
      ...{ created: '2026-05-01T00:00:00.000Z', modified, ...marked('green') },
    }) as StixObject & { name: string }
  const first = [1, 2, 3].map((n) => tool(n, '2026-05-01T00:00:00.000Z', 'first'))
  t.match((await ana.add(community, { objects: first })).body, { success_count: 3 })
  const names = (found: readonly StixObject[]) => found.map(({ id, name }) => `${id.at(-1)} ${name}`).sort()
  t.strictSame(names(await diego.objects(all)), ['1 first', '2 first', '3 first'])
  beforeNextTransaction(node, () => ana.add(community, { objects: [tool(2, '2026-05-02T00:00:00.000Z', 'second')] }))
  const { body, headers } = await diego.ask(`${all}objects/`, { limit: '2' })
  const { objects } = await diego.poll(all, headers['x-taxii-date-added-last'] as string, 2)
  t.strictSame(names([...body.objects, ...objects]), ['1 first', '2 second', '3 first'])
})

t.test('a millisecond is given whole or not, however far the column lags', async (t) => {
  const node = await testNode(t)
  const [ana, diego] = [new TaxiiClient(node, 'ana.cert-br'), new TaxiiClient(node, 'diego.csirt-cl')]
  const [community, all] = [await ana.collection('community-lac-csirts'), await diego.collection('all')]
  const batch = Array.from({ length: 1_400 }, () => indicator(marked('green')))
  t.match((await ana.add(community, { objects: batch })).body, { success_count: batch.length })
  const { column } = node.context
  await column.catchUp()
  // As if another reader had ended a millisecond that this process has not read yet.
  column.settled = column.now.head + 1
  const before = await diego.poll(all, undefined, 90)
  column.settled = 0
  const after = await diego.poll(all, before.last, 90)
  t.ok(before.objects.length > 0 && after.objects.length > 0, `${before.objects.length}, then ${after.objects.length}`)
  once(
    t,
    [...before.objects, ...after.objects],
    batch.map(({ id }) => id),
    'each once',
  )
})

t.test('a millisecond in which something became visible is one', async (t) => {
  const node = await testNode(t)
  const admin = await actions.authenticate(node.context, { ...node.as('policy.lacnic') })
  const diego = new TaxiiClient(node, 'diego.csirt-cl')
  const all = await diego.collection('all')
  let planted = 0
  const plant = async (count: number) => {
    const ids: string[] = []
    for (let n = 0; n < count; n++) ids.push(await node.plant(n % 2 === 0 ? shared : hidden, ipv6(planted++)))
    return ids
  }
  const expected = await plant(4)
  // His view begins, and this millisecond ends.
  await diego.ask(`${all}objects/`, { limit: '1' })
  node.at('2026-06-01T00:00:05.000Z')
  expected.push(...(await plant(10)))
  await actions['add-member'](node.context, admin, { community: 'fraude-sul', organisation: 'csirt-cl' })
  // Whoever asks first reads the policy anew: Diego's first transaction is then that of his view.
  await new TaxiiClient(node, 'sofia.csirt-ar').ask(`${all}objects/`, { limit: '1' })
  beforeNextTransaction(node, async () => expected.push(...(await plant(10))))
  await diego.ask(`${all}objects/`, { limit: '1' })
  const manifest = await diego.manifest(all)
  const times = manifest.map(({ date_added }) => date_added)
  t.strictSame(times, [...times].sort(), 'times ascend')
  t.equal(new Set(times.map((each) => each.slice(0, 23))).size, 3, 'two milliseconds, and that of the arrival')
  for (const limit of [1, 3]) once(t, await diego.objects(all, {}, [limit]), expected, `limit ${limit}`)
  for (const limit of [1, 3]) once(t, (await diego.poll(all, undefined, limit)).objects, expected, `by time, ${limit}`)
})
