import { createPrivateKey, createPublicKey } from 'node:crypto'
import { CompactSign, compactVerify, errors, type JWK } from 'jose'
import { Fault } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import { openSigningKey, type PublicJwk, parsePublicJwk, type SigningKey } from './jwk.ts'

/** A key that a node seals and signs with, as its peers have pinned it. Instants are ISO 8601 UTC. */
export interface NodeKey {
  /** RFC 7638, SHA-256, base64url: what people compared when the peer was enrolled. */
  readonly thumbprint: string
  readonly jwk: PublicJwk
  /** What it seals from this instant on is believed. */
  readonly validFrom: string
  /** And up to this one; what was sealed before stays valid. */
  readonly validTo?: string
  /** The key that signed for it, and when; absent for the one that was compared by hand. */
  readonly introducedBy?: string
  readonly introducedAt?: string
  /** Revoked: what it sealed from this instant on is nobody's. */
  readonly revokedFrom?: string
  /** When that was learnt. A thief can write any date: what comes later is not believed by its date. */
  readonly revocationKnownAt?: string
}

export type KeyStanding = 'valid' | 'not_yet' | 'ended' | 'revoked' | 'revoked_later'

/**
 * How a key stood when it sealed something. `revoked_later`: sealed before the instant of the revocation, by its own date, and not
 * known here yet: the node seals it anew with its next key, or an operator decides.
 */
export function keyStanding(key: NodeKey, sealedAt: string): KeyStanding {
  const sealed = Date.parse(sealedAt)
  if (key.revokedFrom !== undefined) return sealed >= Date.parse(key.revokedFrom) ? 'revoked' : 'revoked_later'
  if (sealed < Date.parse(key.validFrom)) return 'not_yet'
  if (key.validTo !== undefined && sealed >= Date.parse(key.validTo)) return 'ended'
  return 'valid'
}

/** Whether what was applied under a seal must be hidden and listed: its key was revoked back to before it. */
export const hiddenByRevocation = (
  keys: readonly NodeKey[],
  { thumbprint, sealedAt }: { readonly thumbprint: string; readonly sealedAt: string },
): boolean => {
  const key = keys.find((each) => each.thumbprint === thumbprint)
  return key === undefined || keyStanding(key, sealedAt) === 'revoked'
}

/**
 * Revokes a key back to an instant, and with it every key that it introduced from then on, and theirs.
 * @param from ISO 8601; the earlier one counts where it was revoked before
 * @param at when this node learns it
 */
export function revokeKey(keys: readonly NodeKey[], thumbprint: string, from: string, at: Date): NodeKey[] {
  const fallen = new Set([thumbprint])
  for (let grown = true; grown; ) {
    const size = fallen.size
    for (const { thumbprint: one, introducedBy, introducedAt } of keys) {
      const late = introducedAt !== undefined && Date.parse(introducedAt) >= Date.parse(from)
      if (introducedBy !== undefined && fallen.has(introducedBy) && late) fallen.add(one)
    }
    grown = fallen.size > size
  }
  return keys.map((key) => (fallen.has(key.thumbprint) ? revoked(key, from, at) : key))
}

const revoked = (key: NodeKey, from: string, at: Date): NodeKey => {
  const earlier = key.revokedFrom !== undefined && Date.parse(key.revokedFrom) <= Date.parse(from)
  return earlier ? key : { ...key, revokedFrom: from, revocationKnownAt: key.revocationKnownAt ?? at.toISOString() }
}

/** That a node goes over to another key, signed by the one it had. */
export interface Rotation {
  readonly node: string
  readonly next: PublicJwk
  /** The next key seals from here on. */
  readonly from: string
  /** The key it had seals up to here: between the two, both are believed. */
  readonly until: string
  readonly issuedAt: string
}

const rotationType = 'puente-rotation+jws'

/** @param key the one that the node had so far */
export const signRotation = async (rotation: Rotation, key: SigningKey): Promise<string> =>
  await new CompactSign(Buffer.from(JSON.stringify({ v: 1, ...rotation })))
    .setProtectedHeader({ alg: key.algorithm, typ: rotationType, kid: key.kid })
    .sign(key.sign)

/**
 * Takes a rotation over into the keys pinned for a node. The same statement twice changes nothing.
 * @throws {Fault} `peer_signature_invalid` when it is none, of another node, or not signed by a pinned key that is valid
 */
export async function acceptRotation(
  keys: readonly NodeKey[],
  node: string,
  statement: string,
  at: Date,
): Promise<NodeKey[]> {
  const { rotation, signer } = await openRotation(keys, statement)
  const { thumbprint, jwk } = await parsePublicJwk(rotation.next, '/next')
  const issued = Date.parse(rotation.issuedAt)
  if (rotation.node !== node) throw unproven('The rotation is of another node.')
  if (!(issued <= at.getTime() + limits.issuedAheadMs)) throw unproven('The rotation is dated ahead of our clock.')
  if (!(Date.parse(rotation.from) <= Date.parse(rotation.until))) throw unproven('The keys of a rotation overlap.')
  if (keyStanding(signer, rotation.issuedAt) !== 'valid')
    throw unproven('The key that signed the rotation is not valid.')
  if (keys.some((each) => each.thumbprint === thumbprint)) return [...keys]
  const { thumbprint: introducedBy } = signer
  const next = { thumbprint, jwk, validFrom: rotation.from, introducedBy, introducedAt: rotation.issuedAt }
  const until = (key: NodeKey): NodeKey => (key === signer ? { ...key, validTo: rotation.until } : key)
  return [...keys.map(until), next]
}

async function openRotation(
  keys: readonly NodeKey[],
  statement: string,
): Promise<{ readonly rotation: Rotation; readonly signer: NodeKey }> {
  const signed = await openSigned(statement, rotationType, keys)
  const { v, node, next, from, until, issuedAt } = signed.payload
  const times = [from, until, issuedAt]
  if (v !== 1 || typeof node !== 'string' || typeof next !== 'object' || !times.every(isInstant)) {
    throw unproven('The rotation is not of its form.')
  }
  return { rotation: { node, next, from, until, issuedAt } as Rotation, signer: signed.key }
}

const isInstant = (value: unknown): boolean =>
  typeof value === 'string' && !Number.isNaN(Date.parse(value)) && new Date(value).toISOString() === value

export interface Signed {
  readonly payload: Readonly<Record<string, unknown>>
  readonly key: NodeKey
}

/**
 * Opens a compact JWS (RFC 7515) by the pinned key that it names; keys in its header are not looked at.
 * @throws {Fault} `peer_signature_invalid`, with the reason
 */
export async function openSigned(text: string, type: string, keys: readonly NodeKey[]): Promise<Signed> {
  if (text.length > limits.tokenCharacters) throw unproven('The signed statement is too long to be one.')
  let key: NodeKey | undefined
  try {
    const { payload } = await compactVerify(
      text,
      async ({ kid, typ, crit }) => {
        if (typ !== type || crit !== undefined) throw unproven('The signed statement is of another sort.')
        key = keys.find(({ thumbprint }) => thumbprint === kid)
        if (key === undefined) throw new KeyUnknown()
        return (await parsePublicJwk(key.jwk, '')).key
      },
      { algorithms: ['EdDSA'] },
    )
    const value: unknown = JSON.parse(Buffer.from(payload).toString())
    if (typeof value !== 'object' || value === null || key === undefined)
      throw unproven('The signed statement is no object.')
    return { payload: value as Readonly<Record<string, unknown>>, key }
  } catch (error) {
    if (error instanceof errors.JOSEError || error instanceof SyntaxError) {
      throw unproven('The signature does not hold.', error)
    }
    throw error
  }
}

/** The key that a statement names is not pinned here. */
export class KeyUnknown extends Fault {
  constructor() {
    super('peer_signature_invalid', 'It is signed by a key that is not pinned here.')
  }
}

export const unproven = (sentence: string, cause?: unknown): Fault =>
  new Fault('peer_signature_invalid', sentence, cause === undefined ? {} : { cause })

/** The key that a node seals and signs with, from the seed of 32 bytes that it keeps (RFC 8032 §5.1.5). */
export async function sealingKey(seed: Buffer): Promise<SigningKey> {
  const jwk = jwkOfSeed(seed)
  const { thumbprint } = await parsePublicJwk({ kty: jwk.kty, crv: jwk.crv, x: jwk.x }, '')
  return await openSigningKey(thumbprint, JSON.stringify(jwk))
}

/** DER around a raw Ed25519 key (RFC 8410 §7). */
const privatePrefix = Buffer.from('302e020100300506032b657004220420', 'hex')

function jwkOfSeed(seed: Buffer): JWK {
  const privateKey = createPrivateKey({ key: Buffer.concat([privatePrefix, seed]), format: 'der', type: 'pkcs8' })
  const { x = '' } = createPublicKey(privateKey).export({ format: 'jwk' })
  return { kty: 'OKP', crv: 'Ed25519', x, d: seed.toString('base64url') }
}
