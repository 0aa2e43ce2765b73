import { closeSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Account, accountFor } from './account.ts'
import { type Binaries, findBinaries } from './binaries.ts'
import { clusterName, prepareCluster } from './cluster.ts'
import { awaitDatabase } from './connect.ts'
import { openDataFolder } from './data-folder.ts'
import { type Keeper, startKeeper } from './keep.ts'
import { endPostmaster, makeWay, postmasterAt, refuseIfRunning } from './postmaster.ts'
import { identityOf } from './process-identity.ts'
import { cleanEnvironment } from './run.ts'
import { urlAt } from './running.ts'
import { openServerLog, reasonInLog } from './server-log.ts'
import { serverArguments } from './settings.ts'
import { makeSocketFolder, removeSocketFolder } from './socket-folder.ts'

export interface EmbeddedOptions {
  /** The node's data folder; the cluster is `postgres/` in it, the server's log `postgres.log`. Made where missing. */
  readonly dataFolder: string
  /** false turns fsync off: for throw-away clusters only. */
  readonly durable: boolean
  /** Told what is being done, a line at a time. */
  readonly log?: (line: string) => void
}

export interface EmbeddedPostgres {
  /** `postgres://…` over a Unix socket, with the password; the folder of the socket is the parameter `host`. */
  readonly url: string
  /** Pid of the server (the postmaster). */
  readonly pid: number
  /** Stops the server and keeps its data. May be called again. Without it the server stops when this process ends. */
  stop(): Promise<void>
}

/** For everything after the cluster is there: the recovery of a crash, and waiting for a dead server's last processes. */
const startTimeoutMs = 60_000

/**
 * Starts the PostgreSQL that comes with the npm packages, for this process alone: no TCP, no system service, its own
 * folder. Under root it runs as `postgres` or `nobody`. It is stopped when this process dies, even by `kill -9`.
 * Whatever an earlier process left (a running server, a stale lock, half a cluster) is cleared first.
 * @throws Error with the reason: another node runs on the folder, no binaries for this platform, a folder that cannot
 * be used, or PostgreSQL's own words.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const { durable, log = () => undefined } = options
  const uid = process.getuid?.()
  if (uid === undefined) throw new Error(`no embedded PostgreSQL on ${process.platform}: set DATABASE_URL`)
  const dataFolder = openDataFolder(path.resolve(options.dataFolder), uid)
  const cluster = path.join(dataFolder, clusterName)
  const account = accountFor(cluster, uid)
  refuseIfRunning(cluster)
  const binaries = await findBinaries(dataFolder, account)
  const password = await prepareCluster(cluster, binaries, account, durable)
  const deadline = Date.now() + startTimeoutMs
  for (;;) {
    await makeWay(cluster, log)
    const started = await launch({ cluster, dataFolder, binaries, account, password, durable }, deadline)
    if (started === 'still in use') {
      await sleep(200)
      continue
    }
    log(`PostgreSQL ${binaries.major} runs as pid ${started.pid} on ${cluster}`)
    return started
  }
}

interface Launch {
  readonly cluster: string
  readonly dataFolder: string
  readonly binaries: Binaries
  readonly account: Account | undefined
  readonly password: string
  readonly durable: boolean
}

/** One attempt. 'still in use' while the last processes of a killed server are going: worth another attempt. */
async function launch(to: Launch, deadline: number): Promise<EmbeddedPostgres | 'still in use'> {
  const logFile = path.join(to.dataFolder, 'postgres.log')
  const serverLog = openServerLog(logFile)
  const socketFolder = makeSocketFolder(to.account)
  const owner = identityOf(process.pid) ?? String(process.pid)
  const order = {
    program: path.join(to.binaries.folder, 'bin', 'postgres'),
    arguments: serverArguments({ cluster: to.cluster, owner, socketFolder, durable: to.durable }),
    environment: cleanEnvironment,
    ...(to.account === undefined ? {} : { account: { uid: to.account.uid, gid: to.account.gid } }),
    socketFolder,
  }
  const keeper = startKeeper(order, serverLog.descriptor)
  closeSync(serverLog.descriptor)
  const url = urlAt(socketFolder, to.password)
  const stop = stopOnce(keeper, to.cluster, socketFolder)
  try {
    const pid = await keeper.pid
    await awaitDatabase(url, keeper.ended, deadline)
    keeper.release()
    return { url, pid, stop }
  } catch (cause) {
    await stop()
    // two starts at once: PostgreSQL's own lock let the other one through
    refuseIfRunning(to.cluster)
    const reason = reasonInLog(logFile, serverLog.offset)
    if (reason.includes('pre-existing shared memory block') && Date.now() < deadline) return 'still in use'
    const known = cause instanceof Error ? cause.message : String(cause)
    throw new Error(`the embedded PostgreSQL did not start: ${known}: ${reason}${hint(reason, to)} (log: ${logFile})`, {
      cause,
    })
  }
}

function hint(reason: string, to: Launch): string {
  if (to.account === undefined || !reason.includes('Permission denied')) return ''
  return `; under root PostgreSQL runs as ${to.account.name}, which must be able to enter ${to.dataFolder}`
}

function stopOnce(keeper: Keeper, cluster: string, socketFolder: string): () => Promise<void> {
  let stopping: Promise<void> | undefined
  const stop = async () => {
    await keeper.stop()
    // the keeper itself may have been killed and have left the server running
    const pid = await keeper.pid.catch(() => undefined)
    const left = pid === undefined ? undefined : postmasterAt(pid, cluster)
    if (left !== undefined) await endPostmaster(left)
    removeSocketFolder(socketFolder)
  }
  return () => {
    stopping ??= stop()
    return stopping
  }
}
