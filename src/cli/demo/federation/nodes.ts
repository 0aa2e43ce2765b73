import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Log } from '../../../actions/index.ts'
import { type SetUp, setUp } from '../../../actions/set-up.ts'
import type { Config } from '../../../config.ts'
import { migrateDatabase, openContext, openDatabase, projectFolder } from '../../../main.ts'
import { createDatabase } from '../../../store/embedded/more-databases.ts'
import { freshFolder } from '../node.ts'
import { type Country, countries } from './cast.ts'
import { WayIn } from './link.ts'

/** A node of the demo: a process of `puente serve`, with a database of its own. */
export interface CountryNode {
  readonly country: Country
  /** Where peers reach it; clients too. */
  readonly url: string
  readonly wayIn: WayIn
  /** Of its operator. */
  readonly offices: SetUp['accounts']
}

export interface CountryNodes {
  readonly nodes: readonly CountryNode[]
  readonly folder: string
  stop(): Promise<void>
}

/**
 * Three nodes, each a process of its own, on three databases of one embedded PostgreSQL: three servers would take a small machine half
 * a minute more. All is removed when they stop, and a node ends with this process.
 */
export async function startCountryNodes(config: Config, log: Log): Promise<CountryNodes> {
  const folder = freshFolder(config)
  const undo: (() => unknown)[] = [() => rm(folder, { recursive: true, force: true })]
  const stop = async () => {
    for (const step of undo.splice(0).reverse()) await step()
  }
  try {
    const database = await openDatabase(
      { databaseUrl: undefined, natsUrl: undefined },
      { dataFolder: folder, durable: false },
      log,
    )
    undo.push(() => database.stop())
    const children: ChildProcess[] = []
    undo.push(() => Promise.all(children.map(ended)))
    const start = async (country: Country): Promise<CountryNode> => {
      const url = await createDatabase(database.url, `puente_${country.team.jurisdiction.toLowerCase()}`)
      const wayIn = new WayIn()
      undo.push(() => wayIn.close())
      const reachedAt = await wayIn.open()
      const { accounts: offices } = await setUpNode(country, url, config, log)
      const child = serve(url, reachedAt)
      children.push(child)
      wayIn.leadTo(await portOf(child, country))
      return { country, url: reachedAt, wayIn, offices }
    }
    // One that fails is told when the others have begun: what begins behind a stop would live on.
    const started = await Promise.allSettled(countries.map(start))
    const nodes = started.map((each) => {
      if (each.status === 'rejected') throw each.reason
      return each.value
    })
    return { nodes, folder, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function setUpNode({ team }: Country, url: string, config: Config, log: Log): Promise<SetUp> {
  const database = { url, embedded: false, stop: async () => {} }
  await migrateDatabase(database)
  const context = await openContext(database, { ...config, databaseConnections: 2 }, log)
  try {
    const { id, name, kind, jurisdiction } = team
    return await setUp(context, { organisation: { id, name, kind, jurisdiction } })
  } finally {
    await context.close()
  }
}

function serve(databaseUrl: string, issuer: string): ChildProcess {
  const preload = fileURLToPath(new URL('./with-parent.js', import.meta.url))
  return spawn(
    process.execPath,
    ['--import', preload, path.join(projectFolder, 'bin', 'puente.js'), 'serve', '--host', '127.0.0.1', '--port', '0'],
    {
      env: {
        DATABASE_URL: databaseUrl,
        PUENTE_ISSUER: issuer,
        PUENTE_PRIVATE_HOSTS: '127.0.0.1',
        PUENTE_DATABASE_CONNECTIONS: '10',
        PUENTE_REQUESTS_PER_MINUTE: '100000',
        PUENTE_LOG_LEVEL: 'error',
      },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    },
  )
}

/** Where a node answers, once it does. */
async function portOf(child: ChildProcess, { name }: Country): Promise<number> {
  const told = once(child, 'message').then(([message]) => (message as { url: string }).url)
  const url = await Promise.race([told, once(child, 'exit').then(() => undefined)])
  if (url === undefined) throw new Error(`the node of ${name} did not start`)
  return Number(new URL(url).port)
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill('SIGTERM')
  const late = setTimeout(() => child.kill('SIGKILL'), 5_000)
  await exit
  clearTimeout(late)
}
