import t from 'tap'
import { fetchKeysOf } from '../../src/actions/fetch-peer-keys.ts'
import { duePeers, fetchPeerKeys, ringDoorbells, takePage } from '../../src/actions/index.ts'
import { mintSigningKey, openSigningKey } from '../../src/auth/jwk.ts'
import { signStatement } from '../../src/auth/node-statements.ts'
import type { TestNode } from '../node.ts'
import { adminOf, federation, post, publish, sees } from './nodes.ts'

/** What nodes say to each other beside their feeds: that there is something, and with which key they will sign. */

t.setTimeout(600_000)

const fed = await federation(t)
const [br, cl] = [fed.node('cert-br'), fed.node('csirt-cl')]
const idOf = (node: TestNode) => node.context.node.id

t.test('a peer that stayed away is told that there is something, once, and is due at once', async (t) => {
  await fed.settle()
  fed.cut('csirt-cl', 'cert-br')
  for (let n = 0; n < 6; n++) await takePage(cl.context, idOf(br), 0)
  const due = () => duePeers(cl.context, '00000000-0000-4000-8000-000000000001', new Set())
  t.notOk((await due()).includes(idOf(br)), 'after failures it is not asked for a while')
  fed.heal()

  const rung: string[] = []
  fed.meddle('cert-br', 'csirt-cl', (asked) => {
    if (asked.url.endsWith('/doorbell')) rung.push(String(asked.body))
    return undefined
  })
  fed.at('2026-06-01T00:00:05Z')
  await ringDoorbells(br.context)
  t.strictSame(rung, [], 'without anything new nobody is told')
  await publish(br, 'ana.cert-br', '3fff::1', 'tlp=amber&audience=lacnic')
  fed.at('2026-06-01T00:00:10Z')
  await ringDoorbells(br.context)
  t.strictSame(rung, [], 'nor of what it may not have')
  await publish(br, 'ana.cert-br', '3fff::2', 'tlp=green')
  await br.context.database.client.query("update peer_state set last_asked_at = '2026-05-31T23:58:00Z'")
  await Promise.all([ringDoorbells(br.context), ringDoorbells(br.context)])
  t.strictSame(rung, ['{}'], 'it says nothing of what')
  t.ok((await due()).includes(idOf(br)))
  await fed.pull('csirt-cl', 'cert-br')
  t.ok(await sees(cl, 'diego.csirt-cl', '3fff::2'))
  await ringDoorbells(br.context)
  t.equal(rung.length, 1, 'and is not told again')
})

t.test('a peer that asks is there: it is asked within two seconds, whatever the back-off', async (t) => {
  const due = async () =>
    (await duePeers(cl.context, '00000000-0000-4000-8000-000000000001', new Set())).includes(idOf(br))
  fed.at('2026-06-01T00:00:20Z')
  fed.cut('csirt-cl', 'cert-br')
  for (let n = 0; n < 6; n++) await takePage(cl.context, idOf(br), 0)
  fed.at('2026-06-01T00:00:21Z')
  await fed.pull('cert-br', 'csirt-cl')
  t.notOk(await due(), 'one that asks all the time is not asked all the time')
  fed.at('2026-06-01T00:00:22Z')
  t.ok(await due())
  await takePage(cl.context, idOf(br), 0)
  fed.at('2026-06-01T00:00:30Z')
  t.notOk(await due(), 'the link is still cut this way: its back-off goes on')
  await fed.pull('cert-br', 'csirt-cl')
  t.ok(await due(), 'until it asks again')
  fed.heal()
  await fed.pull('csirt-cl', 'cert-br')
})

t.test('what its own database failed at is not held against a peer', async (t) => {
  const { client } = cl.context.database
  fed.meddle('csirt-cl', 'cert-br', async () => {
    throw Object.assign(new Error('the database is gone'), { code: '57P01' })
  })
  fed.at('2026-06-01T00:00:40Z')
  const taken = await takePage(cl.context, idOf(br), 0)
  t.match(taken, { failed: /database cannot answer/ })
  const { rows } = await client.query('select failures, failing_since, not_before from peer_state where peer = $1', [
    idOf(br),
  ])
  t.match(rows[0], { failures: 0, failing_since: null, not_before: new Date('2026-06-01T00:00:41Z') })
  fed.meddle('csirt-cl', 'cert-br', () => undefined)
})

t.test('who rings all the time is heard now and then', async (t) => {
  fed.meddle('cert-br', 'csirt-cl', () => undefined)
  const { client } = cl.context.database
  const rungAt = async () =>
    (await client.query('select rung_at, not_before from peer_state where peer = $1', [idOf(br)])).rows[0]
  const again = async () => {
    await client.query("update peer_state set not_before = '2026-06-02T00:00:00Z'")
    await br.context.database.client.query(
      "update peer_state set rang_at = null, last_asked_at = '2026-05-31T23:58:00Z'",
    )
    await ringDoorbells(br.context)
  }
  fed.at('2026-06-01T00:01:00Z')
  await again()
  const first = await rungAt()
  t.equal(first.not_before, null)
  fed.at('2026-06-01T00:01:05Z')
  await again()
  t.ok((await rungAt()).not_before, 'not heard')
  t.strictSame((await rungAt()).rung_at, first.rung_at)
  fed.at('2026-06-01T00:01:11Z')
  await again()
  t.equal((await rungAt()).not_before, null)
  await client.query('update peer_state set not_before = null')
  const stranger = await post(cl, adminOf(cl), '/federation/v1/doorbell', {})
  t.match(stranger, { status: 401, body: { code: 'peer_signature_invalid' } }, 'an administrator is no peer')
})

const pinned = async (at: TestNode, of: TestNode) =>
  (await at.call(adminOf(at), { url: '/v1/peers' })).body.items.find(({ id }: { id: string }) => id === idOf(of)).keys

t.test('a new key is pinned before it signs, and nothing that holds is refused', async (t) => {
  const rotated = await post(br, adminOf(br), '/v1/federation-keys')
  t.equal(rotated.status, 201)
  await publish(br, 'ana.cert-br', '3fff::3', 'tlp=green')
  await fed.pull('csirt-cl', 'cert-br')
  t.ok(await sees(cl, 'diego.csirt-cl', '3fff::3'), 'meanwhile the one before signs')
  await Promise.all([fetchPeerKeys(cl.context), fetchPeerKeys(cl.context)])
  t.match((await pinned(cl, br)).at(-1), { thumbprint: rotated.body.thumbprint, endorsedBy: /./ })
  fed.at('2026-06-02T00:02:00Z')
  await publish(br, 'ana.cert-br', '3fff::4', 'tlp=green')
  await fed.pull('csirt-cl', 'cert-br')
  t.ok(await sees(cl, 'diego.csirt-cl', '3fff::4'), 'and then the new one')
  const { taking } = (await cl.call(adminOf(cl), { url: `/v1/peers/${idOf(br)}` })).body
  t.notOk(taking.outcomes.some(({ outcome }: { outcome: string }) => outcome === 'refused'))
})

t.test('who was away longer than the overlap finds the new key after the first failure', async (t) => {
  await post(br, adminOf(br), '/v1/federation-keys')
  fed.at('2026-06-03T00:10:00Z')
  await publish(br, 'ana.cert-br', '3fff::5', 'tlp=green')
  t.match(await takePage(cl.context, idOf(br), 0), { failed: /not pinned/ })
  await fetchPeerKeys(cl.context)
  await fed.pull('csirt-cl', 'cert-br')
  t.ok(await sees(cl, 'diego.csirt-cl', '3fff::5'))
})

t.test('a key that no pinned one endorsed is not pinned, whoever brings it', async (t) => {
  const before = (await pinned(cl, br)).length
  const answering = (body: unknown) =>
    fed.meddle('csirt-cl', 'cert-br', async () => ({
      status: 200,
      headers: {},
      body: Buffer.from(JSON.stringify(body)),
    }))
  const { kid, jwk } = await mintSigningKey()
  const key = await openSigningKey(kid, jwk)
  const { body: own } = await br.call('anonymous', { url: '/.well-known/puente' })
  const shown = { thumbprint: kid, jwk: key.jwk, signsFrom: '2026-06-01T00:00:00.000Z' }
  const said = { node: idOf(br), url: own.url, at: own.at }
  const alone = await signStatement({ ...said, keys: [shown] }, 'puente-node+jws', key)
  answering({ statement: alone })
  t.match(await fetchKeysOf(cl.context, idOf(br)), /no pinned one vouches/, 'a stranger’s statement')
  // The node rotated: whoever is between shows its new key with another beginning, under a key of its own.
  await post(br, adminOf(br), '/v1/federation-keys')
  const { body: next } = await br.call('anonymous', { url: '/.well-known/puente' })
  const late = { ...next.keys[0], signsFrom: '2036-01-01T00:00:00.000Z' }
  answering({ statement: await signStatement({ ...said, keys: [shown, late] }, 'puente-node+jws', key) })
  t.match(await fetchKeysOf(cl.context, idOf(br)), /no pinned one vouches/, 'a real key in a false statement')
  const { body: other } = await fed.node('lacnic').call('anonymous', { url: '/.well-known/puente' })
  answering({ statement: other.statement })
  t.match(await fetchKeysOf(cl.context, idOf(br)), /another node/)
  answering({})
  t.match(await fetchKeysOf(cl.context, idOf(br)), /no description/)
  t.equal((await pinned(cl, br)).length, before)
  fed.meddle('csirt-cl', 'cert-br', () => undefined)
  t.strictSame(await fetchKeysOf(cl.context, idOf(br)), [next.keys[0].thumbprint])
})
