import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { AuditQueue, type QueueBounds, type Reading, type WriteLeaves } from '../../src/actions/audit-queue.ts'

const bounds: QueueBounds = {
  auditQueueLeaves: 10,
  auditQueueBytes: 1_000_000,
  auditBatchLeaves: 4,
  auditBatchBytes: 100_000,
  auditFlushMs: 20,
  auditWaitMs: 200,
}

const reading = (subject: string, basis = 'reader'): Reading => ({
  entry: {
    at: new Date(0),
    action: 'search',
    decision: 'permit',
    rules: [],
    purpose: 'defence',
    policyEpoch: 1n,
    program: 'test',
    subject,
  },
  bases: [{ digest: basis, body: basis }],
})

/** A log that can be told to fail or to hang. */
function openLog(more: Partial<QueueBounds> = {}) {
  const batches: string[][] = []
  const bases: string[][] = []
  const told: string[] = []
  const state = { failing: false, hang: undefined as Promise<void> | undefined }
  const write: WriteLeaves = async (entries, sent) => {
    await state.hang
    await sleep(1)
    if (state.failing) throw new Error('the database is gone')
    batches.push(entries.map(({ subject }) => subject))
    bases.push(sent.map(({ digest }) => digest))
  }
  const say = (_facts: object, message: string) => void told.push(message)
  const queue = new AuditQueue(write, { warn: say, error: say }, { ...bounds, ...more })
  return { queue, batches, bases, told, state }
}

const unavailable = { name: 'Fault', code: 'unavailable' }

t.test(
  'ordinary readings are written together, in order, soon after, and what they rest on is sent once',
  async (t) => {
    const { queue, batches, bases } = openLog()
    for (const subject of ['a', 'b', 'c']) await queue.add(reading(subject))
    t.strictSame(batches, [], 'nobody waited for them')
    await sleep(100)
    t.strictSame(batches, [['a', 'b', 'c']])
    await queue.add(reading('d'))
    await queue.add(reading('e', 'another reader'))
    await sleep(100)
    t.strictSame(batches[1], ['d', 'e'])
    t.strictSame(bases, [['reader'], ['another reader']])
    t.equal(queue.length, 0)
  },
)

t.test('a full batch does not wait for the clock', async (t) => {
  const { queue, batches } = openLog({ auditFlushMs: 60_000 })
  for (const subject of ['a', 'b', 'c', 'd', 'e']) await queue.add(reading(subject))
  await sleep(50)
  t.strictSame(batches, [['a', 'b', 'c', 'd']])
  t.equal(await queue.flush(), 0)
  t.strictSame(batches[1], ['e'])
})

t.test('a large leaf goes in a batch of its own', async (t) => {
  const { queue, batches } = openLog({ auditFlushMs: 60_000 })
  const large = 'x'.repeat(150_000)
  for (const subject of ['a', large, 'b']) await queue.add(reading(subject))
  await queue.flush()
  t.strictSame(
    batches.map((batch) => batch.map((subject) => subject.length)),
    [[1], [150_000], [1]],
  )
})

t.test('a reading that must be durable is answered when it is written, before the ordinary ones', async (t) => {
  const { queue, batches, state } = openLog({ auditFlushMs: 60_000 })
  let release = () => {}
  state.hang = new Promise((resolve) => {
    release = resolve
  })
  await queue.add(reading('ordinary'))
  let answered = false
  const waiting = queue.durable(reading('red')).then(() => {
    answered = true
  })
  await sleep(50)
  t.equal(answered, false, 'it waits for the log')
  release()
  await waiting
  t.strictSame(batches, [['red', 'ordinary']])
})

t.test(
  'when the log fails, what must be durable is refused and the ordinary is kept until it can be written',
  async (t) => {
    const { queue, batches, state, told } = openLog()
    state.failing = true
    await queue.add(reading('ordinary'))
    await t.rejects(queue.durable(reading('red')), unavailable)
    await t.rejects(queue.durable(reading('red again')), unavailable)
    t.strictSame(batches, [])
    t.equal(told.length, 1, 'the operator is told once')
    state.failing = false
    await sleep(700)
    t.strictSame(batches, [['ordinary']], 'without what was refused')
  },
)

t.test('when the log hangs, what must be durable is refused in time', async (t) => {
  const { queue, state } = openLog()
  let release = () => {}
  state.hang = new Promise((resolve) => {
    release = resolve
  })
  await t.rejects(queue.durable(reading('red')), unavailable)
  release()
  await sleep(20)
  t.equal(queue.length, 0)
})

t.test('a full queue lets readers wait, then refuses them, and takes them again when there is room', async (t) => {
  const { queue, state, batches } = openLog()
  state.failing = true
  for (let n = 0; n < 10; n++) await queue.add(reading(`kept ${n}`))
  const began = performance.now()
  await t.rejects(queue.add(reading('refused')), unavailable)
  t.ok(performance.now() - began > 150, 'it waited for room')
  await t.rejects(queue.durable(reading('refused too')), unavailable)
  t.equal(queue.length, 10, 'and the queue did not grow')
  state.failing = false
  await sleep(700)
  t.equal(batches.flat().length, 10)
  await queue.add(reading('taken'))
  await queue.close()
  t.equal(batches.flat().at(-1), 'taken')
})

t.test('waiting for room ends when a batch was written', async (t) => {
  const { queue, state, batches } = openLog()
  let release = () => {}
  state.hang = new Promise((resolve) => {
    release = resolve
  })
  for (let n = 0; n < 10; n++) await queue.add(reading(`kept ${n}`))
  const late = queue.add(reading('late'))
  setTimeout(release, 50)
  await late
  await queue.flush()
  t.equal(batches.flat().length, 11)
})

t.test('bytes bound the queue too', async (t) => {
  const { queue, state } = openLog({ auditQueueBytes: 5_000 })
  state.failing = true
  await queue.add(reading('x'.repeat(6_000)))
  await t.rejects(queue.add(reading('refused')), unavailable)
})

t.test('closing writes what is left, and says how many leaves are lost when it cannot', async (t) => {
  const good = openLog({ auditFlushMs: 60_000 })
  for (let n = 0; n < 7; n++) await good.queue.add(reading(String(n)))
  await good.queue.close()
  t.equal(good.batches.flat().length, 7)
  const bad = openLog({ auditFlushMs: 60_000 })
  bad.state.failing = true
  await bad.queue.add(reading('lost'))
  await bad.queue.close()
  t.match(bad.told.at(-1), /could not be put on the audit log/)
})
