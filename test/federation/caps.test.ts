import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import type { AnswerOfNode, AskedNode } from '../../src/actions/context.ts'
import { proveAnswer, takePage } from '../../src/actions/index.ts'
import { startPeers } from '../../src/delivery/peers.ts'
import { publicCaller } from '../../src/domain/caller.ts'
import { limits } from '../../src/domain/limits.ts'
import type { TestNode } from '../node.ts'
import { adminOf, federation, json, publish, sees } from './nodes.ts'

/** Peers that flood, dawdle or never end: each costs what is meant for it and no more, and the others notice nothing. */

t.setTimeout(600_000)

const fed = await federation(t)
const [br, cl, uy] = [fed.node('cert-br'), fed.node('csirt-cl'), fed.node('lacnic')]
const idOf = (node: TestNode) => node.context.node.id
const { client } = cl.context.database

const amend = async (of: TestNode, body: object) =>
  (
    await cl.call(adminOf(cl), {
      ...{ method: 'PATCH', url: `/v1/peers/${idOf(of)}`, headers: json },
      payload: JSON.stringify(body),
    })
  ).status

interface Page {
  entries: object[]
  seals: string[]
}

/** What Brazil answers, with another page in the place of its own, signed by it. */
async function answering(asked: AskedNode, change: (page: Page) => void): Promise<AnswerOfNode> {
  const { pathname, search } = new URL(asked.url)
  const answer = await br.app.inject({ method: 'GET', url: `${pathname}${search}`, headers: { ...asked.headers } })
  const page = answer.json() as Page
  change(page)
  const body = Buffer.from(JSON.stringify(page))
  const request = { method: 'GET', url: asked.url, fields: { ...asked.headers } }
  const caller = { ...publicCaller, peer: idOf(cl) }
  return { status: 200, headers: await proveAnswer(br.context, caller, request, 200, body), body }
}

const flood = (change: (page: Page) => void) =>
  fed.meddle('csirt-cl', 'cert-br', (asked) => (asked.method === 'GET' ? answering(asked, change) : undefined))

/** An entry that names something, and is sealed by nobody. */
const rubbish = (n: number) => {
  const id = `indicator--00000000-0000-4000-8000-${String(n).padStart(12, '0')}`
  return { envelope: JSON.stringify({ id, originator: 'cert-br', version: 1 }), seal: 0, index: 0, path: [], hops: [] }
}

const kept = async () =>
  (
    await client.query<{ items: number; names: number }>(
      'select count(*)::int as items, count(*) filter (where entry is null)::int as names from quarantine where peer = $1',
      [idOf(br)],
    )
  ).rows[0]

t.test('rubbish fills half of the room, over however many pages, and what is only early has the rest', async (t) => {
  const half = limits.quarantineItems / 2
  await client.query(
    `insert into quarantine (peer, originator, item, version, code, detail, bytes, at)
     select $1, 'cert-br', 'x' || n, 1, 'seal_invalid', '', 0, now() from generate_series(1, $2::int) n`,
    [idOf(br), half - 3],
  )
  for (let round = 0; round < 2; round++) {
    flood((page) => {
      page.seals = ['none']
      page.entries = Array.from({ length: 10 }, (_, n) => rubbish(100 * round + n))
    })
    t.equal((await takePage(cl.context, idOf(br), 0)).failed, undefined)
  }
  t.match(await kept(), { items: half, names: half })
  const { taking } = (await cl.call(adminOf(cl), { url: `/v1/peers/${idOf(br)}` })).body
  t.match(taking.outcomes, [{ outcome: 'refused', items: 20 }], 'all of it is counted')

  fed.meddle('csirt-cl', 'cert-br', () => undefined)
  br.at('2026-06-01T00:10:00Z')
  await publish(br, 'ana.cert-br', '3fff::1', 'tlp=green')
  await fed.pull('csirt-cl', 'cert-br')
  t.match(await kept(), { items: half + 1, names: half }, 'what comes ten minutes early is kept')

  await client.query('update quarantine set bytes = $2 where peer = $1 and entry is not null', [
    idOf(br),
    limits.quarantineBytes - 10,
  ])
  await publish(br, 'ana.cert-br', '3fff::2', 'tlp=green')
  await fed.pull('csirt-cl', 'cert-br')
  t.match(await kept(), { items: half + 1 }, 'but not over the bytes that there are')
  await client.query('update quarantine set bytes = 0 where peer = $1', [idOf(br)])
  await client.query(
    `insert into quarantine (peer, originator, item, version, code, detail, entry, bytes, at)
     select $1, 'cert-br', 'y' || n, 1, 'node_suspended', '', '{}', 2, now() from generate_series(1, $2::int) n`,
    [idOf(br), half - 1],
  )
  await publish(br, 'ana.cert-br', '3fff::3', 'tlp=green')
  await fed.pull('csirt-cl', 'cert-br')
  t.match(await kept(), { items: limits.quarantineItems }, 'nor over the items')
  await client.query('delete from quarantine')
  fed.at('2026-06-01T00:10:00Z')
})

t.test('a page is of a thousand entries and 8 MiB, and is refused as a whole when it is not', async (t) => {
  flood((page) => {
    page.entries = Array.from({ length: limits.peerPageEntries + 1 }, (_, n) => rubbish(n))
  })
  t.match(await takePage(cl.context, idOf(br), 0), { failed: /not of its form/ })
  flood((page) => {
    page.seals = ['x'.repeat(limits.peerPageBytes)]
  })
  t.match(await takePage(cl.context, idOf(br), 0), { failed: /at most 8388608 bytes/ })
  let asked: AskedNode | undefined
  fed.meddle('csirt-cl', 'cert-br', async (each) => {
    asked ??= each
    return { error: 'nothing' }
  })
  await takePage(cl.context, idOf(br), 7)
  t.match(
    asked,
    { maxBytes: limits.peerPageBytes, timeoutMs: 7_000 + limits.peerTimeoutMs },
    'no more is read, nor longer',
  )
  fed.meddle('csirt-cl', 'cert-br', () => undefined)
})

t.test('what a peer gives in an hour is bounded, in items and in bytes', async (t) => {
  for (const [n, quota] of [{ itemsPerHour: 1 }, { bytesPerHour: 1 }].entries()) {
    t.equal(await amend(br, { itemsPerHour: 1_000, bytesPerHour: 1_000_000, ...quota }), 200)
    fed.at(new Date(cl.context.clock().getTime() + 3_600_000).toISOString())
    await publish(br, 'ana.cert-br', `3fff::1${n}`, 'tlp=green')
    t.equal((await takePage(cl.context, idOf(br), 0)).failed, undefined)
    t.match(await takePage(cl.context, idOf(br), 0), { failed: /quota/ }, JSON.stringify(quota))
    t.equal((await takePage(cl.context, idOf(uy), 0)).failed, undefined, 'the others are asked as before')
  }
  t.equal(await amend(br, { itemsPerHour: 1_000, bytesPerHour: 100_000_000 }), 200)
})

t.test('a peer that never answers delays nobody', async (t) => {
  fed.at(new Date(cl.context.clock().getTime() + 3_600_000).toISOString())
  const asked: string[] = []
  fed.meddle('csirt-cl', 'cert-br', (each) => {
    asked.push(each.url)
    return new Promise((resolve) => {
      each.signal?.addEventListener('abort', () => resolve({ error: 'given up' }))
    })
  })
  const peers = startPeers(cl.context, { wakes: () => () => undefined, waitSeconds: 0 })
  await publish(uy, 'lucia.lacnic', '3fff::21', 'tlp=green')
  for (let n = 0; n < 100 && (await sees(cl, 'diego.csirt-cl', '3fff::21')) === undefined; n++) await sleep(100)
  t.ok(await sees(cl, 'diego.csirt-cl', '3fff::21'))
  t.equal(asked.length, 1, 'while one question to it is open')
  await peers.stop()
  fed.meddle('csirt-cl', 'cert-br', () => undefined)
})
