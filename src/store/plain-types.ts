import { types } from 'pg'

/**
 * Reads timestamps as ISO 8601 text straight from PostgreSQL's (`2026-11-23 00:35:14.201+00`, sessions are in UTC): for rows that
 * go out again, a Date is made only to be written as text, at ten times the cost.
 */
export const plainTypes = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') =>
    oid === types.builtins.TIMESTAMPTZ ? isoOf : types.getTypeParser(oid as never, format as never),
} as typeof types

/** Milliseconds, as `Date.toISOString` writes them; what is finer is cut off. */
export const isoOf = (text: string): string => withDigits(text, 3)

/** The same with microseconds. */
export const microsecondsOf = (text: string): string => withDigits(text, 6)

function withDigits(text: string, digits: number): string {
  const end = text.indexOf('+', 10)
  const point = text.indexOf('.', 10)
  const seconds = `${text.slice(0, 10)}T${text.slice(11, point < 0 ? end : point)}`
  const fraction = point < 0 ? '' : text.slice(point + 1, Math.min(end, point + 1 + digits))
  return `${seconds}.${fraction.padEnd(digits, '0')}Z`
}
