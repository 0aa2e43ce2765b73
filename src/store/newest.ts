import type { Indicator } from '../domain/indicator.ts'
import { wordsOf } from './column.ts'
import type { Queries } from './database.ts'
import type { LiveColumn } from './live-column.ts'
import type { PageOfIndicators } from './pages.ts'
import { type IndicatorRow, indicatorColumns, toIndicator } from './rows.ts'
import { type Answer, askVisible, Parameters, type VisibleTo, visibleCondition } from './visible.ts'

/** Looks at the column again when rows moved on under a page, at most this often; then the page is as short as it is. */
const attempts = 4

/**
 * The newest visible indicators without any other condition. The column says where they stand, SQL fetches them by position and
 * checks each again: whoever may see little waits no longer than who sees everything.
 */
export async function newestIndicators(
  queries: Queries,
  column: LiveColumn,
  visible: VisibleTo,
  below: bigint | undefined,
  limit: number,
): Promise<PageOfIndicators> {
  const permitted = wordsOf(visible.bitmap)
  if (column.now.head === 0) await column.catchUp()
  for (let attempt = 1; ; attempt++) {
    const { head } = column.now
    const found = column.now.newestBelow(permitted, below === undefined ? head + 1 : Number(below), limit + 1)
    const wanted = found.slice(0, limit)
    const answer = await fetchAt(queries, visible, wanted)
    const complete = answer.rows.length === wanted.length
    // The first page tells of everything that was committed before it was asked for; later ones only must not lack rows.
    const current = below !== undefined || attempt > 1 || answer.head <= head
    if ((complete && current) || attempt === attempts) {
      const last = wanted.at(-1)
      return {
        indicators: answer.rows.map(toIndicator),
        ...(found.length > limit && last !== undefined ? { next: BigInt(last) } : {}),
      }
    }
    await column.catchUp()
  }
}

/** Whatever of these positions is visible, the newest first. */
export async function indicatorsAt(
  queries: Queries,
  visible: VisibleTo,
  positions: readonly number[],
): Promise<Indicator[]> {
  const { rows } = await fetchAt(queries, visible, positions)
  return rows.map(toIndicator)
}

function fetchAt(queries: Queries, visible: VisibleTo, positions: readonly number[]): Promise<Answer<IndicatorRow>> {
  const parameters = new Parameters()
  const condition = visibleCondition(visible, parameters)
  const body = `select ${indicatorColumns} from indicator i
     where i.position = any(${parameters.add(positions)}::bigint[]) and ${condition} order by i.position desc`
  return askVisible<IndicatorRow>(queries, visible, body, parameters, 'indicators by position')
}
