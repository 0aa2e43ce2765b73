import type { AddressInfo } from 'node:net'
import { connect, createServer, type Socket } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import pg from 'pg'
import t, { type Test } from 'tap'
import { Database } from '../../src/store/database.ts'
import { testDatabase } from '../database.ts'

const open = (t: Test, url: string): Database => {
  const database = new Database({ url, connections: 1, statementTimeoutMs: 30_000, onIdleError: () => {} })
  t.teardown(() => database.close())
  return database
}

/** A way to a database whose answers can be kept back, and then come all at once. */
async function gate(t: Test, url: string) {
  const target = new URL(url)
  const server = createServer((client) => {
    const there =
      target.searchParams.get('host') === null
        ? connect(Number(target.port || 5432), target.hostname)
        : connect(`${target.searchParams.get('host')}/.s.PGSQL.${target.port || 5432}`)
    made.client = client
    client.on('data', (bytes) => there.write(bytes))
    for (const socket of [client, there]) socket.on('error', () => {})
    there.on('data', (bytes: Buffer) => (made.kept === undefined ? client.write(bytes) : made.kept.push(bytes)))
    t.teardown(() => there.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const through = new URL(url)
  through.searchParams.delete('host')
  through.hostname = '127.0.0.1'
  through.port = String((server.address() as AddressInfo).port)
  const made: { url: string; client?: Socket; kept?: Buffer[] } = { url: through.href }
  return made
}

t.test('a connection that ends right behind an answer ends no more than itself', async (t) => {
  const url = await testDatabase(t)
  const way = await gate(t, url)
  const database = open(t, way.url)
  const { rows } = await database.client.query<{ pid: number }>('select pg_backend_pid() as pid')
  way.kept = []
  const answered = database.client.query('select 1 as one')
  const waits = database.transaction(async ({ client }) => {
    await client.query('select 1')
  })
  waits.catch(() => {})
  await setTimeout(100)
  const other = new pg.Client({ connectionString: url })
  await other.connect()
  t.teardown(() => other.end())
  await other.query('select pg_terminate_backend($1)', [rows[0]?.pid])
  while (!Buffer.concat(way.kept).includes('57P01')) await setTimeout(10)
  way.client?.write(Buffer.concat(way.kept))
  way.client?.end()
  delete way.kept
  t.equal((await answered).rowCount, 1)
  await t.rejects(waits)
  t.equal((await database.client.query('select 1')).rowCount, 1, 'the next one has another connection')
})

t.test('of what is sent together nothing holds when a part of it fails on this side', async (t) => {
  const database = open(t, await testDatabase(t))
  await database.client.query('create table kept (n integer unique)')
  const numbers = async () => (await database.client.query<{ n: number }>('select n from kept order by n')).rows
  const failing = async () => {
    await null
    throw new RangeError('no value of its type')
  }
  await t.rejects(
    database.sendTogether(
      async ({ client }) => void (await client.query('insert into kept values (1)')),
      ({ client }) => [client.query('insert into kept values (2)'), failing()],
    ),
    { message: 'no value of its type' },
  )
  t.strictSame(await numbers(), [])
  await t.rejects(
    database.sendTogether(
      async ({ client }) => void (await client.query('insert into kept values (1)')),
      ({ client }) => [client.query('insert into kept values (1)'), client.query('insert into kept values (2)')],
    ),
    { code: '23505' },
  )
  t.strictSame(await numbers(), [], 'nor when it fails there')
  await database.sendTogether(
    async ({ client }) => void (await client.query('insert into kept values (1)')),
    ({ client }) => [client.query('insert into kept values (2)')],
  )
  t.strictSame(await numbers(), [{ n: 1 }, { n: 2 }])
})
