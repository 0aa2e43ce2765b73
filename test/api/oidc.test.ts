import { decodeJwt, decodeProtectedHeader, SignJWT } from 'jose'
import t, { type Test } from 'tap'
import { refreshKeySet } from '../../src/actions/index.ts'
import { stillMay } from '../../src/actions/verb.ts'
import { readConfig } from '../../src/config.ts'
import { jsonFetcher, outbound } from '../../src/delivery/http.ts'
import { limits } from '../../src/domain/limits.ts'
import { openContext } from '../../src/main.ts'
import { testDatabase } from '../database.ts'
import { actions, type TestNode, testNode } from '../node.ts'
import { type OidcIssuer, oidcIssuer } from '../oidc-issuer.ts'
import { bearing, pairOf, proofOf, register, seconds, tokenFor } from '../tokens.ts'

t.setTimeout(300_000)

const json = { 'content-type': 'application/json' }
const audience = 'urn:puente'

/** A node that believes an issuer; its clock is that of the issuer, which has no other. */
async function withIssuer(t: Test, { claim = 'sub', alg = 'ES256' } = {}) {
  const people = await oidcIssuer(t, ['ana@idp', 'bruno@idp', 'nobody@idp'], alg)
  const fetchJson = jsonFetcher(outbound({ privateHosts: [people.host] }))
  const external = { issuer: people.issuer, audience, claim, fetchJson }
  const node = await testNode(t, { tokens: { issuer: 'http://127.0.0.1:8460', external } })
  const time = { offset: 0 }
  const tick = () => node.at(new Date(Date.now() + time.offset).toISOString())
  tick()
  const later = (seconds: number) => {
    time.offset += seconds * 1000
    tick()
  }
  return { people, node, later, tick }
}

const map = (node: TestNode, account: string, body: object, by = 'marta.lacnic') =>
  node.call(by, {
    method: 'POST',
    url: `/v1/accounts/${account}/identities`,
    headers: json,
    payload: JSON.stringify(body),
  })

const fetched = ({ asked }: OidcIssuer) => asked.filter((path) => path === '/jwks').length

for (const alg of ['ES256', 'EdDSA']) {
  t.test(`people of another issuer act as the account they are mapped to (${alg})`, async (t) => {
    const { people, node } = await withIssuer(t, { alg })
    const token = await people.token('ana@idp', { scope: 'read write' })
    t.match(decodeProtectedHeader(token), { alg, typ: 'at+jwt' }, 'a token as RFC 9068 has it')
    t.match(await bearing(node, token), { status: 401, body: { code: 'credentials_invalid' } }, 'nobody is enrolled')
    t.match(await map(node, 'ana.cert-br', { subject: 'ana@idp' }), { status: 201, body: { issuer: people.issuer } })
    const me = await bearing(node, token)
    t.match(me, { status: 200, body: { account: { id: 'ana.cert-br' }, scopes: ['read', 'write'] } })
    t.match(await bearing(node, await people.token('nobody@idp')), { status: 401 }, 'an unmapped subject')
    t.equal(fetched(people), 1, 'the keys are fetched once')
  })
}

t.test('what is not for this node is refused', async (t) => {
  const { people, node, later } = await withIssuer(t)
  await map(node, 'ana.cert-br', { subject: 'ana@idp' })
  const token = await people.token('ana@idp')
  t.equal((await bearing(node, token)).status, 200)
  t.equal((await bearing(node, await people.token('ana@idp', { resource: 'urn:other' }))).status, 401, 'its audience')
  const stranger = await oidcIssuer(t, ['ana@idp'])
  t.equal((await bearing(node, await stranger.token('ana@idp'))).status, 401, 'another issuer')
  t.strictSame(stranger.asked, ['/token'], 'whom nobody asked for keys')
  later(305)
  t.equal((await bearing(node, token)).status, 200, 'clocks may differ')
  later(6)
  t.equal((await bearing(node, token)).status, 401, 'its end')
})

t.test('scopes are those of the token as far as the mapping allows', async (t) => {
  const { people, node } = await withIssuer(t)
  await map(node, 'ana.cert-br', { subject: 'ana@idp', scopes: ['read'] })
  const scopesOf = async (scope: string) => (await bearing(node, await people.token('ana@idp', { scope }))).body.scopes
  t.strictSame(await scopesOf('read write admin'), ['read'])
  t.match(await bearing(node, await people.token('ana@idp', { scope: 'write' })), {
    status: 403,
    body: { code: 'scope_required' },
  })
})

t.test('what takes it back, at once', async (t) => {
  const { people, node } = await withIssuer(t)
  const { body } = await map(node, 'ana.cert-br', { subject: 'ana@idp' })
  const token = await people.token('ana@idp', { scope: 'read write' })
  const status = async () => (await bearing(node, token)).status
  const patch = (disabled: boolean) =>
    node.call('marta.lacnic', {
      method: 'PATCH',
      url: '/v1/accounts/ana.cert-br',
      headers: json,
      payload: JSON.stringify({ disabled }),
    })
  t.equal(await status(), 200)
  await patch(true)
  t.equal(await status(), 401, 'a disabled account')
  await patch(false)
  t.equal(await status(), 200)
  const caller = await actions.authenticate(node.context, { authorization: `Bearer ${token}` })
  await stillMay(node.context, caller, 'publish')
  const belongsTo = (account: string) =>
    node.context.database.client.query('update external_identity set account = $1', [account])
  await belongsTo('bruno.cert-br')
  await t.rejects(stillMay(node.context, caller, 'publish'), { code: 'credentials_invalid' }, 'now it is somebody else')
  await belongsTo('ana.cert-br')
  const remove = (by: string) => node.call(by, { method: 'DELETE', url: `/v1/identities/${body.id}` })
  t.equal((await remove('caio.cert-br')).status, 403)
  t.equal((await remove('marta.lacnic')).status, 204)
  t.equal((await remove('marta.lacnic')).status, 404)
  t.equal(await status(), 401, 'a mapping that ended')
  await t.rejects(stillMay(node.context, caller, 'publish'), { code: 'credentials_invalid' }, 'in the middle too')
})

t.test('only the operator says who is who, and one subject is one account', async (t) => {
  const { node } = await withIssuer(t)
  t.match(await map(node, 'ana.cert-br', { subject: 'ana@idp' }, 'caio.cert-br'), {
    status: 403,
    body: { code: 'not_yours' },
  })
  t.match(await map(node, 'ana.cert-br', { subject: 'ana@idp' }, 'ana.cert-br'), { status: 403 })
  t.equal((await map(node, 'ana.cert-br', { subject: 'ana@idp' })).status, 201)
  t.match(await map(node, 'bruno.cert-br', { subject: 'ana@idp' }), { status: 409, body: { code: 'already_exists' } })
  t.equal((await map(node, 'nobody.cert-br', { subject: 'x' })).status, 404)
  for (const body of [
    {},
    { subject: '' },
    { subject: 'ü' },
    { subject: 'x\0' },
    { subject: 'x', issuer: 'y' },
    { subject: 'x', scopes: [] },
  ]) {
    t.equal((await map(node, 'ana.cert-br', body)).status, 400, JSON.stringify(body))
  }
  const url = '/v1/accounts/ana.cert-br/identities'
  t.match((await node.call('caio.cert-br', { method: 'GET', url })).body, { items: [{ subject: 'ana@idp' }] })
  t.equal((await node.call('hugo.policia-cl', { method: 'GET', url })).status, 403)
  const bare = await testNode(t)
  t.match(await map(bare, 'ana.cert-br', { subject: 'ana@idp' }), {
    status: 400,
    body: { detail: /PUENTE_OIDC_ISSUER/ },
  })
})

t.test('a claim of its own may say who it is', async (t) => {
  const { people, node } = await withIssuer(t, { claim: 'client_id' })
  await map(node, 'ana.cert-br', { subject: 'ana@idp' })
  t.equal((await bearing(node, await people.token('ana@idp'))).status, 200)
  const missing = await withIssuer(t, { claim: 'employee' })
  await map(missing.node, 'ana.cert-br', { subject: 'ana@idp' })
  t.equal((await bearing(missing.node, await missing.people.token('ana@idp'))).status, 401)
})

t.test('a token that the issuer bound to a key needs its proof here too', async (t) => {
  const { people, node } = await withIssuer(t)
  await map(node, 'ana.cert-br', { subject: 'ana@idp' })
  const device = await pairOf('ES256')
  const dpop = await proofOf(node, device, { method: 'POST', url: `${people.issuer}/token` })
  const token = await people.token('ana@idp', { dpop })
  t.match(decodeJwt(token), { cnf: { jkt: device.thumbprint } })
  t.equal((await bearing(node, token)).status, 401)
  const proof = await proofOf(node, device, { method: 'GET', url: 'http://127.0.0.1:8460/v1/me', token })
  const headers = { authorization: `DPoP ${token}`, dpop: proof }
  t.equal((await node.call('anonymous', { method: 'GET', url: '/v1/me', headers })).status, 200)
})

t.test('keys of the issuer: new ones are fetched, at most every 30 seconds', async (t) => {
  const { people, node, later } = await withIssuer(t)
  await map(node, 'ana.cert-br', { subject: 'ana@idp' })
  const before = await people.token('ana@idp')
  t.equal((await bearing(node, before)).status, 200)
  await people.rotate()
  const after = await people.token('ana@idp')
  t.equal((await bearing(node, after)).status, 401, 'not within 30 seconds of the last')
  t.equal(fetched(people), 1)
  later(limits.keySetRetrySeconds)
  const answers = await Promise.all([1, 2, 3].map(() => bearing(node, after)))
  t.strictSame(
    answers.map(({ status }) => status),
    [200, 200, 200],
  )
  t.equal(fetched(people), 2, 'one fetch for all that wait')
  t.equal((await bearing(node, before)).status, 200, 'what was verified before is remembered')
  const authorization = (await people.token('ana@idp')).replace(
    /^[^.]+/,
    Buffer.from('{"alg":"ES256","typ":"at+jwt","kid":"made-up"}').toString('base64url'),
  )
  for (let n = 0; n < 5; n++) t.equal((await bearing(node, authorization)).status, 401)
  t.equal(fetched(people), 2, 'a made-up key id fetches nothing')
})

t.test('the clock fetches the keys before they are old', async (t) => {
  const { people, node, later } = await withIssuer(t)
  await refreshKeySet(node.context)
  t.equal(fetched(people), 1)
  later(limits.keySetAgeSeconds - 1)
  await refreshKeySet(node.context)
  t.equal(fetched(people), 1)
  later(1)
  await refreshKeySet(node.context)
  t.equal(fetched(people), 2)
  await refreshKeySet((await testNode(t, { seed: false })).context)
})

t.test('while the issuer is away its keys last an hour, and without keys nobody is believed', async (t) => {
  const { people, node, later } = await withIssuer(t)
  await map(node, 'ana.cert-br', { subject: 'ana@idp' })
  const token = await people.token('ana@idp')
  const ownPair = await pairOf()
  await register(node, 'bruno.cert-br', ownPair)
  people.instead((_request, response) => response.writeHead(500).end())
  t.match(await bearing(node, token), { status: 503, body: { code: 'unavailable' }, headers: { 'retry-after': '30' } })
  t.equal((await bearing(node, await tokenFor(node, 'bruno.cert-br', ownPair))).status, 200, 'our own tokens go on')
  people.instead(undefined)
  later(limits.keySetRetrySeconds)
  t.equal((await bearing(node, token)).status, 200)

  const unseen = await people.token('ana@idp')
  people.instead((_request, response) => response.writeHead(500).end())
  later(100)
  t.equal((await bearing(node, unseen)).status, 200, 'old keys are better than none')
})

t.test('stale keys are not used for ever', async (t) => {
  const { people, node, later } = await withIssuer(t)
  await map(node, 'ana.cert-br', { subject: 'ana@idp' })
  await refreshKeySet(node.context)
  people.instead((_request, response) => response.writeHead(500).end())
  later(limits.keySetStaleSeconds)
  // The issuer has no other clock: the token is made now, and read in an hour.
  people.instead(undefined)
  const token = await people.token('ana@idp')
  people.instead((_request, response) => response.writeHead(500).end())
  t.equal((await bearing(node, token)).status, 503)
  t.equal(fetched(people), 1)
})

t.test('what only the issuer can sign, and is still not for here', async (t) => {
  const { people, node } = await withIssuer(t)
  await map(node, 'ana.cert-br', { subject: 'ana@idp' })
  const pair = await pairOf('ES256')
  const keys = { keys: [{ ...pair.jwk, kid: 'theirs' }] }
  people.instead(({ url }, response) => {
    // Slowly, so that several wait for it.
    const answer = url === discovery ? { issuer: people.issuer, jwks_uri: `${people.issuer}/jwks` } : keys
    setTimeout(() => response.writeHead(200).end(JSON.stringify(answer)), 300)
  })
  const now = seconds(node)
  const good = { iss: people.issuer, aud: audience, sub: 'ana@idp', scope: 'read', iat: now, exp: now + 60 }
  const signed = (claims: object, header: object = {}) =>
    new SignJWT({ ...good, ...claims })
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'theirs', ...header })
      .sign(pair.privateKey)
  const token = await signed({})
  const first = await Promise.all([1, 2, 3].map(() => bearing(node, token)))
  t.strictSame(
    first.map(({ status }) => status),
    [200, 200, 200],
    'all wait for one fetch',
  )
  t.equal(fetched(people), 1)
  t.equal((await bearing(node, await signed({ scope: undefined, scp: ['read'] }))).body.scopes[0], 'read')
  t.strictSame((await bearing(node, await signed({ scope: 'openid profile' }))).body.code, 'scope_required')
  const bad: readonly (readonly [string, Promise<string>])[] = [
    ['an ID token', signed({}, { typ: 'JWT' })],
    ['no type', signed({}, { typ: undefined })],
    ['two audiences', signed({ aud: [audience, 'urn:other'] })],
    ['no end', signed({ exp: undefined })],
    ['no subject', signed({ sub: undefined })],
    ['a subject that is no text', signed({ sub: 7 })],
    ['another issuer under the same key', signed({ iss: 'https://other.example' })],
    ['this node as issuer', signed({ iss: 'http://127.0.0.1:8460', aud: 'http://127.0.0.1:8460' })],
    ['bound to a certificate', signed({ cnf: { 'x5t#S256': pair.thumbprint } })],
  ]
  for (const [what, text] of bad) t.match(await bearing(node, await text), { status: 401 }, what)
})

const discovery = '/.well-known/openid-configuration'

t.test('what an issuer may answer instead of its keys', async (t) => {
  const { people, node, later } = await withIssuer(t)
  await map(node, 'ana.cert-br', { subject: 'ana@idp' })
  const token = await people.token('ana@idp')
  const about = (document: object) =>
    JSON.stringify({ issuer: people.issuer, jwks_uri: `${people.issuer}/jwks`, ...document })
  const bodies: readonly (readonly [string, number, string])[] = [
    ['no JSON', 200, '<html>'],
    ['a list', 200, '[]'],
    ['null', 200, 'null'],
    ['another issuer', 200, about({ issuer: 'https://other.example' })],
    ['no keys', 200, about({ jwks_uri: undefined })],
    ['keys of another kind of URL', 200, about({ jwks_uri: 'file:///etc/passwd' })],
    ['keys at a private address', 200, about({ jwks_uri: 'https://127.0.0.1:1/jwks' })],
    ['keys without TLS', 200, about({ jwks_uri: 'http://keys.example/jwks' })],
    ['a redirect', 302, about({})],
    ['a member twice', 200, about({}).replace('{', '{"issuer":"x",')],
  ]
  for (const [what, status, body] of bodies) {
    people.instead(({ url }, response) => {
      response.writeHead(status, { 'content-type': 'application/json', location: `${people.issuer}/jwks` })
      response.end(url === discovery ? body : '{"keys":[]}')
    })
    t.match(await bearing(node, token), { status: 503 }, what)
    later(limits.keySetRetrySeconds)
  }
  t.equal(fetched(people), 0)
})

t.test(
  'a node is wired as its environment says: an issuer in this network is called only when it is named',
  async (t) => {
    const people = await oidcIssuer(t, ['ana@idp'])
    const environment = {
      PUENTE_ISSUER: 'https://puente.example/',
      PUENTE_OIDC_ISSUER: people.issuer,
      PUENTE_OIDC_AUDIENCE: audience,
    }
    const warnings: string[] = []
    const log = {
      info: () => {},
      error: () => {},
      warn: ({ error }: { readonly error?: Error }) => void warnings.push(String(error)),
    }
    for (const named of [{}, { PUENTE_PRIVATE_HOSTS: people.host }]) {
      const { config } = readConfig({ ...environment, ...named })
      const database = { url: await testDatabase(t), embedded: false, stop: async () => {} }
      const context = await openContext(database, config, log)
      t.teardown(() => context.close())
      t.equal(context.tokens.issuer, 'https://puente.example')
      await refreshKeySet(context)
    }
    t.equal(fetched(people), 1)
    t.equal(warnings.length, 1)
    t.match(warnings[0], /OutboundRefused: .* only https/)
  },
)
