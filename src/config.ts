import { homedir } from 'node:os'
import path from 'node:path'
import {
  apiKey,
  databaseUrl,
  host,
  integer,
  type LogLevel,
  localUrl,
  logLevel,
  logLevels,
  natsUrl,
  type OidcConfig,
  oidc,
  origins,
  parseNodeUrl,
  privateHosts,
  trustProxy,
  yesOrNo,
} from './config-values.ts'
import { limits } from './domain/limits.ts'

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
  /** Port of this machine on which metrics are answered; 0 takes a free one. */
  readonly metricsPort: number | undefined
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
  readonly oidc: OidcConfig | undefined
  /** Hosts that may be called at private addresses and without TLS. */
  readonly privateHosts: readonly string[]
  /** A folder of warninglists in MISP's format, read when the node starts. */
  readonly warninglists: string | undefined
  /** Whether everybody may read the yearly figures of legal requests. */
  readonly publishFigures: boolean
  readonly homeFolder: string
  readonly xdgDataHome: string | undefined
}

/** Kept apart from {@link Config}, so that printing or logging one never prints the other. */
export interface Secrets {
  readonly databaseUrl: string | undefined
  readonly natsUrl: string | undefined
  readonly apiKey: string | undefined
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
    name: 'PUENTE_METRICS_PORT',
    default: 'none',
    description: 'port of 127.0.0.1 that answers GET /metrics for Prometheus; 0 takes a free one',
  },
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
  {
    name: 'PUENTE_PUBLISH_FIGURES',
    default: 'no',
    description: 'yes: everybody may read the yearly figures of legal requests, without small numbers',
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
  const metricsPort = read('PUENTE_METRICS_PORT')
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
    metricsPort: metricsPort === undefined ? undefined : integer('PUENTE_METRICS_PORT', metricsPort, 0, 0, 65_535),
    trustProxy: trustProxy(read('PUENTE_TRUST_PROXY')),
    allowedOrigins: origins(read('PUENTE_ALLOWED_ORIGINS')),
    url: parseNodeUrl('PUENTE_URL', read('PUENTE_URL') ?? 'http://127.0.0.1:8460'),
    colour: read('NO_COLOR') === undefined,
    issuer: parseNodeUrl('PUENTE_ISSUER', read('PUENTE_ISSUER') ?? localUrl(listening)),
    oidc: oidc(read('PUENTE_OIDC_ISSUER'), read('PUENTE_OIDC_AUDIENCE'), read('PUENTE_OIDC_CLAIM')),
    privateHosts: privateHosts(read('PUENTE_PRIVATE_HOSTS')),
    warninglists: warninglists === undefined ? undefined : path.resolve(warninglists),
    publishFigures: yesOrNo('PUENTE_PUBLISH_FIGURES', read('PUENTE_PUBLISH_FIGURES')),
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
