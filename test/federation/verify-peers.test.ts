import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import t, { type Test } from 'tap'
import { integrateAudit, takeCheckpoints } from '../../src/actions/index.ts'
import { sealCheckpoint } from '../../src/actions/seal-checkpoint.ts'
import { WayIn } from '../../src/cli/demo/federation/link.ts'
import { type TestNode, testNode } from '../node.ts'
import { adminOf, enrol, publish } from './nodes.ts'
import { rollBack } from './rollback.ts'

/** `puente audit verify --peers`, as an operator runs it: beside two nodes that talk to each other over the network. */

t.setTimeout(300_000)

interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** A node at an address of its own. Its clock is this machine's, as that of the command is. */
async function listening(operator: string): Promise<{ node: TestNode; url: string; wayIn: WayIn; port: number }> {
  const wayIn = new WayIn()
  t.teardown(() => wayIn.close())
  const url = await wayIn.open()
  const node = await testNode(t, { operator, tokens: { issuer: url }, privateHosts: ['127.0.0.1'] })
  node.at(new Date().toISOString())
  await node.app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = node.app.server.address() as { port: number }
  wayIn.leadTo(port)
  return { node, url, wayIn, port }
}

const brazil = await listening('cert-br')
const chile = await listening('csirt-cl')
const [br, cl] = [brazil.node, chile.node]
await enrol(br, cl, 'csirt-cl', ['csirt-cl'])
await enrol(cl, br, 'cert-br', ['cert-br'])

async function verify(...argv: string[]): Promise<Ran> {
  const child = spawn(process.execPath, [path.resolve('bin/puente.js'), 'audit', 'verify', ...argv], {
    env: {
      ...process.env,
      ...{ DATABASE_URL: br.databaseUrl, PUENTE_PRIVATE_HOSTS: '127.0.0.1' },
      PUENTE_ISSUER: brazil.url,
    },
  })
  const said = { out: '', err: '' }
  child.stdout.on('data', (data) => {
    said.out += data
  })
  child.stderr.on('data', (data) => {
    said.err += data
  })
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, ...said }
}

/** Some minutes pass; Brazil signs its heads, and Chile keeps them. */
async function witnessed(t: Test, minutes: number): Promise<void> {
  const now = new Date(Date.now() + (minutes - 10) * 60_000).toISOString()
  for (const node of [br, cl]) node.at(now)
  await integrateAudit(br.context)
  await sealCheckpoint(br.context)
  t.equal(await takeCheckpoints(cl.context, br.context.node.id), undefined)
}

t.test('a log that extends what its peers have kept: nothing is found', async (t) => {
  await publish(br, 'ana.cert-br', '3fff::1', 'tlp=green')
  await witnessed(t, 0)
  await publish(br, 'ana.cert-br', '3fff::2', 'tlp=green')
  await witnessed(t, 4)
  const people = await verify('--peers')
  t.equal(people.code, 0, people.err)
  t.match(people.out, /^csirt-cl has kept [1-9]\d* heads$/m)
  t.match(people.out, /^nothing was found$/m)
  const machines = await verify('--peers', '--json')
  t.equal(machines.code, 0)
  const { findings, witnesses } = JSON.parse(machines.out)
  t.strictSame(findings, [])
  t.match(witnesses, [{ name: 'csirt-cl', peer: cl.context.node.id }])
  t.ok(witnesses[0].heads > 0)
})

t.test('a peer that does not answer is named, and is no finding', async (t) => {
  // Nothing listens there.
  chile.wayIn.leadTo(1)
  const { code, out } = await verify('--peers')
  t.equal(code, 0)
  t.match(out, /^csirt-cl has kept 0 heads: .+$/m)
  chile.wayIn.leadTo(chile.port)
})

t.test('a log that was rolled back alone is in order, and not by what a peer has kept', async (t) => {
  const { client } = br.context.database
  await rollBack(client)
  t.equal((await verify()).code, 0, 'by itself it is as it should be')
  const people = await verify('--peers')
  t.equal(people.code, 1, people.err)
  t.match(people.out, /^csirt-cl has kept [1-9]\d* heads$/m)
  t.match(people.out, /^extension size \d+: /m)
  t.notMatch(people.out, /nothing was found/)
  const machines = await verify('--peers', '--json')
  t.equal(machines.code, 1)
  t.match(JSON.parse(machines.out).findings, [{ kind: 'extension' }])
  t.equal(
    (await br.call(adminOf(br), { url: `/v1/peers/${cl.context.node.id}` })).body.findings.length,
    0,
    'asking writes nothing down',
  )
})
