import { Agent, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import t from 'tap'
import { testNode } from '../node.ts'

t.test('a node that stops gives the answer that is under way, and keeps no connection after it', async (t) => {
  const node = await testNode(t)
  await node.app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = node.app.server.address() as AddressInfo
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(() => agent.destroy())
  const ask = () =>
    new Promise<number | undefined>((resolve, reject) => {
      const asking = request({ port, agent, path: '/v1/indicators' }, (answer) => {
        answer.resume().once('end', () => resolve(answer.statusCode))
      })
      asking.once('error', reject).end()
    })
  t.equal(await ask(), 200)
  const other = new Client({ connectionString: node.databaseUrl })
  await other.connect()
  await other.query('begin; lock table node, feed_head, indicator in access exclusive mode')
  const asked = ask()
  await sleep(100)
  const closing = node.app.close().then(() => 'closed')
  t.equal(await Promise.race([closing, sleep(300, 'not yet')]), 'not yet', 'what is under way is waited for')
  await other.query('commit')
  await other.end()
  t.equal(await asked, 200)
  t.equal(await Promise.race([closing, sleep(5_000, 'kept', { ref: false })]), 'closed')
})
