import t from 'tap'
import { tendWidening } from '../../src/actions/index.ts'
import { signRequest } from '../../src/auth/http-signatures.ts'
import { limits } from '../../src/domain/limits.ts'
import type { TestNode } from '../node.ts'
import { adminOf, federation, post, publish, sees, urlOf } from './nodes.ts'

/** Requests to widen between nodes: there and back, once each, and believed of nobody else. */

t.setTimeout(600_000)

const fed = await federation(t)
const [br, cl, uy] = [fed.node('cert-br'), fed.node('csirt-cl'), fed.node('lacnic')]

let minute = 0
/** Both nodes tell what they have to tell, and take what there is. */
async function exchange(): Promise<void> {
  fed.at(new Date(Date.parse('2026-06-01T00:10:00Z') + ++minute * 60_000).toISOString())
  for (const node of [cl, br, uy]) await tendWidening(node.context)
  await fed.settle()
}

const ask = (node: TestNode, account: string, id: string, wanted: object) =>
  post(node, account, `/v1/indicators/${id}/widening-requests`, { wanted, reason: 'It hit our members.' })
const one = async (node: TestNode, account: string, id: string) =>
  (await node.call(account, { url: `/v1/widening-requests/${id}` })).body
const rows = async (node: TestNode, id: string): Promise<number> =>
  (await node.context.database.client.query('select 1 from widening_request where id = $1', [id])).rowCount ?? 0
const refusals = async (node: TestNode, from: TestNode) =>
  (await node.call(adminOf(node), { url: `/v1/peers/${from.context.node.id}` })).body.taking.outcomes
    .filter(({ code }: { code?: string }) => code?.startsWith('widening_'))
    .map(({ code, items }: { code: string; items: number }) => `${code} ${items}`)

/** What one node says to another, signed as it signs. */
async function say(
  from: TestNode,
  to: TestNode,
  name: string,
  message: object,
  nonce = `nonce-${Math.random()}-of-this-test`,
) {
  const body = Buffer.from(JSON.stringify(message))
  const at = from.context.clock()
  const key = await from.context.federationKeys.signer(await from.context.policy.current(), at)
  const request = {
    method: 'POST',
    url: `${urlOf(name)}/federation/v1/widening`,
    fields: { 'content-type': 'application/json' },
  }
  const signed = await signRequest(request, body, { key, destination: to.context.node.id, nonce, at })
  const headers = { ...request.fields, ...signed }
  const answer = await to.app.inject({ method: 'POST', url: '/federation/v1/widening', headers, payload: body })
  return { status: answer.statusCode, body: answer.json(), text: answer.body }
}

t.test('a request travels to the originator’s node, the answer back, and the wider version by the feed', async (t) => {
  const id = await publish(br, 'ana.cert-br', '3fff::a1', 'tlp=amber&audience=csirt-cl')
  await fed.settle()
  t.notOk(await sees(uy, 'lucia.lacnic', '3fff::a1'))
  const asked = await ask(cl, 'diego.csirt-cl', id, { audience: ['lacnic'] })
  t.match(asked, { status: 201, body: { state: 'open', delivered: false } })
  const request = asked.body.id
  await exchange()
  t.match(await one(cl, 'diego.csirt-cl', request), { state: 'open', delivered: true })
  const queue = (await br.call('ana.cert-br', { url: '/v1/widening-requests?side=received' })).body.items
  t.match(queue, [
    { id: request, asker: 'csirt-cl', indicator: id, wanted: { audience: ['lacnic'] }, reason: 'It hit our members.' },
  ])
  t.notMatch(JSON.stringify(queue), /diego/, 'who it was is its organisation’s to know')
  t.match(await post(br, 'ana.cert-br', `/v1/widening-requests/${request}/accept`, { note: 'Of course.' }), {
    status: 200,
  })
  await exchange()
  t.match(await one(cl, 'diego.csirt-cl', request), { state: 'accepted', note: 'Of course.', widenedVersion: 2 })
  t.match(await sees(uy, 'lucia.lacnic', '3fff::a1'), { version: 2 })
  t.match(await sees(cl, 'diego.csirt-cl', '3fff::a1'), { version: 2 })
  for (const [node, account, action] of [
    [cl, 'elena.csirt-cl', 'take-widening'],
    [br, 'ana.cert-br', 'accept-widening'],
  ] as const) {
    const { rows } = await node.context.database.client.query('select 1 from audit_leaf where action = $1', [action])
    t.ok(rows.length > 0, `${action} at the node of ${account}`)
  }
})

t.test('a refusal comes back, and a withdrawal goes there', async (t) => {
  const id = await publish(br, 'ana.cert-br', '3fff::a2', 'tlp=green')
  await fed.settle()
  const first = (await ask(cl, 'diego.csirt-cl', id, { tlp: 'clear' })).body.id
  await exchange()
  await post(br, 'ana.cert-br', `/v1/widening-requests/${first}/refuse`, { reason: 'Not yet.' })
  await exchange()
  t.match(await one(cl, 'diego.csirt-cl', first), { state: 'refused', note: 'Not yet.' })

  const second = (await ask(cl, 'diego.csirt-cl', id, { tlp: 'clear' })).body.id
  await exchange()
  t.match(await one(br, 'ana.cert-br', second), { state: 'open' })
  await post(cl, 'diego.csirt-cl', `/v1/widening-requests/${second}/withdraw`)
  await exchange()
  t.match(await one(br, 'ana.cert-br', second), { state: 'withdrawn' })
  t.match(await post(br, 'ana.cert-br', `/v1/widening-requests/${second}/accept`), { status: 409 })
  t.match(await sees(br, 'ana.cert-br', '3fff::a2'), { version: 1, handling: { tlp: 'green' } })
})

t.test('what is lost on the way is told again, and counts once', async (t) => {
  const id = await publish(br, 'ana.cert-br', '3fff::a3', 'tlp=green')
  await fed.settle()
  const request = (await ask(cl, 'diego.csirt-cl', id, { tlp: 'clear' })).body.id
  fed.cut('csirt-cl', 'cert-br')
  await exchange()
  t.equal(await rows(br, request), 0)
  fed.heal()
  // It arrives, and the answer to it is lost.
  let lost = 0
  fed.meddle('csirt-cl', 'cert-br', (asked) => {
    if (!asked.url.endsWith('/widening') || lost > 0) return undefined
    lost++
    return br.app
      .inject({
        method: 'POST',
        url: '/federation/v1/widening',
        headers: { ...asked.headers },
        payload: Buffer.from(asked.body ?? []),
      })
      .then(() => ({ error: 'the line went dead' }))
  })
  await exchange()
  t.equal(lost, 1)
  t.equal(await rows(br, request), 1)
  t.match(await one(cl, 'diego.csirt-cl', request), { delivered: false })
  await exchange()
  t.match(await one(cl, 'diego.csirt-cl', request), { delivered: true, state: 'open' })
  t.equal(await rows(br, request), 1, 'twice is once')
  fed.meddle('csirt-cl', 'cert-br', () => undefined)

  await post(br, 'ana.cert-br', `/v1/widening-requests/${request}/accept`)
  fed.cut('cert-br', 'csirt-cl')
  await exchange()
  t.match(await one(cl, 'diego.csirt-cl', request), { state: 'open' })
  fed.heal()
  await exchange()
  t.match(await one(cl, 'diego.csirt-cl', request), { state: 'accepted' })
})

t.test('a forged request is refused, counted, and learns nothing', async (t) => {
  const id = await publish(br, 'ana.cert-br', '3fff::a4', 'tlp=green')
  const hidden = await publish(br, 'ana.cert-br', '3fff::a5', 'tlp=amber&audience=lacnic')
  const never = 'indicator--00000000-0000-4000-8000-00000000dead'
  await fed.settle()
  const message = (more: object) => ({
    ...{
      kind: 'request',
      id: crypto.randomUUID(),
      indicator: id,
      originator: 'cert-br',
      version: 1,
      asker: 'csirt-cl',
    },
    ...{ wanted: { tlp: 'clear' }, reason: 'r', withdrawn: false, ...more },
  })
  const tell = (more: object) => say(cl, br, 'cert-br', message(more))
  const before = (await br.call('ana.cert-br', { url: '/v1/widening-requests' })).body.items.length
  t.match(await tell({ asker: 'lacnic' }), { status: 200, body: { outcome: 'refused', code: 'asker_not_homed' } })
  t.match(await tell({ asker: 'cert-br' }), { body: { code: 'asker_not_homed' } }, 'not in our own name either')
  t.match(await tell({ asker: 'nobody' }), { body: { code: 'asker_not_homed' } })
  const [a, b] = [
    await tell({ indicator: hidden, id: never.slice(11) }),
    await tell({ indicator: never, id: never.slice(11) }),
  ]
  t.match(a, { status: 200, body: { outcome: 'refused', code: 'unknown' } })
  t.equal(a.text, b.text, 'what its asker may not see is what never was')
  t.match(await tell({ originator: 'csirt-cl' }), { body: { code: 'unknown' } }, 'nor somebody else’s')
  t.match(await tell({ originator: 'colcert' }), { body: { code: 'unknown' } })
  for (const bad of [
    { wanted: {} },
    { wanted: { tlp: 'red' } },
    { reason: '' },
    { version: 0 },
    { id: 'x' },
    { more: 1 },
  ])
    t.equal((await tell(bad)).status, 400, JSON.stringify(bad))
  t.match(await tell({ reason: ' ' }), { body: { code: 'invalid' } })
  t.equal((await br.call('ana.cert-br', { url: '/v1/widening-requests' })).body.items.length, before)
  t.strictSame(await refusals(br, cl), ['widening_asker_not_homed 3', 'widening_invalid 1', 'widening_unknown 4'])

  const honest = message({})
  const nonce = 'a-nonce-that-is-used-once-only'
  t.match(await say(cl, br, 'cert-br', honest, nonce), { body: { outcome: 'taken' } })
  t.equal((await say(cl, br, 'cert-br', honest, nonce)).status, 401, 'a message that comes again')
  t.match(await say(cl, br, 'cert-br', honest), { body: { outcome: 'known' } }, 'and one that says the same again')
  t.match(await say(uy, br, 'cert-br', honest), { body: { code: 'invalid' } }, 'or says it for another')
  t.match(await tell({}), { body: { outcome: 'busy' } }, 'an organisation asks once')

  const kept = limits.wideningPerDay
  t.teardown(() => Object.assign(limits, { wideningPerDay: kept }))
  const other = await publish(br, 'ana.cert-br', '3fff::c7', 'tlp=green')
  await fed.settle()
  const gone = () => tell({ id: crypto.randomUUID(), indicator: other, withdrawn: true })
  t.match(await gone(), { body: { outcome: 'taken' } })
  Object.assign(limits, { wideningPerDay: 1 })
  t.match(await gone(), { body: { outcome: 'busy' } }, 'nor are requests told without end as withdrawn at once')
})

t.test('a forged answer is refused', async (t) => {
  const id = await publish(br, 'ana.cert-br', '3fff::a6', 'tlp=green')
  await fed.settle()
  const request = (await ask(cl, 'diego.csirt-cl', id, { tlp: 'clear' })).body.id
  await exchange()
  const accepted = { kind: 'answer', id: request, outcome: 'accepted', note: 'I am CERT.br', version: 2 }
  t.match(await say(uy, cl, 'csirt-cl', accepted), { status: 200, body: { outcome: 'refused', code: 'unknown' } })
  const unknown = { ...accepted, id: '00000000-0000-4000-8000-000000000000' }
  t.match(await say(br, cl, 'csirt-cl', unknown), { body: { code: 'unknown' } })
  t.match(await one(cl, 'diego.csirt-cl', request), { state: 'open' })
  t.match(await say(br, cl, 'csirt-cl', { ...accepted, outcome: 'refused', note: 'no' }), {
    body: { outcome: 'taken' },
  })
  t.match(await say(br, cl, 'csirt-cl', accepted), { body: { outcome: 'known' } }, 'answered once')
  t.match(await one(cl, 'diego.csirt-cl', request), { state: 'refused', note: 'no' })
  t.equal(
    (await cl.call('anonymous', { method: 'POST', url: '/federation/v1/widening', payload: accepted })).status,
    401,
  )
})

t.test('of a node that is suspended or expelled', async (t) => {
  const id = await publish(br, 'ana.cert-br', '3fff::a7', 'tlp=green')
  const other = await publish(br, 'ana.cert-br', '3fff::a8', 'tlp=green')
  await fed.settle()
  const waiting = (await ask(cl, 'diego.csirt-cl', id, { tlp: 'clear' })).body.id
  const peer = `/v1/peers/${br.context.node.id}`
  const suspend = (suspended: boolean) => cl.call(adminOf(cl), { method: 'PATCH', url: peer, payload: { suspended } })
  await suspend(true)
  t.match((await ask(cl, 'diego.csirt-cl', other, { tlp: 'clear' })).body, { code: 'originator_unreachable' })
  await exchange()
  t.equal(await rows(br, waiting), 0, 'it waits')
  await suspend(false)
  await exchange()
  t.equal(await rows(br, waiting), 1)
  const late = (await ask(cl, 'diego.csirt-cl', other, { tlp: 'clear' })).body.id
  await post(cl, adminOf(cl), `${peer}/expel`)
  await exchange()
  t.match(await one(cl, 'diego.csirt-cl', late), { state: 'failed', closedAt: /2026/ })
})
