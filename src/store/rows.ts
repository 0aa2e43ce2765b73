import type { DraftFormat } from '../domain/draft.ts'
import type { Indicator } from '../domain/indicator.ts'
import type { Observable } from '../domain/observables/observable.ts'
import type { RsitType } from '../domain/rsit.ts'

/** What a query for whole indicators selects, from `indicator i`. */
export const indicatorColumns = `
  i.originator, i.stix_id, i.version, i.handling_id, i.type, i.value, i.compound, i.name, i.description, i.class,
  i.confidence, i.labels, i.asn, i.country, i.created, i.modified, i.valid_from, i.valid_until, i.first_seen, i.last_seen,
  i.recalled, i.stix, i.format, i.position,
  to_char(i.date_added at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as date_added,
  case when i.compound then (
    select json_agg(json_build_object('type', o.type, 'value', o.value) order by o.ordinal)
    from indicator_observable o where o.originator = i.originator and o.stix_id = i.stix_id
  ) end as others`

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
  readonly created: Date
  readonly modified: Date
  readonly valid_from: Date
  readonly valid_until: Date | null
  readonly first_seen: Date | null
  readonly last_seen: Date | null
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
    created: row.created.toISOString(),
    modified: row.modified.toISOString(),
    validFrom: row.valid_from.toISOString(),
    ...present('validUntil', row.valid_until?.toISOString() ?? null),
    ...present('firstSeen', row.first_seen?.toISOString() ?? null),
    ...present('lastSeen', row.last_seen?.toISOString() ?? null),
    recalled: row.recalled,
    stix: row.stix,
    format: row.format as DraftFormat,
    dateAdded: row.date_added,
    position: row.position,
  }
}

const present = <K extends string, V>(key: K, value: V | null): { [P in K]?: V } =>
  value === null ? {} : ({ [key]: value } as { [P in K]: V })
