import { type Territory, territoryCondition } from './territory.ts'
import type { Parameters } from './visible.ts'

/** What a page asks for; each member narrows. Handling is not here: it narrows the bitmap instead. */
export interface PageFilter {
  readonly types?: readonly string[]
  /** 16-byte key of an exact value. */
  readonly valueKey?: Buffer
  /** Likewise, any of several. */
  readonly valueKeys?: readonly Buffer[]
  /** Substring of value or name, any case. */
  readonly text?: string
  readonly classes?: readonly string[]
  readonly countries?: readonly string[]
  readonly asns?: readonly number[]
  /** CIDR: indicators within it. */
  readonly network?: string
  /** Suffix of the domain, labels reversed. */
  readonly domainReversed?: string
  /** ISO 8601, on `dateAdded`: from (inclusive) … to (exclusive). */
  readonly since?: string
  readonly until?: string
  readonly minConfidence?: number
  readonly status?: readonly ('active' | 'expired' | 'recalled')[]
  /** What concerns one organisation. */
  readonly territory?: Territory
  /** ISO 8601: the instant at which `status` is judged. */
  readonly at: string
}

/** How one finds a compound row `i` by its second or further observable, under a condition on its key. */
export type FurtherObservable = (matches: (key: string) => string) => string

const inTable: FurtherObservable = (matches) =>
  `select from indicator_observable o where o.originator = i.originator and o.stix_id = i.stix_id and ${matches('o.value_key')}`

/** @param further where further observables are: of an indicator in a table of their own */
export function conditionsOf(
  filter: PageFilter,
  parameters: Parameters,
  further: FurtherObservable = inTable,
): string[] {
  const conditions: string[] = []
  const any = (column: string, values: readonly unknown[] | undefined, type: string) => {
    if (values !== undefined) conditions.push(`${column} = any(${parameters.add(values)}::${type}[])`)
  }
  any('i.type', filter.types, 'text')
  any('i.class', filter.classes, 'text')
  any('i.country', filter.countries, 'text')
  any('i.asn', filter.asns, 'bigint')
  const byKey = (matches: (key: string) => string) =>
    conditions.push(`(${matches('i.value_key')} or (i.compound and exists (${further(matches)})))`)
  if (filter.valueKey !== undefined) {
    const wanted = parameters.add(filter.valueKey)
    byKey((key) => `${key} = ${wanted}`)
  }
  if (filter.valueKeys !== undefined) {
    const wanted = `any(${parameters.add(filter.valueKeys)}::bytea[])`
    byKey((key) => `${key} = ${wanted}`)
  }
  if (filter.text !== undefined) {
    const text = `lower(${parameters.add(filter.text)})`
    conditions.push(`(position(${text} in lower(i.value)) > 0 or position(${text} in lower(coalesce(i.name, ''))) > 0)`)
  }
  if (filter.network !== undefined) conditions.push(`i.network <<= ${parameters.add(filter.network)}::inet`)
  if (filter.domainReversed !== undefined) {
    const suffix = parameters.add(filter.domainReversed)
    conditions.push(`(i.domain_reversed = ${suffix} or starts_with(i.domain_reversed, ${suffix} || '.'))`)
  }
  if (filter.since !== undefined) conditions.push(`i.date_added >= ${parameters.add(filter.since)}::timestamptz`)
  if (filter.until !== undefined) conditions.push(`i.date_added < ${parameters.add(filter.until)}::timestamptz`)
  if (filter.minConfidence !== undefined) conditions.push(`i.confidence >= ${parameters.add(filter.minConfidence)}`)
  if (filter.territory !== undefined) conditions.push(territoryCondition(filter.territory, parameters))
  conditions.push(statusCondition(filter.status ?? ['active', 'expired'], filter.at, parameters))
  return conditions
}

function statusCondition(status: NonNullable<PageFilter['status']>, at: string, parameters: Parameters): string {
  if (status.every((name) => name === 'recalled')) return 'i.recalled'
  const instant = `${parameters.add(at)}::timestamptz`
  const each = {
    active: `(not i.recalled and (i.valid_until is null or i.valid_until > ${instant}))`,
    expired: `(not i.recalled and i.valid_until <= ${instant})`,
    recalled: 'i.recalled',
  }
  return `(${[...new Set(status)].map((name) => each[name]).join(' or ')})`
}
