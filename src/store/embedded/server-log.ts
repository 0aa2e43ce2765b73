import { closeSync, fstatSync, openSync, readSync, renameSync, statSync } from 'node:fs'

/** A log larger than this is set aside as `….1` at the next start. */
const rotateBytes = 8 * 1024 * 1024
const tailBytes = 64 * 1024

/** Opens the server's log for appending, readable by this user alone, and tells where this start's part begins. */
export function openServerLog(file: string): { readonly descriptor: number; readonly offset: number } {
  const before = statSync(file, { throwIfNoEntry: false })
  if (before !== undefined && before.size > rotateBytes) renameSync(file, `${file}.1`)
  const descriptor = openSync(file, 'a', 0o600)
  return { descriptor, offset: fstatSync(descriptor).size }
}

/**
 * Why a server did not start, in its own words: its first FATAL or PANIC message since `offset` bytes with the
 * details and hints that follow, otherwise the last lines it wrote.
 */
export function reasonInLog(file: string, offset: number): string {
  const lines = readFrom(file, offset).split('\n')
  const first = lines.findIndex((line) => severities.some((word) => line.includes(word)) && !passing.test(line))
  if (first === -1) return lines.filter(Boolean).slice(-3).join(' ') || 'it wrote nothing to its log'
  const following = lines.slice(first + 1, first + 4)
  const end = following.findIndex((line) => !line.includes('DETAIL:  ') && !line.includes('HINT:  '))
  return [lines[first] ?? '', ...following.slice(0, end === -1 ? undefined : end)].map(withoutPrefix).join('; ')
}

const severities = ['PANIC:  ', 'FATAL:  ']

/** What clients are told while a healthy server starts, stops, or has just been made. */
const passing =
  /the database system is (?:starting up|shutting down|not yet accepting)|database "puente" does not exist/

/** The message after `2026-01-31 12:00:00.000 UTC [4242] FATAL:  `. */
function withoutPrefix(line: string): string {
  return line.slice(line.indexOf(':  ') + 3).trim()
}

function readFrom(file: string, offset: number): string {
  let descriptor: number
  try {
    descriptor = openSync(file, 'r')
  } catch {
    return ''
  }
  try {
    const start = Math.max(offset, fstatSync(descriptor).size - tailBytes)
    const buffer = Buffer.alloc(tailBytes)
    return buffer.toString('utf8', 0, readSync(descriptor, buffer, 0, tailBytes, start))
  } finally {
    closeSync(descriptor)
  }
}
