import { createPublicKey, type KeyObject, verify } from 'node:crypto'
import { base64url, CompactSign } from 'jose'

const algorithm = 'EdDSA'
const type = 'puente-export+jws'

/**
 * Signs a text with the node's key as a detached compact JWS (RFC 7515 appendix F): the middle part is empty, the text stands beside it.
 * Ed25519 is deterministic: the same text has the same signature.
 * @param kid the key as people compare it, `name+id+key`
 */
export async function signDetached(text: string, key: KeyObject, kid: string): Promise<string> {
  const whole = await new CompactSign(Buffer.from(text))
    .setProtectedHeader({ alg: algorithm, kid, typ: type })
    .sign(key)
  const [header = '', , signature = ''] = whole.split('.')
  return `${header}..${signature}`
}

/** DER around a raw Ed25519 public key (RFC 8410 §4). */
const publicPrefix = Buffer.from('302a300506032b6570032100', 'hex')

/**
 * Whether a detached JWS is of this text, by this raw Ed25519 key (32 bytes), and names it. One header is taken, to the byte: the one that
 * {@link signDetached} writes. Nothing of it is left to interpret, and it is checked in browsers that know no Ed25519, too.
 */
export function verifyDetached(
  jws: string,
  text: Uint8Array,
  { publicKey, kid }: { readonly publicKey: Buffer; readonly kid: string },
): boolean {
  const [header, middle, signature = '', ...more] = jws.split('.')
  if (header !== base64url.encode(JSON.stringify({ alg: algorithm, kid, typ: type }))) return false
  if (middle !== '' || more.length > 0) return false
  const bytes = decoded(signature)
  const key = createPublicKey({ key: Buffer.concat([publicPrefix, publicKey]), format: 'der', type: 'spki' })
  const signed = Buffer.from(`${header}.${base64url.encode(text)}`)
  return bytes?.length === 64 && verify(null, signed, key, bytes)
}

/** Base64url in its one spelling; undefined otherwise. */
function decoded(text: string): Uint8Array | undefined {
  try {
    const bytes = base64url.decode(text)
    return base64url.encode(bytes) === text ? bytes : undefined
  } catch {
    return undefined
  }
}
