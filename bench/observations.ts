/**
 * Streams of observations over HTTP against many indicators: `node dist/bench/observations.js [--indicators 1000000]
 * [--events 2000000]`. The client is a thread of its own; the limit is the same body read by a bare HTTP server of this process.
 */

import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Worker } from 'node:worker_threads'
import type { Context } from '../src/actions/index.ts'
import { startContext } from '../src/actions/start.ts'
import { buildApp } from '../src/app.ts'
import type { Handling } from '../src/domain/handling.ts'
import { startThrowAway } from '../src/store/embedded/throw-away.ts'
import { migrate } from '../src/store/migrate.ts'
import { enrolPublisher } from '../test/server.ts'

export interface ObservationLine {
  readonly name: string
  /** Events a second. */
  readonly value: number
  /** Events a second of which the bytes alone can be read. */
  readonly limit: number
  readonly ratio: number
  /** What is aimed at is a rate; this is its ratio to the limit of this run. */
  readonly aim: number
}

/** Aims are in events a second. */
const forms = [
  { name: 'NDJSON', type: 'application/x-ndjson', aim: 500_000 },
  { name: 'CSV', type: 'text/csv', aim: 500_000 },
  { name: 'binary', type: 'application/vnd.puente.observations', aim: 1_000_000 },
] as const

/** Processor time of the main thread, where Linux tells: on a busy machine the only number to compare. */
function threadSeconds(): number | undefined {
  const file = `/proc/self/task/${process.pid}/schedstat`
  return existsSync(file) ? Number(readFileSync(file, 'utf8').split(' ')[0]) / 1e9 : undefined
}

/** One in so many events is of something known. */
const hitEvery = 100

/**
 * Sends a body of `events` in each form and takes the best of three runs.
 * @param indicators how many {@link fillIndicators} put there
 */
export async function observationsLines(
  _context: Context,
  url: string,
  headers: Readonly<Record<string, string>>,
  indicators: number,
  events = 2_000_000,
): Promise<ObservationLine[]> {
  const bare = createServer(async (request, response) => {
    let bytes = 0
    for await (const chunk of request) bytes += (chunk as Buffer).length
    response.end(String(bytes))
  })
  await new Promise<void>((resolve) => bare.listen(0, '127.0.0.1', resolve))
  const bareUrl = `http://127.0.0.1:${(bare.address() as AddressInfo).port}/`
  const lines: ObservationLine[] = []
  for (const { name, type, aim } of forms) {
    const body = bodyOf(name, events, indicators)
    // The first stream loads the indicators.
    await send(`${url}/v1/observations`, { ...headers, 'content-type': type }, body, 1)
    const cpu = threadSeconds()
    const value = events / (await send(`${url}/v1/observations`, { ...headers, 'content-type': type }, body, 3))
    if (cpu !== undefined) {
      const each = ((threadSeconds() ?? 0) - cpu) / 3
      console.log(`${name}: ${Math.round(events / each)} events a second of this thread, ${body.length} bytes`)
    }
    const limit = events / (await send(bareUrl, {}, body, 3))
    lines.push({
      name: `observations as ${name}`,
      value,
      limit,
      ratio: value / limit,
      aim: Number((aim / limit).toFixed(3)),
    })
  }
  bare.close()
  return lines
}

/** Value n of those that are known: addresses, names, digests, and now and then a prefix. */
function knownValue(n: number): { readonly kind: number; readonly text: string } {
  const kind = n % 10
  if (kind < 6) return { kind: 1, text: addressOf(Math.imul(n, 0x9e3779b1) >>> 0) }
  if (kind < 9) return { kind: 3, text: `h${n}.d${n % 5_000}.bench.example.com` }
  return { kind: 8, text: n.toString(16).padStart(64, 'abcdef') }
}

const addressOf = (n: number): string => `${n >>> 24}.${(n >>> 16) & 255}.${(n >>> 8) & 255}.${n & 255}`

function bodyOf(form: (typeof forms)[number]['name'], events: number, indicators: number): Buffer {
  const parts: Buffer[] = []
  let text = form === 'CSV' ? 'value,type\n' : ''
  if (form === 'binary') parts.push(Buffer.from('PUENTEO\x01', 'latin1'))
  for (let i = 0; i < events; i++) {
    const n = i % hitEvery === 0 ? Math.floor((i * 7_919) % indicators) : indicators + i
    const { kind, text: value } = knownValue(n)
    if (form === 'NDJSON') text += `{"value":"${value}"}\n`
    else if (form === 'CSV') text += `${value},${kind === 1 ? 'ipv4-address' : kind === 3 ? 'domain-name' : 'sha256'}\n`
    else parts.push(binaryOf(kind, value))
    if (text.length > 65_536) {
      parts.push(Buffer.from(text))
      text = ''
    }
  }
  return Buffer.concat([...parts, Buffer.from(text)])
}

function binaryOf(kind: number, value: string): Buffer {
  const bytes =
    kind === 1 ? Buffer.from(value.split('.').map(Number)) : Buffer.from(value, kind === 8 ? 'hex' : 'latin1')
  return Buffer.concat([Buffer.from([bytes.length + 1, kind]), bytes])
}

const client = `
  const { parentPort, workerData: { url, headers, bytes, times } } = require('node:worker_threads')
  const { request } = require('node:http')
  const body = Buffer.from(bytes)
  const once = () => new Promise((resolve, reject) => {
    const began = performance.now()
    const sent = request(url, { method: 'POST', headers }, (response) => {
      let text = ''
      response.on('data', (chunk) => { text += chunk })
      response.on('end', () => response.statusCode === 200 ? resolve({ ms: performance.now() - began, text }) : reject(new Error(text)))
    })
    sent.on('error', reject)
    const write = (from) => {
      for (let at = from; at < body.length; at += 1 << 20) {
        if (!sent.write(body.subarray(at, at + (1 << 20)))) return sent.once('drain', () => write(at + (1 << 20)))
      }
      sent.end()
    }
    write(0)
  })
  void (async () => {
    let best = Infinity
    let text
    for (let n = 0; n < times; n++) {
      const answer = await once()
      best = Math.min(best, answer.ms)
      text = answer.text
    }
    parentPort.postMessage({ seconds: best / 1000, text })
  })()`

/** Sends a body from another thread. @returns seconds of the fastest time */
async function send(url: string, headers: object, body: Buffer, times: number): Promise<number> {
  const bytes = new SharedArrayBuffer(body.length)
  body.copy(Buffer.from(bytes))
  return await new Promise((resolve, reject) => {
    const worker = new Worker(client, { eval: true, workerData: { url, headers, bytes, times } })
    worker.on('message', ({ seconds, text }: { seconds: number; text: string }) => {
      if (process.argv.includes('--verbose')) console.log(text.slice(0, 200))
      resolve(seconds)
    })
    worker.on('error', reject)
  })
}

/** Puts indicators straight into the tables, without the indexes that observations do not ask. */
export async function fillIndicators(context: Context, originator: string, count: number): Promise<void> {
  const handling: Handling = {
    ...{ originator, tlp: 'green', pap: 'green', organisations: [], communities: [], people: [] },
    ...{ lawEnforcement: 'on-request', personalData: false, maskable: false, attribution: 'named' },
  }
  const [id = 0] = await context.policy.intern([handling])
  for (const name of ['value', 'network', 'domain', 'asn', 'country']) {
    await context.database.client.query(`drop index if exists indicator_${name}`)
  }
  await context.database.client.query('alter table indicator drop constraint indicator_pkey cascade')
  await context.database.client.query(`select ensure_partitions('feed', ${count + 1})`)
  const together = 500_000
  for (let first = 0; first < count; first += together) {
    await context.database.transaction(async ({ client: database }) => {
      await database.query('set local statement_timeout = 0; set local session_replication_role = replica')
      await database.query(
        `insert into indicator (originator, stix_id, version, handling_id, type, value, value_key, compound, labels, valid_from,
           created, modified, format, stix, digest, position, date_added)
         select $1, md5('indicator ' || n)::uuid, 1, $2, v.type, v.value,
           substring(sha256(convert_to(v.family || ':' || v.value, 'UTF8')) from 1 for 16), false, '{}', now(), now(), now(),
           'puente', '{}', '\\x00', n + 1, now()
         from generate_series($3::bigint, $4::bigint) n
         cross join lateral (select (n * 2654435761) & 4294967295 as a) h
         cross join lateral (select
           case when n % 10 < 6 then 'ipv4-address' when n % 10 < 9 then 'domain-name' else 'sha256' end as type,
           case when n % 10 < 6 then 'ip' when n % 10 < 9 then 'name' else 'sha256' end as family,
           case when n % 10 < 6 then (a >> 24) || '.' || ((a >> 16) & 255) || '.' || ((a >> 8) & 255) || '.' || (a & 255)
             when n % 10 < 9 then 'h' || n || '.d' || (n % 5000) || '.bench.example.com'
             else lpad(to_hex(n), 64, 'abcdef') end as value) v`,
        [originator, id, first, Math.min(first + together, count) - 1],
      )
      await database.query(
        `insert into feed (position, at, kind, originator, stix_id, version, handling_id)
         select n + 1, now(), 'published', $1, md5('indicator ' || n)::uuid, 1, $2 from generate_series($3::bigint, $4::bigint) n`,
        [originator, id, first, Math.min(first + together, count) - 1],
      )
      await database.query('update feed_head set position = $1, at = now()', [Math.min(first + together, count)])
    })
  }
  await context.database.transaction(async ({ client: database }) => {
    await database.query('set local statement_timeout = 0')
    await database.query('alter table indicator add primary key (stix_id, originator)')
    await database.query('analyze indicator, feed')
  })
}

async function main(): Promise<void> {
  const argument = (name: string, otherwise: number): number =>
    Number(process.argv[process.argv.indexOf(`--${name}`) + 1] ?? Number.NaN) || otherwise
  const indicators = argument('indicators', 1_000_000)
  const server = await startThrowAway()
  await migrate(server.url, 'migrations')
  const context = await startContext({
    database: { url: server.url, connections: 10, statementTimeoutMs: 120_000 },
    clock: () => new Date(),
    log: {
      info: (facts, message) => console.log(message, facts),
      warn: () => {},
      error: (facts) => console.error(facts),
    },
    version: 'bench',
  })
  const secret = await enrolPublisher(server.url)
  const app = await buildApp(context, { root: process.cwd(), requestsPerMinute: 1_000_000, trustProxy: [] })
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const began = performance.now()
  await fillIndicators(context, 'cert-br', indicators)
  console.log(`${indicators} indicators in ${Math.round((performance.now() - began) / 1_000)} s`)
  const before = process.memoryUsage()
  const lines = await observationsLines(
    context,
    url,
    { authorization: `Bearer ${secret}` },
    indicators,
    argument('events', 2_000_000),
  )
  for (const { name, value, limit, ratio } of lines) {
    console.log(
      `${name.padEnd(26)} ${Math.round(value).toString().padStart(9)} events/s  limit ${Math.round(limit)}  ratio ${ratio.toFixed(3)}`,
    )
  }
  const index = await context.known.current()
  console.log(
    `${(index.bytes / index.values.size).toFixed(1)} bytes an indicator; resident ${Math.round(process.memoryUsage().rss / 2 ** 20)} MiB, before ${Math.round(before.rss / 2 ** 20)}`,
  )
  await app.close()
  await context.close()
  await server.stop()
}

if (process.argv[1]?.endsWith('observations.js') === true) await main()
