import { once } from 'node:events'
import { createServer } from 'node:net'
import pg from 'pg'
import tap, { type Test } from 'tap'
import { actions } from '../../src/actions/index.ts'
import { setUp } from '../../src/actions/set-up.ts'
import { startContext } from '../../src/actions/start.ts'
import { testDatabase } from '../database.ts'
import { type Server, startServer } from '../server.ts'

/** Two nodes as users run them, each with a process and a database of its own. */

const organisations = {
  br: { id: 'cert-br', name: 'CERT.br', kind: 'national-cert', jurisdiction: 'BR' },
  cl: { id: 'csirt-cl', name: 'CSIRT Chile', kind: 'national-cert', jurisdiction: 'CL' },
} as const

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

export interface Node {
  readonly url: string
  readonly databaseUrl: string
  readonly admin: string
  readonly publisher: string
  start(t: Test): Promise<Server>
}

/** A node that is set up and not started. */
export async function nodeOf(own: keyof typeof organisations, other: keyof typeof organisations): Promise<Node> {
  const [databaseUrl, port] = [await testDatabase(tap), await freePort()]
  const url = `http://127.0.0.1:${port}`
  const context = await startContext({
    database: { url: databaseUrl, connections: 2, statementTimeoutMs: 30_000 },
    clock: () => new Date(),
    log: { info: () => {}, warn: () => {}, error: () => {} },
    version: 'test',
  })
  const { accounts } = await setUp(context, { organisation: organisations[own] })
  const key = accounts[0]?.apiKey ?? ''
  const admin = await actions.authenticate(context, { authorization: `Bearer ${key}` })
  await actions['enrol-organisation'](context, admin, organisations[other])
  const publisher = `pia.${organisations[own].id}`
  const organisation = organisations[own].id
  await actions['create-account'](context, admin, { id: publisher, organisation, name: 'Pia', roles: ['publisher'] })
  const { secret } = await actions['issue-key'](context, admin, { id: publisher, name: 'test' })
  await context.close()
  const environment = { PUENTE_PORT: String(port), PUENTE_ISSUER: url, PUENTE_PRIVATE_HOSTS: '127.0.0.1' }
  return { url, databaseUrl, admin: key, publisher: secret, start: (t) => startServer(t, databaseUrl, environment) }
}

export async function enrol(here: Node, there: Node, organisation: string): Promise<void> {
  const said = await fetch(`${there.url}/.well-known/puente`)
  const { statement, keys } = (await said.json()) as { statement: string; keys: { thumbprint: string }[] }
  const answer = await fetch(`${here.url}/v1/peers`, {
    method: 'POST',
    headers: { authorization: `Bearer ${here.admin}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      statement,
      thumbprint: keys[0]?.thumbprint,
      name: organisation,
      organisations: [organisation],
    }),
  })
  if (answer.status !== 201) throw new Error(await answer.text())
}

/** A connection past the node, to look at what it keeps. */
export async function databaseOf(t: Test, { databaseUrl }: Node): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  t.teardown(() => client.end())
  return client
}
