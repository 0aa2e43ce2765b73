import { decodeJwt, decodeProtectedHeader, SignJWT } from 'jose'
import t from 'tap'
import { limits } from '../../src/domain/limits.ts'
import {
  ask,
  assertionOf,
  bearing,
  form,
  issuer,
  json,
  jwtBearer,
  later,
  leaves,
  pairOf,
  register,
  seconds,
  tokenFor,
  tokenUrl,
  withClient,
} from '../tokens.ts'

t.setTimeout(300_000)

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
