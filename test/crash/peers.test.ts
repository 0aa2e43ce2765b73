import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { gone } from '../server.ts'
import { databaseOf, enrol, nodeOf } from './two-nodes.ts'

/** Two nodes as users run them: the one that takes is killed while it does, and neither loses nor repeats anything. */

t.setTimeout(600_000)

const items = 2_000
const kills = 2

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

  const client = await databaseOf(t, cl)
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
