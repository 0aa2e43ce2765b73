import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { testDatabase } from '../database.ts'
import { enrolPublisher, gone, startServer } from '../server.ts'
import { audit, startLoad } from './load.ts'

/** Rounds: 5, or `CRASH_ROUNDS`. */
const rounds = Number(process.env.CRASH_ROUNDS ?? 5)

t.setTimeout(60_000 + rounds * 20_000)

t.test(
  `kill -9 of the server under load, ${rounds} times: nothing acknowledged is lost, nothing doubled`,
  async (t) => {
    const url = await testDatabase(t)
    const key = await enrolPublisher(url)
    let server = await startServer(t, url, { PUENTE_REQUESTS_PER_MINUTE: '1000000' })
    const load = startLoad(() => server.url, key)
    for (let round = 0; round < rounds; round++) {
      const before = load.told.values.size
      await sleep(200 + Math.random() * 800)
      while (load.told.values.size === before) await sleep(10)
      server.child.kill('SIGKILL')
      await gone(server.child)
      server = await startServer(t, url, { PUENTE_REQUESTS_PER_MINUTE: '1000000' })
    }
    await sleep(300)
    await load.stop()
    const { told } = load
    t.comment(`answers by status: ${JSON.stringify([...told.answers])}`)
    t.strictSame(told.wrong.slice(0, 10), [], 'no other answers than good ones and 503')
    t.ok(told.revised.length > 0 && told.recalled.size > 0, 'there were revisions and recalls')
    server.child.kill('SIGTERM')
    await gone(server.child)
    await audit(t, url, told)
  },
)
