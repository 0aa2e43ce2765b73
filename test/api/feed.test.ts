import t from 'tap'
import { startContext } from '../../src/actions/start.ts'
import { forgetViews } from '../../src/store/feed-views.ts'
import { openNode, renewFeedEpoch } from '../../src/store/node.ts'
import { amberFor, Follower, greenOf, idOf, member, plant, recall, revise, told } from '../follower.ts'
import { freshAddress, type TestNode, testNode } from '../node.ts'

t.setTimeout(300_000)

t.test('a follower is told what is new, revised, narrowed and recalled, once and in order', async (t) => {
  const node = await testNode(t)
  const camila = new Follower(node, 'camila.csirt-cl')
  for (let n = 1; n <= 5; n++) await plant(node, n, greenOf())
  t.strictSame(
    told(await camila.catchUp(2)),
    [1, 2, 3, 4, 5].map((n) => `published 000${n}`),
  )
  t.strictSame(await camila.catchUp(), [])
  await revise(node, 2, { confidence: 10 })
  await revise(node, 3, { tlp: 'amber', audience: ['csirt-ar'] })
  await recall(node, 4)
  await plant(node, 6, greenOf())
  t.strictSame(told(await camila.catchUp(1)), ['revised 0002', 'withdrawn 0003', 'recalled 0004', 'published 0006'])
  t.strictSame([...camila.held.keys()].sort(), [1, 2, 5, 6].map(idOf))
  t.equal(camila.held.get(idOf(2))?.version, 2)
  await revise(node, 3, { tlp: 'green' })
  t.strictSame(told(await camila.catchUp()), ['published 0003'], 'widened: as new')
})

t.test('who begins late is told of nothing that was gone before', async (t) => {
  const node = await testNode(t)
  for (let n = 1; n <= 6; n++) await plant(node, n, n < 5 ? greenOf() : amberFor('lac-csirts'))
  await revise(node, 1, { tlp: 'amber', audience: ['csirt-ar'] })
  await recall(node, 2)
  await revise(node, 3, { confidence: 10 })
  const late = new Follower(node, 'grace.observa-us')
  t.strictSame(told(await late.catchUp(1)), ['published 0004', 'published 0003'])
  const fromNow = new Follower(node, 'diego.csirt-cl', '&from=now')
  t.strictSame(await fromNow.catchUp(), [])
})

t.test('what a policy gives or takes reaches whoever follows, however far it had come', async (t) => {
  const node = await testNode(t)
  for (let n = 1; n <= 30; n++) await plant(node, n, n % 3 === 0 ? greenOf() : amberFor('lac-csirts'))
  const followers = { slow: new Follower(node, 'camila.csirt-cl'), done: new Follower(node, 'diego.csirt-cl') }
  await followers.done.catchUp()
  await followers.slow.page(7)
  await member(node, 'DELETE', 'csirt-cl')
  const lost = await followers.done.catchUp(4)
  t.equal(lost.length, 20)
  t.ok(lost.every(({ change, indicator }) => change === 'withdrawn' && indicator === undefined))
  await followers.slow.catchUp(3)
  for (const follower of Object.values(followers)) t.strictSame([...follower.held.keys()].sort(), multiplesOfThree())
  // One that moved while it could not be seen, one that is new, one recalled.
  await revise(node, 1, { confidence: 3 })
  await plant(node, 31, amberFor('lac-csirts'))
  await recall(node, 2)
  t.strictSame(await followers.done.catchUp(), [], 'nothing of it is told')
  await member(node, 'PUT', 'csirt-cl')
  for (const follower of Object.values(followers)) {
    const items = await follower.catchUp(5)
    t.ok(items.every(({ change }) => change === 'published'))
    t.equal(items.length, 20, 'all but the one recalled, and the new one')
    t.equal(follower.held.size, 30)
    t.equal(follower.held.get(idOf(1))?.version, 2)
  }
})

const multiplesOfThree = () => Array.from({ length: 10 }, (_, n) => idOf(3 * (n + 1)))

t.test('time alone takes what expires, and RED is in no feed', async (t) => {
  const node = await testNode(t)
  await plant(node, 1, greenOf({ expiresAt: '2026-06-01T01:00:00.000Z' }))
  await plant(node, 2, greenOf({ originator: 'csirt-cl', tlp: 'red', people: ['camila.csirt-cl'] }))
  t.equal((await node.call('camila.csirt-cl', { url: `/v1/indicators/${idOf(2)}` })).status, 200)
  const camila = new Follower(node, 'camila.csirt-cl')
  t.strictSame(told(await camila.catchUp()), ['published 0001'])
  node.at('2026-06-01T02:00:00.000Z')
  t.strictSame(told(await camila.catchUp()), ['withdrawn 0001'])
  const ana = new Follower(node, 'ana.cert-br')
  t.strictSame(told(await ana.catchUp()), ['published 0001'], 'its originator sees its own, expired too')
})

t.test('a filter is kept to: what leaves it is withdrawn, what enters it comes', async (t) => {
  const node = await testNode(t)
  for (let n = 1; n <= 3; n++) {
    await node.plant(greenOf(), { type: 'ipv6-address', value: freshAddress(n) }, { id: idOf(n), confidence: 10 * n })
  }
  const camila = new Follower(node, 'camila.csirt-cl', '&min_confidence=15')
  t.strictSame(told(await camila.catchUp()), ['published 0002', 'published 0003'])
  await revise(node, 1, { confidence: 50 })
  await revise(node, 2, { confidence: 1 })
  await revise(node, 3, { confidence: 60 })
  const items = told(await camila.catchUp())
  t.strictSame(
    items.filter((each) => each !== 'revised 0001' && each !== 'published 0001'),
    ['withdrawn 0002', 'revised 0003'],
  )
  t.strictSame([...camila.held.keys()].sort(), [1, 3].map(idOf))
})

t.test('cursors are bound to reader, purpose and query, to the feed they are of, and to its end', async (t) => {
  const node = await testNode(t)
  await plant(node, 1, greenOf())
  const { body } = await node.call('camila.csirt-cl', { url: '/v1/feed' })
  const ask = async (account: string, more = '', headers = {}) =>
    (await node.call(account, { url: `/v1/feed?cursor=${body.cursor}${more}`, headers })).body.code
  t.equal(await ask('camila.csirt-cl', '&limit=7'), undefined)
  t.equal(await ask('diego.csirt-cl'), 'cursor_invalid')
  t.equal(await ask('anonymous'), 'cursor_invalid')
  t.equal(await ask('camila.csirt-cl', '&tlp=green'), 'cursor_invalid')
  t.equal(await ask('camila.csirt-cl', '', { 'puente-purpose': 'research' }), 'cursor_invalid')
  const altered = `${body.cursor.slice(0, -2)}${body.cursor.endsWith('AA') ? 'BB' : 'AA'}`
  t.equal((await node.call('camila.csirt-cl', { url: `/v1/feed?cursor=${altered}` })).body.code, 'cursor_invalid')
  const page = await node.call('camila.csirt-cl', { url: '/v1/indicators?limit=1' })
  t.equal(page.status, 200)

  // The views that a cursor names are not kept for ever.
  await member(node, 'DELETE', 'csirt-cl')
  await plant(node, 2, amberFor('lac-csirts'))
  await ask('camila.csirt-cl')
  await member(node, 'PUT', 'csirt-cl')
  t.equal((await node.call('camila.csirt-cl', { url: '/v1/feed' })).status, 200)
  t.equal(await forgetViews(node.context.database, new Date('2026-07-01')), 1)
  t.equal(await ask('camila.csirt-cl'), 'cursor_outdated')
})

t.test('a restored backup: cursors from before are outdated, or from the future', async (t) => {
  const node = await testNode(t)
  const { database } = node.context
  for (let n = 1; n <= 3; n++) await plant(node, n, greenOf())
  const feed = (await node.call('camila.csirt-cl', { url: '/v1/feed' })).body.cursor
  const page = (await node.call('camila.csirt-cl', { url: '/v1/indicators?limit=1' })).body.next
  const again = async () => {
    const context = await startContext({
      database: { url: database.url, connections: 2, statementTimeoutMs: 10_000 },
      clock: node.context.clock,
      log: { info: () => {}, warn: () => {}, error: () => {} },
      version: 'test',
    })
    t.teardown(() => context.close())
    return { ...node.context, ...context }
  }
  const codes = async (context: TestNode['context']) => {
    const { actions } = await import('../../src/actions/index.ts')
    const caller = await actions.authenticate(context, node.as('camila.csirt-cl'))
    const code = (asked: Promise<unknown>) =>
      asked.then(
        () => 'good',
        (error: { code: string }) => error.code,
      )
    return [
      await code(actions.follow(context, caller, { filter: {}, cursor: feed })),
      await code(actions.search(context, caller, { filter: {}, cursor: page })),
    ]
  }
  t.strictSame(await codes(await again()), ['good', 'good'], 'a restart changes nothing')

  // A copy of the data in which the last entries never were.
  await database.client.query(
    'delete from indicator where position > 1; delete from feed where position > 1; update feed_head set position = 1',
  )
  t.strictSame((await codes(await again()))[0], 'cursor_from_future')

  await database.client.query(`update node set database_identity = '1/1/1'`)
  t.strictSame(await codes(await again()), ['cursor_outdated', 'cursor_outdated'], 'another database than before')
  const { feedEpoch } = await openNode(database)
  await renewFeedEpoch(database)
  t.not((await openNode(database)).feedEpoch, feedEpoch, 'and on demand')
})
