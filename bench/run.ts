/**
 * What each job costs, as a ratio to its limit measured in the same run: `npm run bench [-- --rows 50000]`. The last line is one
 * JSON object. Numbers of different runs or machines are not to be compared; ratios are.
 */

import { startContext } from '../src/actions/start.ts'
import { buildApp } from '../src/app.ts'
import { startThrowAway } from '../src/store/embedded/throw-away.ts'
import { migrate } from '../src/store/migrate.ts'
import { enrolPublisher } from '../test/server.ts'
import { copyLimit } from './copy-limit.ts'

interface Line {
  readonly name: string
  readonly value: number
  readonly limit: number
  readonly ratio: number
  readonly aim: number
  readonly ok: boolean
}

const rows = Number(process.argv[process.argv.indexOf('--rows') + 1] ?? Number.NaN) || 20_000
const perBody = 5_000
const lines: Line[] = []

function report(name: string, unit: string, value: number, limit: number, aim: number): void {
  const ratio = value / limit
  lines.push({
    name,
    value: Math.round(value),
    limit: Math.round(limit),
    ratio: Number(ratio.toFixed(3)),
    aim,
    ok: ratio >= aim,
  })
  console.log(
    `${name.padEnd(34)} ${value.toFixed(0).padStart(9)} ${unit}  limit ${limit.toFixed(0)}  ratio ${ratio.toFixed(2)} (aim ${aim})`,
  )
}

/** How often a second the work gets done; `times` says how many things one run does. */
async function perSecond(times: number, work: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await work()
  return (times / (performance.now() - began)) * 1_000
}

const server = await startThrowAway()
await migrate(server.url, 'migrations')
const context = await startContext({
  database: { url: server.url, connections: 10, statementTimeoutMs: 60_000 },
  clock: () => new Date(),
  log: { info: () => {}, warn: () => {}, error: (facts) => console.error(facts) },
  version: 'bench',
})
const secret = await enrolPublisher(server.url)
const app = await buildApp(context, { root: process.cwd(), requestsPerMinute: 1_000_000, trustProxy: [] })
const url = await app.listen({ host: '127.0.0.1', port: 0 })
const headers = { authorization: `Bearer ${secret}` }

const body = (from: number): string =>
  Array.from({ length: perBody }, (_, i) => {
    const n = from + i
    return `${JSON.stringify({ value: `h${n}.bench.example.com`, class: 'phishing', confidence: n % 100 })}\n`
  }).join('')

async function push(): Promise<void> {
  for (let from = 0; from < rows; from += perBody) {
    const answer = await fetch(`${url}/v1/indicators?tlp=${from % (2 * perBody) === 0 ? 'green' : 'clear'}`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/x-ndjson' },
      body: body(from),
    })
    if (answer.status !== 200) throw new Error(await answer.text())
    await answer.arrayBuffer()
  }
}

const get = async (path: string): Promise<void> => {
  const answer = await fetch(url + path, { headers })
  if (answer.status !== 200) throw new Error(await answer.text())
  await answer.arrayBuffer()
}

const ingested = await perSecond(rows, push)
report('ingest over HTTP', 'rows/s ', ingested, await copyLimit(context.database, rows), 0.6)

const pages = 200
const repeat = async (work: () => Promise<unknown>) => {
  for (let n = 0; n < pages; n++) await work()
}
await repeat(() => get('/v1/indicators'))
const unfiltered = await perSecond(pages, () =>
  repeat(async () => {
    const { rows: found } = await context.database.client.query(
      'select * from indicator order by position desc limit 100',
    )
    return JSON.stringify(found, (_, value) => (typeof value === 'bigint' ? Number(value) : value))
  }),
)
report(
  'page of 100, one who sees all',
  'pages/s',
  await perSecond(pages, () => repeat(() => get('/v1/indicators'))),
  unfiltered,
  0.85,
)

const values = Array.from({ length: 5_000 }, (_, n) => `h${n * 2}.bench.example.com`)
const lookedUp = await perSecond(values.length, async () => {
  const answer = await fetch(`${url}/v1/lookup`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify({ values }),
  })
  if (answer.status !== 200) throw new Error(await answer.text())
  await answer.arrayBuffer()
})
const bare = await perSecond(values.length, () =>
  context.database.client.query(
    'select * from indicator where value_key = any(select value_key from indicator limit $1)',
    [values.length],
  ),
)
report('look-up of 5,000 domains', 'values/s', lookedUp, bare, 0.3)

await app.close()
await context.close()
await server.stop()
console.log(JSON.stringify({ ok: lines.every((line) => line.ok), lines }))
