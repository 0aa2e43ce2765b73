import t, { type Test } from 'tap'
import { type TestNode, testNode } from '../node.ts'

/** The directory of peers: who is enrolled by which key, and what becomes of organisations that are at home elsewhere. */

t.setTimeout(600_000)

const json = { 'content-type': 'application/json' }
const admin = 'marta.lacnic'

async function node(t: Test, url: string): Promise<TestNode> {
  return await testNode(t, { tokens: { issuer: url }, privateHosts: ['10.0.0.1'] })
}

const describe = async (there: TestNode) => (await there.call('anonymous', { url: '/.well-known/puente' })).body

const post = (here: TestNode, url: string, payload: object, account = admin) =>
  here.call(account, { method: 'POST', url, headers: json, payload: JSON.stringify(payload) })

const amend = (here: TestNode, id: string, payload: object) =>
  here.call(admin, { method: 'PATCH', url: `/v1/peers/${id}`, headers: json, payload: JSON.stringify(payload) })

/** Enrols `there` at `here`. */
async function enrol(here: TestNode, there: TestNode, more: object = {}) {
  const { statement, keys } = await describe(there)
  return await post(here, '/v1/peers', { statement, thumbprint: keys[0].thumbprint, name: 'CERT.br', ...more })
}

t.test('a node is enrolled by its statement and a compared thumbprint, and by nothing less', async (t) => {
  const [here, there] = await Promise.all([node(t, 'https://here.example'), node(t, 'https://there.example')])
  const said = await describe(there)
  t.match(said, { name: 'puente', node: there.context.node.id, url: 'https://there.example' })

  const thumbprint = (await describe(here)).keys[0].thumbprint
  const bad = { status: 422, body: { code: 'peer_key_refused' } }
  t.match(await enrol(here, there, { thumbprint }), bad, 'another thumbprint')
  const [head, payload, signature] = said.statement.split('.')
  const altered = Buffer.from(
    Buffer.from(payload, 'base64url').toString().replace('there.example', 'evil.example'),
  ).toString('base64url')
  t.match(await enrol(here, there, { statement: [head, altered, signature].join('.') }), bad, 'an altered statement')
  for (const statement of ['', 'x', 'a.b.c', `${head}..${signature}`, `${head}.${payload}.`])
    t.match(await enrol(here, there, { statement }), bad, `no statement: ${statement.slice(0, 5)}`)
  t.match(await enrol(here, here), bad, 'the node itself')

  const made = await enrol(here, there, { organisations: ['cert-br'] })
  t.match(made, {
    status: 201,
    body: {
      id: there.context.node.id,
      url: 'https://there.example',
      direction: 'both',
      state: 'active',
      organisations: ['cert-br'],
      keys: [{ thumbprint: said.keys[0].thumbprint }],
    },
  })
  t.match(await enrol(here, there), { status: 409, body: { code: 'already_exists' } })
  const { body } = await here.call(admin, { url: '/v1/peers' })
  t.strictSame(body.items, [made.body])

  for (const account of ['caio.cert-br', 'lucia.lacnic', 'hugo.policia-cl']) {
    const refused = await here.call(account, { url: '/v1/peers' })
    t.ok([401, 403].includes(refused.status), `${account}: ${refused.status}`)
    t.notMatch(refused.text, said.keys[0].thumbprint)
  }
  t.equal((await here.call('anonymous', { url: '/v1/peers' })).status, 401)
})

t.test('the URL of a peer is one that the node may call', async (t) => {
  const here = await node(t, 'https://here.example')
  for (const [url, status] of [
    ['http://there.example', 422],
    ['https://127.0.0.1', 422],
    ['https://[fd00::1]', 422],
    ['https://10.0.0.1', 201],
  ] as const) {
    const answer = await enrol(here, await node(t, url))
    t.equal(answer.status, status, url)
    if (status === 422) t.equal(answer.body.code, 'endpoint_refused')
  }
})

t.test('an organisation speaks at one node', async (t) => {
  const [here, there, third] = await Promise.all([
    node(t, 'https://here.example'),
    node(t, 'https://there.example'),
    node(t, 'https://third.example'),
  ])
  const conflict = { status: 409, body: { code: 'home_conflict' } }
  t.match(await enrol(here, there, { organisations: ['lacnic'] }), conflict, "the operator's own")
  t.match(await enrol(here, there, { organisations: ['nobody'] }), {
    status: 404,
    body: { detail: /"nobody" is not enrolled here/ },
  })
  await post(here, '/v1/indicators?tlp=green', { type: 'ipv4-address', value: '192.0.2.7' }, 'carlos.colcert')
  t.match(await enrol(here, there, { organisations: ['colcert'] }), conflict, 'one that has published here')

  t.equal((await here.call('ana.cert-br', { url: '/v1/me' })).status, 200)
  t.equal((await enrol(here, there, { organisations: ['cert-br'] })).status, 201)
  t.equal((await here.call('ana.cert-br', { url: '/v1/me' })).status, 401, 'its accounts do not work here any more')
  t.match(await enrol(here, third, { organisations: ['cert-br'] }), conflict, 'at home at another')
  t.equal((await amend(here, there.context.node.id, { organisations: [] })).status, 200)
  t.equal((await here.call('ana.cert-br', { url: '/v1/me' })).status, 200, 'and work again')
})

t.test('suspension and expulsion', async (t) => {
  const [here, there] = await Promise.all([node(t, 'https://here.example'), node(t, 'https://there.example')])
  const id = there.context.node.id
  t.equal((await amend(here, id, { suspended: true })).status, 404, 'who is not enrolled')
  await enrol(here, there)
  t.match(await amend(here, id, { suspended: true, direction: 'receive', itemsPerHour: 5 }), {
    body: { state: 'suspended', direction: 'receive', itemsPerHour: 5 },
  })
  t.match(await amend(here, id, { suspended: false }), { body: { state: 'active' } })
  t.match(await post(here, `/v1/peers/${id}/expel`, {}), { status: 200, body: { state: 'expelled' } })
  for (const again of [
    await amend(here, id, { suspended: false }),
    await post(here, `/v1/peers/${id}/expel`, {}),
    await post(here, `/v1/peers/${id}/keys`, { statement: (await describe(there)).statement }),
  ])
    t.match(again, { status: 409, body: { code: 'peer_expelled' } })
  t.match(await enrol(here, there), { status: 201, body: { state: 'active' } }, 'only enrolling again undoes it')
  const leaves = await here.call('marta.lacnic', { url: '/v1/audit/leaves?action=expel-peer' })
  t.equal(leaves.body.items.length, 1, 'it is on the log')
})

t.test('keys rotate by endorsement, and are taken back by hand', async (t) => {
  const [here, there] = await Promise.all([node(t, 'https://here.example'), node(t, 'https://there.example')])
  const id = there.context.node.id
  await enrol(here, there)
  const keys = `/v1/peers/${id}/keys`
  const bad = { status: 422, body: { code: 'peer_key_refused' } }
  t.match(await post(here, keys, { statement: (await describe(there)).statement }), bad, 'nothing is new')

  const rotated = await post(there, '/v1/federation-keys', {})
  t.match(rotated, { status: 201, body: { signsFrom: '2026-06-02T00:00:00.000Z', dropped: { length: 0 } } })
  const said = await describe(there)
  t.equal(said.keys.length, 2)
  const pinned = await post(here, keys, { statement: said.statement })
  t.match(pinned.body.keys, [{ thumbprint: said.keys[1].thumbprint }, { endorsedBy: said.keys[1].thumbprint }])
  t.match(await post(here, keys, { statement: (await describe(here)).statement }), bad, 'of another node')

  there.at('2026-06-03T00:00:00Z')
  here.at('2026-06-03T00:00:00Z')
  const revoke = `${keys}/${said.keys[0].thumbprint}/revoke`
  t.match(await post(here, revoke, { from: '2026-06-04T00:00:00Z' }), { status: 400 }, 'not ahead')
  t.match(await post(here, revoke, { from: '2026-06-02T12:00:00Z' }), {
    body: { keys: [{}, { revokedFrom: '2026-06-02T12:00:00.000Z' }] },
  })
  t.match(
    await post(here, revoke, { from: '2026-06-02T18:00:00Z' }),
    { body: { keys: [{}, { revokedFrom: '2026-06-02T12:00:00.000Z' }] } },
    'a later instant takes nothing of it back',
  )
  t.match(await post(here, `${keys}/${'x'.repeat(43)}/revoke`, {}), { status: 404 })

  await post(there, '/v1/federation-keys', {})
  t.match(
    await post(here, keys, { statement: (await describe(there)).statement }),
    bad,
    'a key that was taken back vouches for nothing',
  )
  const fresh = (await post(there, '/v1/federation-keys', { dropOthers: true })).body
  t.equal(fresh.dropped.length, 3)
  const { statement } = await describe(there)
  t.match(await post(here, keys, { statement }), bad, 'and a key without an endorsement needs a thumbprint')
  t.match(await post(here, keys, { statement, thumbprint: fresh.thumbprint }), { status: 200 })

  t.equal((await post(here, `${keys}/${fresh.thumbprint}/revoke`, {})).status, 200)
  t.equal((await post(here, `/v1/peers/${id}/expel`, {})).status, 200)
  t.match(await enrol(here, there), bad, 'nor is it enrolled by a key that was taken back')
  const rows = await there.context.database.client.query<{ jwk: string }>(
    'select jwk from federation_key where removed_at is not null',
  )
  t.equal(rows.rows.length, 3)
  for (const { jwk } of rows.rows) t.notOk('d' in JSON.parse(jwk), 'the private half is gone')
})
