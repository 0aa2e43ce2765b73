import { once } from 'node:events'
import { Client } from 'pg'
import type { Test } from 'tap'
import { setUp } from '../../src/actions/set-up.ts'
import { startContext } from '../../src/actions/start.ts'
import { type Country, countries } from '../../src/cli/demo/federation/cast.ts'
import { type Enrolled, enrolPeer, fillDirectory } from '../../src/cli/demo/federation/enrol.ts'
import { WayIn } from '../../src/cli/demo/federation/link.ts'
import { testDatabase } from '../database.ts'
import { gone, type Server, startServer } from '../server.ts'

/** A node as users run it, behind a way in that a test can cut, with a look into its database. */
export class NodeProcess {
  readonly enrolled: Enrolled
  readonly database: Client
  readonly #start: () => Promise<Server>
  #server: Server

  constructor(enrolled: Enrolled, database: Client, server: Server, start: () => Promise<Server>) {
    this.enrolled = enrolled
    this.database = database
    this.#server = server
    this.#start = start
  }

  /** `kill -9`, and another process on the same database. */
  async killAndStart(): Promise<void> {
    this.#server.child.kill('SIGKILL')
    await gone(this.#server.child)
    this.#server = await this.#start()
    this.enrolled.wayIn.leadTo(Number(new URL(this.#server.url).port))
  }

  /** The one number that a query gives. */
  async number(query: string, ...values: unknown[]): Promise<number> {
    const { rows } = await this.database.query<Record<string, unknown>>(query, values)
    return Number(Object.values(rows[0] ?? {})[0])
  }
}

/** Three countries with their agreements, each a process and a database; all enrolled with each other. */
export async function threeProcesses(t: Test): Promise<ReadonlyMap<Country, NodeProcess>> {
  const nodes = new Map<Country, NodeProcess>()
  for (const country of countries) nodes.set(country, await startOne(t, country))
  for (const here of nodes.values())
    for (const there of nodes.values()) if (here !== there) await enrolPeer(here.enrolled, there.enrolled)
  return nodes
}

async function startOne(t: Test, country: Country): Promise<NodeProcess> {
  const databaseUrl = await testDatabase(t)
  const wayIn = new WayIn()
  t.teardown(() => wayIn.close())
  const url = await wayIn.open()
  const environment = { PUENTE_ISSUER: url, PUENTE_PRIVATE_HOSTS: '127.0.0.1', PUENTE_REQUESTS_PER_MINUTE: '1000000' }
  const offices = await setUpOne(country, databaseUrl)
  const start = () => startServer(t, databaseUrl, environment)
  const server = await start()
  wayIn.leadTo(Number(new URL(server.url).port))
  const enrolled = await fillDirectory({ country, url, wayIn, offices })
  const database = new Client({ connectionString: databaseUrl })
  await database.connect()
  t.teardown(async () => {
    const ended = once(database, 'end')
    await database.end()
    await ended
  })
  return new NodeProcess(enrolled, database, server, start)
}

async function setUpOne({ team: { id, name, kind, jurisdiction } }: Country, url: string) {
  const context = await startContext({
    database: { url, connections: 2, statementTimeoutMs: 30_000 },
    clock: () => new Date(),
    log: { info: () => {}, warn: () => {}, error: () => {} },
    version: 'test',
  })
  const { accounts } = await setUp(context, { organisation: { id, name, kind, jurisdiction } })
  await context.close()
  return accounts
}
