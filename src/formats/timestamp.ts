/** `stix`: exactly as STIX 2.1 §3.2 writes it (T, Z). `rfc3339`: any zone. `loose`: also a date alone or no zone (UTC). */
export type TimestampForm = 'stix' | 'rfc3339' | 'loose'

/**
 * Reads a time of day and date into ISO 8601 UTC with milliseconds or microseconds, what is finer cut off as the database has no room for
 * it (rounded up, the last instant of the year 9999 would be of another year); undefined when it is none. Written by hand, one character
 * after the other: no expression that could backtrack.
 */
export function parseTimestamp(text: string, form: TimestampForm): string | undefined {
  if (text.length < 10 || text.length > 40 || text[4] !== '-' || text[7] !== '-') return undefined
  const [year, month, day] = [digits(text, 0, 4), digits(text, 5, 2), digits(text, 8, 2)]
  if (text.length === 10) return form === 'loose' ? isoOf([year, month, day, 0, 0, 0], '', 0) : undefined
  if (text[13] !== ':' || text[16] !== ':' || !separators[form].includes(text.charAt(10))) return undefined
  const [hour, minute, second] = [digits(text, 11, 2), digits(text, 14, 2), digits(text, 17, 2)]
  let at = 19
  if (text[at] === '.') {
    at++
    while (isDigit(text.charCodeAt(at))) at++
    if (at === 20 || at > 29) return undefined
  }
  const offset = zoneMinutes(text.slice(at), form)
  return offset === undefined ? undefined : isoOf([year, month, day, hour, minute, second], text.slice(20, at), offset)
}

const separators: Record<TimestampForm, string> = { stix: 'T', rfc3339: 'Tt ', loose: 'Tt ' }

const isDigit = (code: number): boolean => code >= 48 && code <= 57

/** The number written in `count` digits, or NaN. */
function digits(text: string, start: number, count: number): number {
  let number = 0
  for (let at = start; at < start + count; at++) {
    const code = text.charCodeAt(at)
    if (!isDigit(code)) return Number.NaN
    number = number * 10 + code - 48
  }
  return number
}

function zoneMinutes(zone: string, form: TimestampForm): number | undefined {
  if (zone === 'Z') return 0
  if (form === 'stix') return undefined
  if (zone === 'z') return 0
  if (zone === '') return form === 'loose' ? 0 : undefined
  const sign = zone[0] === '+' ? 1 : zone[0] === '-' ? -1 : 0
  const minutes = digits(zone, 1, 2) * 60 + digits(zone, 4, 2)
  if (sign === 0 || zone.length !== 6 || zone[3] !== ':' || digits(zone, 4, 2) > 59) return undefined
  return Number.isNaN(minutes) || minutes > 23 * 60 + 59 ? undefined : sign * minutes
}

type Parts = readonly [number, number, number, number, number, number]

function isoOf(parts: Parts, fraction: string, offset: number): string | undefined {
  const [year, month, day, hour, minute, second] = parts
  if (!(year >= 1 && month >= 1 && month <= 12 && day >= 1 && day <= daysOf(year, month))) return undefined
  if (!(hour <= 23 && minute <= 59 && second <= 59)) return undefined
  const whole = offset === 0 ? written(parts) : shifted(parts, offset)
  return whole === undefined ? undefined : `${whole}.${fraction.slice(0, 6).padEnd(3, '0')}Z`
}

const daysOf = (year: number, month: number): number => {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}

const two = (number: number): string => (number < 10 ? `0${number}` : `${number}`)

const written = ([year, month, day, hour, minute, second]: Parts): string =>
  `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}T${two(hour)}:${two(minute)}:${two(second)}`

/** The same in UTC, unless that is outside the years 1 to 9999. A Date is slow, and only zones need one. */
function shifted([year, month, day, hour, minute, second]: Parts, offset: number): string | undefined {
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  date.setUTCHours(hour, minute - offset, second)
  const inUtc = date.getUTCFullYear()
  return inUtc < 1 || inUtc > 9999 ? undefined : date.toISOString().slice(0, 19)
}
