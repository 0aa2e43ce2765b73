import { existsSync, readFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import t from 'tap'
import { testDatabase } from './database.ts'
import { enrolPublisher, startServer } from './server.ts'

t.setTimeout(300_000)

const bodyBytes = 200_000_000
const ceilingKiB = 300 * 1024

/** Resident memory in KiB, as Linux counts it. */
const residentKiB = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? Number.NaN)

/** NDJSON of ~3 KB a record, made as it is read. */
function* lines(): Generator<Buffer> {
  const description = 'what was seen, and by whom. '.repeat(100)
  for (let n = 0, bytes = 0; bytes < bodyBytes; n++) {
    const line = Buffer.from(
      `${JSON.stringify({ value: `m${n}.memory.example.com`, class: 'phishing', description })}\n`,
    )
    bytes += line.length
    yield line
  }
}

const skip = existsSync('/proc/self/status') ? false : 'resident memory is read from /proc'

t.test('a body of 200 MB is taken within 300 MB of resident memory', { skip }, async (t) => {
  const database = await testDatabase(t)
  const key = await enrolPublisher(database)
  const { child, url } = await startServer(t, database)
  let highest = 0
  const watch = setInterval(() => {
    highest = Math.max(highest, residentKiB(child.pid ?? 0))
  }, 100)
  const answer = await fetch(`${url}/v1/indicators?tlp=green`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/x-ndjson' },
    body: Readable.toWeb(Readable.from(lines())) as ReadableStream,
    duplex: 'half',
  } as RequestInit)
  clearInterval(watch)
  const receipt = (await answer.json()) as { accepted: number; rejectedTotal: number }
  t.equal(answer.status, 200)
  t.ok(receipt.accepted > 60_000, `${receipt.accepted} records`)
  t.equal(receipt.rejectedTotal, 0)
  t.ok(highest > 50 * 1024 && highest < ceilingKiB, `${Math.round(highest / 1024)} MiB at most`)
})
