import { once } from 'node:events'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import t, { type Test } from 'tap'
import { actions } from '../../src/actions/index.ts'
import { setUp } from '../../src/actions/set-up.ts'
import { startContext } from '../../src/actions/start.ts'
import { testDatabase } from '../database.ts'
import { gone, type Server, startServer } from '../server.ts'

/** Two nodes as users run them: the one that takes is killed while it does, and neither loses nor repeats anything. */

t.setTimeout(600_000)

const organisations = {
  br: { id: 'cert-br', name: 'CERT.br', kind: 'national-cert', jurisdiction: 'BR' },
  cl: { id: 'csirt-cl', name: 'CSIRT Chile', kind: 'national-cert', jurisdiction: 'CL' },
} as const

const items = 2_000
const kills = 2

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

interface Node {
  readonly url: string
  readonly databaseUrl: string
  readonly admin: string
  readonly publisher: string
  start(t: Test): Promise<Server>
}

/** A node that is set up and not started. */
async function nodeOf(own: keyof typeof organisations, other: keyof typeof organisations): Promise<Node> {
  const [databaseUrl, port] = [await testDatabase(t), await freePort()]
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

async function enrol(here: Node, there: Node, organisation: string): Promise<void> {
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

t.test('kill -9 of the node that takes loses and repeats nothing', async (t) => {
  const [br, cl] = [await nodeOf('br', 'cl'), await nodeOf('cl', 'br')]
  await br.start(t)
  let server = await cl.start(t)
  const lines = Array.from({ length: items }, (_, n) =>
    JSON.stringify({ type: 'ipv6-address', value: `3fff::${n.toString(16)}` }),
  )
  const pushed = await fetch(`${br.url}/v1/indicators?tlp=clear`, {
    method: 'POST',
    headers: { authorization: `Bearer ${br.publisher}`, 'content-type': 'application/x-ndjson' },
    body: lines.join('\n'),
  })
  t.match(await pushed.json(), { accepted: items })
  await enrol(br, cl, 'csirt-cl')
  await enrol(cl, br, 'cert-br')

  const client = new pg.Client({ connectionString: cl.databaseUrl })
  await client.connect()
  t.teardown(() => client.end())
  const count = async (table: string): Promise<number> =>
    Number((await client.query(`select count(*) as n from ${table} where originator = 'cert-br'`)).rows[0].n)
  const until = async (least: number): Promise<number> => {
    for (const end = Date.now() + 240_000; Date.now() < end; await sleep(20)) {
      const there = await count('indicator')
      if (there >= least) return there
    }
    throw new Error(`${least} indicators were waited for in vain`)
  }
  for (let kill = 1; kill <= kills; kill++) {
    const there = await until(1 + (await count('indicator')))
    server.child.kill('SIGKILL')
    await gone(server.child)
    t.ok(there <= items, `killed with ${there} indicators there`)
    server = await cl.start(t)
  }
  t.equal(await until(items), items)
  t.equal(await count('feed'), items, 'each once in the feed')
  const applied = await client.query(`select items from peer_count where outcome = 'applied'`)
  t.equal(Number(applied.rows[0].items), items, 'and counted once')
})
