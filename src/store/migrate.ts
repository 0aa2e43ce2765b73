import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Client } from 'pg'

/** Any number that only Puente's migrations use. */
const lockKey = 7_834_683

/**
 * Brings a database to the newest schema: each file of `folder` (`0001_name.sql`) once, in order, in its own transaction.
 * @param url connection string of the database
 * @returns the names of the migrations applied now
 * @throws when an applied file was changed since, or the database is newer than these files
 */
export async function migrate(url: string, folder: string): Promise<string[]> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    await client.query('select pg_advisory_lock($1)', [lockKey])
    await client.query(
      'create table if not exists migration (name text primary key, digest text not null, at timestamptz not null default now())',
    )
    return await applyNew(client, folder)
  } finally {
    await client.end()
  }
}

async function applyNew(client: Client, folder: string): Promise<string[]> {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort()
  const { rows } = await client.query<{ name: string; digest: string }>(
    'select name, digest from migration order by name',
  )
  const applied = new Map(rows.map((row) => [row.name, row.digest]))
  const stranger = rows.find((row) => !files.includes(row.name))
  if (stranger !== undefined)
    throw new Error(`the database has the migration ${stranger.name}, which this version does not know`)
  const now: string[] = []
  for (const name of files) {
    const sql = await readFile(join(folder, name), 'utf8')
    const digest = createHash('sha256').update(sql).digest('hex')
    const before = applied.get(name)
    if (before === digest) continue
    if (before !== undefined) throw new Error(`the migration ${name} was changed after it was applied`)
    await apply(client, name, sql, digest)
    now.push(name)
  }
  return now
}

async function apply(client: Client, name: string, sql: string, digest: string): Promise<void> {
  await client.query('begin')
  try {
    await client.query(sql)
    await client.query('insert into migration (name, digest) values ($1, $2)', [name, digest])
    await client.query('commit')
  } catch (error) {
    await client.query('rollback')
    throw new Error(`the migration ${name} failed`, { cause: error })
  }
}
