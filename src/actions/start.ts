import { limits } from '../domain/limits.ts'
import { appendAudits } from '../store/audit.ts'
import { Database, type DatabaseOptions } from '../store/database.ts'
import { LiveColumn } from '../store/live-column.ts'
import { Networks } from '../store/networks.ts'
import { openNode } from '../store/node.ts'
import { ensurePartitions } from '../store/partitions.ts'
import { type Hearing, PostgresSignals } from '../store/signals.ts'
import { AuditQueue } from './audit-queue.ts'
import { BlocklistExpiries } from './blocklist-version.ts'
import type { Context, Log, WayOut } from './context.ts'
import { CurrentPolicy } from './current-policy.ts'
import { ExternalIssuer, type ExternalIssuerSettings, type FetchJson } from './external-issuer.ts'
import { FailedAuthentications } from './failed-authentications.ts'
import { ensureFederationKey, FederationKeys } from './federation-keys.ts'
import { KnownIndicators } from './known-indicators.ts'
import { Lookout } from './lookout.ts'
import { Meters } from './meters.ts'
import { Places } from './places.ts'
import { ProvenKeys } from './proven-keys.ts'
import { ensureSigningKey, SigningKeys } from './signing-keys.ts'
import { Tokens } from './tokens.ts'
import { Turns } from './turns.ts'
import { UnderWay } from './under-way.ts'
import { Wake } from './wake.ts'
import { Warninglists } from './warninglists.ts'

/** What tokens are issued and taken by. */
export interface TokenSettings {
  /** This node as it names itself in tokens: a URL without a slash at its end. */
  readonly issuer: string
  /** Another issuer whose tokens people may use, and how its keys are fetched. */
  readonly external?: ExternalIssuerSettings & { readonly fetchJson: FetchJson }
}

/** For a process that only commands: it sends nothing. */
const noWayOut: WayOut = {
  refusal: () => 'this process sends nothing',
  post: async () => ({ error: 'this process sends nothing' }),
  ask: async () => ({ error: 'this process sends nothing' }),
}

/** For a node that was not told its name: where it answers by default. */
const localIssuer = 'http://127.0.0.1:8460'

/** Opens a migrated database and makes what every action is given. `close` writes what is left for the
 * audit log and gives the connections back. */
export async function startContext(options: {
  readonly database: Omit<DatabaseOptions, 'onIdleError'>
  readonly clock: () => Date
  readonly log: Log
  readonly version: string
  /** Hear at once of what other processes change; a process that serves does, a command that runs once need not. */
  readonly listen?: boolean
  /** Hear of it through this NATS instead of PostgreSQL. */
  readonly natsUrl?: string | undefined
  readonly tokens?: TokenSettings
  readonly wayOut?: WayOut
  readonly publishesFigures?: boolean
}): Promise<Context & { close(): Promise<void> }> {
  const { clock, log, version } = options
  const database = new Database({
    ...options.database,
    onIdleError: (error) => log.warn({ error }, 'an idle database connection broke'),
  })
  const node = await openNode(database)
  await ensurePartitions(database)
  const policy = new CurrentPolicy(database)
  const column = new LiveColumn(database)
  const wake = new Wake()
  const lookout = new Lookout(policy, column, wake)
  const hearing: Hearing = {
    hear: (signal, news) => {
      lookout
        .look(signal, news)
        .catch((error: unknown) => log.warn({ error, signal }, 'what changed could not be read yet'))
    },
    onError: (error) => log.warn({ error }, 'the connection that hears of changes broke'),
  }
  const signals =
    options.natsUrl === undefined
      ? new PostgresSignals(database.url, hearing)
      : // Loaded where it is asked for: its libraries take memory.
        new (await import('../store/nats-signals.ts')).NatsSignals(
          options.natsUrl,
          database.url,
          node.databaseIdentity ?? node.id,
          hearing,
        )
  if (options.listen === true) await signals.open()
  const audit = new AuditQueue(async (entries, bases) => void (await appendAudits(database, entries, bases)), log)
  const { issuer, external } = options.tokens ?? { issuer: localIssuer }
  const other = external && new ExternalIssuer(external, external.fetchJson, clock, log)
  const context = {
    database,
    node,
    policy,
    column,
    keys: new ProvenKeys(),
    networks: new Networks(),
    turns: new Turns(),
    underWay: new UnderWay(),
    meters: new Meters(),
    audit,
    known: new KnownIndicators(database, clock, log),
    clock,
    log,
    version,
    tokens: new Tokens(issuer, new SigningKeys(database), other),
    federationKeys: new FederationKeys(database),
    failures: new FailedAuthentications(clock),
    warninglists: new Warninglists(database),
    expiries: new BlocklistExpiries(),
    sendingBlocklists: new Places({
      most: limits.blocklistsAtOnce,
      mostOfAccount: limits.blocklistsAtOnceOfAccount,
      sentence: 'Too many blocklists are being sent; try again.',
    }),
    observing: new Places({
      most: limits.observationStreams,
      mostOfAccount: limits.observationStreamsOfAccount,
      sentence: `At most ${limits.observationStreams} streams of observations at once, ${limits.observationStreamsOfAccount} of an account.`,
    }),
    publishesFigures: options.publishesFigures === true,
    wayOut: options.wayOut ?? noWayOut,
    wake,
    lookout,
    close: async () => {
      const left = await context.underWay.ended(limits.endingMs)
      if (left > 0) log.warn({ left }, 'actions are still under way, and are ended')
      await signals.close()
      await audit.close()
      await database.close()
    },
  }
  await ensureSigningKey(context)
  await ensureFederationKey(context)
  return context
}
