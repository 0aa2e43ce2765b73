import type { Queries } from './database.ts'
import { conditionsOf, type PageFilter } from './filters.ts'
import { type IndicatorRow, indicatorColumns } from './rows.ts'
import { type Territory, territoryCandidates } from './territory.ts'
import { Parameters, queryVisible, type VisibleTo, visibleCondition } from './visible.ts'

/** Indicators that are looked at one by one from the newest on, before the indexes are asked. */
const nearRows = 20_000

/**
 * The newest visible indicators that concern one organisation. Where much concerns it a page is found among the newest; where little does,
 * what is older is found by the indexes on networks, AS numbers, countries and names, and is little enough to be sorted.
 * @param limit at most so many rows
 */
export async function rowsOfTerritory(
  queries: Queries,
  visible: VisibleTo,
  filter: PageFilter & { readonly territory: Territory },
  below: bigint | undefined,
  limit: number,
  near = nearRows,
): Promise<IndicatorRow[]> {
  const ask = (from: (before: string, parameters: Parameters) => string, wanted: number) => {
    const parameters = new Parameters()
    const before = below === undefined ? 'true' : `position < ${parameters.add(String(below))}::bigint`
    const conditions = [visibleCondition(visible, parameters), ...conditionsOf(filter, parameters)]
    return queryVisible<IndicatorRow>(
      queries,
      visible,
      `select ${indicatorColumns} from ${from(before, parameters)} where ${conditions.join(' and ')}
       order by i.position desc limit ${parameters.add(wanted)}`,
      parameters,
    )
  }
  const newest = (before: string) => `select position from indicator where ${before} order by position desc`
  const found = await ask(
    (before, parameters) =>
      `(select * from indicator where ${before} order by position desc limit ${parameters.add(near)}) i`,
    limit,
  )
  if (found.length === limit) return found
  const older = await ask(
    (before, parameters) => `(select distinct position from (${territoryCandidates(filter.territory, parameters)}) c
       where ${before} and position < (select min(position) from (${newest(before)} limit ${parameters.add(near)}) n)) c
       join indicator i using (position)`,
    limit - found.length,
  )
  return [...found, ...older]
}
