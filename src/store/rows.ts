import type { DraftFormat } from '../domain/draft.ts'
import type { Indicator } from '../domain/indicator.ts'
import type { Observable } from '../domain/observables/observable.ts'
import type { RsitType } from '../domain/rsit.ts'
import { microsecondsOf } from './plain-types.ts'

const ownColumns = `
  i.originator, i.stix_id, i.version, i.handling_id, i.type, i.value, i.compound, i.name, i.description, i.class,
  i.confidence, i.labels, i.asn, i.country, i.created, i.modified, i.valid_from, i.valid_until, i.first_seen, i.last_seen,
  i.recalled, i.stix, i.format, i.position,
  i.date_added::text as date_added`

/** What a query for whole indicators selects, from `indicator i`. */
export const indicatorColumns = `${ownColumns},
  case when i.compound then (
    select json_agg(json_build_object('type', o.type, 'value', o.value) order by o.ordinal)
    from indicator_observable o where o.originator = i.originator and o.stix_id = i.stix_id
  ) end as others`

/** The same from `escrow i`, which has everything in its row. */
export const escrowColumns = `${ownColumns}, i.others::json as others`

/** A row of {@link indicatorColumns}, read with `plainTypes`: times are ISO 8601 text. */
export interface IndicatorRow {
  readonly originator: string
  readonly stix_id: string
  readonly version: number
  readonly handling_id: number
  readonly type: string
  readonly value: string
  readonly compound: boolean
  readonly name: string | null
  readonly description: string | null
  readonly class: string | null
  readonly confidence: number | null
  readonly labels: string[]
  readonly asn: bigint | null
  readonly country: string | null
  readonly created: string
  readonly modified: string
  readonly valid_from: string
  readonly valid_until: string | null
  readonly first_seen: string | null
  readonly last_seen: string | null
  readonly recalled: boolean
  readonly stix: string
  readonly format: string
  readonly position: bigint
  readonly date_added: string
  readonly others: Observable[] | null
}

export const stixIdOf = (uuid: string): string => `indicator--${uuid}`

export function toIndicator(row: IndicatorRow): Indicator {
  return {
    originator: row.originator,
    id: stixIdOf(row.stix_id),
    version: row.version,
    handlingId: row.handling_id,
    type: row.type,
    value: row.value,
    compound: row.compound,
    observables: [{ type: row.type, value: row.value }, ...(row.others ?? [])],
    ...present('name', row.name),
    ...present('description', row.description),
    ...present('class', row.class as RsitType | null),
    ...present('confidence', row.confidence),
    labels: row.labels,
    ...present('asn', row.asn === null ? null : Number(row.asn)),
    ...present('country', row.country),
    created: row.created,
    modified: row.modified,
    validFrom: row.valid_from,
    ...present('validUntil', row.valid_until),
    ...present('firstSeen', row.first_seen),
    ...present('lastSeen', row.last_seen),
    recalled: row.recalled,
    stix: row.stix,
    format: row.format as DraftFormat,
    dateAdded: microsecondsOf(row.date_added),
    position: row.position,
  }
}

const present = <K extends string, V>(key: K, value: V | null): { [P in K]?: V } =>
  value === null ? {} : ({ [key]: value } as { [P in K]: V })
