import { randomBytes } from 'node:crypto'
import t from 'tap'
import type { AnswerOfNode, AskedNode } from '../../src/actions/context.ts'
import { proveAnswer, takePage, tendPeers } from '../../src/actions/index.ts'
import { signRequest } from '../../src/auth/http-signatures.ts'
import { mintSigningKey, openSigningKey, type SigningKey } from '../../src/auth/jwk.ts'
import { signSeal } from '../../src/auth/seals.ts'
import { publicCaller } from '../../src/domain/caller.ts'
import type { Envelope } from '../../src/domain/envelope.ts'
import { writeEnvelope } from '../../src/formats/envelope.ts'
import { batchOf } from '../../src/seal/batches.ts'
import type { TestNode } from '../node.ts'
import { adminOf, enrol, federation, json, post, publish, sees, tablesWith, urlOf } from './nodes.ts'

/** Peers that lie, and what is between them: nothing of it has an effect, all of it is listed, and the rest goes on. */

t.setTimeout(600_000)

const fed = await federation(t)
const [br, cl, uy] = [fed.node('cert-br'), fed.node('csirt-cl'), fed.node('lacnic')]

const keyOf = async (node: TestNode): Promise<SigningKey> =>
  await node.context.federationKeys.signer(await node.context.policy.current(), node.context.clock())

/** A signed request of Chile to Brazil, as the test bends it. */
async function signed(path: string, more: { key?: SigningKey; destination?: string } = {}) {
  const request = { method: 'GET', url: `${urlOf('cert-br')}${path}`, fields: {} }
  return await signRequest(request, Buffer.alloc(0), {
    key: more.key ?? (await keyOf(cl)),
    destination: more.destination ?? br.context.node.id,
    nonce: randomBytes(16).toString('base64url'),
    at: cl.context.clock(),
  })
}

const get = (url: string, headers: Record<string, string>) => br.call('anonymous', { url, headers })

t.test('the door opens to a signature of a pinned key, once', async (t) => {
  const feed = '/federation/v1/feed?wait=0'
  const closed = { status: 401, body: { code: 'peer_signature_invalid' } }
  t.match(await get(feed, {}), closed, 'no signature')
  t.match(await br.call(adminOf(br), { url: feed }), closed, 'an administrator is no peer')
  const fields = await signed(feed)
  const answer = await get(feed, fields)
  t.match(answer, { status: 200, body: { from: br.context.node.id, to: cl.context.node.id } })
  t.ok(answer.headers.signature, 'the answer is signed too')
  t.match(await get(feed, fields), closed, 'the same request again')
  t.match(await get(`${feed}&after=x`, await signed(feed)), closed, 'another target than was signed')
  t.match(await get(feed, await signed(feed, { destination: uy.context.node.id })), closed, 'for another node')
  const stranger = await mintSigningKey()
  t.match(
    await get(feed, await signed(feed, { key: await openSigningKey(stranger.kid, stranger.jwk) })),
    closed,
    'a stranger',
  )
  const old = await signed(feed)
  br.at('2026-06-01T02:00:00Z')
  t.match(await get(feed, old), closed, 'too old')
  br.at('2026-06-01T00:00:00Z')
  const unknown = `${feed}&after=${answer.body.cursor.slice(0, -2)}AA`
  t.match(await get(unknown, await signed(unknown)), { status: 400, body: { code: 'cursor_invalid' } })

  const suspend = (suspended: boolean) =>
    br.call(adminOf(br), {
      ...{ method: 'PATCH', url: `/v1/peers/${cl.context.node.id}`, headers: json },
      payload: JSON.stringify({ suspended }),
    })
  await suspend(true)
  t.match(await get(feed, await signed(feed)), closed, 'a suspended peer')
  await suspend(false)
  t.equal((await get(feed, await signed(feed))).status, 200)
})

/** What Montevideo or Brazil really answers, and the same with another body, signed by it. */
async function answerOf(
  node: TestNode,
  asked: { method: string; url: string; headers: Readonly<Record<string, string>> },
) {
  const { pathname, search } = new URL(asked.url)
  const real = await node.app.inject({ method: 'GET', url: `${pathname}${search}`, headers: { ...asked.headers } })
  const headers = Object.fromEntries(Object.entries(real.headers).map(([name, value]) => [name, String(value)]))
  const answer: AnswerOfNode = { status: real.statusCode, headers, body: real.rawPayload }
  const resigned = async (body: Buffer): Promise<AnswerOfNode> => {
    const request = { method: asked.method, url: asked.url, fields: asked.headers }
    const peer = { ...publicCaller, peer: cl.context.node.id }
    return { status: 200, headers: await proveAnswer(node.context, peer, request, 200, body), body }
  }
  return { answer, resigned }
}

t.test('what is altered or replayed on the way is not applied, and the peer is asked again later', async (t) => {
  await publish(br, 'ana.cert-br', '3fff::a1', 'tlp=green')
  let first: AnswerOfNode | undefined
  fed.meddle('csirt-cl', 'cert-br', async (asked) => {
    const { answer } = await answerOf(br, asked)
    first = answer
    return { ...answer, body: Buffer.from(answer.body.toString().replace('"more":false', '"more":true')) }
  })
  const id = br.context.node.id
  t.match(await takePage(cl.context, id, 0), { failed: /not what was signed/ })
  const replayed = first ?? { error: 'there was no answer' }
  fed.meddle('csirt-cl', 'cert-br', async () => replayed)
  t.match(await takePage(cl.context, id, 0), { failed: /signature/ })
  fed.meddle('csirt-cl', 'cert-br', async () => ({ status: 200, headers: {}, body: Buffer.from('{}') }))
  t.match(await takePage(cl.context, id, 0), { failed: /not signed/ })
  fed.meddle('csirt-cl', 'cert-br', async () => ({ error: 'the answer has more than 8388608 bytes' }))
  t.match(await takePage(cl.context, id, 0), { failed: /8388608/ })
  t.notOk(await sees(cl, 'diego.csirt-cl', '3fff::a1'))
  const { taking } = (await cl.call(adminOf(cl), { url: `/v1/peers/${id}` })).body
  t.match(taking, { failures: 4, lastOutcome: /8388608/, notBefore: '2026-06-01T00:00:08.000Z' })
  fed.meddle('csirt-cl', 'cert-br', () => undefined)
  t.equal((await takePage(cl.context, id, 0)).failed, undefined)
  t.ok(await sees(cl, 'diego.csirt-cl', '3fff::a1'))
})

t.test('a relay that lies is found out, one entry at a time', async (t) => {
  fed.cut('csirt-cl', 'cert-br')
  const secret = await publish(br, 'ana.cert-br', '3fff::b1', 'tlp=amber&audience=lacnic&audience=csirt-cl')
  await publish(br, 'ana.cert-br', '3fff::b2', 'tlp=green')
  await fed.pull('lacnic', 'cert-br')
  const key = await keyOf(uy)
  const lie = async (asked: AskedNode) => {
    const { answer, resigned } = await answerOf(uy, asked)
    const page = JSON.parse(answer.body.toString())
    const whole = page.entries.find(({ envelope }: { envelope: string }) => envelope.includes(secret))
    if (whole === undefined) return answer
    const sealed = JSON.parse(whole.envelope) as Envelope
    whole.envelope = whole.envelope.replace('"tlp":"amber"', '"tlp":"clear"')
    // What it seals itself in the name of another.
    const forged = writeEnvelope({
      ...sealed,
      node: uy.context.node.id,
      epoch: uy.context.node.feedEpoch,
      version: 9,
      previousVersion: 8,
    })
    const { root } = batchOf([forged])
    const seal = {
      node: uy.context.node.id,
      epoch: uy.context.node.feedEpoch,
      root,
      size: 1,
      issuedAt: sealed.issuedAt,
    }
    page.seals.push(await signSeal(seal, key))
    page.entries.push({ envelope: forged, seal: page.seals.length - 1, index: 0, path: [], hops: [] })
    page.entries.push({ envelope: 7 })
    return await resigned(Buffer.from(JSON.stringify(page)))
  }
  fed.meddle('csirt-cl', 'lacnic', (asked) => (asked.method === 'GET' ? lie(asked) : undefined))
  await fed.pull('csirt-cl', 'lacnic')
  fed.meddle('csirt-cl', 'lacnic', () => undefined)
  t.ok(await sees(cl, 'diego.csirt-cl', '3fff::b2'), 'the rest of the page is applied')
  t.strictSame(await tablesWith(cl, '3fff::b1'), [], 'and of what is false no byte is kept')
  const listed = (await cl.call(adminOf(cl), { url: '/v1/quarantine' })).body.items
  t.strictSame(listed.map(({ code, releasable }: { code: string; releasable: boolean }) => [code, releasable]).sort(), [
    ['malformed', false],
    ['originator_not_homed', false],
    ['path_invalid', false],
  ])
  t.equal(
    (await cl.call('diego.csirt-cl', { url: '/v1/quarantine' })).status,
    403,
    "the operator's administrators alone see it",
  )
  const release = await post(cl, adminOf(cl), `/v1/quarantine/${listed[0].id}/release`)
  t.equal(release.status, 404, 'there is nothing to release')
  for (const { id } of listed)
    t.equal((await cl.call(adminOf(cl), { method: 'DELETE', url: `/v1/quarantine/${id}` })).status, 204)
  t.strictSame((await cl.call(adminOf(cl), { url: '/v1/quarantine' })).body.items, [])
  const state = (await cl.call(adminOf(cl), { url: `/v1/peers/${uy.context.node.id}` })).body
  t.ok(
    state.taking.outcomes.some(
      ({ code, items }: { code?: string; items: number }) => code === 'path_invalid' && items === 1,
    ),
  )
  fed.heal()
})

t.test('what is authentic and not for now waits, and is released by the same checks', async (t) => {
  fed.cut('csirt-cl', 'cert-br')
  const suspend = (suspended: boolean) =>
    cl.call(adminOf(cl), {
      ...{ method: 'PATCH', url: `/v1/peers/${br.context.node.id}`, headers: json },
      payload: JSON.stringify({ suspended }),
    })
  await suspend(true)
  const id = await publish(br, 'ana.cert-br', '3fff::c1', 'tlp=green')
  await fed.pull('lacnic', 'cert-br')
  await fed.pull('csirt-cl', 'lacnic')
  const [waiting] = (await cl.call(adminOf(cl), { url: '/v1/quarantine?code=node_suspended' })).body.items
  t.match(waiting, { item: id, version: 1, originator: 'cert-br', releasable: true })
  const whole = await cl.call(adminOf(cl), { url: `/v1/quarantine/${waiting.id}` })
  t.equal(JSON.parse(whole.body.envelope).id, id, 'an operator can look at it')
  const again = await post(cl, adminOf(cl), `/v1/quarantine/${waiting.id}/release`)
  t.match(again.body, { outcome: 'quarantined', code: 'node_suspended' }, 'releasing leaves out no check')
  await suspend(false)
  const [still] = (await cl.call(adminOf(cl), { url: '/v1/quarantine' })).body.items
  t.match((await post(cl, adminOf(cl), `/v1/quarantine/${still.id}/release`)).body, { outcome: 'applied' })
  t.ok(await sees(cl, 'diego.csirt-cl', '3fff::c1'))
  fed.heal()
})

t.test('a key that was taken back to an instant takes with it what it sealed since', async (t) => {
  await publish(uy, 'lucia.lacnic', '3fff::d1', 'tlp=green')
  await fed.settle()
  fed.at('2026-06-01T00:10:00Z')
  const late = await publish(uy, 'lucia.lacnic', '3fff::d2', 'tlp=green')
  await fed.settle()
  t.ok(await sees(cl, 'diego.csirt-cl', '3fff::d2'))
  fed.at('2026-06-01T00:20:00Z')
  const thumbprint = (await keyOf(uy)).kid
  const place = `/v1/peers/${uy.context.node.id}/keys/${thumbprint}/revoke`
  t.equal((await post(cl, adminOf(cl), place, { from: '2026-06-01T00:05:00Z' })).status, 200)
  await tendPeers(cl.context)
  t.ok(await sees(cl, 'diego.csirt-cl', '3fff::d1'), 'what it sealed before stays')
  t.strictSame(await tablesWith(cl, '3fff::d2'), [], 'what came after is in no table')
  const listed = (await cl.call(adminOf(cl), { url: '/v1/quarantine?code=key_revoked' })).body.items
  t.match(listed, [{ item: late, releasable: false }], 'and is listed')
  t.match(await takePage(cl.context, uy.context.node.id, 0), { failed: /key/ }, 'it signs no answer any more')
})

t.test('an expelled node gets nothing, and what came from it is not shown, by whatever way', async (t) => {
  await publish(br, 'ana.cert-br', '3fff::e1', 'tlp=green')
  await fed.pull('csirt-cl', 'cert-br')
  t.ok(await sees(cl, 'diego.csirt-cl', '3fff::e1'))
  const begin = await cl.call('diego.csirt-cl', { url: '/v1/feed?from=now' })
  await publish(cl, 'camila.csirt-cl', '3fff::e2', 'tlp=green')
  t.equal((await post(cl, adminOf(cl), `/v1/peers/${br.context.node.id}/expel`)).status, 200)
  t.match(await takePage(br.context, cl.context.node.id, 0), { failed: 'status 401' }, 'nothing goes out to it')
  t.strictSame(await tablesWith(br, '3fff::e2'), [])
  await tendPeers(cl.context)
  t.notOk(await sees(cl, 'diego.csirt-cl', '3fff::e1'))
  t.strictSame(await tablesWith(cl, '3fff::e1'), [], 'its items are in no table')
  const told = await cl.call('diego.csirt-cl', { url: `/v1/feed?cursor=${begin.body.cursor}` })
  t.ok(
    told.body.items.some(({ change }: { change: string }) => change === 'withdrawn'),
    'its readers are told',
  )

  await enrol(cl, br, 'cert-br', ['cert-br', 'rede-sul'])
  await fed.pull('csirt-cl', 'cert-br')
  t.ok(await sees(cl, 'diego.csirt-cl', '3fff::e1'), 'a node that is enrolled again is asked from the beginning')
})
