import { execFile } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { decodeJwt, decodeProtectedHeader, SignJWT } from 'jose'
import t, { type Test } from 'tap'
import { forgetEndedTokens, tendSigningKeys } from '../../src/actions/index.ts'
import { stillMay } from '../../src/actions/verb.ts'
import { mintSigningKey, openSigningKey } from '../../src/auth/jwk.ts'
import { limits } from '../../src/domain/limits.ts'
import { insertSigningKey } from '../../src/store/signing-keys.ts'
import { actions, type TestNode, testNode } from '../node.ts'
import {
  ask,
  assertionOf,
  bearing,
  form,
  issuer,
  jwtBearer,
  pairOf,
  proofOf,
  register,
  seconds,
  tokenFor,
} from '../tokens.ts'

t.setTimeout(300_000)

const json = { 'content-type': 'application/json' }
const tokenUrl = `${issuer}/oauth/token`

/** The audit leaves of one verb, oldest first. */
async function leaves({ context }: TestNode, action: string) {
  const { rows } = await context.database.client.query<{
    actor: string
    decision: string
    leaf: string
    subject: string
  }>(
    `select l.actor, l.decision, l.leaf, s.subject from audit_leaf l join audit_subject s on s.leaf = l.id
     where l.action = $1 order by l.id`,
    [action],
  )
  return rows
}

const later = (node: TestNode, by: number) =>
  node.at(new Date(node.context.clock().getTime() + by * 1000).toISOString())

/** A node where CERT.br's Ana has registered a key. */
async function withClient(t: Test, options: Parameters<typeof testNode>[1] = {}) {
  const node = await testNode(t, options)
  const pair = await pairOf()
  const key = await register(node, 'ana.cert-br', pair)
  return { node, pair, key }
}

t.test('a client gets a token, and acts with it as its account', async (t) => {
  const { node, pair, key } = await withClient(t)
  const answer = await ask(node, 'ana.cert-br', pair)
  t.match(answer, { status: 200, body: { token_type: 'Bearer', expires_in: 300, scope: 'read write' } })
  t.match(answer.headers, { 'cache-control': 'no-store', pragma: 'no-cache' })
  t.match(String(answer.headers['content-type']), 'application/json')
  const token = answer.body.access_token
  t.strictSame(Object.keys(decodeProtectedHeader(token)).sort(), ['alg', 'kid', 'typ'])
  t.match(decodeProtectedHeader(token), { alg: 'EdDSA', typ: 'at+jwt' })
  t.match(decodeJwt(token), {
    iss: issuer,
    aud: issuer,
    sub: 'ana.cert-br',
    client_id: 'ana.cert-br',
    scope: 'read write',
    jti: String,
    iat: seconds(node),
    exp: seconds(node) + 300,
  })
  t.match(await bearing(node, token), {
    status: 200,
    body: { account: { id: 'ana.cert-br' }, scopes: ['read', 'write'] },
  })
  const published = await node.call('anonymous', {
    method: 'POST',
    url: '/v1/indicators?tlp=green',
    headers: { ...json, authorization: `Bearer ${token}` },
    payload: JSON.stringify({ value: '192.0.2.8' }),
  })
  t.match(published, { status: 200, body: { accepted: 1 } })
  const url = '/v1/indicators?value=192.0.2.8'
  t.equal((await bearing(node, token, url)).text, (await node.call('ana.cert-br', { method: 'GET', url })).text)
  const [leaf] = await leaves(node, 'issue-token')
  t.match(leaf, { actor: 'ana.cert-br', decision: 'permit' })
  t.match(JSON.parse(leaf?.subject ?? ''), { account: 'ana.cert-br', clientKey: key, jti: decodeJwt(token).jti })
  const { body } = await node.call('marta.lacnic', { method: 'GET', url: '/v1/accounts/ana.cert-br/client-keys' })
  t.match(body.items, [{ id: key, account: 'ana.cert-br', thumbprint: pair.thumbprint, lastUsedAt: String }])
})

t.test(
  'the key is told by its id, by its thumbprint, or not at all; both algorithms and both audiences do',
  async (t) => {
    const { node, pair, key } = await withClient(t)
    const p256 = await pairOf('ES256')
    await register(node, 'ana.cert-br', p256)
    for (const header of [{}, { kid: key }, { kid: pair.thumbprint }, { typ: 'JWT' }]) {
      t.equal((await ask(node, 'ana.cert-br', pair, { header })).status, 200, JSON.stringify(header))
    }
    t.equal((await ask(node, 'ana.cert-br', p256)).status, 200)
    t.equal((await ask(node, 'ana.cert-br', pair, { claims: { aud: tokenUrl } })).status, 200)
    t.equal((await ask(node, 'ana.cert-br', pair, { claims: { aud: [tokenUrl] } })).status, 200)
    t.equal((await ask(node, 'ana.cert-br', pair, { fields: { client_id: 'ana.cert-br' } })).status, 200)
  },
)

t.test('scopes are at most those of the key, and roles limit further', async (t) => {
  const { node, pair } = await withClient(t)
  const read = await tokenFor(node, 'ana.cert-br', pair, { fields: { scope: 'read' } })
  const refused = await node.call('anonymous', {
    method: 'POST',
    url: '/v1/indicators?tlp=green',
    headers: { ...json, authorization: `Bearer ${read}` },
    payload: JSON.stringify({ value: '192.0.2.9' }),
  })
  t.match(refused, { status: 403, body: { code: 'scope_required' } })
  for (const scope of ['admin', 'read admin', 'all', '  ', 'READ']) {
    const answer = await ask(node, 'ana.cert-br', pair, { fields: { scope } })
    t.match(answer, { status: 400, body: { error: 'invalid_scope' } }, scope)
  }
  t.match((await leaves(node, 'issue-token')).at(-1), { actor: 'ana.cert-br', decision: 'deny' })
  t.equal((await ask(node, 'ana.cert-br', pair, { fields: { scope: ' write  read read ' } })).body.scope, 'read write')
  const other = await pairOf()
  await register(node, 'bruno.cert-br', other, { scopes: ['admin'] })
  const admin = await tokenFor(node, 'bruno.cert-br', other)
  t.match(await bearing(node, admin, '/v1/accounts'), { status: 403, body: { code: 'role_required' } })
})

t.test('requests that are not as RFC 6749 has them are refused in its words', async (t) => {
  const { node, pair } = await withClient(t)
  const client_assertion = await assertionOf(node, 'ana.cert-br', pair)
  const fields = { grant_type: 'client_credentials', client_assertion_type: jwtBearer, client_assertion }
  const rows: readonly (readonly [string, Record<string, string>, string])[] = [
    ['no grant', { ...fields, grant_type: '' }, 'invalid_request'],
    ['another grant', { ...fields, grant_type: 'password' }, 'unsupported_grant_type'],
    ['no assertion', { ...fields, client_assertion: '' }, 'invalid_request'],
    ['another type of assertion', { ...fields, client_assertion_type: 'x' }, 'invalid_request'],
    ['NUL', { ...fields, scope: 'read\0' }, 'invalid_request'],
  ]
  for (const [what, given, error] of rows) {
    const answer = await form(node, '/oauth/token', given)
    t.match(answer, { status: 400, body: { error, error_description: String } }, what)
    t.match(answer.headers, { 'cache-control': 'no-store' }, what)
    t.match(answer.body.error_description, /^[\x20\x21\x23-\x5b\x5d-\x7e]+$/, 'the characters that RFC 6749 allows')
  }
  const twice: [string, string][] = [...Object.entries(fields), ['scope', 'read'], ['scope', 'write']]
  t.match(await form(node, '/oauth/token', twice), { status: 400, body: { error: 'invalid_request' } })
  const asJson = await node.call('anonymous', { method: 'POST', url: '/oauth/token', headers: json, payload: '{}' })
  t.match(asJson, { status: 415, body: { error: 'invalid_request' } })
  t.match(await node.call('anonymous', { method: 'POST', url: '/oauth/token' }), { body: { error: 'invalid_request' } })
  const huge = await form(node, '/oauth/token', { ...fields, scope: 'x'.repeat(70_000) })
  t.match(huge, { status: 413, body: { error: 'invalid_request' } })
  const basic = await form(node, '/oauth/token', fields, { authorization: `Basic ${btoa('ana:secret')}` })
  t.match(basic, { status: 401, body: { error: 'invalid_client' }, headers: { 'www-authenticate': /Bearer/ } })
  t.equal((await form(node, '/oauth/token', fields)).status, 200, 'none of it used the assertion up')
})

t.test('who has no registered key learns nothing, and is not on the log', async (t) => {
  const { node, pair, key } = await withClient(t)
  const stranger = await pairOf()
  const wrong = await Promise.all([
    ask(node, 'ana.cert-br', stranger),
    ask(node, 'ana.cert-br', stranger, { header: { kid: key } }),
    ask(node, 'ana.cert-br', stranger, { header: { jwk: stranger.jwk } }),
    ask(node, 'bruno.cert-br', pair),
    ask(node, 'nobody.cert-br', pair),
    ask(node, 'ana.cert-br', pair, { header: { kid: 'another' } }),
    ask(node, 'ana.cert-br', pair, { header: { typ: 'at+jwt' } }),
    form(node, '/oauth/token', {
      grant_type: 'client_credentials',
      client_assertion_type: jwtBearer,
      client_assertion: 'no.jwt.at-all',
    }),
  ])
  for (const answer of wrong) t.match(answer, { status: 401, body: { error: 'invalid_client' } })
  t.equal(new Set(wrong.map(({ text }) => text)).size, 1, 'one answer for all of them')
  t.strictSame(await leaves(node, 'issue-token'), [])
})

t.test('who has the key is told what is wrong, and it is on the log', async (t) => {
  const { node, pair } = await withClient(t)
  const now = seconds(node)
  const rows: readonly (readonly [object, RegExp])[] = [
    [{ aud: 'https://other.example' }, /audience/],
    [{ aud: [issuer, 'https://other.example'] }, /audience/],
    [{ exp: now - 11 }, /expired/],
    [{ exp: now + 311 }, /300 seconds/],
    [{ exp: undefined }, /'exp'/],
    [{ jti: undefined }, /'jti'/],
    [{ jti: '' }, /jti/],
    [{ iss: 'bruno.cert-br' }, /'iss'/],
  ]
  for (const [claims, words] of rows) {
    const answer = await ask(node, 'ana.cert-br', pair, { claims })
    t.match(answer, { status: 401, body: { error: 'invalid_client', error_description: words } })
  }
  t.match(await ask(node, 'ana.cert-br', pair, { fields: { client_id: 'bruno.cert-br' } }), { status: 401 })
  const refusals = await leaves(node, 'issue-token')
  t.equal(refusals.length, rows.length + 1)
  for (const leaf of refusals) t.match(leaf, { actor: 'ana.cert-br', decision: 'deny' })
})

t.test('an assertion is used once, in every process, whatever comes at once', async (t) => {
  const { node, pair } = await withClient(t)
  const client_assertion = await assertionOf(node, 'ana.cert-br', pair)
  const fields = { grant_type: 'client_credentials', client_assertion_type: jwtBearer, client_assertion }
  const answers = await Promise.all(Array.from({ length: 5 }, () => form(node, '/oauth/token', fields)))
  t.equal(answers.filter(({ status }) => status === 200).length, 1)
  t.equal(answers.filter(({ body }) => /used before/.test(body.error_description)).length, 4)
  const { rows } = await node.context.database.client.query('select client from used_assertion')
  t.strictSame(rows, [{ client: 'ana.cert-br' }], 'the database knows it, and so does every process')
  const again = await ask(node, 'ana.cert-br', pair, { claims: { jti: decodeJwt(client_assertion).jti } })
  t.match(again, { status: 401 }, 'the jti and not the text counts')
  const other = await pairOf()
  await register(node, 'bruno.cert-br', other)
  const jti = decodeJwt(client_assertion).jti
  t.equal((await ask(node, 'bruno.cert-br', other, { claims: { jti } })).status, 200, 'another client has its own')
})

t.test('a token ends', async (t) => {
  const { node, pair } = await withClient(t)
  const token = await tokenFor(node, 'ana.cert-br', pair)
  t.equal((await bearing(node, token)).status, 200)
  later(node, 309)
  t.equal((await bearing(node, token)).status, 200)
  later(node, 1)
  t.match(await bearing(node, token), { status: 401, body: { code: 'credentials_invalid' } }, 'remembered or not')
})

t.test('whatever is not a token of this node is refused with one answer', async (t) => {
  const { node, pair } = await withClient(t)
  const token = await tokenFor(node, 'ana.cert-br', pair)
  const claims = decodeJwt(token)
  const { kid } = decodeProtectedHeader(token)
  const forged = (header: object, change: object = {}) =>
    new SignJWT({ ...claims, ...change })
      .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', ...header })
      .sign(pair.privateKey)
  const assertion = await assertionOf(node, 'ana.cert-br', pair)
  const wrong = [
    await forged({ kid }),
    await forged({ jwk: pair.jwk }),
    await forged({ kid, jku: `${issuer}/keys` }),
    assertion,
    `${token}x`,
    token.slice(0, -2),
    token.replace(/\.[^.]+$/, '.'),
    'nonsense',
    'x'.repeat(9_000),
  ]
  const answers = await Promise.all(wrong.map((each) => bearing(node, each)))
  for (const answer of answers) t.match(answer, { status: 401, body: { code: 'credentials_invalid' } })
  t.equal(new Set(answers.map(({ text }) => text)).size, 1)
  t.match(String(answers[0]?.headers['www-authenticate']), /^Bearer .*DPoP algs="EdDSA ES256"/)
  // Signed with the right key, and still not for here.
  const { clock, policy, tokens } = node.context
  const signer = await tokens.keys.signer(await policy.current(), clock())
  for (const change of [
    { aud: 'https://other.example' },
    { iss: 'https://other.example' },
    { client_key: undefined },
  ]) {
    const text = await new SignJWT({ ...claims, ...change })
      .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid: signer.kid })
      .sign(signer.sign)
    t.equal((await bearing(node, text)).status, 401, JSON.stringify(change))
  }
  const certificate = { cnf: { 'x5t#S256': pair.thumbprint } }
  const both = { cnf: { ...certificate.cnf, jkt: pair.thumbprint } }
  for (const change of [certificate, both, { cnf: 'x' }, { cnf: null }, { cnf: {} }, { cnf: { jkt: 1 } }]) {
    const text = await new SignJWT({ ...claims, ...change })
      .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid: signer.kid })
      .sign(signer.sign)
    t.equal(
      (await bearing(node, text)).text,
      answers[0]?.text,
      `${JSON.stringify(change)}: what is not understood refuses`,
    )
  }
  const id = await new SignJWT(claims)
    .setProtectedHeader({ alg: 'EdDSA', typ: 'JWT', kid: signer.kid })
    .sign(signer.sign)
  t.equal((await bearing(node, id)).status, 401, 'another type')
})

t.test('a bound token is worth nothing without a proof of its key', async (t) => {
  const { node, pair } = await withClient(t)
  const device = await pairOf('ES256')
  const headers = { dpop: await proofOf(node, device, { method: 'POST', url: tokenUrl }) }
  const answer = await ask(node, 'ana.cert-br', pair, { headers })
  t.match(answer, { status: 200, body: { token_type: 'DPoP' } })
  const token = answer.body.access_token
  t.match(decodeJwt(token), { cnf: { jkt: device.thumbprint } })
  const request = { method: 'GET', url: `${issuer}/v1/me`, token }
  const call = (dpop: string | undefined, scheme = 'DPoP', url = '/v1/me') =>
    node.call('anonymous', {
      method: 'GET',
      url,
      headers: { authorization: `${scheme} ${token}`, ...(dpop === undefined ? {} : { dpop }) },
    })
  const good = await proofOf(node, device, request)
  t.match(await call(good), { status: 200, body: { account: { id: 'ana.cert-br' } } })
  t.match(await call(good), { status: 401, body: { detail: /used before/ } })
  t.match(await call(await proofOf(node, device, request), 'Bearer'), { status: 401 }, 'not as Bearer')
  t.match(await bearing(node, token), { status: 401, body: { detail: /bound/ } })
  t.match(await call(undefined), { status: 401 }, 'not without a proof')
  const query = await proofOf(node, device, { ...request, url: `${issuer}/v1/indicators` })
  t.equal((await call(query, 'DPoP', '/v1/indicators?limit=1')).status, 200, 'the query is no part of it')
  const spelt = await proofOf(node, device, { ...request, url: 'HTTP://127.0.0.1:8460/v1/me?x#y' })
  t.equal((await call(spelt)).status, 200, 'a URL may be spelt otherwise')

  const stranger = await pairOf()
  const now = seconds(node)
  const bad: readonly (readonly [string, Promise<string>])[] = [
    ['another key', proofOf(node, stranger, request)],
    ['our key in the header of another', proofOf(node, stranger, request, {}, { jwk: device.jwk, alg: 'EdDSA' })],
    ['another method', proofOf(node, device, { ...request, method: 'POST' })],
    ['another URL', proofOf(node, device, { ...request, url: `${issuer}/v1/indicators` })],
    ['another host', proofOf(node, device, { ...request, url: 'http://other.example/v1/me' })],
    ['no URL', proofOf(node, device, request, { htu: 'not a URL' })],
    ['no method', proofOf(node, device, request, { htm: undefined })],
    ['another token', proofOf(node, device, { ...request, token: 'other' })],
    ['no token', proofOf(node, device, request, { ath: undefined })],
    ['too old', proofOf(node, device, request, { iat: now - 61 })],
    ['ahead', proofOf(node, device, request, { iat: now + 11 })],
    ['no time', proofOf(node, device, request, { iat: undefined })],
    ['no jti', proofOf(node, device, request, { jti: undefined })],
    ['an empty jti', proofOf(node, device, request, { jti: '' })],
    ['another type', proofOf(node, device, request, {}, { typ: 'JWT' })],
    ['no key', proofOf(node, device, request, {}, { jwk: undefined })],
    ['a critical header', proofOf(node, device, request, {}, { b64: true, crit: ['b64'] })],
    ['no JWT', Promise.resolve('proof')],
    ['two proofs', Promise.all([0, 1].map(() => proofOf(node, device, request))).then((all) => all.join(', '))],
  ]
  for (const [what, proof] of bad) {
    t.match(await call(await proof), { status: 401, body: { code: 'credentials_invalid' } }, what)
  }
  const plain = await tokenFor(node, 'ana.cert-br', pair)
  const unbound = await node.call('anonymous', {
    method: 'GET',
    url: '/v1/me',
    headers: { authorization: `DPoP ${plain}`, dpop: await proofOf(node, device, { ...request, token: plain }) },
  })
  t.match(unbound, { status: 401 }, 'a token that is bound to nothing is no DPoP token')
})

t.test('the token door takes each proof once, for itself, and says what is wrong with it', async (t) => {
  const { node, pair } = await withClient(t)
  const device = await pairOf()
  const dpop = await proofOf(node, device, { method: 'POST', url: tokenUrl })
  t.equal((await ask(node, 'ana.cert-br', pair, { headers: { dpop } })).status, 200)
  const wrong = [dpop, await proofOf(node, device, { method: 'POST', url: `${issuer}/oauth/revoke` }), 'proof']
  for (const each of wrong) {
    const answer = await ask(node, 'ana.cert-br', pair, { headers: { dpop: each } })
    t.match(answer, { status: 400, body: { error: 'invalid_dpop_proof' } })
  }
  t.match((await leaves(node, 'issue-token')).at(-1), { actor: 'ana.cert-br', decision: 'deny' })
})

t.test('what takes a token back', async (t) => {
  const { node, pair, key } = await withClient(t)
  const works = async (token: string) => (await bearing(node, token)).status === 200
  const patch = (url: string, body: object) =>
    node.call('marta.lacnic', { method: 'PATCH', url, headers: json, payload: JSON.stringify(body) })

  t.test('disabling the account, and the organisation', async (t) => {
    const token = await tokenFor(node, 'ana.cert-br', pair)
    for (const url of ['/v1/accounts/ana.cert-br', '/v1/organisations/cert-br']) {
      t.ok(await works(token))
      t.equal((await patch(url, { disabled: true })).status, 200)
      t.notOk(await works(token), url)
      const asked = await ask(node, 'ana.cert-br', pair)
      t.match(asked, { status: 401, body: { error: 'invalid_client', error_description: /disabled/ } })
      t.match((await leaves(node, 'issue-token')).at(-1), { actor: 'ana.cert-br', decision: 'deny' })
      await patch(url, { disabled: false })
    }
    t.ok(await works(token), 'and it is as before when they are enabled again')
  })

  t.test('the client itself', async (t) => {
    const token = await tokenFor(node, 'ana.cert-br', pair)
    t.ok(await works(token))
    const revoke = async (what: string, by = pair, account = 'ana.cert-br') => {
      const client_assertion = await assertionOf(node, account, by)
      return form(node, '/oauth/revoke', { token: what, client_assertion_type: jwtBearer, client_assertion })
    }
    const other = await pairOf()
    await register(node, 'bruno.cert-br', other)
    t.match(await revoke(token, other, 'bruno.cert-br'), { status: 400, body: { error: 'invalid_request' } })
    t.match(await revoke(token, other), { status: 401, body: { error: 'invalid_client' } })
    t.ok(await works(token), 'nobody else can')
    t.match(await revoke(token), { status: 200, headers: { 'cache-control': 'no-store' } })
    t.notOk(await works(token), 'at once in this process')
    t.equal((await revoke(token)).status, 200, 'twice is as once')
    t.equal((await revoke('nonsense')).status, 200, 'and what never was is taken back')
    t.equal((await revoke('')).status, 400)
    t.match(await leaves(node, 'revoke-token'), [{ decision: 'deny' }, { actor: 'ana.cert-br', decision: 'permit' }])
  })

  t.test('a revocation in another process, within two seconds', async (t) => {
    const token = await tokenFor(node, 'ana.cert-br', pair)
    t.ok(await works(token))
    const insert = "insert into revoked_token (jti, client, expires_at) values ($1, 'ana.cert-br', now())"
    await node.context.database.client.query(insert, [decodeJwt(token).jti])
    later(node, limits.revocationAgeMs / 1000)
    t.notOk(await works(token))
    t.notOk(await works(token), 'also when asked again')
  })

  t.test('removing the key that asked for it', async (t) => {
    const token = await tokenFor(node, 'ana.cert-br', pair)
    const second = await pairOf()
    await register(node, 'ana.cert-br', second)
    const safe = await tokenFor(node, 'ana.cert-br', second)
    t.ok(await works(token))
    const authorization = { authorization: `Bearer ${token}` }
    const { authenticate } = actions
    const caller = await authenticate(node.context, authorization)
    await stillMay(node.context, caller, 'publish')
    t.equal((await node.call('caio.cert-br', { method: 'DELETE', url: `/v1/client-keys/${key}` })).status, 204)
    t.notOk(await works(token))
    await t.rejects(stillMay(node.context, caller, 'publish'), { code: 'credentials_invalid' }, 'in the middle too')
    t.ok(await works(safe), 'that of another key goes on')
    t.match(await ask(node, 'ana.cert-br', pair), { status: 401 })
    const safeCaller = await authenticate(node.context, { authorization: `Bearer ${safe}` })
    await stillMay(node.context, safeCaller, 'publish')
    later(node, 310)
    await t.rejects(stillMay(node.context, safeCaller, 'publish'), { code: 'credentials_invalid' }, 'an end is an end')
  })
})

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
  t.match(rotated, { status: 201, body: { kid: String, signsFrom: String, dropped: [] } })
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

t.test('credentials that fail are counted by address, and those that were good go on', async (t) => {
  const { node, pair } = await withClient(t)
  const wrong = () => bearing(node, `puente_0123456789ab_${'x'.repeat(43)}`)
  const good = () => node.call('ana.cert-br', { method: 'GET', url: '/v1/me' })
  const token = await tokenFor(node, 'ana.cert-br', pair)
  t.equal((await good()).status, 200)
  for (let n = 0; n < limits.failedAuthenticationsPerMinute; n++) t.equal((await wrong()).status, 401)
  t.match(await wrong(), { status: 429, body: { code: 'rate_limited' }, headers: { 'retry-after': '60' } })
  t.equal((await good()).status, 200, 'a key that was good before')
  t.equal((await bearing(node, token)).status, 429, 'one never seen before waits')
  t.match(await ask(node, 'ana.cert-br', pair), { status: 429, body: { error: 'temporarily_unavailable' } })
  t.equal(
    (await node.call('anonymous', { method: 'GET', url: '/v1/indicators' })).status,
    200,
    'the public is not counted',
  )
  const elsewhere = await node.app.inject({
    method: 'GET',
    url: '/v1/me',
    headers: { authorization: `Bearer ${token}` },
    remoteAddress: '192.0.2.1',
  })
  t.equal(elsewhere.statusCode, 200, 'another address')
  later(node, 60)
  t.equal((await wrong()).status, 401)
  t.equal((await bearing(node, token)).status, 200)
  const from = (remoteAddress: string) =>
    node.app.inject({ method: 'GET', url: '/v1/me', headers: { authorization: 'Bearer x' }, remoteAddress })
  for (let n = 0; n < limits.failedAuthenticationsPerMinute; n++) await from(`2001:db8:0:1::${n + 1}`)
  t.equal((await from('2001:db8:0:1:ffff::1')).statusCode, 429, 'a /64 is one address')
  t.equal((await from('2001:db8:0:2::1')).statusCode, 401)
})

t.test('assertions that fail are counted too', async (t) => {
  const { node } = await withClient(t)
  const stranger = await pairOf()
  for (let n = 0; n < limits.failedAuthenticationsPerMinute; n++) {
    t.equal((await ask(node, 'ana.cert-br', stranger)).status, 401)
  }
  const answer = await ask(node, 'ana.cert-br', stranger)
  t.match(answer, { status: 429, body: { error: 'temporarily_unavailable' }, headers: { 'retry-after': '60' } })
})

t.test('what has ended is forgotten', async (t) => {
  const { node, pair } = await withClient(t)
  const token = await tokenFor(node, 'ana.cert-br', pair)
  const client_assertion = await assertionOf(node, 'ana.cert-br', pair)
  await form(node, '/oauth/revoke', { token, client_assertion_type: jwtBearer, client_assertion })
  const count = async () => {
    await forgetEndedTokens(node.context)
    const { rows } = await node.context.database.client.query<{ used: bigint; revoked: bigint }>(
      'select (select count(*) from used_assertion) as used, (select count(*) from revoked_token) as revoked',
    )
    return [Number(rows[0]?.used), Number(rows[0]?.revoked)]
  }
  t.strictSame(await count(), [2, 1])
  later(node, 79)
  t.strictSame(await count(), [2, 1])
  later(node, 2)
  t.strictSame(await count(), [0, 1], 'assertions could be used for 60 seconds, and clocks differ')
  later(node, 300)
  t.strictSame(await count(), [0, 0])
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
