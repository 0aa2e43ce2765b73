import { type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose'
import { Fault } from '../domain/errors.ts'

/** The only signatures that are made or believed here: Ed25519, and ECDSA on P-256. No RSA, no shared secrets, no `none`. */
export const algorithms = ['EdDSA', 'ES256'] as const
export type Algorithm = (typeof algorithms)[number]

/** A public key in its one spelling: no member that it does not need. */
export interface PublicJwk {
  readonly kty: string
  readonly crv: string
  readonly x: string
  readonly y?: string
}

export interface VerificationKey {
  readonly algorithm: Algorithm
  readonly key: CryptoKey
}

export interface ParsedKey extends VerificationKey {
  readonly jwk: PublicJwk
  /** RFC 7638, SHA-256, base64url. */
  readonly thumbprint: string
}

/** Which algorithm a key is for; undefined when it is for none of ours. */
export function algorithmOf({ kty, crv }: { readonly kty?: unknown; readonly crv?: unknown }): Algorithm | undefined {
  if (kty === 'OKP' && crv === 'Ed25519') return 'EdDSA'
  return kty === 'EC' && crv === 'P-256' ? 'ES256' : undefined
}

/**
 * Reads a public key. Members that point elsewhere (`x5u`, `x5c`) or say what it is for are not looked at.
 * @throws {Fault} `invalid_request` at `pointer` when it is none, of another algorithm, or private
 */
export async function parsePublicJwk(given: unknown, pointer: string): Promise<ParsedKey> {
  if (typeof given !== 'object' || given === null) throw invalid(pointer, 'A key is a JSON Web Key (RFC 7517).')
  const { kty, crv, x, y, d } = given as Readonly<Record<string, unknown>>
  if (d !== undefined) {
    throw invalid(`${pointer}/d`, 'This is the private key. Keep it to yourself, and send the public one.')
  }
  const algorithm = algorithmOf({ kty, crv })
  if (algorithm === undefined || typeof x !== 'string' || (algorithm === 'ES256' && typeof y !== 'string')) {
    throw invalid(pointer, 'A key is of kty OKP with crv Ed25519, or of kty EC with crv P-256.')
  }
  const bare = { kty, crv, x, ...(algorithm === 'ES256' ? { y } : {}) } as JWK
  try {
    // Exported again: one key has one spelling and one thumbprint.
    const key = (await importJWK({ ...bare, ext: true }, algorithm)) as CryptoKey
    const jwk = barePublic(await exportJWK(key))
    return { algorithm, key, jwk, thumbprint: await calculateJwkThumbprint(jwk as JWK) }
  } catch (cause) {
    throw new Fault('invalid_request', 'The key is not a point of its curve.', { position: { pointer }, cause })
  }
}

const barePublic = ({ kty = '', crv = '', x = '', y }: JWK): PublicJwk => ({
  kty,
  crv,
  x,
  ...(y === undefined ? {} : { y }),
})

const invalid = (pointer: string, sentence: string) => new Fault('invalid_request', sentence, { position: { pointer } })

/** A key this node signs tokens with. */
export interface SigningKey extends VerificationKey {
  readonly kid: string
  readonly jwk: PublicJwk
  readonly sign: CryptoKey
}

/** Makes an Ed25519 key. @returns its id, and the private JWK as text, to be kept */
export async function mintSigningKey(): Promise<{ readonly kid: string; readonly jwk: string }> {
  const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true })
  const jwk = await exportJWK(privateKey)
  return { kid: await calculateJwkThumbprint(jwk), jwk: JSON.stringify(jwk) }
}

/** Opens what {@link mintSigningKey} made. */
export async function openSigningKey(kid: string, text: string): Promise<SigningKey> {
  const whole = JSON.parse(text) as JWK
  const { algorithm, key, jwk } = await parsePublicJwk(barePublic(whole), '')
  return { kid, algorithm, key, jwk, sign: (await importJWK(whole, algorithm)) as CryptoKey }
}

/** The public half of a private JWK, as text. */
export const publicText = (text: string): string => JSON.stringify(barePublic(JSON.parse(text) as JWK))
