import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { KeeperOrder, KeeperReport } from './keeper.ts'
import { cleanEnvironment } from './run.ts'

/** The keeper process, seen from Node. */
export interface Keeper {
  /** Pid of the server. Rejects when it could not be run. */
  readonly pid: Promise<number>
  /** Resolves when the keeper has ended, which is when the server has, unless the keeper was killed. */
  readonly ended: Promise<void>
  /** Has the server shut down and waits for it; does nothing when the keeper has ended. */
  stop(): Promise<void>
  /** From now on the keeper does not hold Node's event loop open. */
  release(): void
}

/** Starts `keeper.js` in a session of its own; it and the server write to the open file `log`. */
export function startKeeper(order: KeeperOrder, log: number): Keeper {
  const script = fileURLToPath(new URL('./keeper.js', import.meta.url))
  const keeper = spawn(process.execPath, [script, JSON.stringify(order)], {
    detached: true,
    cwd: '/',
    env: cleanEnvironment,
    stdio: ['ignore', log, log, 'ipc'],
  })
  const ended = Promise.race([once(keeper, 'exit'), once(keeper, 'error')]).then(
    () => undefined,
    () => undefined,
  )
  const pid = new Promise<number>((resolve, reject) => {
    keeper.once('message', (report: KeeperReport) => {
      if ('pid' in report) resolve(report.pid)
      else reject(new Error(report.failure))
    })
    keeper.once('error', reject)
    ended.then(() => reject(new Error('its keeper ended')))
  })
  const stop = async () => {
    keeper.ref()
    if (keeper.connected) keeper.disconnect()
    await ended
  }
  const release = () => {
    keeper.unref()
    keeper.channel?.unref()
  }
  return { pid, ended, stop, release }
}
