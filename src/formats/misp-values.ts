import type { Fields } from './fields.ts'
import { isUuid } from './stix-id.ts'
import { parseTimestamp } from './timestamp.ts'

/** Values as MISP spells them. */

/** MISP writes truth as a boolean, a number or a text, depending on the export. */
export const isTrue = (value: unknown): boolean => value === true || value === 1 || value === '1'

/** A text; MISP says null, or nothing, for "none". @throws {Fault} `invalid_misp` */
export function optionalText(fields: Fields, name: string, characters?: number): string | undefined {
  const value = own(fields, name)
  return value === null || value === '' ? undefined : fields.text(name, characters)
}

/** A text, or a number that was not written as one. */
export function valueText(fields: Fields): string {
  const value = own(fields, 'value')
  if (typeof value === 'number') return String(value)
  return fields.requiredText('value')
}

/** Seconds since 1970 as text or number → ISO 8601 UTC; `"0"` and absence say nothing. @throws {Fault} `invalid_misp` */
export function unixTime(fields: Fields, name: string): string | undefined {
  const seconds = optionalInteger(fields, name, 0, 253_402_300_799, `"${name}" must be seconds since 1970`)
  return seconds === undefined || seconds === 0 ? undefined : new Date(seconds * 1000).toISOString()
}

/** A whole number, as number or text. @throws {Fault} `invalid_misp` */
export function optionalInteger(
  fields: Fields,
  name: string,
  min: number,
  max: number,
  sentence = `"${name}" must be a whole number from ${min} to ${max}`,
): number | undefined {
  const value = own(fields, name)
  if (value === undefined || value === null || value === '') return undefined
  const number = typeof value === 'string' || typeof value === 'number' ? Number(value) : Number.NaN
  if (!Number.isInteger(number) || number < min || number > max) throw fields.fault(name, sentence)
  return number
}

/** A time as ISO 8601 has it; MISP says null for "not known". @throws {Fault} `invalid_misp` */
export function seen(fields: Fields, name: string): string | undefined {
  const value = own(fields, name)
  if (value === undefined || value === null || value === '') return undefined
  const time = typeof value === 'string' ? parseTimestamp(value, 'loose') : undefined
  if (time === undefined) throw fields.fault(name, `"${name}" must be a time as ISO 8601 writes it`)
  return time
}

/** Any UUID, in lower case. @throws {Fault} `invalid_misp` */
export function uuidIn(fields: Fields, name: string): string | undefined {
  const uuid = optionalText(fields, name, 36)
  if (uuid === undefined) return undefined
  if (!isUuid(uuid)) throw fields.fault(name, `"${name}" must be a UUID`)
  return uuid.toLowerCase()
}

const own = (fields: Fields, name: string): unknown => (fields.has(name) ? fields.object[name] : undefined)
