import { hash } from 'node:crypto'

/** The number of a UUID, in decimal. MISP's ids are numbers; ones that count would tell how much there is. */
export const numberOf = (uuid: string): string => BigInt(`0x${uuid.replaceAll('-', '')}`).toString()

/** The UUID that a MISP client names: as it is, or by its number. @returns undefined for anything else */
export function uuidOfNumber(text: string): string | undefined {
  const name = text.toLowerCase()
  if (/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/.test(name)) return name
  if (!/^[0-9]{1,39}$/.test(name)) return undefined
  const hex = BigInt(name).toString(16).padStart(32, '0')
  return hex.length === 32 ? dashed(hex) : undefined
}

/** A UUID that a text determines, for what has none: shaped as version 5. */
export function derivedUuid(text: string): string {
  const hex = hash('sha256', `puente misp|${text}`)
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 0x3) | 0x8).toString(16)
  return dashed(`${hex.slice(0, 12)}5${hex.slice(13, 16)}${variant}${hex.slice(17, 32)}`)
}

const dashed = (hex: string): string =>
  `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
