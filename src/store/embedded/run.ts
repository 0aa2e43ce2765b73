import { execFile } from 'node:child_process'
import type { Account } from './account.ts'

/** How a program ended: its output, and why it failed, if it did. */
export interface Outcome {
  readonly output: string
  /** Absent when all went well. `code` is the exit status, or the system's word (`EACCES`) when it never ran. */
  readonly failure?: { readonly code: string | number; readonly reason: string }
}

/**
 * The whole environment of PostgreSQL's programs. Nothing is inherited: a stray PGDATA or PGPORT, or another locale,
 * would change what they do, and the node's secrets are none of their business.
 */
export const cleanEnvironment = { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' } as const

/** Runs a program to its end, under the account where one is given, for at most `timeoutMs`. Never throws. */
export function run(
  program: string,
  programArguments: readonly string[],
  account: Account | undefined,
  timeoutMs = 60_000,
): Promise<Outcome> {
  const identity = account === undefined ? {} : { uid: account.uid, gid: account.gid }
  // the caller's working folder may be closed to the account
  const options = { cwd: '/', env: cleanEnvironment, timeout: timeoutMs, ...identity }
  return new Promise((resolve) => {
    execFile(program, [...programArguments], options, (error, stdout, stderr) => {
      if (error === null) return resolve({ output: stdout })
      const code = error.code ?? error.signal ?? 1
      resolve({ output: stdout, failure: { code, reason: stderr.trim() || error.message } })
    })
  })
}
