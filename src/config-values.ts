import { isIP } from 'node:net'

/** What the variables of the configuration may hold: each is parsed once, into a value that cannot be wrong. */

export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

/** A variable with a bad value; the message names it and says what would do. */
export class ConfigurationError extends Error {
  constructor(variable: string, sentence: string) {
    super(`${variable} ${sentence}`)
    this.name = 'ConfigurationError'
  }
}

/** An OpenID Connect issuer whose access tokens people may use. */
export interface OidcConfig {
  readonly issuer: string
  readonly audience: string
  readonly claim: string
}

/** The base URL of a node, without a slash at its end. @throws {ConfigurationError} naming `variable` */
export function parseNodeUrl(
  variable: string,
  text: string,
  what = 'a node, such as https://puente.example.org',
): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const usable = url !== undefined && ['http:', 'https:'].includes(url.protocol) && url.search === '' && url.hash === ''
  if (!usable) throw new ConfigurationError(variable, `must be the URL of ${what}`)
  if (url.username !== '' || url.password !== '') {
    throw new ConfigurationError(variable, 'must not hold a password: the API key goes into PUENTE_API_KEY')
  }
  return url.href.endsWith('/') ? url.href.slice(0, -1) : url.href
}

/** An API key as people paste it. @throws {ConfigurationError} that does not repeat the value */
export function apiKey(text: string | undefined, variable = 'PUENTE_API_KEY'): string | undefined {
  if (text === undefined || /^puente_[0-9a-f]{12}_[A-Za-z0-9_-]{43}$/.test(text)) return text
  throw new ConfigurationError(
    variable,
    'must be an API key of Puente: puente_, 12 hexadecimal digits, _ and the secret',
  )
}

/** @throws {ConfigurationError} that does not repeat the value, which may hold a password */
export function databaseUrl(text: string | undefined, variable = 'DATABASE_URL'): string | undefined {
  if (text === undefined) return undefined
  const protocol = URL.canParse(text) ? new URL(text).protocol : ''
  if (protocol === 'postgres:' || protocol === 'postgresql:') return text
  throw new ConfigurationError(variable, 'must be the URL of a PostgreSQL: postgres://user:password@host:5432/database')
}

/** @throws {ConfigurationError} that does not repeat the value, which may hold a password */
export function natsUrl(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  if (URL.canParse(text) && ['nats:', 'tls:'].includes(new URL(text).protocol)) return text
  throw new ConfigurationError('NATS_URL', 'must be the URL of a NATS: nats://user:password@host:4222')
}

/** @throws {ConfigurationError} */
export function integer(name: string, text: string | undefined, otherwise: number, min: number, max: number): number {
  if (text === undefined) return otherwise
  const number = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
  if (number >= min && number <= max) return number
  throw new ConfigurationError(name, `must be a whole number from ${min} to ${max}, not "${text.slice(0, 40)}"`)
}

/** @throws {ConfigurationError} */
export function yesOrNo(name: string, text = 'no'): boolean {
  if (text === 'yes' || text === 'no') return text === 'yes'
  throw new ConfigurationError(name, `must be yes or no, not "${text.slice(0, 40)}"`)
}

/** @throws {ConfigurationError} */
export function host(text = '127.0.0.1'): string {
  if (isIP(text) !== 0 || /^[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63}){0,10}$/.test(text)) return text
  throw new ConfigurationError('PUENTE_HOST', `must be an IP address or a host name, not "${text.slice(0, 40)}"`)
}

/** @throws {ConfigurationError} */
export function logLevel(text = 'info'): LogLevel {
  const level = logLevels.find((each) => each === text.toLowerCase())
  if (level !== undefined) return level
  throw new ConfigurationError('PUENTE_LOG_LEVEL', `must be one of ${logLevels.join(', ')}, not "${text.slice(0, 40)}"`)
}

/** Trusting everybody, or a number of hops, is no choice: whoever connects could then claim any address. */
export function trustProxy(text: string | undefined): readonly string[] {
  const proxies = text === undefined ? [] : text.split(',').map((each) => each.trim())
  if (proxies.every(isProxy)) return Object.freeze(proxies)
  throw new ConfigurationError(
    'PUENTE_TRUST_PROXY',
    'must be addresses and networks of proxies with commas between, such as "10.0.0.0/8, ::1" or "loopback"',
  )
}

/** Origins as browsers write them (RFC 6454 §6.2): a scheme, a host and maybe a port, nothing behind. */
export function origins(text: string | undefined): readonly string[] {
  const all = text === undefined ? [] : text.split(',').map((each) => each.trim())
  if (
    all.every((each) => URL.canParse(each) && /^https?:$/.test(new URL(each).protocol) && new URL(each).origin === each)
  ) {
    return Object.freeze(all)
  }
  throw new ConfigurationError(
    'PUENTE_ALLOWED_ORIGINS',
    'must be origins with commas between, such as https://console.example.org',
  )
}

function isProxy(text: string): boolean {
  if (['loopback', 'linklocal', 'uniquelocal'].includes(text)) return true
  const [address = '', bits, ...more] = text.split('/')
  const version = isIP(address)
  if (version === 0 || more.length > 0) return false
  return (
    bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) >= 1 && Number(bits) <= (version === 4 ? 32 : 128))
  )
}

/** Where a node that was not told its name answers. */
export const localUrl = ({ host, port }: { readonly host: string; readonly port: number }): string =>
  `http://${isIP(host) === 6 ? `[${host}]` : host}:${port}`

export interface Listening {
  readonly host: string
  readonly port: number
  readonly issuer: string
}

/** For a node that listens elsewhere than the environment says: its own URL goes with it, unless it was told another. */
export function listeningAt<C extends Listening>(config: C, host: string, port: number): C {
  const issuer = config.issuer === localUrl(config) ? localUrl({ host, port }) : config.issuer
  return { ...config, host, port, issuer }
}

/** An issuer is compared letter by letter (OpenID Connect Core 1.0 §2), so it stays as it is written. */
export function oidc(issuer: string | undefined, audience: string | undefined, claim = 'sub'): OidcConfig | undefined {
  if (!/^[A-Za-z0-9_.:/-]{1,100}$/.test(claim)) {
    throw new ConfigurationError('PUENTE_OIDC_CLAIM', 'must be the name of a claim, such as sub')
  }
  if (issuer !== undefined) parseNodeUrl('PUENTE_OIDC_ISSUER', issuer, 'an issuer, such as https://login.example.org')
  if (issuer === undefined && audience === undefined) return undefined
  if (issuer === undefined)
    throw new ConfigurationError('PUENTE_OIDC_AUDIENCE', 'must have PUENTE_OIDC_ISSUER beside it')
  if (audience === undefined) {
    throw new ConfigurationError('PUENTE_OIDC_ISSUER', 'must have PUENTE_OIDC_AUDIENCE beside it: what its tokens name')
  }
  return Object.freeze({ issuer, audience, claim })
}

/** @throws {ConfigurationError} */
export function privateHosts(text: string | undefined): readonly string[] {
  const hosts = text === undefined ? [] : text.split(',').map((each) => each.trim().toLowerCase())
  // As a URL has them: what is not written so would never be equal to one.
  const isHost = (each: string) => URL.canParse(`http://${each}/`) && new URL(`http://${each}/`).host === each
  if (hosts.every(isHost)) return Object.freeze(hosts)
  throw new ConfigurationError(
    'PUENTE_PRIVATE_HOSTS',
    'must be hosts with commas between, such as "idp.internal, 10.0.0.5:8443, [fd00::1]"',
  )
}
