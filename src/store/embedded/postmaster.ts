import { readFileSync, renameSync, rmSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { commandOf, identityOf, isAlive, workingFolderOf } from './process-identity.ts'
import { serverMark } from './settings.ts'
import { removeSocketFolder } from './socket-folder.ts'
import { temporaryPath } from './temporary.ts'

/** A living server of a cluster. `owner` is the identity of the Node process it serves, where Puente started it. */
export interface Postmaster {
  readonly pid: number
  readonly identity: string
  readonly owner: string | undefined
}

/** Says whose the data folder is. */
export class AlreadyRunning extends Error {
  constructor(cluster: string, pid: number, what: string) {
    super(
      `${what} is already running as pid ${pid} on ${path.dirname(cluster)}: stop it, or choose another data folder`,
    )
    this.name = 'AlreadyRunning'
  }
}

/**
 * Makes way for a new server on the cluster: ends a server whose Node process died without it, removes the lock of a
 * server that died when its pid is now a stranger's, and removes the socket folder it left.
 * @throws AlreadyRunning when the Node process of the running server lives.
 */
export async function makeWay(cluster: string, log: (line: string) => void): Promise<void> {
  const lock = readLock(cluster)
  if (lock === undefined) return
  const running = postmasterAt(lock.pid, cluster)
  if (running === undefined) {
    log(`PostgreSQL did not stop in order (stale ${lockName} of pid ${lock.pid}); it will recover`)
    removeStaleLock(cluster, lock)
  } else {
    refuseIfOwned(cluster, running)
    log(`ending PostgreSQL (pid ${running.pid}), which outlived its Node process`)
    await endPostmaster(running)
  }
  removeSocketFolder(lock.socketFolder)
}

/** @throws AlreadyRunning when a server runs on the cluster whose owner lives, or which Puente did not start. */
export function refuseIfRunning(cluster: string): void {
  const lock = readLock(cluster)
  const running = lock === undefined ? undefined : postmasterAt(lock.pid, cluster)
  if (running !== undefined) refuseIfOwned(cluster, running)
}

/**
 * Stops a server: fast shutdown, and after a minute immediate shutdown, from which the next start recovers
 * (PostgreSQL 18 §18.5).
 * @throws Error when it does not end.
 */
export async function endPostmaster(postmaster: Postmaster): Promise<void> {
  for (const [signal, seconds] of [['SIGINT', 60] as const, ['SIGQUIT', 15] as const]) {
    if (!isAlive(postmaster.identity)) return
    process.kill(postmaster.pid, signal)
    for (const until = Date.now() + seconds * 1000; Date.now() < until; ) {
      if (!isAlive(postmaster.identity)) return
      await sleep(20)
    }
  }
  throw new Error(`PostgreSQL (pid ${postmaster.pid}) does not stop`)
}

/** The server with this pid, if it lives and works on this cluster. A pid alone proves nothing: it may be reused. */
export function postmasterAt(pid: number, cluster: string): Postmaster | undefined {
  const identity = identityOf(pid)
  const command = commandOf(pid)
  if (identity === undefined || command === undefined) return undefined
  const mark = serverMark(cluster)
  if (command.includes(mark)) {
    const owner = command.slice(command.indexOf(mark) + mark.length).split(' ')[0]
    return { pid, identity, owner }
  }
  // started by hand: a server always works in its cluster's folder
  const byHand = command.includes('postgres') && workingFolderOf(pid) === cluster
  return byHand ? { pid, identity, owner: undefined } : undefined
}

function refuseIfOwned(cluster: string, running: Postmaster): void {
  const { owner } = running
  if (owner === undefined) throw new AlreadyRunning(cluster, running.pid, 'a PostgreSQL that Puente did not start')
  if (isAlive(owner)) throw new AlreadyRunning(cluster, Number.parseInt(owner, 10), 'Puente')
}

/** The folder of the socket at which a living server of the cluster answers; undefined when none lives. */
export function socketOfRunning(cluster: string): string | undefined {
  const lock = readLock(cluster)
  return lock === undefined || postmasterAt(lock.pid, cluster) === undefined ? undefined : lock.socketFolder
}

const lockName = 'postmaster.pid'

interface Lock {
  readonly text: string
  readonly pid: number
  readonly socketFolder: string
}

/** The server's lock file; its lines are fixed in PostgreSQL's `pidfile.h`: 1 the pid, 5 the socket folder. */
function readLock(cluster: string): Lock | undefined {
  let text: string
  try {
    text = readFileSync(path.join(cluster, lockName), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  const lines = text.split('\n')
  const pid = Math.abs(Number.parseInt(lines[0] ?? '', 10))
  return { text, pid, socketFolder: lines[4] ?? '' }
}

/**
 * Without this, PostgreSQL refuses to start when the dead server's pid is now any process of the same account. It
 * stays safe: server processes that outlived their postmaster still hold its shared memory, whose key is the
 * cluster's inode, and PostgreSQL refuses to start beside them.
 */
function removeStaleLock(cluster: string, lock: Lock): void {
  const file = path.join(cluster, lockName)
  const aside = temporaryPath(file)
  try {
    renameSync(file, aside)
  } catch {
    return
  }
  // another start took the lock between our reading and the rename: it gets it back
  if (readFileSync(aside, 'utf8') === lock.text) rmSync(aside)
  else renameSync(aside, file)
}
