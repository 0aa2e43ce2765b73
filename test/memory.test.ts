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

const observations = 5_000_000

/** NDJSON of addresses and names, one in a hundred of them known, spread over the hours of a day. */
function* observed(): Generator<Buffer> {
  const hour = (n: number) => new Date(Date.now() - (n % 24) * 3_600_000).toISOString()
  const line = (n: number) => {
    if (n % 100 === 0) return `{"value":"o${n % 2_000}.memory.example.com","at":"${hour(n)}"}\n`
    return n % 3 === 0 ? `"h${n}.proxy.example.org"\n` : `{"value":"198.18.${(n >> 8) & 255}.${n & 255}","count":2}\n`
  }
  const block = Buffer.from(Array.from({ length: 10_000 }, (_, n) => line(n)).join(''))
  for (let sent = 0; sent < observations; sent += 10_000) yield block
}

t.test('five million observations are taken within 300 MB of resident memory', { skip }, async (t) => {
  const database = await testDatabase(t)
  const key = await enrolPublisher(database)
  const { child, url } = await startServer(t, database)
  const known = Array.from({ length: 2_000 }, (_, n) => `{"value":"o${n}.memory.example.com"}\n`).join('')
  const send = async (path: string, body: string | ReadableStream) => {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/x-ndjson' }
    const answer = await fetch(url + path, { method: 'POST', headers, body, duplex: 'half' } as RequestInit)
    t.equal(answer.status, 200)
    return (await answer.json()) as { matched: number; events: number; indicators: number }
  }
  await send('/v1/indicators?tlp=green', known)
  let highest = 0
  const watch = setInterval(() => {
    highest = Math.max(highest, residentKiB(child.pid ?? 0))
  }, 100)
  const totals = await send('/v1/observations', Readable.toWeb(Readable.from(observed())) as ReadableStream)
  clearInterval(watch)
  t.match(totals, { matched: observations / 100, indicators: 20 })
  t.ok(totals.events > observations, `${totals.events} events`)
  t.ok(highest > 50 * 1024 && highest < ceilingKiB, `${Math.round(highest / 1024)} MiB at most`)
})
