import { Fault } from '../../domain/errors.ts'
import { isJsonObject } from '../../formats/json-text.ts'
import { isWholeNumber } from '../whole-number.ts'

/** What a client of MISP may say for one parameter, in the forms that MISP has for it. */

/** Longest list of values, ids or tags. */
const listed = 1_000

/** PyMISP leaves out what it was not told; MISP takes `[]` and `""` as not said. */
export const isSaid = (value: unknown): boolean =>
  value !== undefined && value !== null && value !== '' && !(Array.isArray(value) && value.length === 0)

export const isYes = (value: unknown): boolean => value === true || value === 1 || value === '1' || value === 'true'

export function wholeNumber(value: unknown, name: string): number | undefined {
  if (value === undefined || value === 0 || value === '0') return undefined
  const isWhole = typeof value === 'number' || (typeof value === 'string' && isWholeNumber(value))
  const number = isWhole ? Number(value) : Number.NaN
  if (!Number.isSafeInteger(number) || number < 1 || number > 1_000_000)
    throw new Fault('invalid_request', `"${name}" is a whole number from 1 to 1000000.`)
  return number
}

/** One, a list, or `{OR: […]}`. */
export function names(value: unknown, name: string): readonly string[] | undefined {
  const { some, none } = choice(value)
  if (none !== undefined) throw new Fault('invalid_request', `"${name}" cannot be negated here.`)
  if (some?.some((each) => each.includes('%')) === true)
    throw new Fault('invalid_request', `"${name}" is looked up as it is: wildcards are not known here.`)
  return some
}

/** What is wanted, and what is not: MISP writes the latter as `!name`, or `{NOT: […]}`. */
export function choice(value: unknown): { readonly some?: readonly string[]; readonly none?: readonly string[] } {
  if (value === undefined) return {}
  if (isJsonObject(value)) {
    if (isSaid(value.AND)) throw new Fault('invalid_request', 'AND is not known here.')
    const [some, none] = [value.OR, value.NOT].map((each) => (isSaid(each) ? textsOf(each) : undefined))
    return present<ReturnType<typeof choice>>({ some, none })
  }
  const all = textsOf(value)
  const some = all.filter((each) => !each.startsWith('!'))
  const none = all.filter((each) => each.startsWith('!')).map((each) => each.slice(1))
  return { ...(some.length === 0 ? {} : { some }), ...(none.length === 0 ? {} : { none }) }
}

function textsOf(value: unknown): string[] {
  const all = Array.isArray(value) ? value : [value]
  if (all.length > listed) throw new Fault('too_many_values', `At most ${listed} at once.`)
  return all.map((each) => {
    if (typeof each !== 'string' && typeof each !== 'number') throw new Fault('invalid_request', 'A text was expected.')
    return String(each)
  })
}

export function textOf(value: unknown): string | undefined {
  if (value === undefined) return undefined
  if (typeof value !== 'string') throw new Fault('invalid_request', 'A text was expected.')
  return value.replaceAll('%', '')
}

export function dayOf(value: unknown, name: string): string | undefined {
  if (value === undefined) return undefined
  if (typeof value !== 'string' || !/^\d{4}-\d{2}-\d{2}$/.test(value))
    throw new Fault('invalid_request', `"${name}" is a day, as in 2026-05-01.`)
  return value
}

/** Seconds since 1970, or so long ago (`5d`, `12h`, `30m`); two of them are from and to. */
export function span(value: unknown, now: Date): { readonly since?: string; readonly until?: string } {
  if (value === undefined) return {}
  const [from, to] = Array.isArray(value) ? value : [value]
  return present<{ since?: string; until?: string }>({
    since: instantOf(from, now),
    until: to === undefined ? undefined : instantOf(to, now),
  })
}

const unitMs: Readonly<Record<string, number>> = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000 }

function instantOf(value: unknown, now: Date): string {
  const text = typeof value === 'string' || typeof value === 'number' ? String(value) : ''
  const unit = unitMs[text.slice(-1)]
  const number = Number(unit === undefined ? text : text.slice(0, -1))
  const at = unit === undefined ? number * 1_000 : now.getTime() - number * unit
  if (text === '' || !Number.isFinite(at) || at < 0 || at > 253_402_300_799_000)
    throw new Fault('invalid_request', 'A time is seconds since 1970, or as in 5d, 12h or 30m.')
  return new Date(at).toISOString()
}

export const present = <T extends object>(value: { [K in keyof T]?: T[K] | undefined }): T =>
  Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as T
