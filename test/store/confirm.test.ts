import t from 'tap'
import type { Queries } from '../../src/store/database.ts'
import { confirmVisible, PolicyMoved } from '../../src/store/visible.ts'

/** A database whose policy is at an epoch, and that counts what it is asked. */
function databaseAt(epoch: bigint) {
  const state = { epoch, asked: 0 }
  const query = async () => {
    state.asked++
    return { rows: [{ policy_epoch: state.epoch, feed_position: 7n, handling_head: 3 }] }
  }
  return { state, queries: { client: { query } } as unknown as Queries }
}

t.test('who asks in one turn shares a statement, and each is judged by its own decision', async (t) => {
  const { state, queries } = databaseAt(5n)
  const asked = await Promise.allSettled([
    confirmVisible(queries, { epoch: 5n, handlings: 4 }),
    confirmVisible(queries, { epoch: 4n, handlings: 4 }),
    confirmVisible(queries, { epoch: 5n, handlings: 3 }),
  ])
  t.equal(state.asked, 1)
  t.strictSame(
    asked.map((each) => (each.status === 'fulfilled' ? each.value : each.reason instanceof PolicyMoved)),
    [7, true, true],
  )
})

t.test('nobody is answered by a statement that was sent before it asked', async (t) => {
  const { state, queries } = databaseAt(5n)
  const first = confirmVisible(queries, { epoch: 5n, handlings: 4 })
  // Sent, and not answered yet.
  await new Promise<void>((resolve) => process.nextTick(resolve))
  t.equal(state.asked, 1)
  state.epoch = 6n
  await t.rejects(confirmVisible(queries, { epoch: 5n, handlings: 4 }), PolicyMoved)
  t.equal(await first, 7)
  t.equal(state.asked, 2)
})

t.test('a failure is told to all who share it, and to nobody later', async (t) => {
  let fails = true
  const query = async () => {
    if (fails) throw new Error('gone')
    return { rows: [{ policy_epoch: 5n, feed_position: 7n, handling_head: null }] }
  }
  const queries = { client: { query } } as unknown as Queries
  const both = [1, 2].map(() => confirmVisible(queries, { epoch: 5n, handlings: 4 }))
  for (const each of both) await t.rejects(each, { message: 'gone' })
  fails = false
  t.equal(await confirmVisible(queries, { epoch: 5n, handlings: 4 }), 7)
})
