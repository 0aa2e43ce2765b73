import { createHash, createPrivateKey, createPublicKey } from 'node:crypto'
import type { NodeFacts, ReceivedEntry } from '../../src/actions/prove-envelope.ts'
import type { ReceiverFacts } from '../../src/actions/receive-envelope.ts'
import { openSigningKey, parsePublicJwk, type SigningKey } from '../../src/auth/jwk.ts'
import { openSeal, signSeal } from '../../src/auth/seals.ts'
import type { Agreement } from '../../src/domain/agreement.ts'
import type { Envelope, EnvelopeContent, Hop } from '../../src/domain/envelope.ts'
import type { Handling } from '../../src/domain/handling.ts'
import type { OrganisationKind } from '../../src/domain/organisation.ts'
import type { PeerKey } from '../../src/domain/peer.ts'
import type { Reader } from '../../src/domain/reader.ts'
import { writeEnvelope } from '../../src/formats/envelope.ts'
import { batchOf } from '../../src/seal/batches.ts'

/** A node of the tests: its keys come from its name, so that runs are equal. */
export interface TestNode {
  readonly id: string
  readonly epoch: string
  readonly key: SigningKey
  readonly pinned: PeerKey
}

export const digestOf = (text: string): Buffer => createHash('sha256').update(text).digest()

/** A UUID that a text determines. */
export function uuidFrom(text: string): string {
  const hex = digestOf(text).toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

/** The Ed25519 key of a seed of 32 bytes (RFC 8032 §5.1.5), in the form of RFC 8410. */
export async function keyOfSeed(seed: Buffer): Promise<SigningKey> {
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed])
  const { x = '' } = createPublicKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })).export({
    format: 'jwk',
  })
  const jwk = { kty: 'OKP', crv: 'Ed25519', x }
  const { thumbprint } = await parsePublicJwk(jwk, '')
  return await openSigningKey(thumbprint, JSON.stringify({ ...jwk, d: seed.toString('base64url') }))
}

export const keyFrom = async (text: string): Promise<SigningKey> => await keyOfSeed(digestOf(`key of ${text}`))

export const pinnedKey = (key: SigningKey, validFrom = '2026-01-01T00:00:00.000Z'): PeerKey => ({
  thumbprint: key.kid,
  jwk: key.jwk,
  pinnedAt: validFrom,
  validFrom,
})

export async function nodeFrom(name: string): Promise<TestNode> {
  const key = await keyFrom(name)
  return { id: uuidFrom(`node ${name}`), epoch: uuidFrom(`epoch of ${name}`), key, pinned: pinnedKey(key) }
}

export const enrolled = (node: TestNode, homes: readonly string[], more: Partial<NodeFacts> = {}): NodeFacts => ({
  state: 'active',
  homes: new Set(homes),
  communities: new Set(),
  keys: [node.pinned],
  ...more,
})

export const now = new Date('2026-06-01T12:00:00.000Z')
export const after = (ms: number): string => new Date(now.getTime() + ms).toISOString()

export const green = (originator: string, more: Partial<Handling> = {}): Handling => ({
  originator,
  tlp: 'green',
  pap: 'green',
  organisations: [],
  communities: [],
  people: [],
  lawEnforcement: 'on-request',
  personalData: false,
  maskable: false,
  attribution: 'named',
  ...more,
})

/** An indicator about a documentation address; `about` tells ids apart. */
export function whole(about: string, kind: 'published' | 'revised' | 'narrowed' = 'published', value = '192.0.2.1') {
  const id = `indicator--${uuidFrom(about)}`
  const stix = JSON.stringify({
    ...{ type: 'indicator', spec_version: '2.1', id, created: after(-60_000), modified: after(-60_000), name: about },
    ...{ pattern: `[ipv4-addr:value = '${value}']`, pattern_type: 'stix', valid_from: after(-60_000) },
  })
  const content: EnvelopeContent = { kind, stix, observables: [{ type: 'ipv4-address', value }], compound: false }
  return { id, content }
}

/** The first version of an indicator of an organisation, TLP:GREEN, unless said otherwise. */
export function envelopeOf(node: TestNode, originator: string, more: Partial<Envelope> = {}): Envelope {
  const { id, content } = whole('one')
  return {
    v: 1,
    id,
    version: 1,
    previousVersion: 0,
    originator,
    node: node.id,
    epoch: node.epoch,
    issuedAt: after(-1_000),
    handling: more.content === undefined || 'stix' in more.content ? green(originator) : null,
    content,
    ...more,
  }
}

export interface Sealing {
  readonly by?: SigningKey
  /** The node that the seal names. */
  readonly as?: TestNode
  readonly at?: string
  readonly hops?: readonly Hop[]
  readonly sender?: string
  /** Keys that the receiver has pinned, of all nodes. */
  readonly pinned?: readonly PeerKey[]
}

/** Texts sealed together by a node, as a receiver has them. What is sealed need not be an envelope. */
export async function sealedTexts(
  node: TestNode,
  texts: readonly string[],
  sealing: Sealing = {},
): Promise<ReceivedEntry[]> {
  const batch = batchOf(texts)
  const { by = node.key, as = node, at = after(-500), hops = [], sender = node.id, pinned = [node.pinned] } = sealing
  const { root, size } = batch
  const seal = await openSeal(await signSeal({ node: as.id, epoch: as.epoch, root, size, issuedAt: at }, by), pinned)
  return texts.map((text, index) => ({ text, index, path: batch.pathOf(index), seal, hops, sender }))
}

/** One envelope, sealed by its node in a batch of three. */
export async function sealed(node: TestNode, envelope: Envelope, sealing: Sealing = {}): Promise<ReceivedEntry> {
  const [, entry] = await sealedTexts(node, ['before', writeEnvelope(envelope), 'after'], sealing)
  if (entry === undefined) throw new Error('nothing was sealed')
  return entry
}

export const readerAt = (
  id: string,
  jurisdiction: string,
  more: Partial<Reader> = {},
  kind: OrganisationKind = 'national-cert',
): Reader => ({
  roles: ['reader'],
  organisation: { id, kind, jurisdiction },
  communities: [],
  providers: [],
  greenMember: false,
  grants: [],
  ...more,
})

/** An invented agreement that covers everything between the countries of the tests. */
export const agreement: Agreement = {
  id: 'example',
  name: 'Example agreement',
  parties: ['BR', 'CL', 'UY'],
  maxTlp: 'amber+strict',
  purposes: ['defence'],
  personalData: false,
  validFrom: '2026-01-01T00:00:00.000Z',
  citation: 'invented for the tests',
  example: true,
}

/** A receiver in Chile, of CSIRT Chile, which has enrolled the given nodes. */
export const receiver = (
  self: TestNode,
  nodes: ReadonlyMap<string, NodeFacts>,
  more: Partial<ReceiverFacts> = {},
): ReceiverFacts => ({
  self: self.id,
  node: (id) => nodes.get(id),
  readers: [readerAt('csirt-cl', 'CL')],
  world: {
    agreements: [agreement],
    jurisdictions: new Map([
      ['cert-br', 'BR'],
      ['isp-br', 'BR'],
      ['csirt-cl', 'CL'],
      ['lacnic', 'UY'],
    ]),
  },
  targetOf: () => undefined,
  ...more,
})
