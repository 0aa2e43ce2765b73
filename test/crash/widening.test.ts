import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { gone } from '../server.ts'
import { databaseOf, enrol, type Node, nodeOf } from './two-nodes.ts'

/** Two nodes as users run them: each is killed while one asks and the other answers, and every request is answered once. */

t.setTimeout(600_000)

const items = 30

interface Answer {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: tests read answers as they come
  readonly body: any
}

async function call(node: Node, method: string, path: string, body?: object): Promise<Answer> {
  const headers = { authorization: `Bearer ${node.publisher}`, 'content-type': 'application/json' }
  const sent = body === undefined ? {} : { body: JSON.stringify(body) }
  const answer = await fetch(`${node.url}${path}`, { method, headers, ...sent })
  return { status: answer.status, body: await answer.json() }
}

/** Until it is said or was said before: who is killed does not answer. */
async function say(node: Node, path: string, body: object): Promise<void> {
  for (const end = Date.now() + 60_000; Date.now() < end; await sleep(50)) {
    const answer = await call(node, 'POST', path, body).catch(() => undefined)
    if (answer !== undefined && [200, 201, 409].includes(answer.status)) return
  }
  throw new Error(`${path} was said in vain`)
}

async function until(node: Node, query: string): Promise<{ id: string; indicator: string; widenedVersion?: number }[]> {
  for (const end = Date.now() + 120_000; Date.now() < end; await sleep(200)) {
    const answer = await call(node, 'GET', `/v1/widening-requests?limit=1000&${query}`).catch(() => undefined)
    if (answer?.status === 200 && answer.body.items.length >= items) return answer.body.items
  }
  throw new Error(`${query} was waited for in vain`)
}

t.test('kill -9 of who asks and of who answers loses no request and no answer, and repeats none', async (t) => {
  const [br, cl] = [await nodeOf('br', 'cl'), await nodeOf('cl', 'br')]
  const servers = { br: await br.start(t), cl: await cl.start(t) }
  const lines = Array.from({ length: items }, (_, n) => ({ type: 'ipv6-address', value: `3fff::${n.toString(16)}` }))
  t.match((await call(br, 'POST', '/v1/indicators?tlp=clear', lines)).body, { accepted: items })
  await enrol(br, cl, 'csirt-cl')
  await enrol(cl, br, 'cert-br')
  const [atBr, atCl] = [await databaseOf(t, br), await databaseOf(t, cl)]
  let ids: string[] = []
  for (const end = Date.now() + 120_000; Date.now() < end && ids.length < items; await sleep(100)) {
    const { rows } = await atCl.query<{ id: string }>(`select 'indicator--' || stix_id as id from indicator`)
    ids = rows.map(({ id }) => id)
  }
  t.equal(ids.length, items)

  for (const [n, id] of ids.entries()) {
    if (n === items / 2) {
      servers.cl.child.kill('SIGKILL')
      await gone(servers.cl.child)
      servers.cl = await cl.start(t)
    }
    const wanted = { lawEnforcement: 'allowed' }
    await say(cl, `/v1/indicators/${id}/widening-requests`, { wanted, reason: 'Police asked us.' })
    // The node that is told goes down over what it is being told.
    if (n === items - 3) {
      servers.br.child.kill('SIGKILL')
      await gone(servers.br.child)
      servers.br = await br.start(t)
    }
  }
  const queue = await until(br, 'side=received')
  t.equal(queue.length, items, 'each arrived once')
  for (const [n, { id }] of queue.entries()) {
    if (n === items / 2) {
      servers.br.child.kill('SIGKILL')
      await gone(servers.br.child)
      servers.br = await br.start(t)
    }
    await say(br, `/v1/widening-requests/${id}/accept`, {})
  }
  servers.cl.child.kill('SIGKILL')
  await gone(servers.cl.child)
  servers.cl = await cl.start(t)
  const answered = await until(cl, 'side=asked&state=accepted')
  t.strictSame(new Set(answered.map(({ indicator }) => indicator)), new Set(ids))
  for (const client of [atBr, atCl])
    t.equal(Number((await client.query('select count(*) as n from widening_request')).rows[0].n), items)
  const { rows } = await atBr.query('select distinct version from indicator')
  t.strictSame(rows, [{ version: 2 }], 'and widened once')
})
