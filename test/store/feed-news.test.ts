import { setTimeout } from 'node:timers/promises'
import fc from 'fast-check'
import t from 'tap'
import type { Database } from '../../src/store/database.ts'
import { newsOf, runsText } from '../../src/store/feed-news.ts'
import { LiveColumn } from '../../src/store/live-column.ts'
import { type TestNode, testNode } from '../node.ts'

const handling = fc.integer({ min: 1, max: 100_000 })

t.test('a notification says which positions are new, when the first is of, and under what', (t) => {
  const scenario = fc.record({
    handlings: fc.array(handling, { minLength: 1, maxLength: 300 }),
    first: fc.integer({ min: 1, max: 2 ** 40 }),
    micros: fc.integer({ min: 10 ** 15, max: 2 * 10 ** 15 }),
  })
  fc.assert(
    fc.property(scenario, ({ handlings, first, micros }) => {
      const runs = runsText(handlings.map((handlingId) => ({ handlingId })))
      const [last, lastMicros] = [first + handlings.length - 1, micros + handlings.length - 1]
      const news = newsOf(`${last} ${lastMicros} ${runs}`)
      t.match(news, { first, slot: micros % 1_000 })
      t.strictSame(
        news?.handlings.flatMap((run) => Array(run.count).fill(run.handling)),
        handlings,
      )
    }),
  )
  t.end()
})

t.test('where it says no more than that something is new, that is read', (t) => {
  const many = Array.from({ length: 301 }, (_, n) => ({ handlingId: n + 1 }))
  t.equal(runsText(many), '')
  t.ok(`9007199254740991 9007199254740991 ${runsText(many.slice(1).map(() => ({ handlingId: 1 })))}`.length < 8_000)
  t.ok(runsText(many.slice(1).map(({ handlingId }) => ({ handlingId: 2_147_483_000 + handlingId }))).length < 7_900)
  for (const payload of ['', '7', '7 1700000000000000 ', '7 1700000000000000 x', '7 1 1x1,', '7 1 -1x1', 'a b 1x1'])
    t.equal(newsOf(payload), undefined, payload)
  t.end()
})

/** A database that nobody may read. @returns it, and how often somebody tried */
function unread() {
  const asked = { times: 0 }
  const borrow = async () => {
    asked.times++
  }
  return { database: { borrow } as unknown as Database, asked }
}

t.test('news are taken as they are where they follow on what is known, and no earlier', async (t) => {
  const { database, asked } = unread()
  const column = new LiveColumn(database)
  const news = (first: number) => ({ first, slot: 999, handlings: [{ handling: 7, count: 2 }] })
  await column.hurry(news(1))
  t.strictSame([column.now.head, asked.times], [0, 0], 'nobody has asked for the column')
  await column.catchUp()
  await column.hurry(news(1))
  t.strictSame([column.now.head, column.now.countOf(7), asked.times], [2, 2, 1])
  t.strictSame([column.slots.at(1), column.slots.at(2)], [999, 0])
  for (const first of [2, 4]) await column.hurry(news(first))
  t.strictSame([column.now.head, column.now.countOf(7), asked.times], [2, 2, 3], 'there is more to read, or less')
})

const push = (node: TestNode, name: string, records: number) =>
  node.call('ana.cert-br', {
    method: 'POST',
    url: '/v1/indicators?tlp=green',
    headers: { 'content-type': 'application/x-ndjson' },
    payload: Array.from({ length: records }, (_, n) =>
      JSON.stringify({ value: `${name}${n}.example.com`, ...(n % 400 === 7 ? { tlp: 'clear' } : {}) }),
    ).join('\n'),
  })

t.test('what a process hears of a push is what it would read', async (t) => {
  const node = await testNode(t, { listen: true })
  const { column, database } = node.context
  await column.catchUp()
  let reads = 0
  const borrow = database.borrow.bind(database)
  database.borrow = (work) => {
    reads++
    return borrow(work)
  }
  t.strictSame((await push(node, 'a', 2_600)).body.accepted, 2_600)
  const heard = async (head: number) => {
    for (let n = 0; n < 200 && column.now.head < head; n++) await setTimeout(25)
  }
  await heard(2_600)
  t.equal(reads, 0, 'nothing had to be read')
  // What is known is compared, and what is written then is read.
  t.match((await push(node, 'a', 2_601)).body, { accepted: 1, unchanged: 2_600 })
  await heard(2_601)
  const other = new LiveColumn(database)
  await other.catchUp()
  t.equal(other.now.head, 2_601)
  for (let position = 1; position <= 2_601; position++) {
    if (other.now.at(position) !== column.now.at(position)) t.fail(`another handling at ${position}`)
    if (other.slots.at(position) !== column.slots.at(position)) t.fail(`another time at ${position}`)
  }
  for (let id = 0; id < 20; id++) {
    t.equal(column.now.countOf(id), other.now.countOf(id))
    t.equal(column.now.changedAt(id), other.now.changedAt(id))
  }
})
