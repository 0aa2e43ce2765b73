import type { Indicator } from '../domain/indicator.ts'
import type { Queries } from './database.ts'
import { conditionsOf, type PageFilter } from './filters.ts'
import type { LiveColumn } from './live-column.ts'
import { newestIndicators } from './newest.ts'
import { type IndicatorRow, indicatorColumns, toIndicator } from './rows.ts'
import { rowsOfTerritory } from './territory-pages.ts'
import { Parameters, queryVisible, type VisibleTo, visibleCondition } from './visible.ts'

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
  const { territory } = filter
  if (territory !== undefined) {
    const found = await rowsOfTerritory(queries, visible, { ...filter, territory }, below, limit + 1)
    return pageOf(found.map(toIndicator), limit)
  }
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
