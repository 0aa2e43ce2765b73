import t from 'tap'
import { integrateAudit, runExports, tendHolds } from '../../src/actions/index.ts'
import { readContract } from '../../src/api/rest/contract.ts'
import { type Asked, ContractProxy } from '../contract-proxy.ts'
import { approvedRequest, legalNode, requestBody } from '../legal.ts'
import { testNode } from '../node.ts'
import { indicator as indicatorOf, marked } from '../taxii.ts'
import { assertionOf, issuer, jwtBearer, pairOf } from '../tokens.ts'
import { handling } from './graphql.ts'

/** Every route once with success and once with a refusal, through a proxy that holds both sides against openapi.yaml. */

t.setTimeout(300_000)

/** A stream does not end, and Prism passes a body on when it has ended: its refusals are seen here, its events in stream.test.ts. */
const endless = 'stream'

/** What a peer asks is signed for the node's own address, and only what a peer sent is released: refusals are seen here, answers in
 * `test/federation/`. */
const ofPeers = [
  'releaseQuarantined',
  'federationFeed',
  'federationWidening',
  'federationAcks',
  'federationDoorbell',
  'federationCheckpoints',
]

/** Doors that look at no credentials. */
const open = [
  ...['/healthz', '/readyz', '/openapi.json', '/.well-known/jwks.json'],
  ...['/.well-known/oauth-authorization-server', '/.well-known/puente'],
]

/** An issuer that nobody asks here: identities are kept for it. */
const external = {
  ...{ issuer: 'https://idp.example', audience: 'urn:puente', claim: 'sub' },
  fetchJson: () => Promise.reject(new Error('nothing is fetched here')),
}

t.test('Prism finds nothing', async (t) => {
  const node = await legalNode(t, { privateHosts: ['127.0.0.1'], tokens: { issuer, external } })
  const proxy = await ContractProxy.start(t, node)
  const ok = async (account: string, line: string, asked: Asked = {}) => {
    const answer = await proxy.call(account, line, asked)
    t.ok(answer.status < 300, `${account} ${line}: ${answer.status} ${answer.status < 300 ? '' : answer.text}`)
    return answer.body
  }
  const wrong = { authorization: 'Bearer nonsense' }
  const refused = async (account: string, line: string, status: number, asked: Asked = {}) => {
    // So many wrong credentials a minute, and no more, are looked at.
    const isWrong = account === 'nobody' || asked.headers?.authorization !== undefined
    if (isWrong) node.at(new Date(node.context.clock().getTime() + 3_000).toISOString())
    const answer = await (account === 'nobody'
      ? proxy.call('anonymous', line, { ...asked, headers: wrong })
      : proxy.call(account, line, asked))
    t.equal(answer.status, status, `${account} ${line}: ${answer.text.slice(0, 200)}`)
  }
  const planted = await node.plant(handling('cert-br', { tlp: 'green' }), { type: 'ipv4-address', value: '192.0.2.1' })
  const indicator = `/v1/indicators/${planted}`

  await t.test('indicators', async () => {
    const publish = '/v1/indicators'
    await ok('ana.cert-br', `POST ${publish}`, {
      json: {
        value: 'evil.example.com',
        tlp: 'green',
        class: 'phishing',
        confidence: 90,
        labels: ['a'],
        firstSeen: '2026-05-01T00:00:00Z',
      },
      headers: { 'idempotency-key': 'once' },
    })
    await ok('ana.cert-br', `POST ${publish}?tlp=green`, {
      text: ['text/plain', '192.0.2.7\nhttp://evil.example.com/a\n'],
    })
    await ok('ana.cert-br', `POST ${publish}?tlp=green`, { text: ['text/csv', 'value,class\n192.0.2.8,scanner\n'] })
    await ok('ana.cert-br', `POST ${publish}`, {
      text: ['application/x-ndjson', '{"value":"a.example.com","tlp":"green"}\n'],
    })
    const mixed = await ok('ana.cert-br', `POST ${publish}?tlp=green`, {
      text: ['text/plain', '192.0.2.9\n256.1.1.1\n'],
    })
    t.equal(mixed.rejectedTotal, 1)
    await refused('ana.cert-br', `POST ${publish}`, 422, { json: { value: '???', tlp: 'green' } })
    await refused('ana.cert-br', `POST ${publish}?tlp=pink`, 400, { json: { value: 'a.example.com' } })
    await refused('ana.cert-br', `POST ${publish}`, 415, { text: ['image/png', 'x'] })
    await refused('bruno.cert-br', `POST ${publish}`, 403, { json: { value: 'a.example.com', tlp: 'green' } })
    await refused('anonymous', `POST ${publish}`, 401, { json: { value: 'a.example.com', tlp: 'green' } })
    const page = await ok('sofia.csirt-ar', `GET ${publish}?limit=2&include=quality&tlp=green`)
    await ok('sofia.csirt-ar', `GET ${publish}?limit=2&tlp=green&cursor=${page.next}`)
    for (const format of ['ndjson', 'stix', 'csv', 'intelmq', 'n6', 'cap']) {
      await ok('sofia.csirt-ar', `GET ${publish}?format=${format}`)
    }
    await refused('sofia.csirt-ar', `GET ${publish}?cursor=nonsense`, 400)
    await refused('sofia.csirt-ar', `GET ${publish}?limit=0`, 400)
    await refused('sofia.csirt-ar', `GET ${publish}`, 406, { headers: { accept: 'image/png' } })
    await refused('sofia.csirt-ar', `GET ${publish}`, 401, { headers: { authorization: 'Bearer nonsense' } })
    await ok('sofia.csirt-ar', `GET ${indicator}?include=quality`)
    await ok('sofia.csirt-ar', `GET ${indicator}`, { headers: { accept: 'application/stix+json' } })
    await refused('anonymous', `GET ${indicator}`, 404)
    const patch = { json: { confidence: 40, tlp: 'green' } }
    await ok('ana.cert-br', `PATCH ${indicator}`, { ...patch, headers: { 'if-match': '"1"' } })
    await ok('ana.cert-br', `PATCH ${indicator}`, { text: ['application/merge-patch+json', '{"name":"n"}'] })
    await refused('ana.cert-br', `PATCH ${indicator}`, 409, { ...patch, headers: { 'if-match': '"1"' } })
    await refused('sofia.csirt-ar', `PATCH ${indicator}`, 403, patch)
    await ok('sofia.csirt-ar', `GET ${indicator}/history`)
    await refused('anonymous', `GET ${indicator}/history`, 404)
    await ok('ana.cert-br', `GET ${indicator}/explain?organisation=csirt-ar`)
    await ok('sofia.csirt-ar', `GET ${indicator}/explain`)
    await refused('anonymous', `GET ${indicator}/explain`, 401)
    await ok('ana.cert-br', `GET ${indicator}/related?limit=5`)
    await refused('anonymous', `GET ${indicator}/related`, 404)
    await ok('martin.csirt-ar', `POST ${indicator}/sightings`, { json: { type: 'false-positive', tlp: 'green' } })
    await refused('anonymous', `POST ${indicator}/sightings`, 401, { json: { tlp: 'green' } })
    await ok('ana.cert-br', `GET ${indicator}/sightings`)
    await refused('anonymous', `GET ${indicator}/sightings`, 404)
    const seen = '{"value":"192.0.2.1"}\n{"value":"203.0.113.9"}\n'
    await ok('martin.csirt-ar', 'POST /v1/observations', { text: ['application/x-ndjson', seen] })
    await ok('martin.csirt-ar', 'POST /v1/observations?answer=hits', { text: ['application/x-ndjson', seen] })
    await ok('martin.csirt-ar', 'POST /v1/observations', { text: ['text/csv', 'value\n192.0.2.1\n'] })
    await refused('martin.csirt-ar', 'POST /v1/observations', 415, { text: ['image/png', 'x'] })
    await refused('anonymous', 'POST /v1/observations', 401, { text: ['application/x-ndjson', seen] })
    await ok('ana.cert-br', `GET ${indicator}/observations`)
    await refused('anonymous', `GET ${indicator}/observations`, 404)
    await ok('sofia.csirt-ar', 'POST /v1/lookup', {
      json: { values: ['192.0.2.1', '?', { value: 'b.example.com' }], limitPerValue: 3 },
    })
    await ok('sofia.csirt-ar', 'POST /v1/lookup', {
      text: ['application/x-ndjson', '"192.0.2.1"\n'],
      headers: { accept: 'application/x-ndjson' },
    })
    await refused('sofia.csirt-ar', 'POST /v1/lookup', 400, { text: ['application/json', '{'] })
    await ok('sofia.csirt-ar', 'GET /v1/statistics?tlp=green')
    await refused('sofia.csirt-ar', 'GET /v1/statistics?tlp=pink', 400)
    const feed = await ok('sofia.csirt-ar', 'GET /v1/feed?limit=1')
    await ok('sofia.csirt-ar', `GET /v1/feed?cursor=${feed.cursor}`)
    await refused('sofia.csirt-ar', 'GET /v1/feed?cursor=nonsense', 400)
    await refused('sofia.csirt-ar', 'GET /v1/feed/stream?cursor=nonsense', 400)
    await ok('ana.cert-br', `POST ${indicator}/recall`, { json: { reason: 'a mistake' } })
    await refused('ana.cert-br', `POST ${indicator}/recall`, 409, { json: { reason: 'a mistake' } })
    await ok('sofia.csirt-ar', `GET /v1/feed?cursor=${feed.cursor}`)
  })

  await t.test('webhooks and blocklists', async () => {
    const url = 'http://127.0.0.1:9/hook'
    const { id } = await ok('sofia.csirt-ar', 'POST /v1/subscriptions', {
      json: { name: 'n', url, filter: { tlp: ['green'] } },
    })
    await refused('sofia.csirt-ar', 'POST /v1/subscriptions', 422, { json: { name: 'n', url: 'http://10.0.0.1/' } })
    const webhook = `/v1/subscriptions/${id}`
    await ok('sofia.csirt-ar', 'GET /v1/subscriptions')
    await ok('sofia.csirt-ar', `GET ${webhook}`)
    await ok('sofia.csirt-ar', `PATCH ${webhook}`, { json: { paused: true, batch: 5 } })
    await ok('sofia.csirt-ar', `POST ${webhook}/secret`, { json: { oldSecretSeconds: 60 } })
    await ok('sofia.csirt-ar', `POST ${webhook}/ping`)
    await ok('sofia.csirt-ar', `GET ${webhook}/dead-letters`)
    await ok('sofia.csirt-ar', `POST ${webhook}/dead-letters/replay`, { json: {} })
    for (const line of [`GET ${webhook}`, `POST ${webhook}/ping`, `GET ${webhook}/dead-letters`, `DELETE ${webhook}`]) {
      await refused('diego.csirt-cl', line, 404)
    }
    await refused('diego.csirt-cl', `PATCH ${webhook}`, 404, { json: { batch: 5 } })
    await refused('diego.csirt-cl', `POST ${webhook}/secret`, 404, { json: {} })
    await refused('diego.csirt-cl', `POST ${webhook}/dead-letters/replay`, 404, { json: {} })
    await refused('anonymous', 'GET /v1/subscriptions', 401)
    await ok('sofia.csirt-ar', `DELETE ${webhook}`)

    const list = await ok('sofia.csirt-ar', 'POST /v1/lists', { json: { name: 'n', filter: { tlp: ['green'] } } })
    await ok('sofia.csirt-ar', 'GET /v1/lists')
    const key = await ok('sofia.csirt-ar', `POST /v1/lists/${list.id}/keys`)
    for (const file of [`${list.id}.txt`, 'domains.rpz', 'domains.csv', 'domains.intel']) {
      await ok('sofia.csirt-ar', `GET /v1/blocklists/${file}`)
    }
    await refused('sofia.csirt-ar', 'GET /v1/blocklists/nothing.txt', 404)
    await ok('sofia.csirt-ar', `DELETE /v1/list-keys/${key.id}`)
    await refused('sofia.csirt-ar', `DELETE /v1/list-keys/000000000000`, 404)
    await refused('diego.csirt-cl', `POST /v1/lists/${list.id}/keys`, 404, { json: {} })
    await refused('diego.csirt-cl', `DELETE /v1/lists/${list.id}`, 404)
    await refused('anonymous', 'GET /v1/lists', 401)
    await refused('anonymous', 'POST /v1/lists', 401, { json: { name: 'n' } })
    await ok('sofia.csirt-ar', `DELETE /v1/lists/${list.id}`)
    await ok('anonymous', 'GET /v1/warninglists')
    await ok('sofia.csirt-ar', 'POST /v1/warninglists/check', { json: { values: [{ value: '192.0.2.1' }] } })
    await refused('sofia.csirt-ar', 'POST /v1/warninglists/check', 422, { json: { values: [{ value: '???' }] } })
  })

  await t.test('the directory', async () => {
    const by = 'marta.lacnic'
    await ok('ana.cert-br', 'GET /v1/me')
    await refused('anonymous', 'GET /v1/me', 401)
    await ok(by, 'POST /v1/organisations', { json: { id: 'new', name: 'New', kind: 'isp', jurisdiction: 'UY' } })
    await refused(by, 'POST /v1/organisations', 409, {
      json: { id: 'new', name: 'New', kind: 'isp', jurisdiction: 'UY' },
    })
    await ok(by, 'PATCH /v1/organisations/new', { json: { name: 'Newer' } })
    await refused('ana.cert-br', 'PATCH /v1/organisations/new', 403, { json: { name: 'x' } })
    await ok(by, 'GET /v1/organisations')
    const entries = [
      { kind: 'asn', value: 'AS64500' },
      { kind: 'domain', value: 'new.example.com' },
    ]
    await ok(by, 'PUT /v1/organisations/new/constituency', { json: { entries } })
    await refused('ana.cert-br', 'PUT /v1/organisations/new/constituency', 403, { json: { entries } })
    await ok(by, 'GET /v1/organisations/new/constituency')
    await refused(by, 'GET /v1/organisations/nobody/constituency', 404)
    await ok(by, 'PUT /v1/organisations/lacnic/clients/new')
    await refused('ana.cert-br', 'PUT /v1/organisations/lacnic/clients/new', 403)
    await ok('lucia.lacnic', 'GET /v1/clients')
    await refused('anonymous', 'GET /v1/clients', 401)
    await ok(by, 'DELETE /v1/organisations/lacnic/clients/new')
    await refused('ana.cert-br', 'DELETE /v1/organisations/lacnic/clients/new', 403)
    const account = { id: 'zoe.new', organisation: 'new', name: 'Zoe', roles: ['publisher'] }
    await ok(by, 'POST /v1/accounts', { json: account })
    await refused(by, 'POST /v1/accounts', 409, { json: account })
    await ok(by, 'PATCH /v1/accounts/zoe.new', { json: { name: 'Zoé', roles: ['reader'], stixMarkings: 'tlp1' } })
    await refused('ana.cert-br', 'PATCH /v1/accounts/zoe.new', 403, { json: { name: 'x' } })
    await ok(by, 'GET /v1/accounts?organisation=new')
    await refused('ana.cert-br', 'GET /v1/accounts?organisation=new', 403)
    const key = await ok(by, 'POST /v1/accounts/zoe.new/keys', { json: { name: 'n', scopes: ['read'] } })
    await refused('ana.cert-br', 'POST /v1/accounts/zoe.new/keys', 403, { json: { name: 'n' } })
    await ok(by, 'GET /v1/accounts/zoe.new/keys')
    await refused('ana.cert-br', 'GET /v1/accounts/zoe.new/keys', 403)
    const profile = '/v1/handling-profiles/bancos'
    await ok('caio.cert-br', `PUT ${profile}`, { json: { tlp: 'amber', audience: ['csirt-cl'], pap: 'amber' } })
    await refused('caio.cert-br', `PUT ${profile}`, 422, { json: { audience: ['nobody'] } })
    await refused('ana.cert-br', `PUT ${profile}`, 403, { json: { tlp: 'red' } })
    await ok('ana.cert-br', 'GET /v1/handling-profiles')
    await refused('anonymous', 'GET /v1/handling-profiles', 401)
    await ok('caio.cert-br', `DELETE ${profile}`)
    await refused('caio.cert-br', `DELETE ${profile}`, 404)
    await ok(by, `DELETE /v1/keys/${key.id}`)
    await refused(by, 'DELETE /v1/keys/000000000000', 404)
    const officer = 'policy.lacnic'
    await ok(officer, 'POST /v1/communities', { json: { id: 'circle', name: 'Circle', description: 'd' } })
    await refused(officer, 'POST /v1/communities', 409, { json: { id: 'circle', name: 'Circle' } })
    await ok('ana.cert-br', 'GET /v1/communities')
    await refused('anonymous', 'GET /v1/communities', 401)
    await ok(officer, 'PUT /v1/communities/circle/members/new')
    await refused('ana.cert-br', 'PUT /v1/communities/circle/members/new', 403)
    await ok(officer, 'DELETE /v1/communities/circle/members/new')
    await refused('ana.cert-br', 'DELETE /v1/communities/circle/members/new', 403)
    const agreement = {
      ...{ id: 'accord', name: 'Accord', parties: ['UY', 'BR'], maxTlp: 'green', purposes: ['defence'] },
      ...{ personalData: false, validFrom: '2026-01-01T00:00:00.000Z', citation: 'Invented', example: true },
    }
    await ok(officer, 'POST /v1/agreements', { json: agreement })
    await refused(officer, 'POST /v1/agreements', 409, { json: agreement })
    await ok('ana.cert-br', 'GET /v1/agreements')
    await refused('anonymous', 'GET /v1/agreements', 401)
    await ok(officer, 'POST /v1/agreements/accord/end')
    await refused('ana.cert-br', 'POST /v1/agreements/accord/end', 403, { json: {} })
  })

  await t.test('the audit log, health and tokens', async () => {
    await refused('anonymous', 'GET /v1/audit/checkpoint', 404)
    await integrateAudit(node.context)
    for (const line of ['checkpoint', 'key', 'checkpoints?limit=1', 'proofs/consistency?from=1']) {
      await ok('admin.lacnic', `GET /v1/audit/${line}`)
    }
    await refused('anonymous', 'GET /v1/audit/checkpoints?limit=0', 400)
    await refused('anonymous', 'GET /v1/audit/proofs/consistency', 400)
    const { items } = await ok('ana.cert-br', 'GET /v1/audit/leaves?limit=2')
    await refused('anonymous', 'GET /v1/audit/leaves', 401)
    await ok('ana.cert-br', `GET /v1/audit/proofs/inclusion?leaf=${items[0].id}`)
    await refused('anonymous', `GET /v1/audit/proofs/inclusion?hash=${'0'.repeat(64)}`, 404)
    for (const path of open) await ok('anonymous', `GET ${path}`)

    const by = 'marta.lacnic'
    const pair = await pairOf()
    const keys = '/v1/accounts/zoe.new/client-keys'
    const key = await ok(by, `POST ${keys}`, { json: { name: 'n', jwk: pair.jwk } })
    await refused('ana.cert-br', `POST ${keys}`, 403, { json: { name: 'n', jwk: pair.jwk } })
    await ok(by, `GET ${keys}`)
    await refused('ana.cert-br', `GET ${keys}`, 403)
    const form = async (fields: Record<string, string>): Promise<Asked> => {
      const client_assertion = await assertionOf(node, 'zoe.new', pair)
      const usual = { client_assertion_type: jwtBearer, client_assertion }
      return { text: ['application/x-www-form-urlencoded', new URLSearchParams({ ...usual, ...fields }).toString()] }
    }
    const granted = await ok('anonymous', 'POST /oauth/token', await form({ grant_type: 'client_credentials' }))
    await refused('anonymous', 'POST /oauth/token', 400, await form({ grant_type: 'password' }))
    await ok('anonymous', 'POST /oauth/revoke', await form({ token: granted.access_token }))
    await refused('anonymous', 'POST /oauth/revoke', 400, await form({ token: '' }))
    await ok(by, `DELETE /v1/client-keys/${key.id}`)
    await refused(by, 'DELETE /v1/client-keys/000000000000', 404)
    const identities = '/v1/accounts/zoe.new/identities'
    await ok(by, `GET ${identities}`)
    const identity = await ok(by, `POST ${identities}`, { json: { subject: 's' } })
    await refused('ana.cert-br', `POST ${identities}`, 403, { json: { subject: 's' } })
    await refused('ana.cert-br', `GET ${identities}`, 403)
    await ok(by, `DELETE /v1/identities/${identity.id}`)
    await refused(by, 'DELETE /v1/identities/000000000000', 404)
    await ok('admin.lacnic', 'POST /v1/signing-keys', { json: { dropOthers: false } })
    await refused('ana.cert-br', 'POST /v1/signing-keys', 403, { json: {} })
  })

  await t.test('legal requests', async () => {
    const [liaison, officer, stranger] = ['ignacio.policia-cl', 'policy.lacnic', 'ana.cert-br']
    const json = requestBody()
    const draft = async () => `/v1/legal-requests/${(await ok(liaison, 'POST /v1/legal-requests', { json })).id}`
    await refused(stranger, 'POST /v1/legal-requests', 403, { json })
    const at = await draft()
    await ok(liaison, `PUT ${at}`, { json: requestBody({ urgency: 'urgent' }) })
    await refused(officer, `PUT ${at}`, 403, { json })
    await ok(liaison, `POST ${at}/file`)
    await ok(officer, `POST ${at}/review`, { json: { note: 'Seen.' } })
    await ok(officer, `POST ${at}/approve`)
    await ok(liaison, `POST ${at}/notes`, { json: { note: 'Thank you.' } })
    const other = await draft()
    await ok(liaison, `POST ${other}/file`)
    await ok(officer, `POST ${other}/refuse`, { json: { note: 'Not enough.' } })
    await ok(liaison, `POST ${await draft()}/withdraw`)
    await ok(liaison, `GET ${at}`)
    await ok(liaison, 'GET /v1/legal-requests?limit=1')
    await refused('anonymous', 'GET /v1/legal-requests', 401)
    await ok(liaison, `GET ${at}/trail?limit=1`)
    await refused('anonymous', `GET ${at}/trail`, 401)
    for (const line of ['', '/file', '/review', '/approve', '/refuse', '/withdraw', '/close', '/notes']) {
      const asked = line === '' ? {} : { json: { note: 'n' } }
      await refused('anonymous', `${line === '' ? 'GET' : 'POST'} ${at}${line}`, 401, asked)
    }
    await node.context.database.client.query("update legal_request set state = 'approved'")
    await ok(liaison, `POST ${at}/close`)
  })

  await t.test('assistance', async () => {
    const [asker, addressee, stranger] = ['ana.cert-br', 'camila.csirt-cl', 'sofia.csirt-ar']
    const page = await node.plant(handling('cert-br', { tlp: 'green' }), { type: 'ipv4-address', value: '192.0.2.230' })
    const json = {
      ...{ to: 'csirt-cl', kind: 'information', text: 'Who is behind it?' },
      ...{ indicators: [page], dueAt: '2026-06-20T00:00:00Z' },
    }
    const asked = async () => `/v1/assistance/${(await ok(asker, 'POST /v1/assistance', { json })).id}`
    await refused(asker, 'POST /v1/assistance', 403, { json: { ...json, to: 'cert-mx' } })
    await refused(asker, 'POST /v1/assistance', 422, { json: { ...json, to: 'nobody' } })
    const [at, other] = [await asked(), await asked()]
    const text = { json: { text: 'Said.' } }
    for (const line of ['accept', 'decline', 'answers', 'notes', 'close', 'withdraw'])
      await refused(stranger, `POST ${at}/${line}`, 404, text)
    await refused(stranger, `GET ${at}`, 404)
    await refused('anonymous', 'GET /v1/assistance', 401)
    await ok(addressee, `POST ${at}/accept`)
    await ok(asker, `POST ${at}/notes`, text)
    await ok(addressee, `POST ${at}/answers`, text)
    await refused(addressee, `POST ${at}/answers`, 409, { json: { text: 'Said.', version: 1 } })
    await ok(asker, `POST ${at}/close`)
    await ok(addressee, `POST ${other}/decline`, text)
    await ok(asker, `POST ${await asked()}/withdraw`)
    await ok(addressee, `GET ${at}`)
    await ok(addressee, 'GET /v1/assistance?limit=1&state=closed,declined')
  })

  await t.test('sources', async () => {
    const [reader, publisher, approver, stranger] = ['camila.csirt-cl', 'ana.cert-br', 'duda.cert-br', 'sofia.csirt-ar']
    const anonymous = handling('cert-br', { tlp: 'green', attribution: 'anonymous' })
    const seen = await node.plant(anonymous, { type: 'ipv4-address', value: '192.0.2.231' })
    const [text, note] = [{ json: { text: 'Said.' } }, { json: { note: 'Said.' } }]
    const sent = await ok(reader, 'POST /v1/replies', { json: { indicator: seen, text: 'Said.' } })
    await refused(reader, 'POST /v1/replies', 404, { json: { indicator: 'indicator--x', text: 'Said.' } })
    const at = `/v1/replies/${sent.id}`
    await ok(publisher, `POST ${at}/messages`, text)
    await refused(stranger, `POST ${at}/messages`, 404, text)
    await ok(reader, `GET ${at}`)
    await refused(stranger, `GET ${at}`, 404)
    await ok(reader, 'GET /v1/replies?limit=1&queue=true')
    await refused('anonymous', 'GET /v1/replies', 401)
    const json = { indicator: seen, reason: 'To call it.' }
    const asked = async () =>
      `/v1/attribution-requests/${(await ok(reader, 'POST /v1/attribution-requests', { json })).id}`
    await refused('anonymous', 'POST /v1/attribution-requests', 401, { json })
    const [one, other] = [await asked(), await asked()]
    await ok('policy.lacnic', `POST ${one}/approve`)
    await refused(reader, `POST ${one}/approve`, 403)
    await ok(approver, `POST ${one}/approve`, note)
    await refused(approver, `POST ${one}/refuse`, 409, note)
    await ok(approver, `POST ${other}/refuse`, note)
    await ok(reader, `POST ${await asked()}/withdraw`)
    await refused(stranger, `POST ${one}/withdraw`, 404)
    await ok(reader, `GET ${one}`)
    await refused(stranger, `GET ${one}`, 404)
    await ok(reader, 'GET /v1/attribution-requests?limit=1')
    await refused('anonymous', 'GET /v1/attribution-requests', 401)
  })

  await t.test('exports', async () => {
    const [liaison, approver, stranger] = ['ignacio.policia-cl', 'iris.csirt-cl', 'diego.csirt-cl']
    const address = { type: 'ipv4-address', value: '192.0.2.220' }
    const planted = await node.plant(handling('csirt-cl', { tlp: 'green' }), address)
    const at = `/v1/legal-requests/${await approvedRequest(node)}`
    const { id } = await ok(liaison, `POST ${at}/exports`, { json: { language: 'pt' } })
    await refused(stranger, `POST ${at}/exports`, 403, { json: {} })
    await ok(liaison, `GET ${at}/exports`)
    await refused(stranger, `GET ${at}/exports`, 403)
    await runExports(node.context)
    await ok(liaison, `GET /v1/exports/${id}`)
    await refused('berta.policia-cl', `GET /v1/exports/${id}`, 404)
    await ok(liaison, `POST /v1/exports/${id}/download`)
    await refused(liaison, `POST /v1/exports/${id}/download`, 410)
    const other = await ok(liaison, `POST ${at}/exports`, { json: {} })
    await ok(liaison, `DELETE /v1/exports/${other.id}`)
    await refused('berta.policia-cl', `DELETE /v1/exports/${other.id}`, 404)
    await ok(stranger, 'GET /v1/disclosures')
    await refused('anonymous', 'GET /v1/disclosures', 401)
    await ok('camila.csirt-cl', `POST /v1/indicators/${planted}/recall`, { json: { reason: 'wrong' } })
    await ok(liaison, 'GET /v1/claw-backs?overdue=false&limit=10')
    await refused(stranger, 'GET /v1/claw-backs', 403)
    await ok(liaison, `POST /v1/exports/${id}/confirm`, { json: { note: 'Deleted.', indicators: [planted] } })
    await refused(liaison, `POST /v1/exports/${id}/confirm`, 409, { json: { note: 'Deleted.' } })
    await ok(liaison, 'GET /v1/claw-backs?confirmed=true')
    await refused(liaison, `POST ${at}/confirm`, 409, { json: { note: 'Nothing was taken back.' } })
    await refused(approver, `POST ${at}/claw-back`, 400, { json: {} })
    await ok(approver, `POST ${at}/claw-back`, { json: { note: 'It was a test page.' } })
    await ok(liaison, `POST ${at}/confirm`, { json: { note: 'Deleted.' } })
  })

  await t.test('preservation', async () => {
    const [liaison, stranger] = ['ignacio.policia-cl', 'diego.csirt-cl']
    const keep = { instrument: 'eu-epoc-pr', expiresAt: '2026-09-01T00:00:00.000Z' }
    const id = await approvedRequest(node, liaison, keep)
    await tendHolds(node.context)
    await ok(liaison, 'GET /v1/preservations?ending=false')
    await refused(stranger, 'GET /v1/preservations', 403)
    const at = `POST /v1/legal-requests/${id}/renew`
    await ok(liaison, at, { json: { expiresAt: '2026-12-01T00:00:00.000Z', note: 'Still needed.' } })
    await refused(liaison, at, 400, { json: { expiresAt: 'soon' } })
    const rules = [{ tlp: ['green'], types: ['tool'], personalData: false, afterRecallDays: 30, afterExpiryDays: 30 }]
    await ok('policy.lacnic', 'PUT /v1/retention', { json: { rules } })
    await refused('policy.lacnic', 'PUT /v1/retention', 400, { json: { rules: [{}] } })
    await refused(stranger, 'PUT /v1/retention', 403, { json: { rules } })
    await ok('policy.lacnic', 'GET /v1/retention')
    await refused('anonymous', 'GET /v1/retention', 401)
    await ok('policy.lacnic', 'GET /v1/retention/due')
    await refused(stranger, 'GET /v1/retention/due', 403)
    await ok('policy.lacnic', 'GET /v1/transparency/2026')
    await refused('anonymous', 'GET /v1/transparency/2026', 404)
    await refused(stranger, at, 403, { json: { expiresAt: '2026-12-01T00:00:00.000Z' } })
  })

  await t.test('objects of STIX', async () => {
    const id = 'tool--00000001-0000-4000-8000-000000000000'
    const at = '2024-01-01T00:00:00.000Z'
    const tool = { type: 'tool', spec_version: '2.1', id, created: at, modified: at, name: 'a tool' }
    const bundle = { type: 'bundle', id: 'bundle--00000001-0000-4000-8000-000000000000', objects: [tool] }
    await ok('ana.cert-br', 'POST /v1/indicators?format=stix&tlp=green', { json: bundle })
    await ok('sofia.csirt-ar', 'GET /v1/objects?type=tool&limit=1')
    await ok('sofia.csirt-ar', `GET /v1/objects/${id}`)
    await ok('sofia.csirt-ar', `GET /v1/objects/${id}/versions`)
    await refused('sofia.csirt-ar', 'GET /v1/objects?cursor=nonsense', 400)
    await refused('anonymous', `GET /v1/objects/${id}`, 404)
    await refused('anonymous', `GET /v1/objects/${id}/versions`, 404)
    await ok('ana.cert-br', `POST /v1/objects/${id}/recall`, { json: { reason: 'a mistake' } })
    await refused('anonymous', `POST /v1/objects/${id}/recall`, 401, { json: { reason: 'a mistake' } })
  })

  await t.test('peers', async (t) => {
    const by = 'marta.lacnic'
    const there = await testNode(t, { tokens: { issuer: 'https://there.example' } })
    const { statement, keys } = (await there.call('anonymous', { url: '/.well-known/puente' })).body
    const json = { statement, thumbprint: keys[0].thumbprint, name: 'CERT.br' }
    const { id } = await ok(by, 'POST /v1/peers', { json })
    await refused(by, 'POST /v1/peers', 409, { json })
    await ok(by, 'GET /v1/peers')
    await refused('anonymous', 'GET /v1/peers', 401)
    await ok(by, `PATCH /v1/peers/${id}`, { json: { suspended: true } })
    await refused('ana.cert-br', `PATCH /v1/peers/${id}`, 403, { json: { suspended: true } })
    await refused(by, `POST /v1/peers/${id}/keys`, 422, { json: { statement } })
    await there.call(by, { method: 'POST', url: '/v1/federation-keys', payload: {} })
    const rotated = (await there.call('anonymous', { url: '/.well-known/puente' })).body
    await ok(by, `POST /v1/peers/${id}/keys`, { json: { statement: rotated.statement } })
    await ok(by, `POST /v1/peers/${id}/keys/${keys[0].thumbprint}/revoke`)
    await refused(by, `POST /v1/peers/${id}/keys/${'x'.repeat(43)}/revoke`, 404, { json: {} })
    await ok(by, `GET /v1/peers/${id}`)
    await refused('ana.cert-br', `GET /v1/peers/${id}`, 403)
    await ok(by, `POST /v1/peers/${id}/pull`)
    await refused('ana.cert-br', `POST /v1/peers/${id}/pull`, 403)
    const { rows } = await node.context.database.client.query<{ id: string }>(
      `insert into quarantine (peer, code, detail, bytes, at)
       select $1, 'seal_invalid', 'Entry ' || n, 10, now() from generate_series(1, 2) n
       on conflict do nothing returning id`,
      [id],
    )
    const item = `/v1/quarantine/${rows[0]?.id}`
    await ok(by, 'GET /v1/quarantine?limit=1')
    await refused('ana.cert-br', 'GET /v1/quarantine', 403)
    await ok(by, `GET ${item}`)
    await refused(by, 'GET /v1/quarantine/999999', 404)
    await refused(by, 'POST /v1/quarantine/999999/release', 404)
    await ok(by, `DELETE ${item}`)
    await refused(by, 'DELETE /v1/quarantine/999999', 404)
    const shared = await node.plant(handling('cert-br', { tlp: 'green' }), {
      type: 'ipv4-address',
      value: '192.0.2.230',
    })
    for (const what of ['provenance', 'holders']) {
      await ok('ana.cert-br', `GET /v1/indicators/${shared}/${what}`)
      await refused('anonymous', `GET /v1/indicators/${shared}/${what}`, what === 'holders' ? 401 : 404)
    }
    await ok('ana.cert-br', 'GET /v1/outstanding-recalls?overdue=true&limit=1')
    await ok(by, 'GET /v1/outstanding-recalls?of=node')
    await refused('ana.cert-br', 'GET /v1/outstanding-recalls?of=node', 403)
    await refused('ana.cert-br', 'GET /v1/outstanding-recalls?before=x', 400)
    await refused('anonymous', 'GET /federation/v1/feed?wait=0', 401)
    await refused('anonymous', 'POST /federation/v1/acks', 401, { json: { refused: [] } })
    await refused('anonymous', 'POST /federation/v1/doorbell', 400, { json: { what: 'x' } })
    await refused('anonymous', 'GET /federation/v1/checkpoints?feed=x', 400)
    const answer = { kind: 'answer', id, outcome: 'refused', note: '' }
    await refused('anonymous', 'POST /federation/v1/widening', 401, { json: answer })
    await ok(by, `POST /v1/peers/${id}/expel`)
    await refused(by, `POST /v1/peers/${id}/expel`, 409)
    await ok(by, 'POST /v1/federation-keys')
    await refused('ana.cert-br', 'POST /v1/federation-keys', 403, { json: {} })
  })

  await t.test('requests to widen', async () => {
    const shared = { type: 'ipv4-address', value: '192.0.2.231' }
    const at = `/v1/indicators/${await node.plant(handling('cert-br', { tlp: 'green' }), shared)}/widening-requests`
    const asks = { json: { wanted: { tlp: 'clear' }, reason: 'It is on the news.' } }
    const [asker, originator] = ['camila.csirt-cl', 'ana.cert-br']
    const one = async () => `/v1/widening-requests/${(await ok(asker, `POST ${at}`, asks)).id}`
    const first = await one()
    await refused('anonymous', `POST ${at}`, 401, asks)
    await refused(asker, `POST ${at}`, 409, asks)
    await ok(asker, 'GET /v1/widening-requests?side=asked&state=open')
    await refused('anonymous', 'GET /v1/widening-requests', 401)
    await ok(originator, `GET ${first}`)
    await refused('sofia.csirt-ar', `GET ${first}`, 404)
    await refused('martin.csirt-ar', `POST ${first}/refuse`, 404, { json: { reason: 'No.' } })
    await refused('sofia.csirt-ar', `POST ${first}/withdraw`, 404)
    await ok(asker, `POST ${first}/withdraw`)
    await ok(originator, `POST ${await one()}/refuse`, { json: { reason: 'No.' } })
    await refused(originator, `POST ${first}/accept`, 409, { json: { note: 'Yes.' } })
    await ok(originator, `POST ${await one()}/accept`, { json: { note: 'Yes.' } })
  })

  await t.test('clients of MISP', async () => {
    const by = 'ana.cert-br'
    const strange = { headers: { authorization: 'Bearer puente_nobody' } }
    for (const path of [
      ...['servers/getVersion', 'servers/getVersion.json', 'servers/getPyMISPVersion.json', 'users/view/me'],
      ...['attributes/describeTypes', 'attributes/describeTypes.json', 'tags', 'tags/index', 'events/index'],
      ...['feed/manifest.json', 'feed/hashes.csv'],
    ]) {
      await ok(by, `GET /misp/${path}`)
      await refused('anonymous', `GET /misp/${path}`, 403, strange)
    }
    const event = { uuid: '5bad1b96-53bc-4148-87eb-000000000001', info: 'An event', Tag: [{ name: 'tlp:green' }] }
    const attribute = { uuid: '5bad1b96-53bc-4148-87eb-000000000002', type: 'domain', value: 'misp.example.org' }
    const object = { name: 'domain-ip', Attribute: [{ type: 'ip-dst', value: '192.0.2.77', object_relation: 'ip' }] }
    const sighting = { values: ['misp.example.org'], type: '0' }
    const writes: readonly (readonly [path: string, json: unknown])[] = [
      ['events/add', event],
      ['events/add/metadata:1', event],
      [`events/edit/${event.uuid}`, event],
      [`events/edit/${event.uuid}/metadata:1`, event],
      [`attributes/add/${event.uuid}`, attribute],
      [`attributes/add/${event.uuid}/breakOnDuplicate:0`, [attribute]],
      [`objects/add/${event.uuid}`, object],
      [`objects/add/${event.uuid}/breakOnDuplicate:1`, object],
      [`events/publish/${event.uuid}`, {}],
      [`events/view/${event.uuid}`, {}],
      ['events/restSearch', { value: 'misp.example.org' }],
      ['events/index', { limit: 1 }],
      ['attributes/restSearch', { type_attribute: 'domain' }],
      ['sightings/add', sighting],
      [`sightings/add/${attribute.uuid}`, { type: '0' }],
      ['objects/restSearch', { object_name: 'domain-ip' }],
    ]
    for (const [path, json] of writes) {
      await ok(by, `POST /misp/${path}`, { json })
      await refused('anonymous', `POST /misp/${path}`, 403, { json, ...strange })
    }
    // Without credentials: thirty that are not valid would be too many from one address.
    const changes: readonly (readonly [path: string, json: unknown])[] = [
      [`attributes/edit/${attribute.uuid}`, { comment: 'again' }],
      ['tags/attachTagToObject', { uuid: event.uuid, tag: 'one' }],
      ['tags/removeTagFromObject', { uuid: event.uuid, tag: 'one' }],
      ['events/addTag', { event: event.uuid, tag: 'two' }],
      ['events/removeTag', { event: event.uuid, tag: 'two' }],
      ['attributes/addTag', { attribute: attribute.uuid, tag: 'three' }],
      ['attributes/removeTag', { attribute: attribute.uuid, tag: 'three' }],
      ...(['events', 'attributes'] as const).flatMap((kind) => {
        const tagged = `${kind === 'events' ? event.uuid : attribute.uuid}/four`
        return [`addTag/${tagged}`, `addTag/${tagged}/local:0`, `removeTag/${tagged}`].map(
          (path) => [`${kind}/${path}`, {}] as const,
        )
      }),
    ]
    for (const [path, json] of changes) {
      await ok(by, `POST /misp/${path}`, { json })
      await refused('anonymous', `POST /misp/${path}`, 403, { json })
    }
    for (const path of [`events/view/${event.uuid}`, `attributes/view/${attribute.uuid}`, `feed/${event.uuid}.json`]) {
      await ok(by, `GET /misp/${path}`)
      await refused('anonymous', `GET /misp/${path}`, 404)
    }
    await refused('anonymous', 'POST /misp/events/add', 403, { json: event })
    for (const [n, method] of ['POST', 'DELETE'].entries()) {
      const boxed = { ...object, uuid: `5bad1b96-53bc-4148-87eb-00000000001${n}` }
      const single = { ...attribute, uuid: `5bad1b96-53bc-4148-87eb-00000000002${n}`, value: `misp${n}.example.org` }
      await ok(by, 'POST /misp/events/add', { json: { ...event, Attribute: [single], Object: [boxed] } })
      for (const path of [
        `attributes/delete/${single.uuid}`,
        `objects/delete/${boxed.uuid}`,
        `events/delete/${event.uuid}`,
      ]) {
        await refused('anonymous', `${method} /misp/${path}`, path.startsWith('events') ? 404 : 403)
        await ok(by, `${method} /misp/${path}`)
        await refused(by, `${method} /misp/${path}`, 404)
      }
    }
  })

  await t.test('TAXII', async () => {
    const root = '/taxii2/node'
    const mine = `${root}/collections/mine`
    const type = 'application/taxii+json;version=2.1'
    const asked = { headers: { accept: type } }
    const other = { headers: { accept: 'image/png' } }
    const object = indicatorOf(marked('clear'))
    const text = (body: object) => ({ ...asked, text: [type, JSON.stringify(body)] as const })
    const status = await ok('ana.cert-br', `POST ${mine}/objects/`, text({ objects: [object, {}] }))
    await refused('ana.cert-br', `POST ${mine}/objects/`, 422, text({ more: true }))
    await refused('bruno.cert-br', `POST ${mine}/objects/`, 403, text({ objects: [object] }))
    await ok('ana.cert-br', `GET ${root}/status/${status.id}/`, asked)
    await refused('bruno.cert-br', `GET ${root}/status/${status.id}/`, 404, asked)
    for (const path of ['/taxii2/', `${root}/`, `${root}/collections/`]) {
      await ok('anonymous', `GET ${path}`, asked)
      await refused('anonymous', `GET ${path}`, 406, other)
    }
    for (const path of ['/', '/objects/', '/manifest/', `/objects/${object.id}/`, `/objects/${object.id}/versions/`]) {
      await ok('ana.cert-br', `GET ${mine}${path}`, asked)
      await refused('anonymous', `GET ${mine}${path}`, 404, asked)
    }
    await refused('ana.cert-br', `GET ${mine}/objects/?limit=0`, 400, asked)
    await refused('camila.csirt-cl', `DELETE ${root}/collections/public/objects/${object.id}/`, 403, asked)
    await ok('ana.cert-br', `DELETE ${mine}/objects/${object.id}/`, asked)
  })

  // What anybody may have is refused for a parameter that there is not.
  for (const path of ['/v1/warninglists', '/v1/organisations', '/v1/audit/key', ...open]) {
    await refused('ana.cert-br', `GET ${path}?nothing=1`, 400)
  }
  t.strictSame(proxy.violations, [], 'nothing that does not fit')
  // Should Prism tell `+json` types apart one day, this list goes (docs/divergences.md).
  t.strictSame([...proxy.stix].sort(), ['GET /v1/indicators', `GET ${indicator}`], 'of STIX Prism knows no schema')
  const { operations } = readContract('openapi.yaml')
  const unseen = (wanted: (status: number) => boolean) =>
    operations.map(({ operationId }) => operationId).filter((id) => ![...(proxy.seen.get(id) ?? [])].some(wanted))
  t.strictSame(
    unseen((status) => status < 400),
    [endless, ...ofPeers],
    'every route answered',
  )
  t.strictSame(
    unseen((status) => status >= 400),
    [],
    'every route refused',
  )
})
