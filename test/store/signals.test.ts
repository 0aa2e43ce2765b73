import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import pg from 'pg'
import t, { type Test } from 'tap'
import { NatsSignals, streamOf } from '../../src/store/nats-signals.ts'
import { PostgresSignals, type Signal, type Signals } from '../../src/store/signals.ts'
import { testDatabase } from '../database.ts'
import { layCable, noNats } from '../nats.ts'

t.setTimeout(120_000)

/** What one process heard, and a way to wait for it. */
class Ear {
  readonly heard: Signal[] = []
  readonly errors: Error[] = []
  #tell = () => {}
  readonly hear = (signal: Signal) => {
    this.heard.push(signal)
    this.#tell()
  }
  readonly onError = (error: Error) => void this.errors.push(error)

  /** Forgets, does something, and waits until a signal is heard. */
  async hears(signal: Signal, does: () => unknown): Promise<void> {
    this.heard.length = 0
    await does()
    const end = Date.now() + 20_000
    while (!this.heard.includes(signal)) {
      if (Date.now() > end) throw new Error(`${signal} was not heard`)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 1_000)
        this.#tell = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }
}

async function world(t: Test) {
  const url = await testDatabase(t)
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  t.teardown(() => client.end())
  const opened = async (signals: Signals) => {
    t.teardown(() => signals.close())
    await signals.open()
    return signals
  }
  const grow = () => client.query("select pg_notify('puente_feed', '1')")
  const listeners = async () =>
    (
      await client.query<{ pid: number }>(
        `select pid from pg_stat_activity where datname = current_database() and application_name = 'puente signals' and query like 'listen%'`,
      )
    ).rows.map(({ pid }) => pid)
  const move = () => client.query('update organisation set name = name')
  return { url, client, opened, grow, move, listeners }
}

t.test('both signals are heard from PostgreSQL, and all again after the connection broke', async (t) => {
  const { url, client, opened, grow, move, listeners } = await world(t)
  const ear = new Ear()
  await opened(new PostgresSignals(url, ear))
  await ear.hears('feed', grow)
  await ear.hears('policy', move)
  const [pid] = await listeners()
  await ear.hears('policy', () => client.query('select pg_terminate_backend($1)', [pid]))
  t.ok(ear.heard.includes('feed'), 'both, since either may have been missed')
  t.equal(ear.errors.length, 1)
  await ear.hears('feed', grow)
})

t.test('of several that listen alone one does, and another takes over', async (t) => {
  const { url, client, opened, grow, listeners } = await world(t)
  const [first, second] = [new Ear(), new Ear()]
  await opened(new PostgresSignals(url, first, { alone: true }))
  await opened(new PostgresSignals(url, second, { alone: true }))
  const [pid, ...more] = await listeners()
  t.strictSame(more, [])
  await first.hears('feed', grow)
  t.strictSame(second.heard, [])
  await second.hears('policy', () => client.query('select pg_terminate_backend($1)', [pid]))
  await second.hears('feed', grow)
  t.equal((await listeners()).length, 1)
})

t.test('through NATS every process hears what one of them listens to', { skip: noNats }, async (t) => {
  const { url, opened, grow, move, listeners } = await world(t)
  const cable = await layCable()
  t.teardown(() => cable.close())
  const node = randomUUID()
  const [first, second, other] = [new Ear(), new Ear(), new Ear()]
  const relay = await opened(new NatsSignals(cable.url, url, node, first))
  await opened(new NatsSignals(cable.url, url, node, second))
  await opened(new NatsSignals(cable.url, url, randomUUID(), other))
  other.heard.length = 0
  t.equal((await listeners()).length, 1, 'one connection listens')
  await second.hears('feed', grow)
  await first.hears('policy', move)
  t.strictSame(other.heard, [], 'another node at the same NATS hears nothing of it')
  await t.test('the one that listened ends, and the next takes over', async () => {
    await second.hears('policy', () => relay.close())
    await second.hears('feed', grow)
  })
  await t.test('NATS is lost, and comes back', async (t) => {
    const third = new Ear()
    await opened(new NatsSignals(cable.url, url, node, third))
    await third.hears('feed', grow)
    cable.cut()
    await second.hears('feed', grow)
    t.pass('the one that listens hears by itself')
    await third.hears('policy', () => cable.heal())
    t.ok(third.errors.length > 0, 'it was said')
    await third.hears('feed', grow)
  })
})

t.test('a stream that is taken away is made again', { skip: noNats }, async (t) => {
  const { url, opened, grow, move } = await world(t)
  const [first, second] = [new Ear(), new Ear()]
  const node = randomUUID()
  const at = 'nats://127.0.0.1:4222'
  for (const ear of [first, second]) await opened(new NatsSignals(at, url, node, ear))
  await second.hears('feed', grow)
  const connection = await connect({ servers: at })
  const { streams } = await jetstreamManager(connection)
  const before = await streams.names().next()
  const mine = streamOf(node)
  t.ok(before.includes(mine))
  await streams.delete(mine)
  for (const ear of [first, second]) {
    const end = Date.now() + 20_000
    ear.heard.length = 0
    while (!ear.heard.includes('policy') && Date.now() < end) {
      await move()
      await pause(300)
    }
    t.ok(ear.heard.includes('policy'))
  }
  t.ok((await streams.names().next()).includes(mine))
  t.equal(first.errors.length + second.errors.length > 0, true, 'it was said')
  await streams.delete(mine)
  await connection.close()
})

t.test('a NATS that is not there is waited for', async (t) => {
  const { url, opened, grow } = await world(t)
  const ear = new Ear()
  await opened(new NatsSignals('nats://127.0.0.1:9', url, 'nobody', ear))
  t.ok(ear.errors.length > 0, 'it was said')
  await ear.hears('feed', grow)
})
