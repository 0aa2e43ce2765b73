import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { testDatabase } from '../database.ts'
import { freshAddress } from '../node.ts'
import { enrolPublisher, gone, type Server, startServer } from '../server.ts'
import { Receiver, verifies } from '../webhooks.ts'

/** Rounds: 5, or `CRASH_ROUNDS`. */
const rounds = Number(process.env.CRASH_ROUNDS ?? 5)

t.setTimeout(120_000 + rounds * 30_000)

t.test(
  `kill -9 while it sends, ${rounds} times, of two processes in turn: nothing is lost, and what comes again is known`,
  async (t) => {
    const database = await testDatabase(t)
    const key = await enrolPublisher(database)
    const endpoint = await Receiver.start(t)
    const { host } = new URL(endpoint.url)
    const start = () => startServer(t, database, { PUENTE_PRIVATE_HOSTS: host, PUENTE_REQUESTS_PER_MINUTE: '1000000' })
    const servers: [Server, Server] = [await start(), await start()]
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
    const post = async (server: Server, path: string, body: object) => {
      const answer = await fetch(server.url + path, { method: 'POST', headers, body: JSON.stringify(body) })
      if (answer.status >= 300) throw new Error(await answer.text())
      return (await answer.json()) as { secret: string }
    }
    // Deliveries take a moment, so that a kill meets one under way.
    endpoint.reply = () => ({ status: 204, after: sleep(15) })
    const { secret } = await post(servers[0], '/v1/subscriptions', { name: 'crash', url: endpoint.url, batch: 3 })
    const published: string[] = []
    const publish = async (server: Server, count: number) => {
      const values = Array.from({ length: count }, (_, n) => freshAddress(published.length + n + 1))
      await post(
        server,
        '/v1/indicators?tlp=green',
        values.map((value) => ({ value })),
      )
      published.push(...values)
    }
    for (let round = 0; round < rounds; round++) {
      const at = round % 2
      const [victim, other] = at === 0 ? servers : [servers[1], servers[0]]
      const before = endpoint.got.length
      await publish(other, 60)
      await endpoint.until(before + 1 + Math.floor(Math.random() * 10))
      victim.child.kill('SIGKILL')
      await gone(victim.child)
      await publish(other, 10)
      servers[at] = await start()
    }
    const values = () => endpoint.items.flatMap(({ indicator }) => indicator?.value ?? [])
    for (const until = Date.now() + 60_000; Date.now() < until && new Set(values()).size < published.length; ) {
      await sleep(50)
    }
    const first = new Map<string, string>()
    for (const { id, text } of endpoint.got) {
      t.equal(first.get(id) ?? text, text, 'one id is one delivery')
      first.set(id, text)
    }
    const told = [...first.values()].flatMap((text) =>
      JSON.parse(text).data.changes.map((each: { indicator: { value: string } }) => each.indicator.value),
    )
    t.strictSame(told, published, 'by their ids: everything, once, in order')
    t.ok(endpoint.got.every((each) => verifies(secret, each)))
    t.comment(`${endpoint.got.length - first.size} of ${endpoint.got.length} deliveries came again`)
  },
)
