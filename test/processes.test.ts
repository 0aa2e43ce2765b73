import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'
import pg from 'pg'
import t, { type Test } from 'tap'
import { actions } from '../src/actions/index.ts'
import { setUp } from '../src/actions/set-up.ts'
import { startContext } from '../src/actions/start.ts'
import { testDatabase } from './database.ts'
import { type Cable, layCable, noNats } from './nats.ts'
import { gone, type Server, startServer } from './server.ts'
import { EventClient } from './sse.ts'

/** How long signals are taken away, at least; the nightly script takes a minute. */
const lossSeconds = Number(process.env.SIGNALS_LOST_SECONDS ?? 1)

t.setTimeout(300_000 + lossSeconds * 5_000)

/** CERT.br publishes, CSIRT.cl reads, both in one community. @returns API keys */
async function enrol(url: string) {
  const context = await startContext({
    database: { url, connections: 2, statementTimeoutMs: 30_000 },
    clock: () => new Date(),
    log: { info: () => {}, warn: () => {}, error: () => {} },
    version: 'test',
  })
  const { accounts } = await setUp(context, {
    organisation: { id: 'cert-br', name: 'CERT.br', kind: 'national-cert', jurisdiction: 'BR' },
  })
  const as = (n: number) => actions.authenticate(context, { authorization: `Bearer ${accounts[n]?.apiKey}` })
  const [admin, officer] = [await as(0), await as(1)]
  await actions['enrol-organisation'](context, admin, {
    id: 'csirt-cl',
    name: 'CSIRT',
    kind: 'national-cert',
    jurisdiction: 'BR',
  })
  await actions['create-community'](context, officer, { id: 'lac', name: 'LAC', description: '' })
  for (const organisation of ['cert-br', 'csirt-cl'])
    await actions['add-member'](context, officer, { community: 'lac', organisation })
  const keyOf = async (id: string, organisation: string, role: 'publisher' | 'reader') => {
    await actions['create-account'](context, admin, { id, organisation, name: id, roles: [role] })
    return (await actions['issue-key'](context, admin, { id, name: 'test' })).secret
  }
  const keys = {
    ana: await keyOf('ana.cert-br', 'cert-br', 'publisher'),
    camila: await keyOf('camila.csirt-cl', 'csirt-cl', 'reader'),
    officer: accounts[1]?.apiKey ?? '',
  }
  await context.close()
  return keys
}

async function ask({ url }: Pick<Server, 'url'>, key: string, method: string, path: string, body?: unknown) {
  const headers = {
    authorization: `Bearer ${key}`,
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
  }
  const answer = await fetch(url + path, {
    method,
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
}

const publish = (server: Pick<Server, 'url'>, key: string, value: string) =>
  ask(server, key, 'POST', '/v1/indicators?tlp=amber&audience=community:lac', { value })

const follower = (server: Server, key: string) =>
  new EventClient({ url: server.url, headers: { authorization: `Bearer ${key}` } })

const values = (client: EventClient): string[] =>
  client.events.map(({ event, data }) => `${event} ${data.indicator?.value ?? ''}`.trim())

/** Three processes on one database, of which one is killed; one follower hears of what all do, once and in order. */
async function threeProcesses(
  t: Test,
  url: string,
  environment: Record<string, string>,
  disturb: Disturbance,
): Promise<void> {
  const keys = await enrol(url)
  const start = () => startServer(t, url, { PUENTE_REQUESTS_PER_MINUTE: '1000000', ...environment })
  const [a, b, c] = await Promise.all([start(), start(), start()])
  if (a === undefined || b === undefined || c === undefined) throw new Error('three were started')
  const camila = await follower(b, keys.camila).open()
  const expected: string[] = []
  const send = async (server: Server) => {
    const value = `n${expected.length}.example.com`
    await publish(server, keys.ana, value)
    expected.push(`published ${value}`)
  }
  const arrived = () => camila.until(({ events }) => events.length >= expected.length, 'what was published')
  for (let n = 0; n < 20; n++) await send(n % 2 === 0 ? a : c)
  await arrived()
  c.child.kill('SIGKILL')
  for (let n = 0; n < 10; n++) await send(a)
  await gone(c.child)
  await arrived()
  t.strictSame(values(camila), expected, 'each once, in the order in which they were acknowledged')

  await disturb(async () => {
    const began = performance.now()
    do {
      for (let n = 0; n < 5; n++) await send(a)
      await arrived()
    } while (performance.now() - began < lossSeconds * 1_000)
  })
  t.strictSame(values(camila), expected, 'nothing is missed while no signal comes')

  const began = performance.now()
  await ask(a, keys.officer, 'DELETE', '/v1/communities/lac/members/csirt-cl')
  await camila.until(({ events }) => events.length >= 2 * expected.length, 'what was withdrawn')
  t.comment(`withdrawn by another process in ${Math.round(performance.now() - began)} ms`)
  t.ok(camila.events.slice(expected.length).every(({ event }) => event === 'withdrawn'))
  const page = await fetch(`${b.url}/v1/indicators`, { headers: { authorization: `Bearer ${keys.camila}` } })
  t.strictSame(((await page.json()) as { items: unknown[] }).items, [], 'pages of the other process agree')
  camila.cut()
}

/** Cuts every connection that listens, again and again. */
async function cutSignals(client: pg.Client, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    await client.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'puente signals'`,
    )
    await setTimeout(50)
  }
}

/** Takes the signals away while something is done, and gives them back. */
type Disturbance = (meanwhile: () => Promise<void>) => Promise<void>

t.test('three processes told by PostgreSQL: one is killed, and the connections that listen are cut', async (t) => {
  const url = await testDatabase(t)
  await threeProcesses(t, url, {}, async (meanwhile) => {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    const over = new AbortController()
    const cutting = cutSignals(client, over.signal)
    await meanwhile()
    over.abort()
    await cutting
    await client.end()
  })
})

t.test(
  'three processes told by NATS: one is killed, and NATS goes away and comes back',
  { skip: noNats },
  async (t) => {
    const cable: Cable = await layCable()
    t.teardown(() => cable.close())
    await threeProcesses(t, await testDatabase(t), { NATS_URL: cable.url }, async (meanwhile) => {
      cable.cut()
      await meanwhile()
      cable.heal()
      await meanwhile()
    })
  },
)

t.test('several processes behind one port: one that dies is started again, and all end together', async (t) => {
  const url = await testDatabase(t)
  const keys = await enrol(url)
  const child = spawn(process.execPath, ['bin/puente.js', 'serve', '--processes', '3'], {
    env: { ...process.env, DATABASE_URL: url, PUENTE_PORT: '0', PUENTE_METRICS_PORT: '0' },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  const log = new ChildLog(child.stderr)
  const metrics = /"metrics":"(http:[^"]+)"/.exec(await log.says(/metrics are answered/))?.[1] ?? ''
  const pids: number[] = []
  const another = async () => {
    const pid = Number(/"pid":(\d+)/.exec(await log.says(/a process answers/))?.[1])
    pids.push(pid)
    return pid
  }
  for (let n = 0; n < 3; n++) await another()
  const address = /"url":"(http:[^"]+)"/.exec(await log.says(/the node answers/))?.[1] ?? ''
  process.kill(pids[0] ?? 0, 'SIGKILL')
  await log.says(/another is started/)
  process.kill(await another(), 0)
  for (let n = 0; n < 10; n++) await publish({ url: address }, keys.ana, `n${n}.example.com`)
  const text = await (await fetch(metrics)).text()
  t.match(text, /^puente_records_total\{outcome="accepted"\} 10$/m, 'added up')
  t.match(text, /^puente_feed_position 10$/m, 'of the node, once')
  t.match(text, /^process_cpu_seconds_total /m)
  child.kill('SIGTERM')
  await gone(child)
  t.equal(child.exitCode, 0)
  for (const pid of pids) t.throws(() => process.kill(pid, 0), { code: 'ESRCH' }, 'nothing is left')
})

/** What a process writes, line by line; each line is taken once. */
class ChildLog {
  readonly #lines: AsyncIterator<string>

  constructor(stream: NodeJS.ReadableStream) {
    this.#lines = createInterface({ input: stream })[Symbol.asyncIterator]()
  }

  /** The next line of which something holds; those before it are dropped. */
  async says(what: RegExp): Promise<string> {
    for (;;) {
      const { value, done } = await this.#lines.next()
      if (done === true) throw new Error(`the process ended before it said ${what}`)
      if (what.test(value)) return value
    }
  }
}
