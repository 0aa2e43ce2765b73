import { execFileSync } from 'node:child_process'
import { readFileSync, readlinkSync } from 'node:fs'

/**
 * The name of a living process, `<pid>.<start time>`: a pid alone is given to another process after a death or a
 * restart of the machine. `undefined` when no such process lives; a zombie does not live.
 */
export function identityOf(pid: number): string | undefined {
  const started = process.platform === 'linux' ? startOnLinux(pid) : ps(pid, 'lstart')?.replaceAll(/[^0-9A-Za-z]/g, '_')
  return started === undefined ? undefined : `${pid}.${started}`
}

/** True while the process that had this {@link identityOf} lives. */
export function isAlive(identity: string): boolean {
  const pid = Number.parseInt(identity, 10)
  return Number.isSafeInteger(pid) && pid > 0 && identityOf(pid) === identity
}

/** The command line of a living process, its arguments joined by blanks; '' for a process that shows none. */
export function commandOf(pid: number): string | undefined {
  if (process.platform !== 'linux') return ps(pid, 'command')
  return read(`/proc/${pid}/cmdline`)?.replaceAll('\0', ' ').trim()
}

/** The folder a process works in, where the system tells us (Linux, own processes or root). */
export function workingFolderOf(pid: number): string | undefined {
  if (process.platform !== 'linux') return undefined
  try {
    return readlinkSync(`/proc/${pid}/cwd`)
  } catch {
    return undefined
  }
}

/** Clock ticks between boot and the start of the process: field 22 of proc(5) `stat`. */
function startOnLinux(pid: number): string | undefined {
  const stat = read(`/proc/${pid}/stat`)
  if (stat === undefined) return undefined
  // field 2 is the program's name in parentheses and may hold anything, parentheses too; field 3 follows the last one
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const state = fields[0]
  return state === 'Z' || state === 'X' ? undefined : fields[19]
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

function ps(pid: number, column: 'lstart' | 'command'): string | undefined {
  try {
    const text = execFileSync('ps', ['-ww', '-o', `${column}=`, '-p', String(pid)], {
      encoding: 'utf8',
      env: { PATH: '/bin:/usr/bin', LC_ALL: 'C', TZ: 'UTC' },
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    return text.trim() || undefined
  } catch {
    return undefined
  }
}
