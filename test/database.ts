import { createHash, randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import pg from 'pg'
import root, { type Test } from 'tap'
import { startThrowAway } from '../src/store/embedded/throw-away.ts'
import { migrate } from '../src/store/migrate.ts'

/**
 * A fresh, migrated database for one test, dropped when the test ends.
 *
 * All test files of a run share the server of TEST_DATABASE_URL (a superuser's), which `npm test` provides. A file
 * run on its own starts a throw-away cluster instead. The migrations run once a server, into a template that is then
 * copied: its files, where the server syncs none (25 ms of processors), else through the log, which is spared two
 * checkpoints (75 ms).
 * @returns its connection url.
 */
export async function testDatabase(t: Test): Promise<string> {
  const admin = await adminUrl()
  const template = await templateDatabase(admin)
  const name = `puente_test_${process.pid}_${randomBytes(6).toString('hex')}`
  await withClient(admin, async (client) => {
    const { rows } = await client.query('SHOW fsync')
    const syncs = rows[0]?.fsync !== 'off'
    await client.query(`CREATE DATABASE ${name} TEMPLATE ${template} STRATEGY ${syncs ? 'WAL_LOG' : 'FILE_COPY'}`)
    // No test kills a server that is not its own: a commit need not wait for the disk.
    if (syncs) await client.query(`ALTER DATABASE ${name} SET synchronous_commit = off`)
  })
  t.teardown(() => withClient(admin, (client) => client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)))
  return databaseUrl(admin, name)
}

/** Tests run at the root of the project. */
const migrationsFolder = path.resolve('migrations')

let ownServer: Promise<string> | undefined
let template: Promise<string> | undefined

function adminUrl(): Promise<string> {
  const given = process.env.TEST_DATABASE_URL
  if (given) return Promise.resolve(given)
  ownServer ??= startThrowAway().then((server) => {
    root.teardown(() => server.stop())
    return server.url
  })
  return ownServer
}

function templateDatabase(admin: string): Promise<string> {
  template ??= withClient(admin, (client) => makeTemplate(client, admin))
  return template
}

/**
 * Makes the template unless it is there. Test files of a run do so at once: the first gets the lock and the others
 * wait. A template is complete when it is marked as one, so that a run killed while migrating leaves nothing behind
 * that would be used.
 */
async function makeTemplate(client: pg.Client, admin: string): Promise<string> {
  const name = `puente_template_${digestOfFolder(migrationsFolder)}`
  await client.query(`SELECT pg_advisory_lock(hashtext('puente_template'))`)
  const complete = await client.query('SELECT FROM pg_database WHERE datname = $1 AND datistemplate', [name])
  if (complete.rowCount === 1) return name
  await client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
  await client.query(`CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'UTF8'`)
  try {
    await migrate(databaseUrl(admin, name), migrationsFolder)
  } catch (error) {
    await client.query(`DROP DATABASE ${name} WITH (FORCE)`)
    throw error
  }
  await client.query(`ALTER DATABASE ${name} WITH IS_TEMPLATE true ALLOW_CONNECTIONS false`)
  return name
}

/** Changes with any name or byte below the folder. */
function digestOfFolder(folder: string): string {
  const digest = createHash('sha256')
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name))
  for (const file of files.sort()) {
    digest
      .update(`${path.relative(folder, file)}\0`)
      .update(readFileSync(file))
      .update('\0')
  }
  return digest.digest('hex').slice(0, 16)
}

function databaseUrl(admin: string, name: string): string {
  const url = new URL(admin)
  url.pathname = `/${name}`
  return url.href
}

/** The lock of {@link makeTemplate} ends with the connection. */
async function withClient<Result>(url: string, use: (client: pg.Client) => Promise<Result>): Promise<Result> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await use(client)
  } finally {
    await client.end()
  }
}
