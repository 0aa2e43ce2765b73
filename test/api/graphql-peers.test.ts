import t from 'tap'
import { type TestNode, testNode } from '../node.ts'

/** Peers by GraphQL: what REST says, for whom REST says it. */

t.setTimeout(300_000)

const json = { 'content-type': 'application/json' }
const admin = 'marta.lacnic'
const ask = async (node: TestNode, account: string, query: string, variables: object = {}) =>
  (await node.call(account, { method: 'POST', url: '/graphql', headers: json, payload: { query, variables } })).body

const fields = `id name url direction state stateSince organisations itemsPerHour bytesPerHour enrolledAt
  keys { thumbprint jwk { kty crv x } pinnedAt validFrom endorsedBy revokedAt revokedFrom }`

t.test('the life of a peer', async (t) => {
  const here = await testNode(t, { tokens: { issuer: 'https://here.example' }, privateHosts: ['there.example'] })
  const there = await testNode(t, { tokens: { issuer: 'https://there.example' } })
  const describe = async () => (await there.call('anonymous', { url: '/.well-known/puente' })).body
  const { statement, keys } = await describe()
  const id = there.context.node.id
  const add = `mutation ($input: NewPeerInput!) { addPeer(input: $input) { ${fields} } }`
  const input = { statement, thumbprint: keys[0].thumbprint, name: 'There', organisations: ['cert-br'] }

  for (const wrong of [
    { itemsPerHour: 0 },
    { itemsPerHour: -1 },
    { bytesPerHour: 1.5 },
    { bytesPerHour: 1e17 },
    { statement: 'x' },
    { thumbprint: 'x' },
    { organisations: [''] },
    { name: '' },
  ]) {
    const { errors } = await ask(here, admin, add, { input: { ...input, ...wrong } })
    t.match(errors, [{ extensions: { code: /^(invalid_request|peer_key_refused)$/ } }], JSON.stringify(wrong))
  }
  const made = (await ask(here, admin, add, { input: { ...input, bytesPerHour: 8_000_000_000 } })).data.addPeer
  t.match(made, { id, state: 'ACTIVE', direction: 'BOTH', organisations: ['cert-br'], bytesPerHour: 8_000_000_000 })
  const listed = (await ask(here, admin, `{ peers { ${fields} } }`)).data.peers
  t.strictSame(listed, [made])
  const rest = (await here.call(admin, { url: '/v1/peers' })).body.items
  t.equal(listed[0].keys[0].thumbprint, rest[0].keys[0].thumbprint)

  const amend = `mutation ($id: ID!, $input: PeerAmendmentInput!) { amendPeer(id: $id, input: $input) { state name } }`
  const suspended = await ask(here, admin, amend, { id, input: { suspended: true, name: 'T' } })
  t.strictSame(suspended.data.amendPeer, { state: 'SUSPENDED', name: 'T' })
  await ask(here, admin, amend, { id, input: { suspended: false } })
  for (const strange of ['x', '00000000-0000-4000-8000-000000000009'])
    t.match((await ask(here, admin, amend, { id: strange, input: { name: 'T' } })).errors, [
      { extensions: { code: 'not_found' } },
    ])

  await there.call(admin, { method: 'POST', url: '/v1/federation-keys', payload: {} })
  const pin =
    'mutation ($id: ID!, $statement: String!) { pinPeerKey(id: $id, statement: $statement) { keys { endorsedBy } } }'
  const pinned = await ask(here, admin, pin, { id, statement: (await describe()).statement })
  t.equal(pinned.data.pinPeerKey.keys[1].endorsedBy, keys[0].thumbprint)
  const revoke = 'mutation ($id: ID!, $key: ID!) { revokePeerKey(id: $id, thumbprint: $key) { keys { revokedAt } } }'
  const revoked = await ask(here, admin, revoke, { id, key: keys[0].thumbprint })
  t.ok(revoked.data.revokePeerKey.keys[0].revokedAt)
  t.match(await ask(here, admin, 'mutation { rotateNodeKey { thumbprint signsFrom dropped } }'), {
    data: { rotateNodeKey: { dropped: { length: 0 } } },
  })
  const state = `{ peer(id: "${id}") { peer { name } taking { more failures outcomes { outcome } } giving { held } } }`
  t.match((await ask(here, admin, state)).data.peer, {
    peer: { name: 'T' },
    taking: { failures: 0 },
    giving: { held: 0 },
  })
  t.equal((await ask(here, admin, '{ peer(id: "x") { peer { id } } }')).data.peer, null)
  const expel = `mutation { expelPeer(id: "${id}") { state } }`
  t.match(await ask(here, admin, expel), { data: { expelPeer: { state: 'EXPELLED' } } })
  t.match(await ask(here, admin, `mutation { pullPeer(id: "${id}") { entries failed } }`), {
    data: { pullPeer: { entries: 0, failed: /nothing is taken/ } },
  })
})

t.test('quarantine, and who may see any of it', async (t) => {
  const node = await testNode(t)
  const id = '00000000-0000-4000-8000-000000000001'
  const { client } = node.context.database
  await client.query(
    `insert into peer values ('${id}', 'There', 'https://there.example', 'both', 'active', now(), 1, 1, now())`,
  )
  await client.query(
    `insert into quarantine (peer, code, detail, bytes, at) select '${id}', 'loop', 'entry ' || n, 1, now() from generate_series(1, 3) n
     on conflict do nothing`,
  )
  const list = (args: string) => ask(node, admin, `{ quarantine${args} { id peer code detail releasable envelope } }`)
  const [first] = (await list('')).data.quarantine
  t.match(first, { peer: id, code: 'loop', releasable: false, envelope: null })
  t.strictSame((await list(`(after: "${first.id}")`)).data.quarantine, [])
  t.strictSame((await list('(peer: "x")')).data.quarantine, [], 'no id of a node names none')
  for (const args of ['(limit: 0)', '(limit: -5)', '(after: "x")', '(after: "-1")'])
    t.match((await list(args)).errors, [{ extensions: { code: 'invalid_request' } }], args)
  t.match((await ask(node, admin, `{ quarantined(id: "${first.id}") { detail } }`)).data.quarantined, {})
  t.equal((await ask(node, admin, '{ quarantined(id: "x") { detail } }')).data.quarantined, null)
  const release = (item: string) => ask(node, admin, `mutation { releaseQuarantined(id: "${item}") { outcome } }`)
  t.match((await release(first.id)).errors, [{ extensions: { code: 'not_found' } }], 'only its name is kept')
  t.match((await release('x')).errors, [{ extensions: { code: 'not_found' } }])
  const drop = `mutation { dropQuarantined(id: "${first.id}") }`

  const everything = [
    '{ peers { id } }',
    `{ peer(id: "${id}") { peer { id } } }`,
    '{ quarantine { id } }',
    `{ quarantined(id: "${first.id}") { id } }`,
    `mutation { amendPeer(id: "${id}", input: { suspended: true }) { id } }`,
    `mutation { expelPeer(id: "${id}") { id } }`,
    `mutation { pullPeer(id: "${id}") { entries } }`,
    'mutation { rotateNodeKey { thumbprint } }',
    drop,
  ]
  for (const account of ['anonymous', 'ana.cert-br', 'caio.cert-br', 'hugo.policia-cl', 'lucia.lacnic'])
    for (const query of everything) {
      const { data, errors } = await ask(node, account, query)
      t.match(errors, [{ extensions: { code: /^(credentials_required|role_required|not_yours)$/ } }], query)
      t.notOk(
        Object.values(data ?? {}).some((each) => each !== null),
        `${account} ${query}`,
      )
    }
  t.strictSame((await ask(node, admin, drop)).data.dropQuarantined, first.id)
  t.strictSame((await list('')).data.quarantine, [])
})
