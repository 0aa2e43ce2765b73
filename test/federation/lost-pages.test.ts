import t from 'tap'
import { askPage } from '../../src/actions/ask-page.ts'
import type { AskedNode } from '../../src/actions/context.ts'
import { PageAhead, takePage } from '../../src/actions/index.ts'
import type { TestNode } from '../node.ts'
import { adminOf, federation, post, sees } from './nodes.ts'

/** Pages that are made and never stored, and pages that are asked for before the one ahead of them is. */

t.setTimeout(600_000)

const fed = await federation(t, { 'cert-br': ['cert-br'], 'csirt-cl': ['csirt-cl'] })
const [br, cl] = [fed.node('cert-br'), fed.node('csirt-cl')]
const idOf = (node: TestNode) => node.context.node.id

const publishMany = async (from: number, upto: number): Promise<void> => {
  const payload = Array.from({ length: upto - from }, (_, n) => ({
    ...{ type: 'ipv6-address', value: `3fff::${(from + n).toString(16)}`, tlp: 'green' },
  }))
  const answer = await br.call('ana.cert-br', {
    ...{ method: 'POST', url: '/v1/indicators', headers: { 'content-type': 'application/x-ndjson' } },
    payload: payload.map((each) => JSON.stringify(each)).join('\n'),
  })
  if (answer.body.accepted !== payload.length) throw new Error(answer.text)
}

/** The peer makes its next answer, and it never comes. */
function loseOne(): void {
  let lost = false
  const answered = async ({ url, method, headers }: AskedNode) => {
    const { pathname, search } = new URL(url)
    const { statusCode } = await br.app.inject({ method, url: pathname + search, headers: { ...headers } })
    t.equal(statusCode, 200)
    return { error: 'the answer was lost' }
  }
  fed.meddle('csirt-cl', 'cert-br', (asked) => {
    if (lost || !asked.url.includes('/federation/v1/feed')) return undefined
    lost = true
    return answered(asked)
  })
}

const pagesOf = async () =>
  (
    await br.context.database.client.query(
      'select given_pages::int as given, stored_pages::int as stored, lost_pages::text as lost from peer_state where peer = $1',
      [idOf(cl)],
    )
  ).rows[0]

const inQuarantine = async () => (await cl.context.database.client.query('select code from quarantine')).rows

t.test('what was in a page that was lost, and is a version further when it comes, comes', async (t) => {
  await publishMany(1, 1_100)
  loseOne()
  t.match(await takePage(cl.context, idOf(br), 0), { failed: /lost/ })
  const revised = { type: 'ipv6-address', value: '3fff::1', tlp: 'green', name: 'seen again' }
  t.equal((await post(br, 'ana.cert-br', '/v1/indicators', revised)).body.accepted, 1)
  t.equal(await fed.pull('csirt-cl', 'cert-br'), 1_099)
  t.match(await sees(cl, 'diego.csirt-cl', '3fff::1'), { version: 2, name: 'seen again' })
  t.strictSame(await inQuarantine(), [], 'no version was left out without a word')
  t.match(await pagesOf(), { lost: '{[1,2)}' })
})

t.test('the next page is asked for while one is stored, and counts as stored only when it is', async (t) => {
  await fed.pull('csirt-cl', 'cert-br')
  const before = await pagesOf()
  await publishMany(2_000, 5_500)
  const asked: string[] = []
  fed.meddle('csirt-cl', 'cert-br', ({ url }) => {
    const { pathname, searchParams } = new URL(url)
    if (pathname === '/federation/v1/feed') asked.push(searchParams.has('stored') ? 'ahead' : 'next')
    return undefined
  })
  const ahead = new PageAhead()
  const take = () => takePage(cl.context, idOf(br), 0, undefined, ahead)
  t.match(await take(), { entries: 1_000, more: true })
  t.match(await take(), { entries: 1_000, more: true })
  while ((await pagesOf()).given < before.given + 4) await new Promise(setImmediate)
  t.equal((await pagesOf()).stored, before.given + 1, 'the page before the one that was being stored')
  // What was asked for ahead is lost with the process.
  await ahead.close()
  const again = new PageAhead()
  t.match(await takePage(cl.context, idOf(br), 0, undefined, again), { entries: 1_000, more: true })
  t.strictSame(asked, ['next', 'ahead', 'ahead', 'ahead', 'next', 'ahead'])
  t.match(await takePage(cl.context, idOf(br), 0, undefined, again), { entries: 500, more: false })
  t.equal(await fed.pull('csirt-cl', 'cert-br'), 0)
  t.equal((await pagesOf()).stored, (await pagesOf()).given)
  const { rows } = await cl.context.database.client.query(
    'select count(*)::int as entries, count(distinct stix_id)::int as indicators from feed',
  )
  t.match(rows[0], { indicators: 4_599, entries: 4_599 }, 'each once')
  t.strictSame(await inQuarantine(), [])
})

t.test('a page that was asked for ahead is not taken where the cursor is another meanwhile', async (t) => {
  await publishMany(6_000, 8_100)
  const ahead = new PageAhead()
  t.match(await takePage(cl.context, idOf(br), 0, undefined, ahead), { more: true })
  t.equal(await fed.pull('csirt-cl', 'cert-br'), 1_100)
  t.match(await takePage(cl.context, idOf(br), 0, undefined, ahead), { entries: 0, more: false })
  t.strictSame(await inQuarantine(), [])
})

t.test('what is asked for behind a lost page is lost with it', async (t) => {
  await fed.pull('csirt-cl', 'cert-br')
  await publishMany(9_000, 12_100)
  const before = await pagesOf()
  const { cursor } = (await cl.context.database.client.query('select cursor from peer_state')).rows[0]
  const standing = await cl.context.policy.current()
  const peer = standing.directory.peers.get(idOf(br))
  if (peer === undefined) throw new Error('not enrolled')
  const ask = async (after: string, stored?: string) =>
    (await askPage(cl.context, standing, peer, { after, waitSeconds: 0, ...(stored === undefined ? {} : { stored }) }))
      .page
  const first = await ask(cursor)
  const second = await ask(first.cursor, cursor)
  // Somebody begins anew, and an answer that was under way is gone on from after all.
  await ask(cursor)
  await ask(second.cursor, cursor)
  const [from, upto] = [before.given + 1, before.given + 3]
  t.match(await pagesOf(), {
    given: before.given + 4,
    lost: new RegExp(`\\[${from},${upto}\\),\\[${upto + 1},${upto + 2}\\)`),
  })
})

t.test('a peer that is suspended while a page comes is asked for no other', async (t) => {
  await fed.pull('csirt-cl', 'cert-br')
  await publishMany(13_000, 16_100)
  const before = await pagesOf()
  const suspend = async (suspended: boolean) => {
    const request = {
      method: 'PATCH',
      url: `/v1/peers/${idOf(br)}`,
      headers: { 'content-type': 'application/json' },
    } as const
    t.equal((await cl.call(adminOf(cl), { ...request, payload: JSON.stringify({ suspended }) })).status, 200)
  }
  let asked = 0
  fed.meddle('csirt-cl', 'cert-br', ({ url }) => {
    if (!url.includes('/federation/v1/feed') || ++asked !== 2) return undefined
    return suspend(true).then(() => undefined)
  })
  const ahead = new PageAhead()
  t.match(await takePage(cl.context, idOf(br), 0, undefined, ahead), { entries: 1_000, more: true })
  while ((await pagesOf()).given < before.given + 2) await new Promise(setImmediate)
  // The second page is on its way, and what would follow it has its turn.
  await new Promise((resolve) => setTimeout(resolve, 500))
  t.equal(asked, 2, 'no other')
  t.match(await takePage(cl.context, idOf(br), 0, undefined, ahead), { entries: 0, failed: 'gone' })
  await suspend(false)
  t.equal(await fed.pull('csirt-cl', 'cert-br'), 2_100)
})
