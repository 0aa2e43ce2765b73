import { decodeJwt } from 'jose'
import t from 'tap'
import { ask, bearing, issuer, leaves, pairOf, proofOf, seconds, tokenFor, tokenUrl, withClient } from '../tokens.ts'

t.setTimeout(300_000)

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
