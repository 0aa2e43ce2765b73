import { createHash, timingSafeEqual, webcrypto } from 'node:crypto'
import {
  type BareItem,
  type InnerList,
  isInnerList,
  parseDictionary,
  serializeDictionary,
  serializeInnerList,
} from 'structured-headers'
import { Fault } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import type { PeerKey } from '../domain/peer.ts'
import { keyStanding } from '../domain/peer-keys.ts'
import type { SigningKey } from './jwk.ts'
import { openPinned } from './pinned-keys.ts'
import { component, type HttpRequest, type HttpResponse, NotCovered, signatureBase } from './signature-base.ts'

export type { HttpRequest, HttpResponse } from './signature-base.ts'

/**
 * Signatures of messages between nodes (RFC 9421) with a digest of their content (RFC 9530). What is covered is fixed: a message
 * that covers less, more, or something else is not believed, so that nothing is left for two readers to understand differently.
 */

const label = 'puente'
const tag = 'puente-peer'

/** The node that a message is for; it is covered, so that no other node can be given it. */
export const destinationField = 'puente-destination'

const requestComponents = ['@method', '@target-uri', '@authority', 'content-digest', destinationField].map((name) =>
  component(name),
)
const responseComponents = [
  ...['@status', 'content-digest', destinationField].map((name) => component(name)),
  component('signature', [
    ['req', true],
    ['key', label],
  ]),
]

export interface Signer {
  readonly key: SigningKey
  /** Node id of whom it is for. */
  readonly destination: string
  /** Never used before by this key: 16 random bytes as base64url, or more. */
  readonly nonce: string
  readonly at: Date
}

/** The fields to send with a request, besides its own. */
export const signRequest = async (
  { method, url, fields }: HttpRequest,
  body: Uint8Array,
  signer: Signer,
): Promise<Record<string, string>> =>
  await signed((added) => ({ method, url, fields: { ...fields, ...added } }), requestComponents, body, signer)

/** The fields to send with a response; it answers this request, of this signature, and no other. */
export const signResponse = async (
  { status, fields, request }: HttpResponse,
  body: Uint8Array,
  signer: Signer,
): Promise<Record<string, string>> =>
  await signed((added) => ({ status, request, fields: { ...fields, ...added } }), responseComponents, body, signer)

async function signed(
  messageWith: (fields: Record<string, string>) => HttpRequest | HttpResponse,
  components: InnerList[0],
  body: Uint8Array,
  { key, destination, nonce, at }: Signer,
): Promise<Record<string, string>> {
  const fields = { 'content-digest': contentDigest(body), [destinationField]: destination }
  const parameters = new Map<string, BareItem>([
    ['created', Math.floor(at.getTime() / 1000)],
    ['nonce', nonce],
    ['keyid', key.kid],
    ['alg', 'ed25519'],
    ['tag', tag],
  ])
  const covered: InnerList = [components, parameters]
  const base = Buffer.from(signatureBase(covered, messageWith(fields)))
  const signature = Buffer.from(await webcrypto.subtle.sign('Ed25519', key.sign, base))
  return {
    ...fields,
    'signature-input': serializeDictionary(new Map([[label, covered]])),
    signature: serializeDictionary(new Map([[label, [signature, new Map()]]])),
  }
}

export interface Expected {
  /** The pinned key with this thumbprint; undefined when there is none. */
  readonly keyOf: (thumbprint: string) => PeerKey | undefined
  /** This node's id. */
  readonly destination: string
  readonly at: Date
}

export interface VerifiedMessage {
  /** Of the key that signed it. */
  readonly thumbprint: string
  /** To be used once: remember it, with the key, for `limits.peerSignatureWindowSeconds` on both sides of now. */
  readonly nonce: string
}

/** @throws {Fault} `peer_signature_invalid`, with the reason */
export const verifyRequest = async (
  request: HttpRequest,
  body: Uint8Array,
  expected: Expected,
): Promise<VerifiedMessage> => await verified(request, requestComponents, body, expected)

/** @throws {Fault} `peer_signature_invalid`, with the reason */
export const verifyResponse = async (
  response: HttpResponse,
  body: Uint8Array,
  expected: Expected,
): Promise<VerifiedMessage> => await verified(response, responseComponents, body, expected)

async function verified(
  message: HttpRequest | HttpResponse,
  components: InnerList[0],
  body: Uint8Array,
  { keyOf, destination, at }: Expected,
): Promise<VerifiedMessage> {
  const { fields } = message
  const { covered, signature, parameters } = readSignature(fields, components)
  if (fields[destinationField] !== destination) throw unproven('The message is for another node.')
  const age = Math.abs(at.getTime() / 1000 - parameters.created)
  if (!(age <= limits.peerSignatureWindowSeconds)) throw unproven('The signature is too old, or from the future.')
  const key = keyOf(parameters.keyid)
  if (key === undefined) throw unproven('The message is signed by a key that is not pinned here.')
  if (keyStanding(key, at.toISOString()) !== 'valid')
    throw unproven('The key that signed the message is not valid now.')
  if (!sameDigest(fields['content-digest'] ?? '', contentDigest(body)))
    throw unproven('The content is not what was signed.')
  const base = Buffer.from(baseOf(covered, message))
  const { key: verifying } = await openPinned(key)
  if (!(await webcrypto.subtle.verify('Ed25519', verifying, signature, base))) {
    throw unproven('The signature of the message does not hold.')
  }
  return { thumbprint: key.thumbprint, nonce: parameters.nonce }
}

interface ReadSignature {
  readonly covered: InnerList
  readonly signature: Uint8Array<ArrayBuffer>
  readonly parameters: { readonly created: number; readonly nonce: string; readonly keyid: string }
}

/** The one signature of a message, over exactly what is to be covered, in that order. */
function readSignature(fields: Readonly<Record<string, string>>, components: InnerList[0]): ReadSignature {
  const inputs = dictionaryOf(fields['signature-input'])
  const signatures = dictionaryOf(fields.signature)
  const input = inputs.get(label)
  const bytes = signatures.get(label)?.[0]
  if (input === undefined || bytes === undefined || !isInnerList(input)) throw unproven('The message has no signature.')
  if (inputs.size !== 1 || signatures.size !== 1) throw unproven('The message has more than one signature.')
  if (!(bytes instanceof ArrayBuffer) || bytes.byteLength !== 64) throw unproven('The signature has 64 bytes.')
  if (serializeInnerList([input[0], new Map()]) !== serializeInnerList([components, new Map()])) {
    throw unproven('The signature does not cover what it must, and that alone.')
  }
  return { covered: input, signature: new Uint8Array(bytes), parameters: parametersOf(input[1]) }
}

function parametersOf(given: InnerList[1]): ReadSignature['parameters'] {
  const { created, nonce, keyid, alg, tag: told, ...more } = Object.fromEntries(given)
  if (Object.keys(more).length > 0 || alg !== 'ed25519' || told !== tag)
    throw unproven('The signature is of another sort.')
  if (typeof created !== 'number' || typeof keyid !== 'string' || typeof nonce !== 'string') {
    throw unproven('The signature lacks created, keyid or nonce.')
  }
  if (nonce.length < 22 || nonce.length > 128) throw unproven('The nonce has 22 to 128 characters.')
  return { created, keyid, nonce }
}

function dictionaryOf(text: string | undefined): ReturnType<typeof parseDictionary> {
  if (text === undefined || text.length > limits.tokenCharacters) throw unproven('The message is not signed.')
  try {
    return parseDictionary(text)
  } catch (cause) {
    throw unproven('The signature fields are no dictionaries (RFC 9651).', cause)
  }
}

function baseOf(covered: InnerList, message: HttpRequest | HttpResponse): string {
  try {
    return signatureBase(covered, message)
  } catch (cause) {
    if (!(cause instanceof NotCovered)) throw cause
    throw unproven('The message lacks what its signature covers.', cause)
  }
}

/** `Content-Digest` of a body, an empty one too (RFC 9530 §2). */
export const contentDigest = (body: Uint8Array): string =>
  `sha-256=:${createHash('sha256').update(body).digest('base64')}:`

const sameDigest = (a: string, b: string): boolean =>
  a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b))

const unproven = (sentence: string, cause?: unknown): Fault =>
  new Fault('peer_signature_invalid', sentence, cause === undefined ? {} : { cause })
