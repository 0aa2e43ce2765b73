import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { migrate } from '../../src/store/migrate.ts'
import { enrolPublisher, gone, startServer } from '../server.ts'
import { audit, startLoad } from './load.ts'
import { ownPostgres } from './postgres.ts'

/** Rounds: 5, or `CRASH_ROUNDS`. */
const rounds = Number(process.env.CRASH_ROUNDS ?? 5)

t.setTimeout(60_000 + rounds * 20_000)

const skip = process.platform === 'linux' ? false : 'processes are found in /proc'

t.test(
  `kill -9 of PostgreSQL under load, ${rounds} times: 503 meanwhile, and the node goes on by itself`,
  { skip },
  async (t) => {
    const postgres = await ownPostgres(t)
    await migrate(postgres.url, 'migrations')
    const key = await enrolPublisher(postgres.url)
    const server = await startServer(t, postgres.url, { PUENTE_REQUESTS_PER_MINUTE: '1000000' })
    const load = startLoad(() => server.url, key)
    for (let round = 0; round < rounds; round++) {
      const before = load.told.values.size
      await sleep(200 + Math.random() * 800)
      while (load.told.values.size === before) await sleep(10)
      await postgres.kill()
      await whileAway(t, server.url, key)
      await postgres.start()
    }
    const before = load.told.values.size
    while (load.told.values.size === before) await sleep(10)
    await load.stop()
    const { told } = load
    t.comment(`answers by status: ${JSON.stringify([...told.answers])}`)
    t.strictSame(told.wrong.slice(0, 10), [], 'no other answers than good ones and 503 with Retry-After')
    t.equal(told.answers.get(0) ?? 0, 0, 'every request was answered')
    t.ok(told.revised.length > 0 && told.recalled.size > 0, 'there were revisions and recalls')
    t.equal(server.child.exitCode, null, 'it is the same process')
    server.child.kill('SIGTERM')
    await gone(server.child)
    await audit(t, postgres.url, told)
  },
)

/** Every door, while there is no database: 503 with Retry-After, in its own form; the process says that it lives. */
async function whileAway(t: Test, url: string, key: string): Promise<void> {
  const authorization = `Bearer ${key}`
  const json = { authorization, 'content-type': 'application/json' }
  const doors: readonly (readonly [name: string, path: string, init: RequestInit])[] = [
    ['page', '/v1/indicators', { headers: { authorization } }],
    ['public page', '/v1/indicators', {}],
    ['one', '/v1/indicators/indicator--11111111-1111-4111-8111-111111111111', { headers: { authorization } }],
    ['push', '/v1/indicators?tlp=green', { method: 'POST', headers: json, body: '{"value":"192.0.2.1"}' }],
    ['look-up', '/v1/lookup', { method: 'POST', headers: json, body: '{"values":["192.0.2.1"]}' }],
    ['directory', '/v1/organisations', { headers: { authorization } }],
    ['graphql', '/graphql', { method: 'POST', headers: json, body: '{"query":"{ me { operator } }"}' }],
    ['ready', '/readyz', {}],
  ]
  const found: string[] = []
  for (const [name, path, init] of doors) {
    const answer = await fetch(`${url}${path}`, init)
    const text = await answer.text()
    if (answer.status !== 503 || answer.headers.get('retry-after') === null || !text.includes('"unavailable"')) {
      found.push(`${name}: ${answer.status} ${text.slice(0, 200)}`)
    }
  }
  const alive = await fetch(`${url}/healthz`)
  if (alive.status !== 200) found.push(`healthz: ${alive.status}`)
  t.strictSame(found, [], 'every door says 503, and that it lives')
}
