import { Readable } from 'node:stream'
import { sql } from 'drizzle-orm'
import { Client } from 'pg'
import t, { type Test } from 'tap'
import { openLog } from '../src/cli/log.ts'
import { run, type World } from '../src/cli/main.ts'
import { readConfig } from '../src/config.ts'
import { Database } from '../src/store/database.ts'
import { testDatabase } from './database.ts'

/** A database after somebody's statement, and what a command says at it. */
async function said(t: Test, statement: string, argv: readonly string[]): Promise<{ code: number; err: string }> {
  const url = await testDatabase(t)
  const client = new Client({ connectionString: url })
  await client.connect()
  await client.query(statement)
  await client.end()
  const err: string[] = []
  const world = (): World => ({
    ...readConfig({ DATABASE_URL: url }),
    stdin: Readable.from([]),
    terminal: { out: false, err: false },
    print: () => {},
    say: (line) => void err.push(line),
  })
  return { code: await run(argv, world), err: err.join('\n') }
}

t.test('a database that was never set up is named as one, whatever is asked at the machine', async (t) => {
  for (const argv of [
    ['audit', 'verify'],
    ['audit', 'verify', '--peers'],
  ]) {
    const { code, err } = await said(t, 'drop schema public cascade; create schema public', argv)
    t.equal(code, 3, argv.join(' '))
    t.equal(err, 'puente: The database was never set up: `puente setup` does that.')
  }
})

t.test('of a statement that failed its values are not told', async (t) => {
  const { code, err } = await said(t, 'alter table node rename column mask_key to other_key', ['audit', 'verify'])
  t.equal(code, 3)
  t.match(err, /Failed query: .*mask_key.*column "mask_key" does not exist/s)
  t.notMatch(err, /params/)
})

t.test('nor in the log', async (t) => {
  const database = new Database({
    ...{ url: await testDatabase(t), connections: 1, statementTimeoutMs: 10_000 },
    onIdleError: () => {},
  })
  t.teardown(() => database.close())
  const lines: string[] = []
  const log = openLog('info', (line) => void lines.push(line))
  await database.db
    .execute(sql`select ${'hunter2'}::text from nowhere`)
    .catch((error: unknown) => log.error({ error }, 'it failed'))
  const [line = ''] = lines
  t.match(JSON.parse(line), {
    message: 'it failed',
    error: { message: /^Failed query: select \$1::text from nowhere/ },
  })
  t.match(line, 'relation \\"nowhere\\" does not exist', 'the reason stands under it')
  t.notMatch(line, 'hunter2')
})
