import { createHash } from 'node:crypto'
import t from 'tap'
import type { AskedNode } from '../../src/actions/context.ts'
import { exchangeCheckpoints, integrateAudit, takeCheckpoints, takePage } from '../../src/actions/index.ts'
import { verifyAudit } from '../../src/actions/verify-audit.ts'
import { askWitnesses } from '../../src/actions/witnessed.ts'
import { signResponse } from '../../src/auth/http-signatures.ts'
import { openSigningKey, type SigningKey } from '../../src/auth/jwk.ts'
import { signSeal } from '../../src/auth/seals.ts'
import { limits } from '../../src/domain/limits.ts'
import { canonicalText } from '../../src/formats/envelope.ts'
import { batchOf } from '../../src/seal/batches.ts'
import type { TestNode } from '../node.ts'
import { adminOf, federation, json, publish, sees } from './nodes.ts'
import { rollBack } from './rollback.ts'

/** Nodes that hold each other to what they signed of their logs. */

t.setTimeout(600_000)

const fed = await federation(t)
const [br, cl, uy] = [fed.node('cert-br'), fed.node('csirt-cl'), fed.node('lacnic')]
const all = [br, cl, uy]
const idOf = (node: TestNode) => node.context.node.id
const stateOf = async (at: TestNode, of: TestNode) =>
  (await at.call(adminOf(at), { url: `/v1/peers/${idOf(of)}` })).body
const resume = (at: TestNode, of: TestNode) =>
  at.call(adminOf(at), {
    ...{ method: 'PATCH', url: `/v1/peers/${idOf(of)}`, headers: json },
    payload: JSON.stringify({ suspended: false }),
  })

let minute = 0
/** Some minutes pass, and everybody asks everybody twice: what one heard meanwhile is told to the other. */
async function exchange(): Promise<void> {
  minute += 3
  fed.at(new Date(Date.parse('2026-06-01T00:00:00Z') + minute * 60_000).toISOString())
  for (let round = 0; round < 2; round++)
    for (const node of all) {
      await integrateAudit(node.context)
      for (const other of all) if (other !== node) await takeCheckpoints(node.context, idOf(other))
    }
}

async function keyOf(node: TestNode): Promise<SigningKey> {
  const { rows } = await node.context.database.client.query<{ thumbprint: string; jwk: string }>(
    'select thumbprint, jwk from federation_key where removed_at is null order by created_at desc limit 1',
  )
  return await openSigningKey(rows[0]?.thumbprint ?? '', rows[0]?.jwk ?? '')
}

interface Entry {
  readonly envelope: string
}
interface Told {
  readonly to: string
  own: Entry
  readonly others: readonly Entry[]
  readonly proofs: { feed: { path: string[] }[]; audit: unknown[] }
}
type Change = (body: Told) => void | Promise<void>

/** What a node answers, changed and signed again by itself. */
async function altered(node: TestNode, asked: AskedNode, change: Change) {
  const { pathname, search } = new URL(asked.url)
  const answer = await node.app.inject({ method: 'GET', url: `${pathname}${search}`, headers: { ...asked.headers } })
  const body = answer.json() as Told
  await change(body)
  const bytes = Buffer.from(JSON.stringify(body))
  const request = { method: 'GET', url: asked.url, fields: { ...asked.headers } }
  const signer = {
    ...{ key: await keyOf(node), destination: body.to },
    ...{ nonce: createHash('sha256').update(bytes).digest('base64url'), at: node.context.clock() },
  }
  const headers = await signResponse({ status: 200, fields: {}, request }, bytes, signer)
  return { status: 200, headers: { ...headers, 'content-type': 'application/json' }, body: bytes }
}

/** A checkpoint in the place of another one, sealed by the node itself. */
async function resealed(node: TestNode, entry: Entry, change: object) {
  const before = JSON.parse(entry.envelope)
  const envelope = canonicalText({ ...before, content: { ...before.content, ...change } })
  const { root } = batchOf([envelope])
  const said = { node: before.node, epoch: before.epoch, root, size: 1, issuedAt: before.issuedAt }
  return { envelope, seal: await signSeal(said, await keyOf(node)), index: 0, path: [], hops: [] }
}

t.test('each node keeps the heads of the others, and has shown that they extend each other', async (t) => {
  await publish(br, 'ana.cert-br', '3fff::1', 'tlp=green')
  await exchange()
  await publish(br, 'ana.cert-br', '3fff::2', 'tlp=green')
  await exchange()
  await fed.settle()
  for (const at of all)
    for (const of of all) {
      if (at === of) continue
      const { taking, giving, findings, peer } = await stateOf(at, of)
      t.match(taking.checkpoint, { size: 2, proven: true })
      t.ok(taking.checkpoint.auditSize > 0, 'with the head of its audit log')
      t.ok(giving.witnessed.auditSize > 0, 'and it has kept those of ours')
      t.equal(taking.stale, false)
      t.strictSame(findings, [])
      t.equal(peer.state, 'active')
    }
  const { rows } = await cl.context.database.client.query(
    'select count(*)::int as kept, count(*) filter (where proven)::int as proven from checkpoint where node = $1',
    [idOf(br)],
  )
  t.strictSame(rows, [{ kept: 2, proven: 2 }])
})

t.test(
  'a period is closed every two minutes whatever happens, by one process, and its size tells nothing',
  async (t) => {
    const count = async () =>
      (await br.context.database.client.query('select max(size)::int as size from period')).rows[0].size
    const before = await count()
    await Promise.all([exchangeCheckpoints(br.context), exchangeCheckpoints(br.context)])
    t.equal(await count(), before, 'not before its time')
    await publish(br, 'ana.cert-br', '3fff::3', 'tlp=green')
    minute += 3
    fed.at(new Date(Date.parse('2026-06-01T00:00:00Z') + minute * 60_000).toISOString())
    await Promise.all([exchangeCheckpoints(br.context), exchangeCheckpoints(br.context)])
    t.equal(await count(), before + 1)
    t.ok(limits.checkpointSeconds <= 300, 'at least every five minutes')
  },
)

t.test('who says nothing for longer than its checkpoint holds is stale', async (t) => {
  await exchange()
  await fed.settle()
  t.equal((await stateOf(cl, br)).taking.stale, false)
  minute += 10
  fed.at(new Date(Date.parse('2026-06-01T00:00:00Z') + minute * 60_000).toISOString())
  await takePage(cl.context, idOf(br), 0)
  const { taking } = await stateOf(cl, br)
  t.equal(taking.stale, true, 'also where it still gives pages')
  t.ok(Date.parse(taking.checkpoint.expiresAt) <= cl.context.clock().getTime())
  await exchange()
  await fed.settle()
  t.equal((await stateOf(cl, br)).taking.stale, false)
})

t.test(
  'two roots of one size are found by those who were told different ones, and stop what their node sends',
  async (t) => {
    // Brazil tells Chile another log than Montevideo.
    fed.meddle('csirt-cl', 'cert-br', (asked) =>
      asked.url.includes('/checkpoints')
        ? altered(br, asked, async (body) => {
            body.own = await resealed(br, body.own, { root: 'A'.repeat(43) })
          })
        : undefined,
    )
    await exchange()
    fed.meddle('csirt-cl', 'cert-br', () => undefined)
    const told = await stateOf(uy, br)
    t.equal(told.peer.state, 'suspended', 'Montevideo heard of it from Chile')
    t.match(told.findings, [{ kind: 'two_roots', seenFrom: idOf(cl) }])
    const { peer, findings } = await stateOf(cl, br)
    t.equal(peer.state, 'suspended')
    t.ok(findings.some(({ kind }: { kind: string }) => kind === 'not_extended' || kind === 'two_roots'))

    const id = await publish(br, 'ana.cert-br', '3fff::4', 'tlp=green')
    t.match(await takePage(uy.context, idOf(br), 0), { failed: 'gone' }, 'nothing is taken from it')
    t.notOk(await sees(uy, 'lucia.lacnic', '3fff::4'))
    t.equal((await resume(uy, br)).status, 200, 'until the operator says so')
    await fed.pull('lacnic', 'cert-br')
    t.equal((await sees(uy, 'lucia.lacnic', '3fff::4')).id, id)
    t.match((await stateOf(uy, br)).findings, [{ settledAt: /2026/ }])
    await takeCheckpoints(uy.context, idOf(cl))
    t.equal((await stateOf(uy, br)).peer.state, 'active', 'what is settled is not found again')

    await fed.pull('csirt-cl', 'lacnic')
    t.notOk(await sees(cl, 'diego.csirt-cl', '3fff::4'), 'nor applied where it is suspended, by way of another')
    t.match((await cl.call(adminOf(cl), { url: '/v1/quarantine?code=node_suspended' })).body.items, [{ item: id }])
    await resume(cl, br)
  },
)

t.test('a log that does not extend what was signed is found by the node that asks for the proof', async (t) => {
  await exchange()
  t.equal((await stateOf(cl, br)).peer.state, 'active')
  const changes: readonly (readonly [string, Change])[] = [
    [
      'no proof',
      (body) => {
        body.proofs.feed = []
      },
    ],
    [
      'a false one',
      (body) => {
        for (const { path } of body.proofs.feed) path[0] = 'A'.repeat(43)
      },
    ],
    [
      'none of the audit log',
      (body) => {
        body.proofs.audit = []
      },
    ],
  ]
  for (const [name, change] of changes) {
    await exchange()
    fed.meddle('csirt-cl', 'cert-br', (asked) =>
      asked.url.includes('/checkpoints') ? altered(br, asked, change) : undefined,
    )
    await publish(br, 'ana.cert-br', `3fff::5:${name.length}`, 'tlp=green')
    minute += 3
    fed.at(new Date(Date.parse('2026-06-01T00:00:00Z') + minute * 60_000).toISOString())
    await integrateAudit(br.context)
    t.match(await takeCheckpoints(cl.context, idOf(br)), /does not extend/, name)
    const { peer, findings } = await stateOf(cl, br)
    t.equal(peer.state, 'suspended')
    t.match(findings[0], { kind: name === 'none of the audit log' ? 'audit_not_extended' : 'not_extended' })
    fed.meddle('csirt-cl', 'cert-br', () => undefined)
    await resume(cl, br)
    t.equal(await takeCheckpoints(cl.context, idOf(br)), undefined, 'and settled by its operator')
  }
})

/** What Brazil tells Chile now. */
async function answerOf(): Promise<Told> {
  let told: Told | undefined
  fed.meddle('csirt-cl', 'cert-br', (asked) =>
    altered(br, asked, (body) => {
      told = body
    }),
  )
  await takeCheckpoints(cl.context, idOf(br))
  if (told === undefined) throw new Error('nothing was asked')
  return told
}

t.test('what is not the node’s own word is no checkpoint of it', async (t) => {
  const before = (await cl.context.database.client.query('select count(*)::int as n from checkpoint')).rows[0].n
  const [other = { envelope: '' }] = (await answerOf()).others
  const changes: readonly (readonly [string, Change])[] = [
    [
      'sealed by another',
      async (body) => {
        body.own = await resealed(uy, body.own, { size: 999 })
      },
    ],
    [
      'of another audit log',
      async (body) => {
        body.own = await resealed(br, body.own, { audit: JSON.parse(other.envelope).content.audit })
      },
    ],
    [
      'of another node',
      (body) => {
        body.own = other
      },
    ],
  ]
  for (const [name, change] of changes) {
    fed.meddle('csirt-cl', 'cert-br', (asked) =>
      asked.url.includes('/checkpoints') ? altered(br, asked, change) : undefined,
    )
    t.match(await takeCheckpoints(cl.context, idOf(br)), /no checkpoint of its own/, name)
  }
  fed.meddle('csirt-cl', 'cert-br', () => undefined)
  t.equal((await stateOf(cl, br)).peer.state, 'active')
  t.equal((await cl.context.database.client.query('select count(*)::int as n from checkpoint')).rows[0].n, before)
})

t.test('a rollback of a whole audit log is found by what the peers have kept', async (t) => {
  await exchange()
  const { client } = br.context.database
  t.strictSame((await verifyAudit(br.context.database)).findings, [], 'the log is in order')
  await rollBack(client)
  t.strictSame((await verifyAudit(br.context.database)).findings, [], 'and alone it is still')

  const witnesses = await askWitnesses(br.context)
  t.strictSame(witnesses.map(({ name }) => name).sort(), ['csirt-cl', 'lacnic'])
  const checkpoints = witnesses.flatMap(({ notes }) => notes)
  const { findings } = await verifyAudit(br.context.database, { checkpoints })
  t.ok(
    findings.some(({ kind }) => kind === 'extension'),
    'but not by what others have kept',
  )

  await takeCheckpoints(br.context, idOf(cl))
  t.match((await stateOf(br, cl)).findings, [{ kind: 'own_audit_not_extended', seenFrom: idOf(cl) }])
  await exchange()
  t.equal((await stateOf(cl, br)).peer.state, 'suspended', 'its peers trust it no more')
  t.match((await stateOf(cl, br)).findings[0], { kind: /audit/ })
})
