import { createPublicKey, type KeyObject } from 'node:crypto'
import { CompactSign, compactVerify } from 'jose'

/**
 * Signs a text with the node's key as a detached compact JWS (RFC 7515 appendix F): the middle part is empty, the text stands beside it.
 * Ed25519 is deterministic: the same text has the same signature.
 * @param kid the key as people compare it, `name+id+key`
 */
export async function signDetached(text: string, key: KeyObject, kid: string): Promise<string> {
  const whole = await new CompactSign(Buffer.from(text))
    .setProtectedHeader({ alg: 'EdDSA', kid, typ: 'puente-export+jws' })
    .sign(key)
  const [header = '', , signature = ''] = whole.split('.')
  return `${header}..${signature}`
}

/** DER around a raw Ed25519 public key (RFC 8410 §4). */
const publicPrefix = Buffer.from('302a300506032b6570032100', 'hex')

/** Whether a detached JWS is of this text, by this raw Ed25519 key (32 bytes), and names it. */
export async function verifyDetached(
  jws: string,
  text: Uint8Array,
  { publicKey, kid }: { readonly publicKey: Buffer; readonly kid: string },
): Promise<boolean> {
  const [header = '', middle, signature = '', ...more] = jws.split('.')
  if (middle !== '' || more.length > 0) return false
  const key = createPublicKey({ key: Buffer.concat([publicPrefix, publicKey]), format: 'der', type: 'spki' })
  try {
    const whole = `${header}.${Buffer.from(text).toString('base64url')}.${signature}`
    const { protectedHeader } = await compactVerify(whole, key, { algorithms: ['EdDSA'] })
    return protectedHeader.kid === kid && protectedHeader.typ === 'puente-export+jws'
  } catch {
    return false
  }
}
