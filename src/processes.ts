import cluster, { type Worker } from 'node:cluster'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Log } from './actions/index.ts'

/** A process that lived for less is started again only after a while, twice as long each time up to the last. */
const briefMs = 10_000
const againMs = { first: 500, last: 30_000 }

/** What the first process does for those that serve. */
export interface Processes {
  /** Where they answer, all at one address. */
  readonly url: string
  /** Lets each finish what is under way. */
  stop(): Promise<void>
}

/** Whether this process is one of several that another one started. */
export const isOneOfSeveral = (): boolean => cluster.isWorker

/** To be said by one of several when it answers. */
export const sayAnswering = (url: string): void => void process.send?.({ url })

/** To be said by one of several when it has stopped: it ends only when nobody can talk to it any more. */
export const sayStopped = (): void => {
  if (process.connected) process.disconnect()
}

/**
 * Runs this program several times beside this process, all behind one port; one that dies is started again.
 * @param environment of those that serve, beside that of this process
 * @returns when all of them answer @throws Error when one ends before it ever answered
 */
export async function startProcesses(
  count: number,
  environment: Readonly<Record<string, string>>,
  log: Log,
): Promise<Processes> {
  // All accept from one socket. If this process handed connections on, those that a dying one had not taken yet would hang for ever.
  cluster.schedulingPolicy = cluster.SCHED_NONE
  let stopping = false
  // Whoever stops does not wait for a process that would be started again.
  const ending = new AbortController()
  const workers = new Set<Worker>()
  const start = (pauseMs: number): Promise<string> =>
    new Promise((resolve, reject) => {
      const worker = cluster.fork(environment)
      const began = performance.now()
      workers.add(worker)
      worker.once('message', ({ url }: { url: string }) => resolve(url))
      worker.once('exit', (code, signal) => {
        workers.delete(worker)
        reject(new Error(`a process ended before it answered (${signal ?? code})`))
        if (stopping || first === undefined) return
        const waitMs = performance.now() - began < briefMs ? pauseMs : 0
        log.warn({ pid: worker.process.pid, signal, code, waitMs }, 'a process ended; another is started')
        void again(waitMs, pauseMs)
      })
    })
  const again = async (waitMs: number, pauseMs: number): Promise<void> => {
    await sleep(waitMs, undefined, { signal: ending.signal }).catch(() => undefined)
    if (stopping) return
    const next = waitMs === 0 ? againMs.first : Math.min(2 * pauseMs, againMs.last)
    await start(next).catch((error: unknown) => log.warn({ error }, 'a process did not start'))
  }
  let first: string | undefined
  const stop = async () => {
    stopping = true
    ending.abort()
    const ended = [...workers].map((worker) => new Promise((resolve) => worker.once('exit', resolve)))
    for (const worker of workers) worker.process.kill('SIGTERM')
    await Promise.all(ended)
  }
  try {
    const urls = await Promise.all(Array.from({ length: count }, () => start(againMs.first)))
    first = urls[0] ?? ''
    return { url: first, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
