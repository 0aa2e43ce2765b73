import type { Log } from '../actions/index.ts'
import { type LogLevel, logLevels } from '../config-values.ts'
import { wordsOf } from '../domain/error-words.ts'

/**
 * A log for machines and people: one JSON object a line on standard error, `{time, level, message, …facts}`. Standard
 * output stays free for answers.
 * @param write takes whole lines
 */
export function openLog(level: LogLevel, write: (line: string) => void = (line) => process.stderr.write(line)): Log {
  const at = (own: LogLevel) => (facts: object, message: string) => {
    if (logLevels.indexOf(own) < logLevels.indexOf(level)) return
    write(`${JSON.stringify({ time: new Date().toISOString(), level: own, message, ...facts }, plain)}\n`)
  }
  return { info: at('info'), warn: at('warn'), error: at('error') }
}

/** Errors and big integers have no JSON of their own. */
function plain(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value)
  if (!(value instanceof Error)) return value
  const { name, cause } = value
  const { code } = value as { readonly code?: unknown }
  return { name, code, ...wordsOf(value), ...(cause === undefined ? {} : { cause }) }
}
