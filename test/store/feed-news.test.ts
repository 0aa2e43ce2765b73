import { PassThrough } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import fc from 'fast-check'
import t from 'tap'
import type { Database } from '../../src/store/database.ts'
import { entriesAfter } from '../../src/store/feed-entries.ts'
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

/** A database whose reads of the feed give what the test says, when it says it. */
function slow() {
  const reads: PassThrough[] = []
  const query = () => {
    const rows = new PassThrough()
    reads.push(rows)
    return rows
  }
  const borrow = (work: (transaction: unknown) => Promise<unknown>) => work({ client: { query } })
  const row = (position: number, under: number) => `${position}\t${under}\tf\t0\t\\N\t\n`
  return { database: { borrow } as unknown as Database, reads, row }
}

t.test('whoever waits for a read waits for the next, however many ask meanwhile', async (t) => {
  const { database, reads } = slow()
  const column = new LiveColumn(database)
  const told: string[] = []
  const ask = (name: string) => column.catchUp().then(() => told.push(name))
  const all = [ask('first'), ask('second'), ask('third')]
  t.equal(reads.length, 1)
  for (let n = 0; n < 5; n++) {
    all.push(ask(`later ${n}`))
    reads.at(-1)?.end()
    await setTimeout(5)
    t.equal(reads.length, n + 2, 'one read at a time')
  }
  t.strictSame(told, ['first', 'second', 'third', 'later 0', 'later 1', 'later 2', 'later 3'])
  reads.at(-1)?.end()
  await Promise.all(all)
  t.equal(reads.length, 6)
  const failed = column.catchUp()
  const next = column.catchUp()
  reads.at(-1)?.destroy(new Error('the connection ended'))
  await t.rejects(failed, /the connection ended/)
  await setTimeout(5)
  reads.at(-1)?.end()
  await t.resolves(next, 'and the next read is one of its own')
})

t.test('what came as news while it was read is not gone back behind', async (t) => {
  const { database, reads, row } = slow()
  const column = new LiveColumn(database)
  const reading = column.catchUp()
  const [rows] = reads
  rows?.write(row(1, 7))
  await setTimeout(5)
  for (const first of [2, 3]) await column.hurry({ first, slot: 0, handlings: [{ handling: 7, count: 1 }] })
  rows?.end(row(2, 7))
  await reading
  t.strictSame([column.now.head, column.now.changedAt(7), column.now.countOf(7)], [3, 3, 3])
})

t.test('what says how far positions go comes behind what stands there', async (t) => {
  const node = await testNode(t)
  t.equal((await push(node, 'c', 3)).body.accepted, 3)
  const { client } = node.context.database
  const text = entriesAfter(0).replace(/^copy \((.*)\) to stdout$/s, '$1')
  const { rows } = await client.query<{ position: bigint; handling_id: number }>(text)
  t.strictSame(
    rows.map(({ position, handling_id }) => [Number(position), handling_id > 0]),
    [
      [1, true],
      [2, true],
      [3, true],
      [3, false],
    ],
  )
  t.match(text, /order by position, handling_id desc$/)
})
