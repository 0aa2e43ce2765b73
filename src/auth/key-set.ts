import { Fault } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import { algorithmOf, parsePublicJwk, type VerificationKey } from './jwk.ts'

export type KeySet = ReadonlyMap<string, VerificationKey>

/**
 * Reads the key set of an external issuer (RFC 7517 §5). Keys for other algorithms or for encryption, without a `kid`, or
 * malformed are left out; the first of several with one `kid` counts.
 * @throws {Error} when none is left
 */
export async function parseKeySet(document: unknown): Promise<KeySet> {
  const keys = typeof document === 'object' && document !== null && 'keys' in document ? document.keys : undefined
  if (!Array.isArray(keys)) throw new Error('the key set is not one')
  const set = new Map<string, VerificationKey>()
  for (const each of keys.slice(0, limits.keySetKeys)) {
    if (typeof each !== 'object' || each === null) continue
    const { kid, use, alg } = each as Readonly<Record<string, unknown>>
    const algorithm = algorithmOf(each)
    if (typeof kid !== 'string' || set.has(kid) || algorithm === undefined) continue
    if ((use !== undefined && use !== 'sig') || (alg !== undefined && alg !== algorithm)) continue
    const key = await readable(each)
    if (key !== undefined) set.set(kid, key)
  }
  if (set.size === 0) throw new Error('the key set has no key for EdDSA or ES256')
  return set
}

async function readable(jwk: object): Promise<VerificationKey | undefined> {
  try {
    return await parsePublicJwk(jwk, '')
  } catch (error) {
    if (error instanceof Fault) return undefined
    throw error
  }
}
