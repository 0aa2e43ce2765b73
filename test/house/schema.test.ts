import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { getTableColumns, getTableName, is } from 'drizzle-orm'
import { PgTable } from 'drizzle-orm/pg-core'
import pg from 'pg'
import t from 'tap'
import { migrate } from '../../src/store/migrate.ts'
import * as account from '../../src/store/tables/account.ts'
import * as directory from '../../src/store/tables/directory.ts'
import * as federation from '../../src/store/tables/federation.ts'
import * as log from '../../src/store/tables/log.ts'
import * as peers from '../../src/store/tables/peers.ts'
import * as tokens from '../../src/store/tables/tokens.ts'
import * as webhooks from '../../src/store/tables/webhooks.ts'
import { testDatabase } from '../database.ts'

const dumpFile = 'migrations/schema.txt'

/** The schema as the catalog has it, one fact a line; the same on every PostgreSQL from 15 on. */
async function dump(url: string): Promise<string> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const queries = [
      `select format('column %s.%s %s%s%s', c.table_name, c.column_name, c.udt_name,
         case c.is_nullable when 'NO' then ' not null' else '' end, coalesce(' default ' || c.column_default, ''))
       from information_schema.columns c where c.table_schema = 'public' order by c.table_name, c.ordinal_position`,
      `select format('constraint %s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
       from pg_constraint where connamespace = 'public'::regnamespace and contype <> 'n' and conparentid = 0 order by 1`,
      `select format('index %s', pg_get_indexdef(indexrelid)) from pg_index
       where indrelid in (select oid from pg_class where relnamespace = 'public'::regnamespace) order by 1`,
      `select format('trigger %s', pg_get_triggerdef(oid)) from pg_trigger where not tgisinternal and tgparentid = 0 order by 1`,
      `select format('function %s %s', proname, md5(prosrc)) from pg_proc where pronamespace = 'public'::regnamespace order by 1`,
    ]
    const parts: string[] = []
    for (const query of queries) {
      const { rows } = await client.query<{ format: string }>(query)
      parts.push(...rows.map((row) => row.format))
    }
    return `${parts.join('\n')}\n`
  } finally {
    await client.end()
  }
}

t.test('the migrations make exactly the schema that is written down', async (t) => {
  const now = await dump(await testDatabase(t))
  if (process.argv.includes('--write') || !existsSync(dumpFile)) writeFileSync(dumpFile, now)
  t.equal(now, readFileSync(dumpFile, 'utf8'), `run "node dist/test/house/schema.test.js --write" after a migration`)
})

t.test('migrating again changes nothing', async (t) => {
  const url = await testDatabase(t)
  t.strictSame(await migrate(url, 'migrations'), [])
})

t.test('each table of the code has the columns of the database', async (t) => {
  const client = new pg.Client({ connectionString: await testDatabase(t) })
  await client.connect()
  const tables = Object.values({
    ...account,
    ...directory,
    ...federation,
    ...log,
    ...peers,
    ...tokens,
    ...webhooks,
  }).filter((each) => is(each, PgTable)) as PgTable[]
  t.ok(tables.length >= 15)
  for (const table of tables) {
    const { rows } = await client.query<{ column_name: string; is_nullable: string }>(
      "select column_name, is_nullable from information_schema.columns where table_schema = 'public' and table_name = $1",
      [getTableName(table)],
    )
    const columns = new Map(rows.map((row) => [row.column_name, row.is_nullable === 'NO']))
    for (const column of Object.values(getTableColumns(table))) {
      t.equal(columns.get(column.name), column.notNull, `${getTableName(table)}.${column.name}`)
    }
  }
  await client.end()
})

t.test('agreements are ended and never edited, audit leaves are append-only', async (t) => {
  const client = new pg.Client({ connectionString: await testDatabase(t) })
  await client.connect()
  await client.query(
    `insert into agreement (id, name, parties, max_tlp, purposes, personal_data, valid_from, citation)
     values ('a', 'A', '{BR,CL}', 'amber', '{defence}', false, '2026-01-01', 'x')`,
  )
  await t.rejects(client.query("update agreement set max_tlp = 'red'"), { code: 'PU001' })
  await t.rejects(client.query('delete from agreement'), { code: 'PU001' })
  await client.query("update agreement set valid_to = '2027-01-01'")
  await t.rejects(client.query("update agreement set valid_to = '2028-01-01'"), { code: 'PU001' })
  await t.rejects(client.query('update agreement set valid_to = null'), { code: 'PU001' })
  await client.query("insert into audit_leaf (at, action, decision, leaf) values (now(), 'read', 'permit', '{}')")
  await t.rejects(client.query('update audit_leaf set leaf = \'{"a":1}\''), { code: 'PU002' })
  await t.rejects(client.query('delete from audit_leaf'), { code: 'PU002' })
  await client.end()
})

t.test('what indicators refer to without a foreign key stays, under its id', async (t) => {
  const client = new pg.Client({ connectionString: await testDatabase(t) })
  await client.connect()
  await client.query("insert into organisation (id, name, kind, jurisdiction) values ('a', 'A', 'national-cert', 'BR')")
  await t.rejects(client.query("delete from organisation where id = 'a'"), { code: 'PU002' })
  await t.rejects(client.query("update organisation set id = 'b'"), { code: 'PU002' })
  await t.rejects(client.query('truncate organisation cascade'), { code: 'PU002' })
  await t.rejects(client.query('truncate handling cascade'), { code: 'PU002' })
  await client.query("update organisation set name = 'B', disabled_at = now()")
  await client.end()
})
