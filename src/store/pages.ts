import type { Indicator } from '../domain/indicator.ts'
import type { Queries } from './database.ts'
import type { LiveColumn } from './live-column.ts'
import { newestIndicators } from './newest.ts'
import { type IndicatorRow, indicatorColumns, toIndicator } from './rows.ts'
import { Parameters, queryVisible, type VisibleTo, visibleCondition } from './visible.ts'

/** What a page asks for; each member narrows. Handling is not here: it narrows the bitmap instead. */
export interface PageFilter {
  readonly types?: readonly string[]
  /** 16-byte key of an exact value. */
  readonly valueKey?: Buffer
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
  /** ISO 8601: the instant at which `status` is judged. */
  readonly at: string
}

/** A page, and the position below which the next one begins. */
export interface PageOfIndicators {
  readonly indicators: Indicator[]
  /** Absent when there is nothing more. */
  readonly next?: bigint
}

/** The newest visible indicators first, below a position. */
export async function pageOfIndicators(
  queries: Queries,
  column: LiveColumn,
  visible: VisibleTo,
  filter: PageFilter,
  below: bigint | undefined,
  limit: number,
): Promise<PageOfIndicators> {
  if (isUnfiltered(filter)) return await newestIndicators(queries, column, visible, below, limit)
  const parameters = new Parameters()
  const conditions = [visibleCondition(visible, parameters), ...conditionsOf(filter, parameters)]
  const before = below === undefined ? 'true' : `position < ${parameters.add(String(below))}::bigint`
  // One more than asked tells whether there is a next page.
  const rows = await queryVisible<IndicatorRow>(
    queries,
    visible,
    `select ${indicatorColumns} from ${scanOf(filter, before)} where ${conditions.join(' and ')}
     order by i.position desc limit ${parameters.add(limit + 1)}`,
    parameters,
  )
  return pageOf(rows.map(toIndicator), limit)
}

function pageOf(found: Indicator[], limit: number): PageOfIndicators {
  const indicators = found.slice(0, limit)
  const last = indicators.at(-1)
  return found.length > limit && last !== undefined ? { indicators, next: last.position } : { indicators }
}

/** Whether a filter asks nothing of the rows: only of their handling, which narrowed the permission already. */
function isUnfiltered({ at: _, status, ...others }: PageFilter): boolean {
  const all = status === undefined || (status.includes('active') && status.includes('expired') && status.length === 2)
  return all && Object.values(others).every((each) => each === undefined)
}

/**
 * Where the rows come from. With a condition that an index answers the planner is free; without one the feed is walked from its
 * end (`offset 0` keeps the other conditions out of the walk). Left free there too, the planner takes the permission for more
 * selective than it is, and reads and sorts the whole table.
 */
function scanOf(filter: PageFilter, before: string): string {
  const { valueKey, network, domainReversed, countries, asns } = filter
  const indexed = [valueKey, network, domainReversed, countries, asns].some((each) => each !== undefined)
  return indexed
    ? `(select * from indicator where ${before}) i`
    : `(select * from indicator where ${before} order by position desc offset 0) i`
}

function conditionsOf(filter: PageFilter, parameters: Parameters): string[] {
  const conditions: string[] = []
  const any = (column: string, values: readonly unknown[] | undefined, type: string) => {
    if (values !== undefined) conditions.push(`${column} = any(${parameters.add(values)}::${type}[])`)
  }
  any('i.type', filter.types, 'text')
  any('i.class', filter.classes, 'text')
  any('i.country', filter.countries, 'text')
  any('i.asn', filter.asns, 'bigint')
  if (filter.valueKey !== undefined) {
    const key = parameters.add(filter.valueKey)
    conditions.push(`(i.value_key = ${key} or (i.compound and exists (
      select from indicator_observable o where o.originator = i.originator and o.stix_id = i.stix_id and o.value_key = ${key})))`)
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
