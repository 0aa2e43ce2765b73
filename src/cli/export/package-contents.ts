import { createHash } from 'node:crypto'

/** Something in a package that does not hold, and where. */
export interface PackageFault {
  /** The file, `package` for the zip itself; of indicators.ndjson with line and id. */
  readonly where: string
  readonly what: string
}

/** SHA-256, hex. */
export const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** Buffers of browsers read malformed UTF-8 otherwise than Node's; both have this decoder. */
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true })
export const textOf = (bytes: Uint8Array | undefined): string => utf8.decode(bytes ?? new Uint8Array(0))

/** A JSON object; nothing for anything else. */
export function parsed(bytes: Uint8Array): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(textOf(bytes))
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}
