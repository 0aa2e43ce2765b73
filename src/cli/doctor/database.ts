import { existsSync, readdirSync } from 'node:fs'
import path from 'node:path'
import type { Log } from '../../actions/index.ts'
import type { Config, Secrets } from '../../config.ts'
import { dataFolderOf, openDatabase, projectFolder } from '../../main.ts'
import { Database } from '../../store/database.ts'
import { clusterName } from '../../store/embedded/cluster.ts'
import { AlreadyRunning } from '../../store/embedded/postmaster.ts'
import { notStarted } from '../commands/serve.ts'
import { type Finding, found } from './checks.ts'

/** PostgreSQL 15: what the statements need. */
const oldestServer = 150_000
/** Beyond this, expiry and agreements would begin and end at visibly different times. */
const clockSkewMs = 5_000

/** What the database says of itself. Nothing is made or changed: an embedded one that does not exist yet stays so. */
export async function databaseChecks(config: Config, secrets: Secrets, log: Log): Promise<Finding[]> {
  const dataFolder = dataFolderOf(config)
  if (secrets.databaseUrl === undefined && !existsSync(path.join(dataFolder, clusterName))) {
    return [
      found('database', 'ok', 'the first start of the node makes it'),
      missingOperator('there is no database yet'),
    ]
  }
  let opened: Awaited<ReturnType<typeof openDatabase>>
  try {
    opened = await openDatabase(secrets, { dataFolder, durable: true }, log)
  } catch (error) {
    const state = error instanceof AlreadyRunning ? 'warn' : 'fail'
    const advice = error instanceof AlreadyRunning ? '; its own log says more, and /readyz whether it answers' : ''
    return [found('database', state, notStarted(error) + advice)]
  }
  const options = { connections: 2, statementTimeoutMs: 10_000, onIdleError: () => {} }
  const database = new Database({ url: opened.url, ...options })
  try {
    return await inspect(database)
  } catch (error) {
    return [found('database', 'fail', `it cannot be reached: ${notStarted(error)}`)]
  } finally {
    await database.close()
    await opened.stop()
  }
}

async function inspect({ client }: Database): Promise<Finding[]> {
  const { rows } = await client.query<{ number: number; version: string; now: Date; schema: string | null }>(
    `select current_setting('server_version_num')::int as number, current_setting('server_version') as version,
       clock_timestamp() as now, to_regclass('migration')::text as schema`,
  )
  const [server] = rows
  if (server === undefined) return [found('database', 'fail', 'it answers nothing')]
  const version =
    server.number >= oldestServer
      ? found('database', 'ok', `PostgreSQL ${server.version} answers`)
      : found('database', 'fail', `PostgreSQL ${server.version}, and Puente needs 15 or later`)
  if (server.schema === null) {
    return [
      version,
      clock(server.now),
      found('schema', 'ok', 'none yet: serve or migrate makes it'),
      missingOperator('the database is empty'),
    ]
  }
  const applied = await client.query<{ name: string }>('select name from migration order by name')
  const schema = schemaOf(applied.rows.map(({ name }) => name))
  return [
    version,
    clock(server.now),
    schema,
    ...(schema.state === 'ok' ? [await operatorOf({ client }), await peersOf({ client })] : []),
  ]
}

function schemaOf(applied: readonly string[]): Finding {
  const known = readdirSync(path.join(projectFolder, 'migrations')).filter((name) => name.endsWith('.sql'))
  const stranger = applied.find((name) => !known.includes(name))
  if (stranger !== undefined) return found('schema', 'fail', `a newer Puente was here: it has ${stranger}`)
  const missing = known.filter((name) => !applied.includes(name))
  if (missing.length === 0) return found('schema', 'ok', `${applied.length} migrations applied`)
  return found('schema', 'warn', `serve or migrate will apply ${missing.join(', ')}`)
}

function clock(now: Date): Finding {
  const skew = Math.abs(Date.now() - now.getTime())
  if (skew > clockSkewMs) {
    return found(
      'clock',
      'warn',
      `this machine and the database differ by ${Math.round(skew / 1000)} s: use NTP on both`,
    )
  }
  return found('clock', 'ok', `${new Date().toISOString()}, the database agrees`)
}

async function operatorOf({ client }: Pick<Database, 'client'>): Promise<Finding> {
  const { rows } = await client.query<{ operator: string | null }>('select operator from node')
  const operator = rows[0]?.operator ?? null
  return operator === null ? missingOperator('nobody operates this node yet') : found('operator', 'ok', operator)
}

const missingOperator = (why: string): Finding => found('operator', 'warn', `${why}: puente setup names one`)

/** Whether what peers signed of their logs holds together, and whether they are heard of. */
async function peersOf({ client }: Pick<Database, 'client'>): Promise<Finding> {
  const { rows } = await client.query<{ active: number; found: string[] | null; stale: string[] | null }>(
    `select (select count(*) from peer where state = 'active')::int as active,
       (select array_agg(distinct coalesce(p.name, 'this node')) from peer_finding f left join peer p on p.id = f.node
         where f.settled_at is null) as found,
       (select array_agg(p.name) from peer p where p.state = 'active' and (
         select max(expires_at) from checkpoint c where c.node = p.id) < now()) as stale`,
  )
  const [{ active = 0, found: contradicting = null, stale = null } = {}] = rows
  if (contradicting !== null) {
    const names = contradicting.join(', ')
    return found('peers', 'warn', `logs contradict what was signed of them (${names}): puente peer state says how`)
  }
  if (stale !== null) return found('peers', 'warn', `nothing new was heard of ${stale.join(', ')}`)
  return found('peers', 'ok', active === 0 ? 'none' : `${active} active`)
}
