import { accessSync, constants, existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import type { FastifyInstance } from 'fastify'
import { type Context, type Log, renewEpoch, warmUp } from './actions/index.ts'
import { startContext } from './actions/start.ts'
import { buildApp } from './app.ts'
import type { Config, Secrets } from './config.ts'
import { jsonFetcher, outbound, wayOut } from './delivery/http.ts'
import { startPeers } from './delivery/peers.ts'
import { startWebhooks, whatIsHeard } from './delivery/webhooks.ts'
import { cannotListen, holdPort } from './held-port.ts'
import { registryOf, serveMetrics } from './metrics.ts'
import { isOneOfSeveral, sayAnswering, sayStopped, startProcesses } from './processes.ts'
import { startSchedule } from './schedule.ts'
import { defaultDataFolder } from './store/embedded/data-folder.ts'
import { startEmbedded } from './store/embedded/start.ts'
import { migrate } from './store/migrate.ts'
import { loadWarninglists } from './warninglist-files.ts'

/** The folder of the package: where `package.json`, `openapi.yaml` and `migrations/` are. */
export const projectFolder: string = findProjectFolder(path.dirname(fileURLToPath(import.meta.url)))

export const version: string = readVersion()

/** A database to talk to: the embedded one, started for this process, or somebody else's. */
export interface OpenDatabase {
  readonly url: string
  /** NATS through which its processes hear of each other's changes; absent: PostgreSQL itself. */
  readonly natsUrl?: string | undefined
  readonly embedded: boolean
  /** Stops what {@link openDatabase} started; a foreign database is left alone. */
  stop(): Promise<void>
}

/** Where the embedded database of this configuration lies. */
export function dataFolderOf(config: Config): string {
  return (
    config.dataFolder ??
    defaultDataFolder({
      uid: process.getuid?.() ?? -1,
      homeFolder: config.homeFolder,
      ...(isWritable(projectFolder) ? { projectFolder } : {}),
      ...(config.xdgDataHome === undefined ? {} : { xdgDataHome: config.xdgDataHome }),
    })
  )
}

/** @throws Error that says what to do, when the embedded database cannot be started */
export async function openDatabase(
  { databaseUrl, natsUrl }: Pick<Secrets, 'databaseUrl' | 'natsUrl'>,
  embedded: { readonly dataFolder: string; readonly durable: boolean },
  log: Log,
): Promise<OpenDatabase> {
  if (databaseUrl !== undefined) return { url: databaseUrl, natsUrl, embedded: false, stop: async () => {} }
  const started = await startEmbedded({ ...embedded, log: (line) => log.info({ database: 'embedded' }, line) })
  return { url: started.url, natsUrl, embedded: true, stop: () => started.stop() }
}

/** Brings the database to the newest schema. @returns the migrations applied now */
export const migrateDatabase = ({ url }: OpenDatabase): Promise<string[]> =>
  migrate(url, path.join(projectFolder, 'migrations'))

/** The context of a migrated database; `close` gives its connections back. */
export const openContext = (
  database: OpenDatabase,
  config: Config,
  log: Log,
  purpose: 'serve' | 'run once' | 'ask peers' = 'run once',
): ReturnType<typeof startContext> =>
  startContext({
    database: {
      url: database.url,
      connections: config.databaseConnections,
      statementTimeoutMs: config.statementTimeoutMs,
    },
    clock: () => new Date(),
    log,
    version,
    listen: purpose === 'serve',
    ...(purpose === 'run once' ? {} : { wayOut: wayOut(config) }),
    natsUrl: database.natsUrl,
    publishesFigures: config.publishFigures,
    tokens: {
      issuer: config.issuer,
      ...(config.oidc === undefined ? {} : { external: { ...config.oidc, fetchJson: jsonFetcher(outbound(config)) } }),
    },
  })

/** After a backup was put back: the feed gets a new epoch. For a database that no node is serving. */
export async function restored(database: OpenDatabase, config: Config, log: Log): Promise<void> {
  const context = await openContext(database, config, log)
  try {
    await renewEpoch(context)
  } finally {
    await context.close()
  }
}

/** A node that answers. */
export interface RunningNode {
  readonly url: string
  readonly context: Context
  /** Accepts nothing new, finishes what is under way, and lets go of everything. May be called again. */
  stop(): Promise<void>
}

/** Database → migrations → context → app → listening, whichever database it is. Takes what it opened down if it fails. */
export async function startNode(
  database: OpenDatabase,
  configured: Config,
  log: Log,
  port: 'only this port' | 'or a free one' = 'only this port',
): Promise<RunningNode> {
  const { undo, unwind } = undoing(() => database.stop())
  try {
    const { config, free } = await holdPort(configured, port)
    undo.push(free)
    const applied = await migrateDatabase(database)
    if (applied.length > 0) log.info({ migrations: applied }, 'the database was migrated')
    let closing = false
    // an embedded database that stops ends connections that the pool has not quite closed: nobody needs to know
    const warn: Log['warn'] = (facts, message) => (closing ? undefined : log.warn(facts, message))
    const context = await openContext(database, config, { ...log, warn }, 'serve')
    undo.push(() => {
      closing = true
      return context.close()
    })
    if (config.warninglists !== undefined) await takeWarninglists(context, config.warninglists, log)
    const schedule = startSchedule(context, log)
    undo.push(() => schedule.stop())
    const webhooks = startWebhooks(context, { wakes: whatIsHeard(context) })
    undo.push(() => webhooks.stop())
    const peers = startPeers(context, { wakes: whatIsHeard(context) })
    undo.push(() => peers.stop())
    // Not waited for: until it is read, pages wait for it themselves.
    warmUp(context).catch((error: unknown) => log.warn({ error }, 'the feed could not be read yet'))
    const { requestsPerMinute, trustProxy, allowedOrigins, connections, connectionsPerAddress } = config
    const guards = { connections, connectionsPerAddress }
    const registry = await registryOf(config)
    const app = await buildApp(context, {
      ...{ root: projectFolder, requestsPerMinute, trustProxy, allowedOrigins, guards, registry },
    })
    undo.push(() => app.close())
    undo.push(await serveMetrics(config, log, registry))
    await free()
    const url = await listen(app, config)
    let stopping: Promise<void> | undefined
    const stop = () => {
      stopping ??= unwind()
      return stopping
    }
    return { url, context, stop }
  } catch (error) {
    await unwind()
    throw error
  }
}

/** A list that is none is told and passed over; a folder that is not there stops the node: nobody means to go without. */
async function takeWarninglists(context: Context, folder: string, log: Log): Promise<void> {
  for await (const { file, refused } of loadWarninglists(context, [folder])) {
    if (refused !== undefined) log.warn({ file }, `a warninglist was not loaded: ${refused}`)
  }
}

/** Runs a node until SIGTERM or SIGINT. A second signal ends the process at once. */
export async function serve(config: Config, secrets: Secrets, log: Log): Promise<void> {
  growSlowly()
  const stopped = untilSignal(log)
  const database = await openDatabase(secrets, { dataFolder: dataFolderOf(config), durable: true }, log)
  const several = config.processes > 1 && !isOneOfSeveral()
  const node = several ? await startSeveral(database, config, log) : await startNode(database, config, log)
  if (isOneOfSeveral()) log.info({ url: node.url, pid: process.pid }, 'a process answers')
  else
    log.info(
      { url: node.url, database: database.embedded ? 'embedded' : 'DATABASE_URL', processes: config.processes },
      'the node answers',
    )
  sayAnswering(node.url)
  await stopped
  await node.stop()
  sayStopped()
  log.info({}, 'the node has stopped')
}

/** As many processes as configured, on one database that this one opened and migrated. */
async function startSeveral(
  database: OpenDatabase,
  configured: Config,
  log: Log,
): Promise<Pick<RunningNode, 'url' | 'stop'>> {
  const { undo, unwind } = undoing(() => database.stop())
  try {
    const { config, free } = await holdPort(configured, 'only this port')
    const applied = await migrateDatabase(database)
    if (applied.length > 0) log.info({ migrations: applied }, 'the database was migrated')
    await free()
    const environment = {
      DATABASE_URL: database.url,
      PUENTE_HOST: config.host,
      PUENTE_PORT: String(config.port),
      ...(database.embedded ? { PUENTE_DATABASE_CONNECTIONS: String(shareOfConnections(config)) } : {}),
    }
    undo.push(await serveMetrics(config, log))
    const processes = await startProcesses(config.processes, environment, log)
    undo.push(() => processes.stop())
    return { url: processes.url, stop: unwind }
  } catch (error) {
    await unwind()
    throw error
  }
}

/** Steps that take down what was begun, the last one first. */
function undoing(first: () => Promise<unknown>) {
  const undo = [first]
  const unwind = async () => {
    for (const step of undo.splice(0).reverse()) await step()
  }
  return { undo, unwind }
}

/** Of the 200 connections that the embedded database allows, some are left for those who listen, and for the command line. */
const shareOfConnections = ({ processes, databaseConnections }: Config): number =>
  Math.max(2, Math.min(databaseConnections, Math.floor(180 / processes) - 1))

/** Resolves at the first SIGTERM or SIGINT; the second ends the process with 128 and the signal's number. */
export function untilSignal(log: Log): Promise<void> {
  return new Promise((resolve) => {
    let signals = 0
    for (const [signal, number] of [['SIGINT', 2] as const, ['SIGTERM', 15] as const]) {
      process.on(signal, () => {
        // Ctrl-C reaches every process of the terminal: one of several is told by the one that started it.
        if (signal === 'SIGINT' && isOneOfSeveral()) return
        signals++
        if (signals > 1) process.exit(128 + number)
        log.info({ signal }, 'stopping: what is under way is finished first; a second signal ends it at once')
        resolve()
      })
    }
  })
}

async function listen(app: FastifyInstance, config: Config): Promise<string> {
  try {
    return await app.listen({ host: config.host, port: config.port })
  } catch (error) {
    throw cannotListen(config, error as NodeJS.ErrnoException)
  }
}

/** Built files lie some folders below it. */
function findProjectFolder(from: string): string {
  if (existsSync(path.join(from, 'package.json'))) return from
  const parent = path.dirname(from)
  if (parent === from) throw new Error('package.json is not above this file')
  return findProjectFolder(parent)
}

function readVersion(): string {
  const { version } = JSON.parse(readFileSync(path.join(projectFolder, 'package.json'), 'utf8')) as { version: string }
  return version
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK)
    return true
  } catch {
    return false
  }
}

/**
 * Collects garbage when the heap has grown by a fifth, where V8 would let it double and more: a push of 200 MB then stays at 180 MiB
 * of resident memory instead of 280. To be called before the heap has grown.
 */
const growSlowly = (): void => setFlagsFromString('--heap-growing-percent=20')
