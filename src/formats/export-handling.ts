import type { Released } from '../domain/released.ts'
import { csvCell, releasableCell } from './csv-out.ts'

/** On what the decision about an item rested. */
export interface Grounds {
  /** `permit` or `redact`. */
  readonly effect: string
  readonly rules: readonly string[]
  readonly agreements: readonly string[]
  readonly obligations: readonly string[]
}

const columns = [
  ...['id', 'version', 'originator', 'tlp', 'pap', 'audience', 'releasable_to', 'not_releasable_to', 'law_enforcement'],
  ...['personal_data', 'masked', 'expires_at', 'effect', 'rules', 'agreements', 'obligations'],
]

/** The first line of handling.csv, with its end. */
export const handlingHeader = `${columns.join(',')}\n`

/** What may be done with one item, and by what it was given, as a line. */
export const handlingLine = (item: Released, grounds: Grounds): string =>
  `${[
    item.id,
    item.version,
    item.originator?.id ?? item.alias,
    item.handling.tlp,
    item.handling.pap,
    item.handling.audience.join('|'),
    releasableCell(item.handling),
    item.handling.notReleasableTo?.join('|'),
    item.handling.lawEnforcement,
    item.handling.personalData,
    item.masked,
    item.handling.expiresAt,
    grounds.effect,
    grounds.rules.join('|'),
    grounds.agreements.join('|'),
    grounds.obligations.join(' '),
  ]
    .map(csvCell)
    .join(',')}\n`
