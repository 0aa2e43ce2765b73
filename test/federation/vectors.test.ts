import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { auditHeadOf } from '../../src/actions/audit-head-of.ts'
import { receiveEnvelope } from '../../src/actions/receive-envelope.ts'
import { contentDigest, signRequest, signResponse, verifyRequest } from '../../src/auth/http-signatures.ts'
import { openSeal, signSeal } from '../../src/auth/seals.ts'
import type { Envelope } from '../../src/domain/envelope.ts'
import { readCheckpoints, writeCheckpoints } from '../../src/formats/checkpoint-answer.ts'
import { writeEnvelope } from '../../src/formats/envelope.ts'
import { readPage, writePage } from '../../src/formats/feed-page.ts'
import { batchOf } from '../../src/seal/batches.ts'
import { originOf, signCheckpoint } from '../../src/seal/checkpoint.ts'
import { periodLeaf } from '../../src/seal/checkpoint-log.ts'
import { isExtended } from '../../src/seal/extension.ts'
import { Frontier, hashLeaf } from '../../src/seal/merkle.ts'
import { formatKey, noteKey, publicKeyOf } from '../../src/seal/note.ts'
import { after, digestOf, enrolled, envelopeOf, green, nodeFrom, now, receiver, whole } from './cast.ts'

/**
 * Vectors for other implementations of docs/federation.md. `node dist/test/federation/vectors.test.js --write` writes them anew after a
 * change of the protocol.
 */
const file = 'test/federation/vectors.json'

const [brazil, chile] = [await nodeFrom('brazil'), await nodeFrom('chile')]
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url')

const amber = green('cert-br', { tlp: 'amber', organisations: ['cert-br', 'csirt-cl'] })
const first = envelopeOf(brazil, 'cert-br', { handling: amber })
const second: Envelope = { ...first, ...whole('two', 'published', '198.51.100.7') }
const third: Envelope = {
  ...first,
  version: 3,
  previousVersion: 2,
  content: whole('one', 'revised', '192.0.2.1').content,
}
const bare: Envelope = { ...first, version: 4, previousVersion: 3, handling: null, content: { kind: 'narrowed' } }
const tombstone: Envelope = {
  ...first,
  version: 5,
  previousVersion: 4,
  handling: null,
  content: { kind: 'recalled', reason: 'a false positive' },
}

/** The audit log of the node has one leaf, and a key of its own. */
function heartbeat(root: string): Envelope {
  const seed = digestOf('audit key of brazil')
  const key = noteKey(originOf(brazil.id), publicKeyOf(seed))
  const audit = { key: formatKey(key), note: signCheckpoint(1, hashLeaf('a leaf'), key, seed) }
  const content = { kind: 'checkpoint', size: 2, root, audit, expiresAt: after(600_000) } as const
  return { ...first, id: `checkpoint--${brazil.id}`, version: 2, previousVersion: 1, handling: null, content }
}

const { id: seenId } = whole('a sighting')
const sighting: Envelope = {
  ...{ ...first, id: seenId.replace('indicator--', 'sighting--'), handling: amber },
  content: {
    ...{ kind: 'sighted', of: { originator: 'csirt-cl', id: whole('three').id }, type: 'seen', count: 7 },
    ...{ firstSeen: after(-60_000), lastSeen: after(-30_000) },
  },
}
const departure: Envelope = {
  ...{ ...first, id: seenId.replace('indicator--', 'membership--'), handling: null },
  content: { kind: 'membership', community: 'finance', organisation: 'isp-br', leftAt: after(-60_000) },
}

async function batch(envelopes: readonly Envelope[]) {
  const texts = envelopes.map(writeEnvelope)
  const { root, size, pathOf, digestOf: leaf } = batchOf(texts)
  const issuedAt = after(-500)
  const seal = await signSeal({ node: brazil.id, epoch: brazil.epoch, root, size, issuedAt }, brazil.key)
  return {
    envelopes: texts.map((text, index) => ({ text, leaf: hex(leaf(index)), path: pathOf(index).map(base64url) })),
    root: base64url(root),
    seal,
  }
}

const nonce = 'AAECAwQFBgcICQoLDA0ODw'

async function messages(body: string) {
  const request = { method: 'GET', url: 'https://cert.example.br/federation/v1/feed?wait=30', fields: {} }
  const asked = await signRequest(request, Buffer.alloc(0), { key: chile.key, destination: brazil.id, nonce, at: now })
  const response = { status: 200, fields: {}, request: { ...request, fields: asked } }
  const answered = await signResponse(response, Buffer.from(body), {
    key: brazil.key,
    destination: chile.id,
    nonce,
    at: now,
  })
  return { request: { ...request, fields: asked }, response: { status: 200, fields: answered, body } }
}

async function vectors() {
  const [indicators, withdrawals, recalls] = [
    await batch([first, second, third]),
    await batch([bare]),
    await batch([tombstone]),
  ]
  const page = writePage({
    ...{ v: 1, from: brazil.id, to: chile.id, seals: [indicators.seal], cursor: 'c2', more: false },
    entries: [
      {
        ...{ envelope: indicators.envelopes[0]?.text ?? '', seal: 0, index: 0, hops: [] },
        path: (indicators.envelopes[0]?.path ?? []).map((hash) => Buffer.from(hash, 'base64url')),
      },
    ],
  })
  const [sightings, departures] = [await batch([sighting]), await batch([departure])]
  const salts = [digestOf('salt 0'), digestOf('salt 1')]
  const periods = [
    periodLeaf(salts[0] ?? Buffer.alloc(0), []),
    periodLeaf(salts[1] ?? Buffer.alloc(0), [indicators.seal, recalls.seal]),
  ]
  const log = new Frontier()
  for (const leaf of periods) log.append(leaf)
  const heartbeats = await batch([heartbeat(base64url(log.root()))])
  return {
    about:
      'docs/federation.md: what an implementation of the protocol must make of the same input. All keys are for tests alone.',
    nodes: [brazil, chile].map(({ id, epoch, key }, n) => ({
      ...{ id, epoch, seed: hex(digestOf(`key of ${['brazil', 'chile'][n]}`)), jwk: key.jwk, thumbprint: key.kid },
    })),
    batches: [indicators, withdrawals, recalls, sightings, departures],
    page,
    checkpoints: {
      salts: salts.map(base64url),
      seals: [[], [indicators.seal, recalls.seal]],
      leaves: periods.map(base64url),
      size: 2,
      root: base64url(log.root()),
      // The head of the first period, the proof that the second extends it, and a checkpoint of both logs, sealed.
      extends: {
        size: 1,
        root: base64url(periods[0] ?? salts[0] ?? new Uint8Array(32)),
        path: [base64url(periods[1] ?? new Uint8Array(32))],
      },
      sealed: heartbeats,
      answer: writeCheckpoints({
        ...{ v: 1, from: brazil.id, to: chile.id, others: [], yours: [] },
        own: { envelope: heartbeats.envelopes[0]?.text ?? '', seal: heartbeats.seal, index: 0, path: [], hops: [] },
        proofs: { feed: [{ size: 1, path: [periods[1] ?? Buffer.alloc(32)] }], audit: [] },
      }),
    },
    messages: await messages(page),
    judgements: judgements(),
  }
}

/** Of the first batch at a receiver in Chile; what else goes wrong is in evil-peer.test.ts. */
function judgements() {
  return [
    { known: null, envelope: 0, verdict: 'applied' },
    { known: { version: 1, envelope: 0 }, envelope: 0, verdict: 'known' },
    { known: { version: 1, envelope: 0 }, envelope: 2, verdict: 'version_jump' },
    { known: { version: 1, envelope: 0 }, envelope: 2, gap: { from: 1 }, verdict: 'applied' },
    { known: { version: 1, envelope: 0, recalled: true }, envelope: 2, gap: { from: 1 }, verdict: 'recalled' },
  ]
}

if (process.argv.includes('--write')) {
  writeFileSync(file, `${JSON.stringify(await vectors(), null, 2)}\n`)
} else {
  t.test('the vectors are what the code makes of them', async (t) => {
    t.strictSame(JSON.parse(readFileSync(join(file), 'utf8')), JSON.parse(JSON.stringify(await vectors())))
  })

  t.test('what the vectors say holds for whoever reads them', async (t) => {
    const { batches, page, checkpoints, messages: sent, judgements: judged } = await vectors()
    const [indicators] = batches
    if (indicators === undefined) throw new Error('there are batches')
    const seal = await openSeal(indicators.seal, [brazil.pinned])
    t.match(seal, { size: 3, root: Buffer.from(indicators.root, 'base64url') })
    t.equal(readPage(Buffer.from(page)).entries.length, 1)
    const older = { size: checkpoints.extends.size, root: Buffer.from(checkpoints.extends.root, 'base64url') }
    const newer = { size: checkpoints.size, root: Buffer.from(checkpoints.root, 'base64url') }
    const path = checkpoints.extends.path.map((hash) => Buffer.from(hash, 'base64url'))
    const told = readCheckpoints(Buffer.from(checkpoints.answer))
    t.strictSame(told.proofs.feed[0]?.path, path)
    t.equal(told.own.envelope, checkpoints.sealed.envelopes[0]?.text)
    t.ok(isExtended(older, newer, [{ size: 1, path }]))
    const sealed = JSON.parse(checkpoints.sealed.envelopes[0]?.text ?? '')
    t.match(auditHeadOf(sealed), { audit: { size: 1, root: hashLeaf('a leaf') } })
    const expected = { keyOf: () => chile.pinned, destination: brazil.id, at: now }
    t.match(await verifyRequest(sent.request, Buffer.alloc(0), expected), { nonce })
    t.equal(sent.response.fields['content-digest'], contentDigest(Buffer.from(page)))
    const facts = receiver(chile, new Map([[brazil.id, enrolled(brazil, ['cert-br'])]]))
    for (const { known, envelope, verdict, ...gap } of judged) {
      const one = indicators.envelopes[envelope]
      const digest = hashLeaf(indicators.envelopes[0]?.text ?? '')
      const path = (one?.path ?? []).map((hash) => Buffer.from(hash, 'base64url'))
      const entry = { text: one?.text ?? '', index: envelope, path, seal, hops: [], sender: brazil.id, ...gap }
      const had =
        known === null
          ? undefined
          : { held: true, bare: false, recalled: known.recalled === true, version: 1, digest, epoch: brazil.epoch }
      const given = receiveEnvelope(entry, facts, () => had, now)
      t.equal('code' in given ? given.code : given.outcome, verdict)
    }
  })
}
