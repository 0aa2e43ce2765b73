import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import t from 'tap'
import { actions } from '../../src/actions/index.ts'
import { startContext } from '../../src/actions/start.ts'
import { UnderWay } from '../../src/actions/under-way.ts'
import { publicCaller } from '../../src/domain/caller.ts'
import { testDatabase } from '../database.ts'

t.test('a database is not taken from under an action, though nobody waits for its answer', async (t) => {
  const url = await testDatabase(t)
  const context = await startContext({
    ...{ database: { url, connections: 2, statementTimeoutMs: 30_000 }, clock: () => new Date(), version: 'test' },
    log: { info: () => {}, warn: () => {}, error: () => {} },
  })
  const other = new Client({ connectionString: url })
  await other.connect()
  await other.query('begin; lock table node, feed_head, indicator in access exclusive mode')
  const asked = actions.search(context, publicCaller, { filter: {}, limit: 1 })
  asked.catch(() => {})
  await sleep(50)
  let closed = false
  const closing = context.close().then(() => {
    closed = true
  })
  await sleep(100)
  t.notOk(closed)
  await other.query('commit')
  await other.end()
  t.match(await asked, { items: { length: 0 } })
  await closing
})

t.test('what does not end is waited for so long at most, and told', async (t) => {
  const underWay = new UnderWay()
  t.equal(await underWay.ended(1_000), 0)
  const [fails, hangs] = [underWay.run(() => Promise.reject(new Error('no'))), underWay.run(() => sleep(300))]
  await t.rejects(fails, { message: 'no' })
  t.equal(await underWay.ended(10), 1)
  t.equal(await underWay.ended(10_000), 0)
  await hangs
})
