import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import type { Test } from 'tap'
import { accountFor } from '../../src/store/embedded/account.ts'
import { findBinaries } from '../../src/store/embedded/binaries.ts'
import { clusterName, prepareCluster, superuser } from '../../src/store/embedded/cluster.ts'
import { awaitDatabase } from '../../src/store/embedded/connect.ts'
import { cleanEnvironment } from '../../src/store/embedded/run.ts'
import { serverArguments } from '../../src/store/embedded/settings.ts'
import { makeSocketFolder } from '../../src/store/embedded/socket-folder.ts'

/** A durable PostgreSQL of the test's own, at one url from one life to the next. */
export interface Postgres {
  readonly url: string
  /** The account it runs as; undefined: the test's own. */
  readonly account: { readonly uid: number; readonly gid: number } | undefined
  /** Ends the postmaster and all its processes at once, as a power failure would. */
  kill(): Promise<void>
  /** Starts it again and waits until it answers. */
  start(): Promise<void>
}

export async function ownPostgres(t: Test): Promise<Postgres> {
  const dataFolder = mkdtempSync(path.join(tmpdir(), 'puente-crash-'))
  chmodSync(dataFolder, 0o711)
  const cluster = path.join(dataFolder, clusterName)
  const account = accountFor(cluster, process.getuid?.() ?? -1)
  mkdirSync(dataFolder, { recursive: true })
  const binaries = await findBinaries(dataFolder, account)
  const password = await prepareCluster(cluster, binaries, account, true)
  const socketFolder = makeSocketFolder(account)
  const log = openSync(path.join(dataFolder, 'postgres.log'), 'a')
  const url = `postgres://${superuser}:${password}@localhost/${superuser}?host=${encodeURIComponent(socketFolder)}`
  let server: ChildProcess | undefined
  const start = async () => {
    const given = serverArguments({ cluster, owner: 'test', socketFolder, durable: true })
    const child = spawn(path.join(binaries.folder, 'bin', 'postgres'), given, {
      ...(account === undefined ? {} : { uid: account.uid, gid: account.gid }),
      cwd: '/',
      env: cleanEnvironment,
      stdio: ['ignore', log, log],
    })
    server = child
    const ended = once(child, 'exit').then(() => {})
    await awaitDatabase(url, ended, Date.now() + 60_000)
  }
  const kill = async () => {
    const { pid } = server ?? {}
    if (pid === undefined || server?.exitCode !== null) return
    // Held still first, so that it starts no process that is not known here.
    process.kill(pid, 'SIGSTOP')
    const family = [pid, ...childrenOf(pid)]
    const gone = once(server, 'exit')
    for (const each of family) if (isThere(each)) killed(each)
    await gone
    // Its shared memory is free only when the last of them has gone.
    while (family.some((each) => isThere(each))) await sleep(5)
  }
  await start()
  t.teardown(async () => {
    await kill()
    for (const folder of [dataFolder, socketFolder]) rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  })
  return { url, account, kill, start }
}

/** One that ends by itself meanwhile is gone as well. */
function killed(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => statusOf(pid)?.parent === parent)
}

const isThere = (pid: number): boolean => {
  const state = statusOf(pid)?.state
  return state !== undefined && state !== 'Z'
}

function statusOf(pid: number): { readonly parent: number; readonly state: string } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const [state = '', parent = ''] = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return { parent: Number(parent), state }
  } catch {
    return undefined
  }
}

/** One query on a connection of its own. */
export async function rowsOf(url: string, text: string, values: unknown[] = []) {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query(text, values)).rows
  } finally {
    await client.end()
  }
}
