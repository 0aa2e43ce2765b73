/**
 * A process of its own between Node and PostgreSQL. Its only work is to stop the server when Node is gone, however
 * Node went: the channel to a dead process closes, even after `kill -9`. It runs in its own session, so that Ctrl-C
 * at the terminal reaches Node first, and as Node's user, so that it can start and signal the server.
 */
import { spawn } from 'node:child_process'
import { rmSync } from 'node:fs'

/** What the keeper is asked to do: JSON in its first argument. */
export interface KeeperOrder {
  readonly program: string
  readonly arguments: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  /** Absent: the keeper's own user. */
  readonly account?: { readonly uid: number; readonly gid: number }
  /** Removed when the server has ended. */
  readonly socketFolder: string
}

/** The one message of the keeper; it then lives as long as the server. */
export type KeeperReport = { readonly pid: number } | { readonly failure: string }

/** A fast shutdown writes everything out first. After this it is cut short; the next start then recovers. */
const fastShutdownMs = 60_000

// the argument is the launcher's own, not somebody's input
const order = JSON.parse(process.argv[2] ?? '') as KeeperOrder

// a service manager or a shell signals a whole group; the server stops when Node has finished with it
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined)

const server = spawn(order.program, order.arguments, {
  ...order.account,
  cwd: '/',
  env: order.environment,
  stdio: ['ignore', 'inherit', 'inherit'],
})

server.once('error', (error) => finish(1, { failure: error.message }))
server.once('exit', (code) => finish(code ?? 1))
if (server.pid !== undefined) report({ pid: server.pid })

process.once('disconnect', stop)
if (!process.connected) stop()

function stop(): void {
  server.kill('SIGINT')
  setTimeout(() => server.kill('SIGQUIT'), fastShutdownMs).unref()
}

function finish(code: number, last?: KeeperReport): void {
  rmSync(order.socketFolder, { recursive: true, force: true })
  if (last !== undefined && process.connected) process.send?.(last, () => process.exit(code))
  else process.exit(code)
}

/** Node may be gone already: then nobody is to be told. */
function report(what: KeeperReport): void {
  if (process.connected) process.send?.(what, () => undefined)
}
