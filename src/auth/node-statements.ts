import { CompactSign, compactVerify, decodeProtectedHeader, errors } from 'jose'
import { limits } from '../domain/limits.ts'
import type { SigningKey, VerificationKey } from './jwk.ts'

/** What a node says under its key: of itself, of the key that comes after, and of a batch of envelopes. */
export type StatementType = 'puente-node+jws' | 'puente-key+jws' | 'puente-seal+jws'

/** Signs a statement (JWS compact, RFC 7515) with a federation key of this node. */
export const signStatement = (
  said: object,
  typ: StatementType,
  { sign, algorithm, kid }: SigningKey,
): Promise<string> =>
  new CompactSign(Buffer.from(JSON.stringify(said))).setProtectedHeader({ alg: algorithm, kid, typ }).sign(sign)

/**
 * What a statement says, once the key that it names has verified it. Headers that bring or point to keys are not looked at.
 * @param find the key of a thumbprint; undefined when it is not known
 * @returns undefined when it is no statement of this type, or not signed by that key
 */
export async function openStatement(
  text: string,
  typ: StatementType,
  find: (kid: string) => VerificationKey | undefined | Promise<VerificationKey | undefined>,
): Promise<{ readonly kid: string; readonly said: unknown } | undefined> {
  if (text.length > limits.statementCharacters) return undefined
  try {
    const header = decodeProtectedHeader(text)
    if (header.typ !== typ || header.crit !== undefined || typeof header.kid !== 'string') return undefined
    const known = await find(header.kid)
    if (known === undefined || known.algorithm !== header.alg) return undefined
    const { payload } = await compactVerify(text, known.key, { algorithms: [known.algorithm] })
    return { kid: header.kid, said: JSON.parse(Buffer.from(payload).toString('utf8')) }
  } catch (error) {
    if (error instanceof errors.JOSEError || error instanceof TypeError || error instanceof SyntaxError)
      return undefined
    throw error
  }
}

/** What a statement says, believed by nobody: to find the key that it brings and that a thumbprint has to vouch for. */
export function claimedStatement(text: string): unknown {
  const [, payload] = text.split('.')
  if (text.length > limits.statementCharacters || payload === undefined) return undefined
  try {
    return JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'))
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
