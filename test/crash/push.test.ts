import pg from 'pg'
import t from 'tap'
import { verifyAudit } from '../../src/actions/verify-audit.ts'
import { Database } from '../../src/store/database.ts'
import { testDatabase } from '../database.ts'
import { enrolPublisher, gone, startServer } from '../server.ts'

t.setTimeout(300_000)

const records = 30_000
const perRequest = 1_000
const chunks = records / perRequest

t.test('kill -9 during a push loses nothing acknowledged, doubles nothing, and a re-run completes it', async (t) => {
  const url = await testDatabase(t)
  const key = await enrolPublisher(url)
  const acknowledged = new Set<number>()

  for (const killAfterMs of [30, 150, 400]) {
    const server = await startServer(t, url)
    const before = acknowledged.size
    await pushAll(server.url, key, acknowledged, () => {
      // In the middle of what follows the first answer of this life.
      if (acknowledged.size === before + 1) setTimeout(() => server.child.kill('SIGKILL'), killAfterMs)
    })
    await gone(server.child)
    t.ok(
      acknowledged.size > before && acknowledged.size < chunks,
      `${acknowledged.size} of ${chunks} requests acknowledged`,
    )
    const there = await stored(url)
    const lost = [...acknowledged].filter((chunk) => values(chunk).some((value) => !there.has(value)))
    t.strictSame(lost, [], 'all of them are there')
  }

  const server = await startServer(t, url)
  await pushAll(server.url, key, new Set(), () => {})
  server.child.kill('SIGTERM')
  await gone(server.child)
  t.equal((await stored(url)).size, records, 'a re-run completes it')
  const { rows } = await query(
    url,
    `select (select count(*) from indicator)::int as rows, (select count(*) from feed)::int as feed,
       (select max(version) from indicator)::int as version, (select count(distinct position) from indicator)::int as positions,
       (select coalesce(sum((subject::json->>'written')::int), 0) from audit_subject where subject like '%"written"%')::int as audited`,
  )
  t.strictSame(rows, [{ rows: records, feed: records, version: 1, positions: records, audited: records }], 'once each')
  const database = new Database({ url, connections: 1, statementTimeoutMs: 30_000, onIdleError: () => {} })
  const { size, pending, findings } = await verifyAudit(database)
  await database.close()
  t.strictSame(findings, [], 'the audit log went through it whole')
  t.ok(size > 0 && size + pending > chunks, `${size} leaves in the tree, ${pending} on their way`)
})

const values = (chunk: number): string[] =>
  Array.from({ length: perRequest }, (_, i) => `c${chunk * perRequest + i}.crash.example.com`)

/** Pushes chunk by chunk until all are acknowledged or the server is gone; answers are what counts, not sendings. */
async function pushAll(url: string, key: string, acknowledged: Set<number>, onAnswer: () => void): Promise<void> {
  for (let chunk = 0; chunk < chunks; chunk++) {
    if (acknowledged.has(chunk)) continue
    try {
      const answer = await fetch(`${url}/v1/indicators?tlp=green`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/x-ndjson' },
        body: values(chunk)
          .map((value) => `${JSON.stringify({ value })}\n`)
          .join(''),
      })
      if (answer.status !== 200) throw new Error(await answer.text())
      await answer.json()
    } catch {
      // The server died under this one: it was not acknowledged.
      return
    }
    acknowledged.add(chunk)
    onAnswer()
  }
}

async function stored(url: string): Promise<Set<string>> {
  const { rows } = await query(url, 'select value from indicator')
  return new Set(rows.map(({ value }) => value))
}

async function query(url: string, text: string): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await client.query(text)
  } finally {
    await client.end()
  }
}

t.test('kill -9 during streams of observations loses nothing acknowledged', async (t) => {
  const url = await testDatabase(t)
  const key = await enrolPublisher(url)
  const send = async (server: string, path: string, body: string): Promise<{ matched: number }> => {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/x-ndjson' }
    const answer = await fetch(server + path, { method: 'POST', headers, body })
    if (answer.status !== 200) throw new Error(await answer.text())
    return (await answer.json()) as { matched: number }
  }
  const perStream = 2_000
  const body = '"seen.crash.example.com"\n'.repeat(perStream)
  let [acknowledged, sent] = [0, 0]
  for (const killAfterMs of [10, 60, 250]) {
    const server = await startServer(t, url)
    if (sent === 0) await send(server.url, '/v1/indicators?tlp=green', '{"value":"seen.crash.example.com"}\n')
    const before = acknowledged
    try {
      for (;;) {
        sent++
        t.equal((await send(server.url, '/v1/observations', body)).matched, perStream)
        acknowledged++
        if (acknowledged === before + 1) setTimeout(() => server.child.kill('SIGKILL'), killAfterMs)
      }
    } catch {
      // The server died under this one.
    }
    await gone(server.child)
    const { rows } = await query(
      url,
      `select coalesce(sum(times), 0)::int as times from (
         select times from observation union all select times from observation_part) o`,
    )
    const times = rows[0]?.times
    t.ok(acknowledged > before && times >= acknowledged * perStream, `${times} of ${acknowledged} × ${perStream}`)
    t.ok(
      times <= sent * perStream && times % perStream === 0,
      'a stream of one writing is there or not, and never twice',
    )
  }
})
