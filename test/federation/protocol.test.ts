import { createPrivateKey, createPublicKey } from 'node:crypto'
import fc from 'fast-check'
import { createSigner, createVerifier, httpbis } from 'http-message-signatures'
import t from 'tap'
import {
  contentDigest,
  type HttpRequest,
  signRequest,
  signResponse,
  verifyRequest,
  verifyResponse,
} from '../../src/auth/http-signatures.ts'
import { signStatement } from '../../src/auth/node-statements.ts'
import { openSeal, signSeal } from '../../src/auth/seals.ts'
import { component, signatureBase } from '../../src/auth/signature-base.ts'
import { limits } from '../../src/domain/limits.ts'
import type { PeerKey } from '../../src/domain/peer.ts'
import { hiddenByRevocation, keyStanding, revokeKey } from '../../src/domain/peer-keys.ts'
import type { RefusalCode } from '../../src/domain/verdict.ts'
import { canonicalText, readEnvelope, writeEnvelope } from '../../src/formats/envelope.ts'
import { EnvelopeError } from '../../src/formats/envelope-error.ts'
import { readPage, writePage } from '../../src/formats/feed-page.ts'
import { decide } from '../../src/policy/decide.ts'
import { narrowed } from '../../src/policy/local-narrowing.ts'
import { mayTravel } from '../../src/policy/travelling.ts'
import { batchOf, envelopeDigest, isInBatch } from '../../src/seal/batches.ts'
import { compareHeads, periodLeaf } from '../../src/seal/checkpoint-log.ts'
import { Frontier } from '../../src/seal/merkle.ts'
import { readerOf, worldOf } from '../policy/cases.ts'
import { asked, questions } from '../policy/worlds.ts'
import { after, digestOf, envelopeOf, green, keyFrom, keyOfSeed, nodeFrom, now, pinnedKey, whole } from './cast.ts'

const brazil = await nodeFrom('brazil')
const chile = await nodeFrom('chile')

t.test('canonical JSON is that of RFC 8785', async (t) => {
  // §3.2.2 to §3.2.4: one example through literals, strings, numbers and sorting.
  const given = String.raw`{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],"string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}`
  const bytes =
    '7b226c69746572616c73223a5b6e756c6c2c747275652c66616c73655d2c226e756d62657273223a5b3333333333333333332e333333333333332c31652b33302c342e352c302e3030322c31652d32375d2c22737472696e67223a22e282ac245c75303030665c6e4127425c225c5c5c5c5c222f227d'
  t.equal(Buffer.from(canonicalText(JSON.parse(given))).toString('hex'), bytes)
  // §3.2.3: members sorted by UTF-16 code units.
  const members = { '\u20ac': 1, '\r': 2, '\ufb33': 3, '1': 4, '\ud83d\ude00': 5, '\u0080': 6, '\u00f6': 7 }
  t.strictSame(Object.values(JSON.parse(canonicalText(members))), [4, 2, 6, 7, 1, 5, 3])
  // Appendix B.
  const numbers: readonly (readonly [string, string])[] = [
    ['0000000000000000', '0'],
    ['8000000000000000', '0'],
    ['0000000000000001', '5e-324'],
    ['7fefffffffffffff', '1.7976931348623157e+308'],
    ['4340000000000000', '9007199254740992'],
    ['4430000000000000', '295147905179352830000'],
    ['44b52d02c7e14af5', '9.999999999999997e+22'],
    ['44b52d02c7e14af6', '1e+23'],
    ['444b1ae4d6e2ef4e', '999999999999999700000'],
    ['444b1ae4d6e2ef50', '1e+21'],
    ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'],
    ['3eb0c6f7a0b5ed8d', '0.000001'],
    ['41b3de4355555553', '333333333.3333332'],
    ['becbf647612f3696', '-0.0000033333333333333333'],
    ['43143ff3c1cb0959', '1424953923781206.2'],
  ]
  for (const [bits, text] of numbers) t.equal(canonicalText(Buffer.from(bits, 'hex').readDoubleBE()), text, bits)
  for (const wrong of [Number.NaN, Number.POSITIVE_INFINITY, '\ud800', undefined]) t.throws(() => canonicalText(wrong))
})

t.test('an envelope is read back as it was written, and nothing else is one', async (t) => {
  const envelope = envelopeOf(brazil, 'cert-br')
  const text = writeEnvelope(envelope)
  t.strictSame(readEnvelope(text), envelope)
  const refused = (code: RefusalCode, given: string) => {
    try {
      readEnvelope(given)
      t.fail(`${code}: it was read`)
    } catch (error) {
      t.ok(error instanceof EnvelopeError, String(error))
      t.equal((error as EnvelopeError).code, code, (error as Error).message)
    }
  }
  const with_ = (changes: object): string => canonicalText({ ...envelope, ...changes })
  refused('malformed', text.replace('{', '{ '))
  refused('malformed', JSON.stringify({ ...envelope }))
  const parts = JSON.parse(text)
  const turned = Object.fromEntries(Object.entries(parts.handling).reverse())
  refused('malformed', JSON.stringify({ ...parts, handling: turned }))
  refused('malformed', text.replace('"version":1', '"version":1,"version":1'))
  refused('malformed', with_({ more: 1 }))
  refused('malformed', with_({ version: 0 }))
  refused('malformed', with_({ version: 2_147_483_648 }))
  refused('malformed', with_({ previousVersion: 1 }))
  refused('malformed', with_({ issuedAt: '2026-02-30T00:00:00.000Z' }))
  refused('malformed', with_({ issuedAt: '2026-06-01T00:00:00Z' }))
  refused('malformed', with_({ id: `sighting--${envelope.id.slice(11)}` }))
  refused('malformed', with_({ handling: null }))
  refused('malformed', with_({ content: whole('another').content }))
  refused(
    'malformed',
    with_({ content: { ...envelope.content, observables: [{ type: 'ipv4-address', value: '192.0.2.001' }] } }),
  )
  refused('form_unknown', with_({ content: { ...envelope.content, observables: [{ type: 'telepathy', value: 'x' }] } }))
  refused('form_unknown', with_({ content: { ...envelope.content, class: 'mischief' } }))
  const recall = { handling: null, content: { kind: 'recalled', reason: '' } }
  t.equal(readEnvelope(with_(recall)).content.kind, 'recalled')
  const because = (text: string) => with_(recall).replace('"reason":""', `"reason":"${text}"`)
  t.match(readEnvelope(because('ñ')).content, { reason: 'ñ' })
  for (const broken of ['\\ud800', '\ud800', '\\u0000', '\\u00f1']) refused('malformed', because(broken))
  refused('malformed', '['.repeat(100_000) + ']'.repeat(100_000))
  refused('malformed', with_({ ...recall, id: `sighting--${envelope.id.slice(11)}` }))
  refused('form_unknown', with_({ v: 2 }))
  refused('form_unknown', with_({ content: { kind: 'rumoured' } }))
  refused('handling_invalid', with_({ handling: { ...envelope.handling, tlp: 'mauve' } }))
  refused('handling_invalid', with_({ originator: 'csirt-cl' }))
  const deep = `{"x":${'['.repeat(5_000)}${']'.repeat(5_000)}}`
  refused('handling_invalid', text.replace(/"handling":\{[^}]*\}/, `"handling":${deep}`))
  t.equal(readEnvelope(text).handling, readEnvelope(text).handling, 'one object: decided, narrowed and quoted once')
  const organisations = Array.from({ length: 500 }, (_, n) => `organisation-${String(n).padStart(3, '0')}`)
  const long = with_({ handling: { ...envelope.handling, tlp: 'amber', organisations } })
  t.not(readEnvelope(long).handling, readEnvelope(long).handling, 'long ones would fill memory')
  refused('handling_invalid', with_({ handling: { ...envelope.handling, mood: 'good' } }))
  refused('handling_invalid', with_({ handling: green('isp-br') }))
  refused('handling_invalid', with_({ handling: green('cert-br', { organisations: ['b', 'a'] }) }))
  refused('handling_invalid', with_({ handling: green('cert-br', { people: ['ana.cert-br'] }) }))
  refused('handling_invalid', with_({ handling: green('cert-br', { expiresAt: '2026-02-30T00:00:00.000Z' }) }))
  refused('handling_invalid', with_({ handling: green('cert-br', { communities: ['a', 'a'] }) }))
  refused('handling_invalid', with_({ handling: green('cert-br', { maskable: true }) }))
  refused('red_travels_not', with_({ handling: green('cert-br', { tlp: 'red', people: ['ana.cert-br'] }) }))
  refused('too_large', with_({ padding: 'x'.repeat(limits.envelopeBytes) }))
  t.throws(() => writeEnvelope({ ...envelope, version: 0 }), EnvelopeError, 'what nobody could read is not written')
})

t.test('no bytes make reading an envelope or a page throw anything but its own errors', async (t) => {
  const text = writeEnvelope(envelopeOf(brazil, 'cert-br'))
  fc.assert(
    fc.property(fc.nat(text.length - 1), fc.string({ maxLength: 4, unit: 'binary' }), (at, put) => {
      const altered = text.slice(0, at) + put + text.slice(at + 1)
      try {
        readEnvelope(altered)
      } catch (error) {
        if (!(error instanceof EnvelopeError)) throw error
      }
    }),
    { numRuns: 2_000 },
  )
  t.pass('2,000 alterations')
})

t.test('each envelope of a batch is proven alone by its path, and nothing else is', async (t) => {
  for (const size of [1, 2, 3, 7, 8, 100]) {
    const texts = Array.from({ length: size }, (_, n) => `envelope ${n}`)
    const batch = batchOf(texts)
    const frontier = new Frontier()
    for (const text of texts) frontier.append(envelopeDigest(text))
    t.strictSame(batch.root, frontier.root(), `the root over ${size} is that of RFC 6962`)
    for (let index = 0; index < size; index++) {
      const path = batch.pathOf(index)
      t.ok(isInBatch(batch.digestOf(index), { index, path }, batch))
      t.notOk(isInBatch(envelopeDigest('another'), { index, path }, batch))
      t.notOk(isInBatch(batch.digestOf(index), { index: index + 1, path }, batch))
      t.notOk(isInBatch(batch.digestOf(index), { index, path: [...path, batch.root] }, batch))
      t.notOk(isInBatch(batch.digestOf(index).subarray(1), { index, path }, batch))
    }
  }
  t.throws(() => batchOf([]), RangeError)
})

t.test('what was proven of one envelope makes nothing of another one good', async (t) => {
  let agreed = 0
  for (const size of [1, 2, 3, 5, 8, 13, 21]) {
    const batch = batchOf(Array.from({ length: size }, (_, n) => `envelope ${n}`))
    const places = Array.from({ length: size }, (_, index) => ({ index, path: batch.pathOf(index) }))
    for (const first of places)
      for (const { index, path } of places) {
        const others = path.map((step, n) => path.with(n, Buffer.from(step.map((byte) => byte ^ 1))))
        const asked = [path, ...others, path.slice(1), path.slice(0, -1), [...path, batch.root], path.toReversed()]
        for (const given of asked)
          for (const place of [index, first.index, (index + 1) % size])
            for (const leaf of [batch.digestOf(index), batch.digestOf(first.index)]) {
              const [sealed, fresh] = [{ ...batch }, { ...batch }]
              if (!isInBatch(batch.digestOf(first.index), first, sealed)) t.fail('the first is proven')
              const answers = [sealed, fresh].map((each) => isInBatch(leaf, { index: place, path: given }, each))
              if (answers[0] === answers[1]) agreed++
              else t.fail(`of ${size}, ${place} after ${first.index}: ${answers}`)
            }
      }
  }
  t.ok(agreed > 10_000, `${agreed} answers are those of a seal of which nothing was proven`)
})

t.test('a seal opens under a pinned key, and under no other', async (t) => {
  const root = digestOf('root')
  const text = await signSeal({ node: brazil.id, epoch: brazil.epoch, root, size: 3, issuedAt: after(0) }, brazil.key)
  const opened = await openSeal(text, [chile.pinned, brazil.pinned])
  t.match(opened, { node: brazil.id, epoch: brazil.epoch, size: 3, issuedAt: after(0), thumbprint: brazil.key.kid })
  t.match(await openSeal(text, [chile.pinned]), { fault: 'key_unknown' })
  const forged = { ...chile.pinned, thumbprint: brazil.pinned.thumbprint }
  t.match(await openSeal(text, [forged]), { fault: 'seal_invalid' }, 'another key under the same name')
  const [header = '', payload = '', signature = ''] = text.split('.')
  const other = Buffer.from(Buffer.from(payload, 'base64url').toString().replace('"size":3', '"size":4')).toString(
    'base64url',
  )
  t.match(await openSeal([header, other, signature].join('.'), [brazil.pinned]), { fault: 'seal_invalid' })
  const none = Buffer.from(JSON.stringify({ alg: 'none', typ: 'puente-seal+jws', kid: brazil.key.kid })).toString(
    'base64url',
  )
  t.match(await openSeal(`${none}.${payload}.`, [brazil.pinned]), { fault: 'seal_invalid' })
  const rotation = await signStatement({ node: brazil.id }, 'puente-key+jws', brazil.key)
  t.match(await openSeal(rotation, [brazil.pinned]), { fault: 'seal_invalid' }, 'a statement of another sort')
  const payloadOf = {
    v: 1,
    node: brazil.id,
    epoch: brazil.epoch,
    root: root.toString('base64url'),
    size: 3,
    issuedAt: after(0),
  }
  const wrongs = [
    { v: 2 },
    { node: 1 },
    { epoch: null },
    { root: 'short' },
    { size: 0 },
    { size: 1.5 },
    { issuedAt: 'today' },
  ]
  for (const wrong of wrongs) {
    const signed = await signStatement({ ...payloadOf, ...wrong }, 'puente-seal+jws', brazil.key)
    t.match(await openSeal(signed, [brazil.pinned]), { fault: 'seal_invalid' }, JSON.stringify(wrong))
  }
  for (const wrong of ['', 'a.b.c', text.slice(0, -4), 'x'.repeat(10_000)]) {
    t.match(await openSeal(wrong, [brazil.pinned]), { fault: 'seal_invalid' })
  }
})

t.test('what a key sealed before it was replaced stays good; a new one begins when it said', async (t) => {
  const second = pinnedKey(await keyFrom('brazil, the second'), after(1_000))
  t.strictSame(
    [after(0), after(1_000)].map((at) => keyStanding(second, at)),
    ['not_yet', 'valid'],
  )
  t.strictSame(
    [after(0), after(9_000)].map((at) => keyStanding(brazil.pinned, at)),
    ['valid', 'valid'],
  )
})

t.test('a key revoked back to an instant takes with it what it sealed and introduced since', async (t) => {
  const [second, third] = [await keyFrom('brazil, the second'), await keyFrom('brazil, the third')]
  const introduced = (key: typeof second, by: typeof second, at: string): PeerKey => ({
    ...pinnedKey(key, at),
    endorsedBy: by.kid,
  })
  const keys = [brazil.pinned, introduced(second, brazil.key, after(-5_000)), introduced(third, second, after(-1_000))]
  const since = (from: string) =>
    revokeKey(keys, brazil.key.kid, from, now).map(({ revokedFrom }) => revokedFrom !== undefined)
  t.strictSame(since(after(-500)), [true, false, false])
  t.strictSame(since(after(-6_000)), [true, true, true], 'and what those introduced')
  const [first] = revokeKey(keys, brazil.key.kid, after(-500), now)
  t.equal(first?.revokedAt, now.toISOString())
  t.equal(first === undefined ? '' : keyStanding(first, after(-500)), 'revoked')
  t.equal(first === undefined ? '' : keyStanding(first, after(-501)), 'revoked_later', 'its date may be a lie')
  const hidden = (sealedAt: string) =>
    hiddenByRevocation(first === undefined ? [] : [first], { thumbprint: brazil.key.kid, sealedAt })
  t.ok(hidden(after(-500)), 'what came before and is dated since is hidden')
  t.notOk(hidden(after(-501)), 'what came before and is dated before stays')
  const earlier = revokeKey(revokeKey(keys, brazil.key.kid, after(-500), now), brazil.key.kid, after(-100), now)
  t.equal(earlier[0]?.revokedFrom, after(-500), 'a revocation is not made later')
})

t.test('HTTP signatures are those of RFC 9421', async (t) => {
  // Appendix B.2.6, with the key of B.1.4.
  const key = await keyOfSeed(Buffer.from('n4Ni-HpISpVObnQMW0wOhCKROaIKqKtW_2ZYb2p9KcU', 'base64url'))
  t.equal(key.jwk.x, 'JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs')
  const request: HttpRequest = {
    method: 'POST',
    url: 'https://example.com/foo?param=Value&Pet=dog',
    fields: { date: 'Tue, 20 Apr 2021 02:07:55 GMT', 'content-type': 'application/json', 'content-length': '18' },
  }
  const names = ['date', '@method', '@path', '@authority', 'content-type', 'content-length']
  const parameters = new Map<string, string | number>([
    ['created', 1_618_884_473],
    ['keyid', 'test-key-ed25519'],
  ])
  const base = signatureBase([names.map((name) => component(name)), parameters], request)
  t.equal(
    base,
    [
      '"date": Tue, 20 Apr 2021 02:07:55 GMT',
      '"@method": POST',
      '"@path": /foo',
      '"@authority": example.com',
      '"content-type": application/json',
      '"content-length": 18',
      '"@signature-params": ("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519"',
    ].join('\n'),
  )
  const signature = Buffer.from(await crypto.subtle.sign('Ed25519', key.sign, Buffer.from(base))).toString('base64')
  t.equal(signature, 'wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==')
  // RFC 9530, appendix B.1 (the content there ends with a line feed).
  t.equal(contentDigest(Buffer.from('{"hello": "world"}\n')), 'sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:')
})

const asking: HttpRequest = { method: 'GET', url: 'https://cert.example.br/federation/v1/feed?wait=30', fields: {} }
const nothing = Buffer.alloc(0)
const nonce = 'n'.repeat(22)
const toBrazil = { key: chile.key, destination: brazil.id, nonce, at: now }
const atBrazil = {
  keyOf: (kid: string) => (kid === chile.key.kid ? chile.pinned : undefined),
  destination: brazil.id,
  at: now,
}

t.test('a request is believed as it was signed, at its destination, by a pinned key, within the window', async (t) => {
  const fields = await signRequest(asking, nothing, toBrazil)
  const request = { ...asking, fields }
  t.strictSame(await verifyRequest(request, nothing, atBrazil), { thumbprint: chile.key.kid, nonce })
  const refuses = async (why: RegExp, changed: Partial<HttpRequest>, expected = {}, body = nothing) =>
    await t.rejects(verifyRequest({ ...request, ...changed }, body, { ...atBrazil, ...expected }), why)
  await refuses(/not hold/, { method: 'POST' })
  await refuses(/not hold/, { url: 'https://cert.example.br/federation/v1/feed?wait=0' })
  await refuses(/not hold/, { url: 'https://cert.example.cl/federation/v1/feed?wait=30' })
  await refuses(/another node/, {}, { destination: chile.id })
  await refuses(/not hold/, { fields: { ...fields, 'puente-destination': chile.id } }, { destination: chile.id })
  await refuses(/content/, {}, {}, Buffer.from('{}'))
  await refuses(/not pinned/, {}, { keyOf: () => undefined })
  await refuses(/not valid/, {}, { keyOf: () => revokeKey([chile.pinned], chile.key.kid, after(0), now)[0] })
  await refuses(/not hold/, {}, { keyOf: () => brazil.pinned })
  const seconds = limits.peerSignatureWindowSeconds
  await refuses(/too old/, {}, { at: new Date(now.getTime() + (seconds + 1) * 1_000) })
  await refuses(/too old/, {}, { at: new Date(now.getTime() - (seconds + 1) * 1_000) })
  t.ok(
    await verifyRequest(request, nothing, { ...atBrazil, at: new Date(now.getTime() + 3_600_000) }),
    'an hour off is not too much',
  )
  const input = fields['signature-input'] ?? ''
  const changed = (name: string, value: string) => ({ fields: { ...fields, [name]: value } })
  await refuses(/does not cover/, changed('signature-input', input.replace('"@method" ', '')))
  await refuses(/does not cover/, changed('signature-input', input.replace('"@method"', '"@method";req')))
  await refuses(/another sort/, changed('signature-input', input.replace('ed25519', 'hmac-sha256')))
  await refuses(/another sort/, changed('signature-input', `${input};expires=1`))
  await refuses(/22 to 128/, changed('signature-input', input.replace(nonce, 'n')))
  await refuses(/not hold/, changed('signature-input', input.replace(nonce, 'm'.repeat(22))))
  await refuses(/more than one/, changed('signature-input', `${input}, other=("@method")`))
  await refuses(/no signature|no dictionaries/, changed('signature-input', 'puente=1'))
  await refuses(/no dictionaries/, changed('signature', 'puente=('))
  await refuses(/64 bytes/, changed('signature', 'puente=:AAAA:'))
  await refuses(/64 bytes/, changed('signature', 'puente=token'))
  await refuses(/lacks/, changed('signature-input', input.replace(/;nonce="[^"]*"/, '')))
  await refuses(/lacks/, changed('signature-input', input.replace(/;created=[0-9]*/, ';created="now"')))
  await refuses(/lacks/, changed('signature-input', input.replace(/;keyid="[^"]*"/, ';keyid=1')))
  await refuses(/not signed/, { fields: {} })
})

t.test('a response answers the request that it was signed for, and no other', async (t) => {
  const request = { ...asking, fields: await signRequest(asking, nothing, toBrazil) }
  const body = Buffer.from('{"v":1}')
  const answer = { status: 200, fields: {}, request }
  const fields = await signResponse(answer, body, { key: brazil.key, destination: chile.id, nonce, at: now })
  const expected = { keyOf: () => brazil.pinned, destination: chile.id, at: now }
  t.match(await verifyResponse({ ...answer, fields }, body, expected), { thumbprint: brazil.key.kid })
  const other = { ...asking, fields: await signRequest(asking, nothing, { ...toBrazil, nonce: 'o'.repeat(22) }) }
  await t.rejects(verifyResponse({ ...answer, fields, request: other }, body, expected), /not hold/)
  await t.rejects(verifyResponse({ ...answer, fields, status: 204 }, body, expected), /not hold/)
  await t.rejects(verifyResponse({ ...answer, fields }, Buffer.from('{"v":2}'), expected), /content/)
  await t.rejects(verifyResponse({ ...answer, fields, request: asking }, body, expected), /lacks/)
})

t.test('what we sign is verified by what others wrote, and the other way round', async (t) => {
  const fields = await signRequest(asking, nothing, { ...toBrazil, at: new Date() })
  const publicKey = createPublicKey({ key: { ...chile.key.jwk }, format: 'jwk' })
  const keyLookup = async () => ({ id: chile.key.kid, algs: ['ed25519'], verify: createVerifier(publicKey, 'ed25519') })
  t.equal(await httpbis.verifyMessage({ keyLookup }, { ...asking, headers: fields }), true)
  const privateKey = createPrivateKey({
    key: { ...chile.key.jwk, d: digestOf('key of chile').toString('base64url') },
    format: 'jwk',
  })
  const theirs = await httpbis.signMessage(
    {
      key: createSigner(privateKey, 'ed25519', chile.key.kid),
      name: 'puente',
      fields: ['@method', '@target-uri', '@authority', 'content-digest', 'puente-destination'],
      params: ['created', 'nonce', 'keyid', 'alg', 'tag'],
      paramValues: { created: now, nonce, keyid: chile.key.kid, alg: 'ed25519', tag: 'puente-peer' },
    },
    { ...asking, headers: { 'content-digest': contentDigest(nothing), 'puente-destination': brazil.id } },
  )
  const lower = Object.fromEntries(
    Object.entries(theirs.headers).map(([name, value]) => [name.toLowerCase(), String(value)]),
  )
  t.match(await verifyRequest({ ...asking, fields: lower }, nothing, atBrazil), { thumbprint: chile.key.kid })
})

t.test('a page is read as it was written; one bad entry does not stop it', async (t) => {
  const entry = { envelope: 'text', seal: 0, index: 0, path: [digestOf('a')], hops: [], gap: { from: 1 } }
  const page = {
    v: 1 as const,
    from: brazil.id,
    to: chile.id,
    seals: ['seal'],
    entries: [entry],
    cursor: 'c',
    more: false,
  }
  t.strictSame(readPage(Buffer.from(writePage(page))), page)
  const bad = [
    { ...entry, seal: 1 },
    { ...entry, index: -1 },
    { ...entry, extra: 1 },
    // What an envelope says is read from its text, and taken from nobody.
    { ...entry, read: { id: 'indicator--another' } },
    { ...entry, path: [Buffer.from('a')] },
  ]
  const read = readPage(Buffer.from(writePage({ ...page, entries: [...bad, entry] })))
  t.strictSame(
    read.entries.map((each) => 'fault' in each),
    [true, true, true, true, true, false],
  )
  for (const wrong of ['', '[]', '{}', writePage({ ...page, cursor: '' }), '{"v":1,"v":1}']) {
    t.throws(() => readPage(Buffer.from(wrong)), { name: 'Fault' })
  }
  t.throws(() => readPage(Buffer.alloc(limits.peerPageBytes + 1, 32)), { code: 'body_too_large' })
})

t.test('a checkpoint log counts periods and not items; two roots of one size are seen', async (t) => {
  const [salt, other] = [digestOf('salt'), digestOf('other salt')]
  t.notSame(periodLeaf(salt, []), periodLeaf(salt, ['seal']))
  t.notSame(periodLeaf(salt, ['a', 'b']), periodLeaf(salt, ['b', 'a']))
  t.notSame(periodLeaf(salt, []), periodLeaf(other, []), 'an empty period looks like any other')
  t.throws(() => periodLeaf(Buffer.alloc(31), []), RangeError)
  const head = { node: brazil.id, epoch: brazil.epoch, size: 2, root: 'a' }
  t.equal(compareHeads(head, { ...head }), 'same')
  t.equal(compareHeads(head, { ...head, root: 'b' }), 'equivocation')
  t.equal(compareHeads(head, { ...head, size: 3, root: 'b' }), 'older')
  t.equal(compareHeads({ ...head, size: 3, root: 'b' }, head), 'newer')
  t.equal(compareHeads(head, { ...head, epoch: chile.epoch, root: 'b' }), 'unrelated')
})

const sometimes = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined })
const organisations = fc.subarray(['north', 'south', 'east', 'west'])

t.test('own policy narrows and never widens, whoever reads, in random worlds', async (t) => {
  const narrowings = fc.record({
    tlp: sometimes(fc.constantFrom('clear', 'green', 'amber', 'amber+strict', 'red')),
    pap: sometimes(fc.constantFrom('clear', 'green', 'amber', 'red')),
    organisations: sometimes(organisations),
    communities: sometimes(fc.subarray(['node', 'banks', 'schools'])),
    releasableTo: sometimes(fc.subarray(['AR', 'BR', 'CL'])),
    notReleasableTo: sometimes(fc.subarray(['AR', 'BR', 'CL'])),
    lawEnforcement: sometimes(fc.constantFrom('allowed', 'on-request', 'never')),
    personalData: sometimes(fc.boolean()),
    maskable: sometimes(fc.boolean()),
    expiresAt: sometimes(fc.constantFrom('2026-05-31T00:00:00.000Z', '2026-06-02T00:00:00.000Z')),
  })
  const ranks = { permit: 2, redact: 1, deny: 0 }
  let lost = 0
  fc.assert(
    fc.property(questions, narrowings, ({ world, reader, grants, handling, purpose }, said) => {
      const narrowing = Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined))
      const ask = (each: typeof handling) =>
        ranks[decide(readerOf(world, reader, grants), each, purpose, asked, worldOf(world)).effect]
      const [before, after] = [ask(handling), ask(narrowed(handling, narrowing))]
      if (after < before) lost++
      return after <= before
    }),
    { numRuns: 10_000 },
  )
  t.ok(lost > 500, `${lost} times somebody lost it`)
})

t.test('own policy narrows no more than it says', async (t) => {
  const amber = green('cert-br', { tlp: 'amber', organisations: ['csirt-cl', 'lacnic'], communities: ['banks'] })
  t.strictSame(narrowed(amber, {}), amber)
  t.strictSame(narrowed(amber, { pap: 'red' }), { ...amber, pap: 'red' })
  t.match(narrowed(amber, { organisations: ['lacnic', 'isp-br'] }), {
    organisations: ['lacnic'],
    communities: { length: 0 },
  })
  const raised = { tlp: 'amber', organisations: ['lacnic'], communities: [], lawEnforcement: 'never' }
  t.match(narrowed(green('cert-br'), { tlp: 'amber', organisations: ['lacnic'] }), raised)
  t.match(narrowed(green('cert-br'), { tlp: 'clear' }), { tlp: 'green', lawEnforcement: 'on-request' })
})

t.test('what travels to a node is what one of its organisations may read whole, and never RED', async (t) => {
  let travelled = 0
  fc.assert(
    fc.property(questions, ({ world, handling }) => {
      const readers = world.organisations.map(({ id }) => ({
        ...readerOf(world, `person.${id}`, []),
        roles: ['reader' as const],
      }))
      const may = mayTravel(readers, handling, asked, worldOf(world))
      if (may) travelled++
      const permitted = readers.some(
        (reader) => decide(reader, handling, 'defence', asked, worldOf(world)).effect === 'permit',
      )
      return may === (permitted && handling.tlp !== 'red')
    }),
    { numRuns: 2_000 },
  )
  t.ok(travelled > 500, `${travelled} travelled`)
})
