import type { Jurisdiction } from './jurisdiction.ts'
import type { Tlp } from './tlp.ts'

export const purposes = ['defence', 'research', 'law-enforcement'] as const
/** What a reader wants the data for. `defence` unless said otherwise. */
export type Purpose = (typeof purposes)[number]

/** A dated, cited instrument between jurisdictions. Added and ended, never edited in place. */
export interface Agreement {
  readonly id: string
  readonly name: string
  readonly parties: readonly Jurisdiction[]
  /** The strictest label it covers. */
  readonly maxTlp: Tlp
  readonly purposes: readonly Purpose[]
  readonly personalData: boolean
  /** ISO 8601; in force from this instant. */
  readonly validFrom: string
  /** ISO 8601; no longer in force from this instant on. */
  readonly validTo?: string
  readonly citation: string
  /** True for the demo's invented agreements: no claim about any state. */
  readonly example: boolean
}

/** In force at an instant: `validFrom` ≤ at < `validTo`. An edge that cannot be read is never in force. */
export function inForce(agreement: Agreement, at: Date): boolean {
  const instant = at.getTime()
  if (!(Date.parse(agreement.validFrom) <= instant)) return false
  return agreement.validTo === undefined || instant < Date.parse(agreement.validTo)
}
