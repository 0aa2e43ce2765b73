import t from 'tap'
import { tendWidening } from '../../src/actions/index.ts'
import { limits } from '../../src/domain/limits.ts'
import { type TestNode, testNode } from '../node.ts'
import { handling } from './graphql.ts'

/** Requests to widen: who may ask for what, who answers, and what nobody learns by it. */

t.setTimeout(300_000)

const send = (node: TestNode, account: string, url: string, payload: object = {}) =>
  node.call(account, { method: 'POST', url, payload })
const ask = (node: TestNode, account: string, id: string, wanted: object, reason = 'It hit our members.') =>
  send(node, account, `/v1/indicators/${id}/widening-requests`, { wanted, reason })
const list = async (node: TestNode, account: string, query = '') =>
  (await node.call(account, { url: `/v1/widening-requests${query}` })).body.items

let values = 0
const value = () => ({ type: 'domain-name', value: `w${++values}.example.com` })
const amber = (organisations: readonly string[]) =>
  handling('cert-br', { tlp: 'amber', organisations: [...organisations] })

t.test('a reader asks, the originator widens, and others have it', async (t) => {
  const node = await testNode(t)
  const id = await node.plant(amber(['csirt-cl']), value())
  const seen = async (account: string) => (await node.call(account, { url: `/v1/indicators/${id}` })).status
  t.equal(await seen('sofia.csirt-ar'), 404)

  const asked = await ask(node, 'camila.csirt-cl', id, { audience: ['csirt-ar', 'colcert'] })
  t.equal(asked.status, 201, asked.text)
  const { id: request } = asked.body
  t.match(asked.body, {
    ...{ side: 'asked', indicator: id, version: 1, originator: 'cert-br', asker: 'csirt-cl', state: 'open' },
    ...{ wanted: { audience: ['colcert', 'csirt-ar'] }, delivered: true },
  })
  t.match(await list(node, 'ana.cert-br', '?side=received&state=open'), [{ id: request, side: 'received' }])
  t.equal(await seen('sofia.csirt-ar'), 404, 'nothing is widened by asking')

  const at = `/v1/widening-requests/${request}`
  for (const [account, status] of [
    ['sofia.csirt-ar', 404],
    ['martin.csirt-ar', 404],
    ['camila.csirt-cl', 404],
    ['bruno.cert-br', 403],
    ['anonymous', 401],
  ] as const)
    t.ok(
      [status, 403].includes((await send(node, account, `${at}/accept`)).status),
      `${account} does not answer for the originator`,
    )
  const accepted = await send(node, 'ana.cert-br', `${at}/accept`, { note: 'With pleasure.' })
  t.equal(accepted.status, 200, accepted.text)
  t.match(accepted.body, { state: 'accepted', note: 'With pleasure.', widenedVersion: 2 })
  t.equal(await seen('sofia.csirt-ar'), 200)
  const own = (await node.call('ana.cert-br', { url: `/v1/indicators/${id}` })).body
  t.strictSame(own.handling.audience, ['colcert', 'csirt-ar', 'csirt-cl'])
  const told = (await node.call('camila.csirt-cl', { url: at })).body
  t.match(told, { state: 'accepted', note: 'With pleasure.', widenedVersion: 2 })
  t.match((await send(node, 'ana.cert-br', `${at}/accept`)).body, { code: 'request_state' }, 'answered once')
  t.match((await send(node, 'camila.csirt-cl', `${at}/withdraw`)).body, { code: 'request_state' })

  for (const [account, action] of [
    ['camila.csirt-cl', 'ask-widening'],
    ['ana.cert-br', 'accept-widening'],
    ['ana.cert-br', 'revise'],
  ] as const) {
    const { items } = (await node.call(account, { url: `/v1/audit/leaves?action=${action}` })).body
    t.equal(items.length, 1, `${action} is on the log`)
  }
})

t.test('a refusal says why, and one may ask again', async (t) => {
  const node = await testNode(t)
  const id = await node.plant(amber(['csirt-cl']), value())
  const first = (await ask(node, 'camila.csirt-cl', id, { tlp: 'green' })).body.id
  const again = await ask(node, 'diego.csirt-cl', id, { tlp: 'green' })
  t.match(again.body, { code: 'already_exists' }, 'an organisation asks once')
  const at = `/v1/widening-requests/${first}`
  t.equal((await send(node, 'ana.cert-br', `${at}/refuse`, { reason: ' ' })).status, 400)
  t.match((await send(node, 'ana.cert-br', `${at}/refuse`, { reason: 'The victim asked us.' })).body, {
    state: 'refused',
  })
  t.match((await node.call('camila.csirt-cl', { url: at })).body, { state: 'refused', note: 'The victim asked us.' })
  t.equal((await node.call('diego.csirt-cl', { url: at })).status, 404, 'a colleague knows nothing of it')
  t.equal((await ask(node, 'diego.csirt-cl', id, { tlp: 'green' })).status, 201)
  t.strictSame((await list(node, 'diego.csirt-cl')).length, 1)
})

t.test('what one may ask for', async (t) => {
  const node = await testNode(t)
  const id = await node.plant(amber(['csirt-cl']), value())
  for (const [wanted, status] of [
    [{}, 400],
    [{ tlp: 'amber' }, 422],
    [{ tlp: 'amber+strict' }, 422],
    [{ tlp: 'red' }, 400],
    [{ audience: [] }, 422],
    [{ audience: ['nobody'] }, 422],
    [{ audience: ['@own'] }, 400],
    [{ audience: ['community:no-such'] }, 422],
    [{ lawEnforcement: 'never' }, 400],
    [{ releasableTo: ['XX'] }, 422],
    [{ people: ['camila.csirt-cl'] }, 400],
  ] as const)
    t.equal((await ask(node, 'camila.csirt-cl', id, wanted)).status, status, JSON.stringify(wanted))
  t.equal((await ask(node, 'camila.csirt-cl', id, { tlp: 'green' }, '')).status, 400)
  t.equal((await ask(node, 'camila.csirt-cl', id, { tlp: 'green' }, 'x'.repeat(2_001))).status, 400)
  t.match((await ask(node, 'ana.cert-br', id, { tlp: 'green' })).body, { code: 'invalid_request' }, 'one’s own')

  const notOurs = await ask(node, 'rosa.red-andina', await node.plant(handling('cert-br', { tlp: 'green' }), value()), {
    audience: ['community:lac-csirts'],
  })
  const noSuch = await ask(node, 'rosa.red-andina', await node.plant(handling('cert-br', { tlp: 'green' }), value()), {
    audience: ['community:lac-csirtx'],
  })
  t.equal(notOurs.status, 422)
  t.equal(
    notOurs.text.replace('lac-csirts', 'x'),
    noSuch.text.replace('lac-csirtx', 'x'),
    'a community that is not ours',
  )
})

t.test('what one may not see cannot be asked about, and answers as what never was', async (t) => {
  const node = await testNode(t)
  const hidden = await node.plant(amber(['csirt-cl']), value())
  const never = 'indicator--00000000-0000-4000-8000-00000000dead'
  for (const wanted of [{ tlp: 'green' }, { tlp: 'amber' }, { audience: ['nobody'] }]) {
    const [a, b] = [await ask(node, 'sofia.csirt-ar', hidden, wanted), await ask(node, 'sofia.csirt-ar', never, wanted)]
    t.equal(a.status, 404)
    t.equal(a.text, b.text)
  }
})

t.test('an anonymous source is asked without being named', async (t) => {
  const node = await testNode(t)
  const secret = { ...handling('cert-br', { tlp: 'green' }), attribution: 'anonymous' } as const
  const id = await node.plant(secret, value())
  const asked = await ask(node, 'camila.csirt-cl', id, { tlp: 'clear' })
  t.equal(asked.status, 201)
  const at = `/v1/widening-requests/${asked.body.id}`
  t.match(await list(node, 'ana.cert-br'), [{ originator: 'cert-br', asker: 'csirt-cl' }])
  const tellsNothing = async (when: string) => {
    const leaves = (await node.call('camila.csirt-cl', { url: '/v1/audit/leaves?of=me' })).text
    t.match(leaves, /ask-widening/)
    const seen = [asked.text, (await node.call('camila.csirt-cl', { url: at })).text, leaves]
    for (const text of seen) t.notMatch(text, /cert-br|delivered/, when)
  }
  await tellsNothing('asked')
  t.equal((await send(node, 'ana.cert-br', `${at}/accept`)).status, 200)
  await tellsNothing('accepted')

  const named = await node.plant(handling('cert-br', { tlp: 'green' }), value())
  const second = (await ask(node, 'camila.csirt-cl', named, { tlp: 'clear' })).body
  t.equal(second.originator, 'cert-br')
  await node.call('ana.cert-br', {
    method: 'PATCH',
    url: `/v1/indicators/${named}`,
    headers: { 'content-type': 'application/merge-patch+json' },
    payload: JSON.stringify({ attribution: 'anonymous' }),
  })
  const now = (await node.call('camila.csirt-cl', { url: `/v1/widening-requests/${second.id}` })).body
  t.equal(now.originator, undefined, 'nor one that became anonymous since')
})

t.test('only what widens is an acceptance, and only the originator’s', async (t) => {
  const node = await testNode(t)
  const id = await node.plant(amber(['csirt-cl']), value())
  const { id: request } = (await ask(node, 'camila.csirt-cl', id, { tlp: 'clear', lawEnforcement: 'allowed' })).body
  const at = `/v1/widening-requests/${request}`
  for (const handling of [{ tlp: 'red', people: ['bruno.cert-br'] }, { audience: ['colcert'] }, { pap: 'green' }]) {
    const answer = await send(node, 'ana.cert-br', `${at}/accept`, { handling })
    t.match(answer.body, { code: 'invalid_handling' }, JSON.stringify(handling))
  }
  t.equal((await node.call('ana.cert-br', { url: `/v1/indicators/${id}` })).body.version, 1, 'nothing was written')
  t.match((await send(node, 'martin.csirt-ar', `${at}/accept`)).body, { code: 'not_found' })
  const less = await send(node, 'ana.cert-br', `${at}/accept`, { handling: { tlp: 'green' } })
  t.match(less.body, { state: 'accepted', widenedVersion: 2 }, 'as far as the originator will')
  const own = (await node.call('ana.cert-br', { url: `/v1/indicators/${id}` })).body.handling
  t.match(own, { tlp: 'green', lawEnforcement: 'on-request' })
})

t.test('who is named by TLP:RED may ask, and a colleague learns nothing', async (t) => {
  const node = await testNode(t)
  const red = handling('csirt-cl', { tlp: 'red', people: ['rosa.red-andina'] })
  const id = await node.plant(red, value())
  const wanted = { tlp: 'amber+strict', audience: ['red-andina'] }
  t.equal((await ask(node, 'raul.red-andina', id, wanted)).status, 404)
  const { id: request } = (await ask(node, 'rosa.red-andina', id, wanted)).body
  t.strictSame(await list(node, 'raul.red-andina'), [])
  t.equal((await send(node, 'camila.csirt-cl', `/v1/widening-requests/${request}/accept`)).status, 200)
  t.equal((await node.call('raul.red-andina', { url: `/v1/indicators/${id}` })).status, 200)
})

t.test('requests are bounded, and lapse', async (t) => {
  const node = await testNode(t)
  const id = await node.plant(handling('cert-br', { tlp: 'green' }), value())
  const first = (await ask(node, 'camila.csirt-cl', id, { tlp: 'clear' })).body.id
  const { client } = node.context.database
  const fill = (state: string, n: number) =>
    client.query(
      `insert into widening_request (id, asker, account, originator, stix_id, version, source_shown, wanted, reason, state, asked_at)
       select gen_random_uuid(), 'csirt-cl', 'camila.csirt-cl', 'cert-br', gen_random_uuid(), 1, true, '{}', 'x', $1, '2026-06-01' from generate_series(1, $2)`,
      [state, n],
    )
  const other = await node.plant(handling('cert-br', { tlp: 'green' }), value())
  const another = async () => {
    const answer = await ask(node, 'camila.csirt-cl', other, { tlp: 'clear' })
    if (answer.status === 201) await send(node, 'camila.csirt-cl', `/v1/widening-requests/${answer.body.id}/withdraw`)
    return answer.status
  }
  t.equal(await another(), 201)
  await fill('open', limits.wideningOpen - 1)
  t.equal(await another(), 429, 'so many may be open')
  await client.query(`update widening_request set state = 'refused' where reason = 'x'`)
  t.equal(await another(), 201)
  await fill('refused', limits.wideningPerDay)
  t.equal(await another(), 429, 'and so many asked in a day')
  node.at('2026-06-03T00:00:00Z')
  t.equal(await another(), 201)

  const page = (await node.call('camila.csirt-cl', { url: '/v1/widening-requests?limit=3' })).body
  t.equal(page.items.length, 3)
  const next = (await node.call('camila.csirt-cl', { url: `/v1/widening-requests?limit=3&before=${page.next}` })).body
  t.equal(next.items.length, 3)
  t.notOk(next.items.some(({ id }: { id: string }) => page.items.some((each: { id: string }) => each.id === id)))
  t.match((await node.call('sofia.csirt-ar', { url: `/v1/widening-requests?before=${page.next}` })).body, {
    code: 'cursor_invalid',
  })

  node.at('2026-08-29T00:00:00Z')
  await tendWidening(node.context)
  t.match((await node.call('camila.csirt-cl', { url: `/v1/widening-requests/${first}` })).body, { state: 'open' })
  node.at('2026-08-31T00:00:00Z')
  await tendWidening(node.context)
  t.match((await node.call('camila.csirt-cl', { url: `/v1/widening-requests/${first}` })).body, { state: 'lapsed' })
  t.match((await send(node, 'ana.cert-br', `/v1/widening-requests/${first}/accept`)).body, { code: 'request_state' })
})

t.test('the same by GraphQL', async (t) => {
  const node = await testNode(t)
  const id = await node.plant(amber(['csirt-cl']), value())
  const gql = async (account: string, query: string) =>
    (await node.call(account, { method: 'POST', url: '/graphql', payload: { query } })).body
  const fields = '{ id side state originator wanted { tlp lawEnforcement } note }'
  const asking = (more: string) => `mutation { askWidening(id: "${id}", wanted: { ${more} }, reason: "r") ${fields} }`
  t.match((await gql('camila.csirt-cl', asking('tlp: RED'))).errors, [{ extensions: { code: 'invalid_handling' } }])
  t.match((await gql('sofia.csirt-ar', asking('tlp: GREEN'))).errors, [{ extensions: { code: 'not_found' } }])
  const asked = (await gql('camila.csirt-cl', asking('tlp: GREEN, lawEnforcement: ALLOWED'))).data.askWidening
  t.match(asked, { side: 'ASKED', state: 'OPEN', originator: 'cert-br', wanted: { tlp: 'GREEN' } })
  const queue = `{ wideningRequests(side: RECEIVED, state: [OPEN], indicator: "${id}") { items ${fields} next } }`
  t.match((await gql('ana.cert-br', queue)).data.wideningRequests.items, [{ id: asked.id, side: 'RECEIVED' }])
  t.strictSame((await gql('sofia.csirt-ar', queue)).data.wideningRequests.items, [])
  const one = `{ wideningRequest(id: "${asked.id}") ${fields} }`
  t.equal((await gql('sofia.csirt-ar', one)).data.wideningRequest, null)
  t.equal((await gql('sofia.csirt-ar', '{ wideningRequest(id: "x") { id } }')).data.wideningRequest, null)
  const accept = `mutation { acceptWidening(id: "${asked.id}", handling: { tlp: GREEN }, note: "n") ${fields} }`
  t.match((await gql('camila.csirt-cl', accept)).errors, [{ extensions: { code: /role_required|not_found/ } }])
  t.match((await gql('ana.cert-br', accept)).data.acceptWidening, { state: 'ACCEPTED', note: 'n' })
  t.match((await gql('camila.csirt-cl', one)).data.wideningRequest, { state: 'ACCEPTED', note: 'n' })
  const refuse = `mutation { refuseWidening(id: "${asked.id}", reason: "n") { state } }`
  t.match((await gql('ana.cert-br', refuse)).errors, [{ extensions: { code: 'request_state' } }])
  const withdraw = `mutation { withdrawWidening(id: "${asked.id}") { state } }`
  t.match((await gql('camila.csirt-cl', withdraw)).errors, [{ extensions: { code: 'request_state' } }])
})
