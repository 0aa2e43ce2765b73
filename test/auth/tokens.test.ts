import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { type CryptoKey, exportSPKI, generateKeyPair, SignJWT } from 'jose'
import t from 'tap'
import { OnceOnly } from '../../src/auth/dpop.ts'
import { mintSigningKey, openSigningKey, parsePublicJwk, publicText, type VerificationKey } from '../../src/auth/jwk.ts'
import { parseKeySet } from '../../src/auth/key-set.ts'
import { Remembered } from '../../src/auth/remembered.ts'
import { claimed, signToken, TokenRefused, type TokenRules, tokenVerifier } from '../../src/auth/tokens.ts'
import { pairOf } from '../tokens.ts'

const at = new Date('2026-06-01T00:00:00Z')
const now = at.getTime() / 1000
const rules: TokenRules = {
  issuer: 'https://puente.example',
  audience: ['https://puente.example'],
  algorithms: ['EdDSA', 'ES256'],
  typ: ['at+jwt'],
  required: ['sub', 'jti'],
  lifetimeSeconds: 300,
}
const good = {
  iss: 'https://puente.example',
  aud: 'https://puente.example',
  sub: 'ana.cert-br',
  jti: '1',
  iat: now,
  exp: now + 300,
}

const ours = await pairOf('EdDSA')
const theirs = await pairOf('EdDSA')
const p256 = await pairOf('ES256')
const keys = new Map<string, VerificationKey>([
  ['ours', { algorithm: 'EdDSA', key: (await parsePublicJwk(ours.jwk, '')).key }],
  ['p256', { algorithm: 'ES256', key: (await parsePublicJwk(p256.jwk, '')).key }],
])

const verify = (text: string, verifier = tokenVerifier(rules), instant = at) =>
  verifier(text, ({ kid }) => keys.get(kid ?? ''), instant)

const signed = (
  claims: object = {},
  header: object = {},
  { privateKey, alg }: { privateKey: CryptoKey; alg: string } = ours,
) =>
  new SignJWT({ ...good, ...claims })
    .setProtectedHeader({ alg, kid: 'ours', typ: 'at+jwt', ...header })
    .sign(privateKey, 'crit' in header ? { crit: { exp: true } } : {})

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

t.test('a token that is as it must be is believed', async (t) => {
  t.match(await verify(await signed()), { subject: 'ana.cert-br', jti: '1', expiresAt: new Date(at.getTime() + 3e5) })
  t.match(await verify(await signed({}, { kid: 'p256' }, p256)), { subject: 'ana.cert-br' })
  t.ok(await verify(await signed({ aud: ['https://puente.example'] })), 'a list of exactly one audience is one')
  t.ok(await verify(await signed({}, { typ: 'application/at+JWT' })), 'a type may be spelt out')
})

t.test('nothing is verified by rules that are not there', async (t) => {
  const without = (lacking: object) => () => tokenVerifier({ ...rules, ...lacking })
  t.throws(without({ issuer: '' }), /without issuer/)
  t.throws(without({ issuer: undefined }), /without issuer/)
  t.throws(without({ audience: [] }), /without audience/)
  t.throws(without({ audience: [undefined] }), /without audience/)
  t.throws(without({ audience: undefined }), /without audience/)
  t.throws(without({ algorithms: [] }), /without algorithms/)
  t.throws(without({ algorithms: undefined }), /without algorithms/)
  t.throws(without({ typ: [] }), /without typ/)
  t.throws(without({ typ: undefined }), /without typ/)
})

/** What is wrong, the token, and whether its signer is told. */
const bad: readonly (readonly [string, () => Promise<string> | string, boolean])[] = [
  ['another issuer', () => signed({ iss: 'https://other.example' }), true],
  ['no issuer', () => signed({ iss: undefined }), true],
  ['another audience', () => signed({ aud: 'https://other.example' }), true],
  ['a longer audience', () => signed({ aud: 'https://puente.example/' }), true],
  ['no audience', () => signed({ aud: undefined }), true],
  ['an empty audience', () => signed({ aud: [] }), true],
  ['two audiences, ours among them', () => signed({ aud: ['https://puente.example', 'https://other.example'] }), true],
  ['our audience twice', () => signed({ aud: ['https://puente.example', 'https://puente.example'] }), true],
  ['no end', () => signed({ exp: undefined }), true],
  ['an end that is no number', () => signed({ exp: String(now + 60) }), true],
  ['an end that is past by more than clocks differ', () => signed({ exp: now - 11 }), true],
  ['an end too far ahead', () => signed({ exp: now + 311 }), true],
  ['a beginning ahead', () => signed({ nbf: now + 11 }), true],
  ['issued in the future', () => signed({ iat: now + 11 }), true],
  ['no subject', () => signed({ sub: undefined }), true],
  ['no jti', () => signed({ jti: undefined }), true],
  ['another type', () => signed({}, { typ: 'JWT' }), false],
  ['no type', () => signed({}, { typ: undefined }), false],
  ['a critical header that jose does not know', () => signed({}, { crit: ['exp'], exp: 1 }), false],
  ['a critical header that jose knows', () => signed({}, { crit: ['b64'], b64: true }), false],
  ['an unknown key', () => signed({}, { kid: 'theirs' }, theirs), false],
  ['no key id', () => signed({}, { kid: undefined }), false],
  ['somebody else under our key id', () => signed({}, {}, theirs), false],
  ['a key in the header', () => signed({}, { jwk: theirs.jwk }, theirs), false],
  ['a key in the header alone', () => signed({}, { jwk: theirs.jwk, kid: undefined }, theirs), false],
  ['an algorithm that is not that of the key', () => signed({}, { kid: 'ours' }, p256), false],
  ['no signature', () => `${part({ alg: 'none', typ: 'at+jwt', kid: 'ours' })}.${part(good)}.`, false],
  ['a cut signature', async () => (await signed()).slice(0, -4), false],
  [
    'other claims under the same signature',
    async () => altered(await signed(), { ...good, sub: 'admin.lacnic' }),
    false,
  ],
  ['a token that is too long', () => signed({ filler: 'x'.repeat(9000) }), false],
  ['no token', () => 'a.b.c', false],
  ['nothing', () => '', false],
]

const altered = (text: string, claims: object): string => {
  const [header, , signature] = text.split('.')
  return `${header}.${part(claims)}.${signature}`
}

for (const [what, make, told] of bad) {
  t.test(`refuses ${what}`, async (t) => {
    const text = await make()
    const error = await verify(text).then(
      () => undefined,
      (refused: unknown) => refused,
    )
    t.type(error, TokenRefused)
    t.equal((error as TokenRefused).signed, told, (error as Error).message)
  })
}

t.test('clocks may differ by ten seconds and no more', async (t) => {
  const text = await signed({ iat: now, nbf: now })
  const later = (difference: number) => new Date(at.getTime() + difference * 1000)
  t.ok(await verify(text, tokenVerifier(rules), later(309)))
  await t.rejects(verify(text, tokenVerifier(rules), later(310)), TokenRefused)
  t.ok(await verify(text, tokenVerifier(rules), later(-10)))
  await t.rejects(verify(text, tokenVerifier(rules), later(-11)), TokenRefused)
})

t.test('a token without an end is refused also where no longest life is set', async (t) => {
  const { lifetimeSeconds: _, ...endless } = rules
  await t.rejects(verify(await signed({ exp: undefined }), tokenVerifier(endless)), TokenRefused)
  t.ok(await verify(await signed({ exp: now + 86_400 }), tokenVerifier(endless)))
})

t.test('neither RSA nor a shared secret passes, not even with a key that is made for it', async (t) => {
  const rsa = await generateKeyPair('RS256')
  const by = (key: CryptoKey | Uint8Array) => ({ key, algorithm: 'EdDSA' }) as unknown as VerificationKey
  const rs256 = await signed({}, {}, { privateKey: rsa.privateKey, alg: 'RS256' })
  const lying = (alg: string, key: CryptoKey | Uint8Array) => () => ({ ...by(key), algorithm: alg }) as VerificationKey
  await t.rejects(tokenVerifier(rules)(rs256, lying('RS256', rsa.publicKey), at), TokenRefused)
  // The public key's text as the secret: the classical confusion.
  const secret = Buffer.from(await exportSPKI((await parsePublicJwk(ours.jwk, '')).key as CryptoKey))
  const head = `${part({ alg: 'HS256', typ: 'at+jwt', kid: 'ours' })}.${part(good)}`
  const hs256 = `${head}.${createHmac('sha256', secret).update(head).digest('base64url')}`
  await t.rejects(tokenVerifier(rules)(hs256, lying('HS256', secret), at), TokenRefused)
  await t.rejects(verify(hs256), TokenRefused)
})

t.test('pointers to keys are not looked at: a good token stays good', async (t) => {
  const header = { jku: 'http://127.0.0.1:1/keys', x5u: 'http://127.0.0.1:1/chain', x5c: ['AA=='], jwk: theirs.jwk }
  t.match(await verify(await signed({}, header)), { subject: 'ana.cert-br' })
})

t.test('whatever is given instead of a token, it is refused and nothing else is thrown', async (t) => {
  const word = fc.string({ unit: 'binary', maxLength: 60 })
  const json = fc.json({ maxDepth: 3 }).map((text) => Buffer.from(text).toString('base64url'))
  const header = fc
    .record({
      alg: fc.constantFrom('EdDSA', 'ES256', 'none'),
      kid: fc.constantFrom('ours', 'p256'),
      typ: fc.anything(),
    })
    .map((value) => part(value))
  const piece = fc.oneof(word, json, header)
  const text = fc.oneof(
    word,
    fc.array(piece, { maxLength: 5 }).map((pieces) => pieces.join('.')),
  )
  await fc.assert(
    fc.asyncProperty(text, async (given) => {
      claimed(given)
      await t.rejects(verify(given), TokenRefused)
    }),
    { numRuns: 500 },
  )
  const own = fc.record({ exp: fc.anything(), nbf: fc.anything(), iat: fc.anything(), aud: fc.anything() })
  await fc.assert(
    fc.asyncProperty(own, async (claims) => {
      const payload = JSON.stringify({ ...good, ...claims })
      if (payload === undefined) return
      const text = await new SignJWT(JSON.parse(payload))
        .setProtectedHeader({ alg: 'EdDSA', kid: 'ours', typ: 'at+jwt' })
        .sign(ours.privateKey)
      await verify(text).catch((error) => t.type(error, TokenRefused))
    }),
    { numRuns: 200 },
  )
})

t.test('only public keys of the two kinds are read, each in one spelling', async (t) => {
  const { jwk, thumbprint, algorithm } = await parsePublicJwk(
    { ...ours.jwk, use: 'sig', x5u: 'http://127.0.0.1:1' },
    '',
  )
  t.strictSame(Object.keys(jwk), ['kty', 'crv', 'x'])
  t.match({ thumbprint, algorithm }, { thumbprint: ours.thumbprint, algorithm: 'EdDSA' })
  t.match(await parsePublicJwk(p256.jwk, ''), { algorithm: 'ES256', thumbprint: p256.thumbprint })
  const refused = (key: unknown, pointer: string) =>
    t.rejects(parsePublicJwk(key, '/jwk'), { code: 'invalid_request', detail: { position: { pointer } } })
  await refused({ ...ours.jwk, d: 'AAAA' }, '/jwk/d')
  await refused({ kty: 'RSA', n: 'AQAB', e: 'AQAB' }, '/jwk')
  await refused({ kty: 'oct', k: 'AAAA' }, '/jwk')
  await refused({ kty: 'EC', crv: 'P-384', x: 'AA', y: 'AA' }, '/jwk')
  await refused({ kty: 'OKP', crv: 'X25519', x: ours.jwk.x }, '/jwk')
  await refused({ kty: 'OKP', crv: 'Ed25519' }, '/jwk')
  await refused({ kty: 'OKP', crv: 'Ed25519', x: 'short' }, '/jwk')
  await refused({ ...p256.jwk, y: p256.jwk.x }, '/jwk')
  await refused({ ...p256.jwk, y: undefined }, '/jwk')
  await refused('a key', '/jwk')
  await refused(null, '/jwk')
})

t.test('a key set of others is read as far as it can be used', async (t) => {
  const set = await parseKeySet({
    keys: [
      { ...ours.jwk, kid: 'one', use: 'sig', alg: 'EdDSA' },
      { ...p256.jwk, kid: 'two' },
      { ...theirs.jwk, kid: 'one' },
      { ...theirs.jwk },
      { ...theirs.jwk, kid: 'enc', use: 'enc' },
      { ...theirs.jwk, kid: 'alg', alg: 'Ed448' },
      { kty: 'RSA', kid: 'rsa', n: 'AQAB', e: 'AQAB' },
      { kty: 'OKP', crv: 'Ed25519', x: 'short', kid: 'short' },
      null,
      'key',
    ],
  })
  t.strictSame([...set.keys()], ['one', 'two'])
  const first = await signed({}, { kid: 'one' })
  t.ok(await tokenVerifier(rules)(first, ({ kid }) => set.get(kid ?? ''), at), 'the first of one name counts')
  await t.rejects(parseKeySet({ keys: [] }), /no key/)
  await t.rejects(parseKeySet({ keys: [{ kty: 'RSA', kid: 'rsa', n: 'AQAB', e: 'AQAB' }] }), /no key/)
  await t.rejects(parseKeySet(null), /not one/)
  await t.rejects(parseKeySet({ keys: 'all' }), /not one/)
  const many = Array.from({ length: 200 }, (_, i) => ({ ...ours.jwk, kid: String(i) }))
  t.equal((await parseKeySet({ keys: many })).size, 100)
})

t.test('a signing key signs what its public half verifies, and its public text holds no secret', async (t) => {
  const { kid, jwk } = await mintSigningKey()
  const key = await openSigningKey(kid, jwk)
  const text = await signToken(good, 'at+jwt', key)
  t.ok(await tokenVerifier(rules)(text, () => key, at))
  t.match(JSON.parse(jwk), { d: String })
  t.notMatch(JSON.parse(publicText(jwk)), { d: String })
  t.notMatch(JSON.stringify(key.jwk), JSON.parse(jwk).d)
})

t.test('what is used once is noticed at the second time, within a bound', async (t) => {
  const once = new OnceOnly(70_000, 3)
  const later = (ms: number) => new Date(at.getTime() + ms)
  t.equal(once.use('a', at), 'first')
  t.equal(once.use('a', at), 'again')
  t.equal(once.use('a', later(69_999)), 'again')
  t.equal(once.use('b', later(69_999)), 'first')
  t.equal(once.use('b', later(139_000)), 'again', 'b is not forgotten before its own window is over')
  t.equal(once.use('c', later(139_000)), 'first')
  t.equal(once.use('d', later(139_000)), 'full', 'what cannot be remembered is not let through')
  t.equal(once.use('c', later(139_000)), 'again')
  t.equal(once.use('d', later(500_000)), 'first', 'there is room when all of it is old')
})

t.test('the least recently used is forgotten first', async (t) => {
  const some = new Remembered<number>(2)
  some.set('a', 1)
  some.set('b', 2)
  t.equal(some.get('a'), 1)
  some.set('c', 3)
  t.equal(some.get('b'), undefined)
  t.equal(some.get('a'), 1)
  t.equal(some.size, 2)
  some.delete('a')
  t.equal(some.get('a'), undefined)
})
