import { execFile } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { decodeJwt, decodeProtectedHeader, SignJWT } from 'jose'
import t from 'tap'
import { tendSigningKeys } from '../../src/actions/index.ts'
import { mintSigningKey, openSigningKey } from '../../src/auth/jwk.ts'
import { limits } from '../../src/domain/limits.ts'
import { insertSigningKey } from '../../src/store/signing-keys.ts'
import { testNode } from '../node.ts'
import { bearing, json, jwtBearer, later, leaves, pairOf, register, seconds, tokenFor, withClient } from '../tokens.ts'

t.setTimeout(300_000)

t.test('keys of clients are their administrators to give and take', async (t) => {
  const node = await testNode(t)
  const pair = await pairOf()
  const add = (by: string, account: string, body: object) =>
    node.call(by, {
      method: 'POST',
      url: `/v1/accounts/${account}/client-keys`,
      headers: json,
      payload: JSON.stringify({ name: 'SIEM', jwk: pair.jwk, ...body }),
    })
  t.match(await add('caio.cert-br', 'ana.cert-br', {}), { status: 201, body: { scopes: ['read', 'write'] } })
  t.match(await add('caio.cert-br', 'ana.cert-br', {}), { status: 409, body: { code: 'already_exists' } })
  t.equal((await add('caio.cert-br', 'bruno.cert-br', {})).status, 201, 'another account may have the same key')
  t.match(await add('caio.cert-br', 'camila.csirt-cl', {}), { status: 403, body: { code: 'not_yours' } })
  t.match(await add('caio.cert-br', 'nobody.cert-br', {}), { status: 403, body: { code: 'not_yours' } })
  t.match(await add('marta.lacnic', 'nobody.cert-br', {}), { status: 404 })
  t.match(await add('ana.cert-br', 'ana.cert-br', {}), { status: 403, body: { code: 'role_required' } })
  t.match(await add('anonymous', 'ana.cert-br', {}), { status: 401 })
  const bad: readonly object[] = [
    { jwk: { ...pair.jwk, d: 'AAAA' } },
    { jwk: { kty: 'RSA', n: 'AQAB', e: 'AQAB' } },
    { jwk: { kty: 'OKP', crv: 'Ed25519', x: 'short' } },
    { jwk: { ...pair.jwk, x5u: 'http://127.0.0.1/' } },
    { jwk: 'key' },
    { jwk: undefined },
    { scopes: [] },
    { scopes: ['all'] },
    { name: '' },
    { extra: 1 },
  ]
  for (const each of bad) {
    t.match(await add('caio.cert-br', 'ana.cert-br', each), { status: 400, body: { position: { pointer: String } } })
  }
  const kinds = { detail: /of kty OKP with crv Ed25519, or of kty EC with crv P-256/ }
  for (const jwk of [
    { kty: 'RSA', n: 'AQAB', e: 'AQAB' },
    { kty: 'EC', crv: 'P-384', x: 'AA', y: 'AA' },
  ]) {
    t.match((await add('caio.cert-br', 'ana.cert-br', { jwk })).body, kinds, 'which keys are taken is said')
  }
  const whole = { jwk: { ...pair.jwk, d: 'AAAA' } }
  t.match((await add('caio.cert-br', 'ana.cert-br', whole)).body, { detail: /private key/ })
  const url = '/v1/accounts/ana.cert-br/client-keys'
  const { items } = (await node.call('caio.cert-br', { method: 'GET', url })).body
  t.match(items, [{ name: 'SIEM', jwk: { kty: 'OKP' } }])
  t.equal((await node.call('ana.cert-br', { method: 'GET', url })).status, 403)
  const remove = (by: string, id: string) => node.call(by, { method: 'DELETE', url: `/v1/client-keys/${id}` })
  const never = await remove('hugo.policia-cl', '000000000000')
  t.equal((await remove('hugo.policia-cl', items[0].id)).text, never.text, "another's is as none at all")
  t.equal(never.status, 404)
  t.equal((await remove('caio.cert-br', items[0].id)).status, 204)
  t.match((await node.call('caio.cert-br', { method: 'GET', url })).body.items, [{ removedAt: String }])
  t.equal((await add('caio.cert-br', 'ana.cert-br', {})).status, 201, 'a key that was removed may come back')
  for (let n = 1; n < limits.clientKeysPerAccount; n++) await register(node, 'ana.cert-br', await pairOf())
  t.match(await add('caio.cert-br', 'ana.cert-br', { jwk: (await pairOf()).jwk }), {
    status: 400,
    body: { detail: /at most 10/ },
  })
  t.equal((await leaves(node, 'add-client-key')).filter(({ decision }) => decision === 'permit').length, 12)
})

t.test('GraphQL gives and takes the same', async (t) => {
  const node = await testNode(t)
  const ask = async (by: string, query: string, variables: object = {}) => {
    const payload = JSON.stringify({ query, variables })
    return (await node.call(by, { method: 'POST', url: '/graphql', headers: json, payload })).body
  }
  const { jwk } = await pairOf()
  const add = `mutation ($jwk: PublicJwkInput!) { addClientKey(account: "ana.cert-br", name: "x", jwk: $jwk, scopes: [READ]) {
    id account thumbprint scopes jwk { kty crv x y } } }`
  t.match(await ask('ana.cert-br', add, { jwk }), { errors: [{ extensions: { code: 'role_required' } }] })
  const { addClientKey } = (await ask('caio.cert-br', add, { jwk })).data
  t.match(addClientKey, { account: 'ana.cert-br', scopes: ['READ'], jwk })
  const removed = await ask('caio.cert-br', `mutation { removeClientKey(id: "${addClientKey.id}") }`)
  t.strictSame(removed.data, { removeClientKey: addClientKey.id })
  const list = await ask('caio.cert-br', '{ clientKeys(account: "ana.cert-br") { id removedAt } }')
  t.match(list.data.clientKeys, [{ id: addClientKey.id, removedAt: String }])
  const rotated = await ask('marta.lacnic', 'mutation { rotateSigningKey(dropOthers: true) { kid signsFrom dropped } }')
  t.match(rotated.data.rotateSigningKey, { kid: String, signsFrom: String, dropped: [String] })
  const identity = 'mutation { addIdentity(account: "ana.cert-br", subject: "x") { id } }'
  t.match(await ask('marta.lacnic', identity), { errors: [{ extensions: { code: 'invalid_request' } }] })
  const ending = 'mutation { removeIdentity(id: "0123456789ab") }'
  t.match(await ask('marta.lacnic', ending), { errors: [{ extensions: { code: 'not_found' } }] })
})

t.test('signing keys change without refusing a valid token', async (t) => {
  const { node, pair } = await withClient(t)
  const jwks = async () => {
    const answer = await node.call('anonymous', { method: 'GET', url: '/.well-known/jwks.json' })
    t.match(answer.headers, { 'cache-control': 'public, max-age=300' })
    t.notMatch(answer.text, '"d"')
    return answer.body.keys.map(({ kid }: { kid: string }) => kid)
  }
  const kidOf = (token: string) => decodeProtectedHeader(token).kid
  const rotate = (by: string, body?: object) =>
    node.call(by, { method: 'POST', url: '/v1/signing-keys', headers: json, payload: JSON.stringify(body ?? {}) })
  const [first] = await jwks()
  t.equal((await rotate('caio.cert-br')).status, 403, 'only the operator')
  const rotated = await rotate('marta.lacnic')
  t.match(rotated, { status: 201, body: { kid: String, signsFrom: String, dropped: { length: 0 } } })
  t.strictSame(await jwks(), [rotated.body.kid, first], 'the new one is shown before it signs')
  t.equal(kidOf(await tokenFor(node, 'ana.cert-br', pair)), first)
  later(node, limits.signingKeyNoticeSeconds - 1)
  const last = await tokenFor(node, 'ana.cert-br', pair)
  t.equal(kidOf(last), first)
  later(node, 1)
  const next = await tokenFor(node, 'ana.cert-br', pair)
  t.equal(kidOf(next), rotated.body.kid)
  for (let age = 0; age < 308; age += 44) {
    await tendSigningKeys(node.context)
    t.equal((await bearing(node, last)).status, 200, `a token of the old key is good after ${age} seconds`)
    later(node, 44)
  }
  later(node, 30)
  const standing = await node.context.policy.current()
  const { rows: old } = await node.context.database.client.query<{ jwk: string }>(
    'select jwk from signing_key where kid = $1',
    [first],
  )
  const { sign } = await openSigningKey(first, old[0]?.jwk ?? '')
  const fresh = { ...decodeJwt(next), iat: seconds(node), exp: seconds(node) + 60 }
  const late = await new SignJWT(fresh).setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid: first }).sign(sign)
  t.equal((await bearing(node, late)).status, 401, 'a key that has retired signs nothing, whoever has it')
  t.equal(await node.context.tokens.keys.find(standing, first, node.context.clock()), undefined)
  await tendSigningKeys(node.context)
  t.strictSame(await jwks(), [rotated.body.kid], 'and gone when none can be valid')
  const { rows } = await node.context.database.client.query<{ jwk: string }>(
    'select jwk from signing_key where removed_at is not null',
  )
  t.equal(rows.length, 1)
  t.notMatch(rows[0]?.jwk, '"d"', 'with its private half')

  const held = await tokenFor(node, 'ana.cert-br', pair)
  t.equal((await bearing(node, held)).status, 200)
  const dropped = await rotate('marta.lacnic', { dropOthers: true })
  t.match(dropped.body, { dropped: [rotated.body.kid] })
  t.equal((await bearing(node, held)).status, 401, 'a key that was dropped takes its tokens with it')
  t.equal(kidOf(await tokenFor(node, 'ana.cert-br', pair)), dropped.body.kid)
  t.equal((await bearing(node, await tokenFor(node, 'ana.cert-br', pair))).status, 200)

  later(node, limits.signingKeyDays * 86_400 - 1)
  await tendSigningKeys(node.context)
  t.equal((await jwks()).length, 1, 'young enough')
  later(node, 1)
  await Promise.all([tendSigningKeys(node.context), tendSigningKeys(node.context)])
  t.equal((await jwks()).length, 2, 'one new key at thirty days, however many processes think of it')
  const log = await leaves(node, 'rotate-signing-key')
  const actors = log.filter(({ decision }) => decision === 'permit').map(({ actor }) => actor)
  t.strictSame(actors, [null, 'marta.lacnic', null, 'marta.lacnic', null])
})

t.test('a key that another process made is known with the next request', async (t) => {
  const { node, pair } = await withClient(t)
  const token = await tokenFor(node, 'ana.cert-br', pair)
  const { kid, jwk } = await mintSigningKey()
  const at = node.context.clock()
  const { sign } = await openSigningKey(kid, jwk)
  const text = await new SignJWT(decodeJwt(token)).setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid }).sign(sign)
  t.equal((await bearing(node, text)).status, 401)
  await insertSigningKey(node.context.database, { kid, jwk, createdAt: at, signsFrom: at })
  t.equal((await bearing(node, text)).status, 200)
})

t.test('what the token doors can do is described', async (t) => {
  const node = await testNode(t, { seed: false, tokens: { issuer: 'https://puente.example/node' } })
  const url = '/.well-known/oauth-authorization-server'
  t.match(await node.call('anonymous', { method: 'GET', url }), {
    status: 200,
    body: {
      issuer: 'https://puente.example/node',
      token_endpoint: 'https://puente.example/node/oauth/token',
      revocation_endpoint: 'https://puente.example/node/oauth/revoke',
      jwks_uri: 'https://puente.example/node/.well-known/jwks.json',
      token_endpoint_auth_methods_supported: ['private_key_jwt'],
      token_endpoint_auth_signing_alg_values_supported: ['EdDSA', 'ES256'],
    },
  })
})

t.test('the way to a token that the documentation shows leads there', async (t) => {
  const node = await testNode(t)
  node.at(new Date().toISOString())
  const folder = t.testdir()
  const script = /^```js\n([\s\S]*?)^```/m.exec(readFileSync('docs/tokens.md', 'utf8'))?.[1] ?? ''
  writeFileSync(join(folder, 'assertion.mjs'), script)
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  writeFileSync(join(folder, 'siem.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }))
  await register(node, 'bruno.cert-br', { ...(await pairOf()), jwk: publicKey.export({ format: 'jwk' }) })
  const url = await node.app.listen({ host: '127.0.0.1', port: 0 })
  const asking = [join(folder, 'assertion.mjs'), url, 'bruno.cert-br', join(folder, 'siem.pem')]
  const { stdout } = await promisify(execFile)(process.execPath, asking)
  const answer = await fetch(`${url}/oauth/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      scope: 'read',
      client_assertion_type: jwtBearer,
      client_assertion: stdout.trim(),
    }),
  })
  const { access_token } = (await answer.json()) as { access_token: string }
  const me = await fetch(`${url}/v1/me`, { headers: { authorization: `Bearer ${access_token}` } })
  t.match(await me.json(), { account: { id: 'bruno.cert-br' }, scopes: ['read'] })
})
