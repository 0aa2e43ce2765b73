import { Fault } from '../domain/errors.ts'

/**
 * Reads the secret out of an `Authorization` header: `Bearer <key>` (RFC 6750), or `Basic` (RFC 7617) with the key as
 * password (or as user name with an empty password, as many clients send tokens).
 * @returns undefined without a header
 * @throws {Fault} `credentials_invalid`
 */
export function secretOf(authorization: string | undefined): string | undefined {
  if (authorization === undefined) return undefined
  const space = authorization.indexOf(' ')
  const scheme = authorization.slice(0, space).toLowerCase()
  const rest = authorization.slice(space + 1).trim()
  if (scheme === 'bearer' && rest !== '') return rest
  if (scheme === 'basic') {
    const text = Buffer.from(rest, 'base64').toString('utf8')
    const colon = text.indexOf(':')
    const password = colon < 0 ? '' : text.slice(colon + 1)
    const secret = password === '' ? text.slice(0, colon < 0 ? undefined : colon) : password
    if (secret !== '') return secret
  }
  throw new Fault('credentials_invalid', 'The Authorization header is neither Bearer nor Basic with an API key.')
}

/**
 * The key of a blocklist: in the `Authorization` header, or else in the URL, which is all that many firewalls can send.
 * @returns undefined when neither has one
 * @throws {Fault} `invalid_request` when both say who is calling
 */
export function listKeyOf(authorization: string | undefined, inUrl: unknown): string | undefined {
  if (inUrl !== undefined && authorization !== undefined) {
    throw new Fault('invalid_request', 'A key in the URL and an Authorization header are one too many.')
  }
  if (authorization === undefined) return typeof inUrl === 'string' ? inUrl : undefined
  const scheme = authorization.slice(0, authorization.indexOf(' ')).toLowerCase()
  const secret = scheme === 'bearer' || scheme === 'basic' ? secretOf(authorization) : undefined
  return secret?.startsWith('puente-list_') === true ? secret : undefined
}

/** A token in an `Authorization` header: what is `Bearer` and no API key, or `DPoP` (RFC 9449 §7.1). */
export interface GivenToken {
  readonly scheme: 'bearer' | 'dpop'
  readonly text: string
}

/** @returns undefined for everything else, API keys among them */
export function tokenOf(authorization: string | undefined): GivenToken | undefined {
  const [, word = '', text = ''] = /^(bearer|dpop) +(\S+) *$/i.exec(authorization ?? '') ?? []
  const scheme = word.toLowerCase()
  if (scheme === 'dpop') return { scheme, text }
  return scheme === 'bearer' && !text.startsWith('puente_') ? { scheme, text } : undefined
}
