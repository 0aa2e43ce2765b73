import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { type ClientRequest, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import t, { type Test } from 'tap'
import { Turns } from '../src/actions/turns.ts'
import { limits } from '../src/domain/limits.ts'
import { decodeGroups } from '../src/formats/sniff.ts'
import { testDatabase } from './database.ts'
import { enrolPublisher, startServer } from './server.ts'

t.setTimeout(900_000)

/** A node of its own process, and what pushes to it. */
async function node(t: Test) {
  const database = await testDatabase(t)
  const key = await enrolPublisher(database)
  const { child, url } = await startServer(t, database)
  const query = async (text: string) => {
    const client = new pg.Client({ connectionString: database })
    await client.connect()
    try {
      return (await client.query(text)).rows
    } finally {
      await client.end()
    }
  }
  /** A push whose body the test writes as it likes. */
  const open = (): { readonly sending: ClientRequest; readonly answer: Promise<Answer> } => {
    const sending = request(`${url}/v1/indicators?tlp=green`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/x-ndjson' },
      agent: false,
    })
    return { sending, answer: answered(sending) }
  }
  const push = async (lines: Iterable<object>): Promise<Answer> => {
    const { sending, answer } = open()
    for (const line of lines) {
      if (!sending.write(`${JSON.stringify(line)}\n`)) await once(sending, 'drain')
    }
    sending.end()
    return await answer
  }
  return { child, query, open, push }
}

interface Answer {
  readonly status: number
  readonly retryAfter: string | undefined
  // biome-ignore lint/suspicious/noExplicitAny: tests read answers as they come
  readonly body: any
}

async function answered(sending: ClientRequest): Promise<Answer> {
  const [message] = await once(sending, 'response')
  let text = ''
  for await (const chunk of message) text += chunk
  return { status: message.statusCode, retryAfter: message.headers['retry-after'], body: JSON.parse(text) }
}

const records = (name: string, count: number, more: object = {}): object[] =>
  Array.from({ length: count }, (_, n) => ({ value: `${name}${n}.ingest.example.com`, class: 'phishing', ...more }))

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN

/** Enough for the door to know the format and begin: what comes after may take its time. */
const started = 80

/** Begins a push and leaves it open. */
function begin(open: () => { readonly sending: ClientRequest; readonly answer: Promise<Answer> }, name: string) {
  const { sending, answer } = open()
  sending.write(
    records(name, started)
      .map((each) => `${JSON.stringify(each)}\n`)
      .join(''),
  )
  return { sending, answer }
}

/** How many values that begin so are stored, once there are as many as wanted, or after half a minute. */
async function stored(query: (text: string) => Promise<{ there: number }[]>, prefix: string, wanted: number) {
  for (let tries = 0; ; tries++) {
    const [row] = await query(`select count(*)::int as there from indicator where value like '${prefix}%'`)
    if (row?.there === wanted || tries === 300) return row?.there
    await sleep(100)
  }
}

/** What holds of the feed after any pushes: no gap, one entry for each version, times in the order of positions. */
const feedFacts = `
  select count(*)::int as entries, (max(position) - min(position) + 1)::int as span, count(distinct position)::int as positions,
    (select count(*)::int from indicator) as rows,
    (select count(*)::int from indicator i join feed f using (position, originator, stix_id, version)
     where f.at = i.date_added and f.handling_id = i.handling_id) as matched,
    (select count(*)::int from (select at <= lag(at) over (order by position) as back from feed) f where back) as backwards,
    (select coalesce(sum((subject::json->>'written')::int), 0)::int from audit_subject where subject like '%"written"%') as audited
  from feed`

t.test('a single publish is answered soon beside a bulk push', async (t) => {
  const { push, open } = await node(t)
  const single = async (name: string): Promise<number> => {
    const began = performance.now()
    const { status, body } = await push(records(name, 1))
    t.match({ status, body }, { status: 200, body: { accepted: 1 } })
    return performance.now() - began
  }
  const alone: number[] = []
  for (let n = 0; n < 9; n++) alone.push(await single(`alone${n}-`))
  const bulk = open()
  let singles = 0
  const sent = (async () => {
    for (let n = 0; singles < 20; n++) {
      const body = records(`bulk${n}-`, 1_000).map((each) => `${JSON.stringify(each)}\n`)
      if (!bulk.sending.write(body.join(''))) await once(bulk.sending, 'drain')
      // An answer before the end would mean that it was refused.
      if (bulk.sending.destroyed) break
    }
    bulk.sending.end()
  })()
  await sleep(500)
  const beside: number[] = []
  for (; singles < 20; singles++) beside.push(await single(`beside${singles}-`))
  await sent
  const { status, body } = await bulk.answer
  t.equal(status, 200)
  t.ok(body.accepted > 1_000, `${body.accepted} records beside them`)
  const [without, within] = [median(alone), median(beside)]
  // A few times as long on an idle machine; a node that lets one push have everything answers when that one ends.
  t.ok(within < 20 * without + 500, `${without.toFixed(0)} ms alone, ${within.toFixed(0)} ms beside it`)
})

t.test('many pushes at once are all answered, lose nothing and stay within memory', async (t) => {
  const { child, push, query } = await node(t)
  let highestKiB = 0
  const watch = setInterval(() => {
    if (!existsSync('/proc/self/status')) return
    const status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
    highestKiB = Math.max(highestKiB, Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]))
  }, 50)
  const description = 'what was seen, and by whom. '.repeat(70)
  const answers = await Promise.all(
    Array.from({ length: 30 }, (_, n) => push(records(`many${n}-`, 400, { description }))),
  )
  clearInterval(watch)
  t.strictSame(
    answers.map(({ status, body }) => [status, body.accepted, body.rejectedTotal]),
    answers.map(() => [200, 400, 0]),
  )
  const all = 30 * 400
  t.strictSame(await query(feedFacts), [
    { entries: all, span: all, positions: all, rows: all, matched: all, backwards: 0, audited: all },
  ])
  t.ok(highestKiB < 300 * 1024, `${Math.round(highestKiB / 1024)} MiB at most`)
})

t.test('the same records by several pushes at once are written once', async (t) => {
  const { push, query } = await node(t)
  const answers = await Promise.all(Array.from({ length: 6 }, () => push(records('same', 2_500))))
  const sum = (count: (answer: Answer) => number) => answers.reduce((total, answer) => total + count(answer), 0)
  t.ok(answers.every(({ status }) => status === 200))
  t.strictSame([sum(({ body }) => body.accepted), sum(({ body }) => body.unchanged)], [2_500, 5 * 2_500])
  const all = 2_500
  t.strictSame(await query(feedFacts), [
    { entries: all, span: all, positions: all, rows: all, matched: all, backwards: 0, audited: all },
  ])
})

t.test('versions of one value within a push are taken in their order, in whichever batch they are', async (t) => {
  const { push, query } = await node(t)
  const changing = { value: 'changing.ingest.example.com', class: 'phishing' }
  const { status, body } = await push([
    { ...changing, confidence: 1 },
    { ...changing, confidence: 2 },
    { ...changing, confidence: 3 },
    { ...changing, confidence: 4 },
    ...records('between', 1_700),
    { ...changing, confidence: 5 },
    ...records('after', 1_000),
    { ...changing, confidence: 6 },
    { ...changing, confidence: 6 },
  ])
  t.match({ status, body }, { status: 200, body: { accepted: 2_706, unchanged: 1, rejectedTotal: 0 } })
  t.match(await query("select version, confidence from indicator where value = 'changing.ingest.example.com'"), [
    { version: 6, confidence: 6 },
  ])
  const creations = await query(
    `select distinct v.stix::json->>'created' as created from indicator i
     cross join lateral (select stix from indicator_version where stix_id = i.stix_id union all select i.stix) v
     where i.value = 'changing.ingest.example.com'`,
  )
  t.equal(creations.length, 1, 'each version knows when the first was made')
  t.match(
    await query('select kind, version from feed join indicator_version using (stix_id, version) order by version'),
    [
      { kind: 'published', version: 1 },
      { kind: 'revised', version: 2 },
      { kind: 'revised', version: 3 },
      { kind: 'revised', version: 4 },
      { kind: 'revised', version: 5 },
    ],
  )
  const follow = await query(
    `select f.version, f.previous_position = b.position as after from feed f
     left join feed b on b.stix_id = f.stix_id and b.version = f.version - 1
     where f.stix_id = (select stix_id from indicator where value = 'changing.ingest.example.com') order by f.version`,
  )
  t.strictSame(
    follow.map(({ version, after }) => [version, after]),
    [
      [1, null],
      [2, true],
      [3, true],
      [4, true],
      [5, true],
      [6, true],
    ],
    'each entry names the one before',
  )
})

t.test('what is known already is met in a late batch of a push that seemed to be all new', async (t) => {
  const { push, query } = await node(t)
  const [same = {}, changed = {}] = records('known', 2)
  t.match(await push([same, changed]), { status: 200, body: { accepted: 2 } })
  const { status, body } = await push([
    ...records('new', 1_400),
    same,
    { ...changed, confidence: 99 },
    ...records('later', 1_200),
  ])
  t.match({ status, body }, { status: 200, body: { accepted: 2_601, unchanged: 1, rejectedTotal: 0 } })
  t.match(await query(feedFacts), [{ entries: 2_603, span: 2_603, positions: 2_603, rows: 2_602, backwards: 0 }])
  const versions = await query(
    `select i.version, count(distinct v.stix::json->>'created')::int as creations from indicator i
     cross join lateral (select stix from indicator_version where stix_id = i.stix_id union all select i.stix) v
     where i.confidence = 99 group by i.version`,
  )
  t.strictSame(versions, [{ version: 2, creations: 1 }], 'the second version knows when the first was made')
})

t.test('whatever a text holds is stored as it is', async (t) => {
  const { push, query } = await node(t)
  const odd = 'tab\t, line\nend\r\n, back\\slash, \\N, \\., "quotes", {braces}, é, 中, \u{1F600}'
  await push([
    { value: 'odd.ingest.example.com', name: odd, description: `${odd}\\`, labels: ['a"b\\c', '{d},e', 'NULL', odd] },
    { value: 'plain.ingest.example.com' },
  ])
  const [row] = await query('select name, description, labels, stix from indicator where name is not null')
  t.strictSame([row.name, row.description, row.labels], [odd, `${odd}\\`, ['a"b\\c', '{d},e', 'NULL', odd]])
  t.match(JSON.parse(row.stix), { name: odd, labels: ['a"b\\c', '{d},e', 'NULL', odd] })
})

t.test('a sender that pauses holds nobody up, and what it sent is not kept waiting', async (t) => {
  const { push, open, query } = await node(t)
  const paused = Array.from({ length: 12 }, (_, n) => begin(open, `paused${n}-`))
  const { status } = await push(records('quick', 1))
  t.equal(status, 200)
  t.equal(await stored(query, 'paused', started * paused.length), started * paused.length)
  for (const { sending } of paused) sending.end(`${JSON.stringify({ value: 'bad' })}\n`)
  for (const { answer } of paused) {
    t.match(await answer, {
      status: 207,
      body: { accepted: started, rejected: [{ position: { record: started, line: started + 1 } }] },
    })
  }
})

t.test('more pushes than a node takes on are told to come again, and the others are not', async (t) => {
  const { push, open, query } = await node(t)
  const opened = Array.from({ length: 64 }, (_, n) => begin(open, `open${n}-`))
  t.equal(await stored(query, 'open', started * opened.length), started * opened.length)
  const refused = await push(records('late', 1))
  t.match(refused, { status: 503, retryAfter: '2', body: { code: 'unavailable' } })
  for (const { sending } of opened) sending.end()
  for (const { answer } of opened) t.match(await answer, { status: 200, body: { accepted: started } })
  t.match(await push(records('again', 1)), { status: 200, body: { accepted: 1 } }, 'then there is room again')
})

t.test('turns are given in the order in which they were asked for, so many at once', async (t) => {
  const turns = new Turns(2)
  const given: number[] = []
  const held = await Promise.all([turns.take(), turns.take()])
  const waiting = [1, 2, 3].map(async (n) => {
    const release = await turns.take()
    given.push(n)
    return release
  })
  await sleep(10)
  t.strictSame(given, [], 'none is free')
  held[0]?.()
  held[0]?.()
  await sleep(10)
  t.strictSame(given, [1], 'giving back twice gives one')
  held[1]?.()
  const first = await waiting[0]
  first?.()
  await Promise.all(waiting)
  t.strictSame(given, [1, 2, 3])
})

t.test('an account has its share of the open pushes, and all together theirs', async (t) => {
  const turns = new Turns()
  const enter = (account: string, count: number) => Array.from({ length: count }, () => turns.enter(account))
  const of = enter('ana', limits.pushesAtOnceOfAccount)
  t.throws(() => turns.enter('ana'), { code: 'unavailable' })
  enter('camila', limits.pushesAtOnce - of.length)
  t.throws(() => turns.enter('diego'), { code: 'unavailable' })
  of[0]?.()
  of[0]?.()
  turns.enter('diego')
  t.throws(() => turns.enter('ana'), { code: 'unavailable' }, 'all are taken again')
})

t.test('others have their turn while a document that is all there is read', async (t) => {
  const line = `${JSON.stringify(records('slice', 1)[0])}\n`
  const document = Buffer.from(line.repeat(10_000))
  let turns = 0
  let reading = true
  const other = () => {
    turns++
    if (reading) setImmediate(other)
  }
  setImmediate(other)
  let read = 0
  let largest = 0
  const source = {
    async *open() {
      yield document
    },
  }
  for await (const group of decodeGroups('puente-ndjson', source)) {
    read += group.length
    largest = Math.max(largest, group.length)
  }
  reading = false
  t.equal(read, 10_000)
  t.ok(turns > document.length / 16_384 / 2, `${turns} turns`)
  t.ok(largest < 400, `${largest} records at a stretch`)
})
