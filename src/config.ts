import { isIP } from 'node:net'
import { homedir } from 'node:os'
import path from 'node:path'
import { limits } from './domain/limits.ts'

export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

/** What a node and the command line are told by their environment; nothing in it is secret. */
export interface Config {
  /** Address the server listens on. */
  readonly host: string
  /** 0 takes a free port. */
  readonly port: number
  /** Processes that serve, behind one port. */
  readonly processes: number
  /** Absolute path; undefined: where the embedded database's own rule puts it. */
  readonly dataFolder: string | undefined
  readonly databaseConnections: number
  readonly statementTimeoutMs: number
  readonly requestsPerMinute: number
  readonly connections: number
  readonly connectionsPerAddress: number
  readonly logLevel: LogLevel
  /** Addresses and networks of proxies whose `X-Forwarded-For` is believed. */
  readonly trustProxy: readonly string[]
  /** Origins of pages that may open WebSockets. */
  readonly allowedOrigins: readonly string[]
  /** Base URL of the node that the client commands talk to; no slash at its end. */
  readonly url: string
  /** False when NO_COLOR is set (no-color.org). */
  readonly colour: boolean
  /** This node as it names itself in tokens: a URL without a slash at its end. */
  readonly issuer: string
  /** An OpenID Connect issuer whose access tokens people may use. */
  readonly oidc: { readonly issuer: string; readonly audience: string; readonly claim: string } | undefined
  /** Hosts that may be called at private addresses and without TLS. */
  readonly privateHosts: readonly string[]
  /** A folder of warninglists in MISP's format, read when the node starts. */
  readonly warninglists: string | undefined
  readonly homeFolder: string
  readonly xdgDataHome: string | undefined
}

/** Kept apart from {@link Config}, so that printing or logging one never prints the other. */
export interface Secrets {
  readonly databaseUrl: string | undefined
  readonly natsUrl: string | undefined
  readonly apiKey: string | undefined
}

/** A variable with a bad value; the message names it and says what would do. */
export class ConfigurationError extends Error {
  constructor(variable: string, sentence: string) {
    super(`${variable} ${sentence}`)
    this.name = 'ConfigurationError'
  }
}

export interface Variable {
  readonly name: string
  /** As documentation writes it. */
  readonly default: string
  readonly description: string
}

/** Every variable that is read, in the order in which documentation lists them. An empty one counts as absent. */
export const variables: readonly Variable[] = [
  { name: 'PUENTE_HOST', default: '127.0.0.1', description: 'address the server listens on' },
  { name: 'PUENTE_PORT', default: '8460', description: 'port the server listens on; 0 takes a free one' },
  { name: 'PUENTE_PROCESSES', default: '1', description: 'processes that serve, behind one port, 1 to 64' },
  {
    name: 'DATABASE_URL',
    default: 'none',
    description: 'a PostgreSQL 15 or later; without it the embedded one is used',
  },
  {
    name: 'NATS_URL',
    default: 'none',
    description:
      'a NATS with JetStream through which processes hear of changes; without it they hear of them from PostgreSQL',
  },
  { name: 'PUENTE_DATA', default: '.puente (root: /var/lib/puente)', description: 'folder of the embedded database' },
  { name: 'PUENTE_DATABASE_CONNECTIONS', default: '20', description: 'database connections of one process, 2 to 500' },
  { name: 'PUENTE_STATEMENT_TIMEOUT_MS', default: '30000', description: 'longest statement in ms, 100 to 3600000' },
  {
    name: 'PUENTE_REQUESTS_PER_MINUTE',
    default: String(limits.requestsPerMinute),
    description: 'requests a minute for one account or address, 1 to 1000000',
  },
  {
    name: 'PUENTE_CONNECTIONS',
    default: String(limits.connections),
    description: 'connections of clients to one process, 10 to 100000',
  },
  {
    name: 'PUENTE_CONNECTIONS_PER_ADDRESS',
    default: String(limits.connectionsPerAddress),
    description: 'connections of one address that is no trusted proxy, 1 to 100000',
  },
  { name: 'PUENTE_LOG_LEVEL', default: 'info', description: logLevels.join(', ') },
  {
    name: 'PUENTE_TRUST_PROXY',
    default: 'none',
    description: 'proxies whose X-Forwarded-For is believed: addresses and networks with commas between',
  },
  {
    name: 'PUENTE_ALLOWED_ORIGINS',
    default: 'none',
    description: 'origins, other than that of PUENTE_ISSUER, whose pages may open WebSockets, with commas between',
  },
  { name: 'PUENTE_URL', default: 'http://127.0.0.1:8460', description: 'node that the client commands talk to' },
  { name: 'PUENTE_API_KEY', default: 'none', description: 'API key that the client commands use' },
  {
    name: 'PUENTE_ISSUER',
    default: 'http://PUENTE_HOST:PUENTE_PORT',
    description: 'URL under which clients reach the node; its name in tokens',
  },
  {
    name: 'PUENTE_OIDC_ISSUER',
    default: 'none',
    description: 'OpenID Connect issuer whose access tokens people may use, exactly as it names itself',
  },
  { name: 'PUENTE_OIDC_AUDIENCE', default: 'none', description: 'audience of those tokens' },
  { name: 'PUENTE_OIDC_CLAIM', default: 'sub', description: 'claim of those tokens that says who it is' },
  {
    name: 'PUENTE_PRIVATE_HOSTS',
    default: 'none',
    description:
      'hosts that may be called at private addresses and without TLS: names or name:port, with commas between',
  },
  {
    name: 'PUENTE_WARNINGLISTS',
    default: 'none',
    description: "folder of warninglists in MISP's format, loaded when the node starts",
  },
  { name: 'NO_COLOR', default: 'none', description: 'no colours, whatever the terminal can do' },
]

/**
 * Reads the environment, once, at start.
 * @throws {ConfigurationError} for the first variable with a bad value
 */
export function readConfig(environment: NodeJS.ProcessEnv = process.env): { config: Config; secrets: Secrets } {
  const read = (name: string): string | undefined => environment[name]?.trim() || undefined
  const folder = read('PUENTE_DATA')
  const warninglists = read('PUENTE_WARNINGLISTS')
  const listening = {
    host: host(read('PUENTE_HOST')),
    port: integer('PUENTE_PORT', read('PUENTE_PORT'), 8460, 0, 65_535),
  }
  const config: Config = {
    ...listening,
    processes: integer('PUENTE_PROCESSES', read('PUENTE_PROCESSES'), 1, 1, 64),
    dataFolder: folder === undefined ? undefined : path.resolve(folder),
    databaseConnections: integer('PUENTE_DATABASE_CONNECTIONS', read('PUENTE_DATABASE_CONNECTIONS'), 20, 2, 500),
    statementTimeoutMs: integer(
      'PUENTE_STATEMENT_TIMEOUT_MS',
      read('PUENTE_STATEMENT_TIMEOUT_MS'),
      30_000,
      100,
      3_600_000,
    ),
    requestsPerMinute: integer(
      'PUENTE_REQUESTS_PER_MINUTE',
      read('PUENTE_REQUESTS_PER_MINUTE'),
      limits.requestsPerMinute,
      1,
      1_000_000,
    ),
    connections: integer('PUENTE_CONNECTIONS', read('PUENTE_CONNECTIONS'), limits.connections, 10, 100_000),
    connectionsPerAddress: integer(
      'PUENTE_CONNECTIONS_PER_ADDRESS',
      read('PUENTE_CONNECTIONS_PER_ADDRESS'),
      limits.connectionsPerAddress,
      1,
      100_000,
    ),
    logLevel: logLevel(read('PUENTE_LOG_LEVEL')),
    trustProxy: trustProxy(read('PUENTE_TRUST_PROXY')),
    allowedOrigins: origins(read('PUENTE_ALLOWED_ORIGINS')),
    url: parseNodeUrl('PUENTE_URL', read('PUENTE_URL') ?? 'http://127.0.0.1:8460'),
    colour: read('NO_COLOR') === undefined,
    issuer: parseNodeUrl('PUENTE_ISSUER', read('PUENTE_ISSUER') ?? localUrl(listening)),
    oidc: oidc(read('PUENTE_OIDC_ISSUER'), read('PUENTE_OIDC_AUDIENCE'), read('PUENTE_OIDC_CLAIM')),
    privateHosts: privateHosts(read('PUENTE_PRIVATE_HOSTS')),
    warninglists: warninglists === undefined ? undefined : path.resolve(warninglists),
    homeFolder: homedir(),
    xdgDataHome: read('XDG_DATA_HOME'),
  }
  const secrets: Secrets = {
    databaseUrl: databaseUrl(read('DATABASE_URL')),
    natsUrl: natsUrl(read('NATS_URL')),
    apiKey: apiKey(read('PUENTE_API_KEY')),
  }
  return { config: Object.freeze(config), secrets: Object.freeze(secrets) }
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
function natsUrl(text: string | undefined): string | undefined {
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

function host(text = '127.0.0.1'): string {
  if (isIP(text) !== 0 || /^[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63}){0,10}$/.test(text)) return text
  throw new ConfigurationError('PUENTE_HOST', `must be an IP address or a host name, not "${text.slice(0, 40)}"`)
}

function logLevel(text = 'info'): LogLevel {
  const level = logLevels.find((each) => each === text.toLowerCase())
  if (level !== undefined) return level
  throw new ConfigurationError('PUENTE_LOG_LEVEL', `must be one of ${logLevels.join(', ')}, not "${text.slice(0, 40)}"`)
}

/** Trusting everybody, or a number of hops, is no choice: whoever connects could then claim any address. */
function trustProxy(text: string | undefined): Config['trustProxy'] {
  const proxies = text === undefined ? [] : text.split(',').map((each) => each.trim())
  if (proxies.every(isProxy)) return Object.freeze(proxies)
  throw new ConfigurationError(
    'PUENTE_TRUST_PROXY',
    'must be addresses and networks of proxies with commas between, such as "10.0.0.0/8, ::1" or "loopback"',
  )
}

/** Origins as browsers write them (RFC 6454 §6.2): a scheme, a host and maybe a port, nothing behind. */
function origins(text: string | undefined): Config['allowedOrigins'] {
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

const localUrl = ({ host, port }: { readonly host: string; readonly port: number }): string =>
  `http://${isIP(host) === 6 ? `[${host}]` : host}:${port}`

/** An issuer is compared letter by letter (OpenID Connect Core 1.0 §2), so it stays as it is written. */
function oidc(issuer: string | undefined, audience: string | undefined, claim = 'sub'): Config['oidc'] {
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

function privateHosts(text: string | undefined): readonly string[] {
  const hosts = text === undefined ? [] : text.split(',').map((each) => each.trim().toLowerCase())
  // As a URL has them: what is not written so would never be equal to one.
  const isHost = (each: string) => URL.canParse(`http://${each}/`) && new URL(`http://${each}/`).host === each
  if (hosts.every(isHost)) return Object.freeze(hosts)
  throw new ConfigurationError(
    'PUENTE_PRIVATE_HOSTS',
    'must be hosts with commas between, such as "idp.internal, 10.0.0.5:8443, [fd00::1]"',
  )
}
