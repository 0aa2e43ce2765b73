import type { Indicator } from '../domain/indicator.ts'
import { has, wordsOf } from './column.ts'
import type { Queries } from './database.ts'
import type { LiveColumn } from './live-column.ts'
import type { PageOfIndicators } from './pages.ts'
import { type IndicatorRow, indicatorColumns, toIndicator } from './rows.ts'
import { type Answer, askVisible, confirmVisible, Parameters, type VisibleTo, visibleCondition } from './visible.ts'

/** How often the column is brought up to date under a page, while others publish; then SQL alone says what is there. */
const attempts = 3

/**
 * The newest visible indicators without any other condition. The column says where they stand. One statement confirms, in one
 * snapshot, that the policy is the one decided by and that the column reaches to the feed's end: then what it says is exact
 * (ADR 10), and rows read before need not be read again. Whoever may see little waits no longer than who sees everything.
 */
export async function newestIndicators(
  queries: Queries,
  column: LiveColumn,
  visible: VisibleTo,
  below: bigint | undefined,
  limit: number,
): Promise<PageOfIndicators> {
  const permitted = wordsOf(visible.bitmap)
  for (let attempt = 1; ; attempt++) {
    const { head } = column.now
    const found = column.now.newestBelow(permitted, below === undefined ? head + 1 : Number(below), limit + 1)
    const wanted = found.slice(0, limit)
    const last = wanted.at(-1)
    // One more than asked tells whether there is a next page.
    const next = found.length > limit && last !== undefined ? { next: BigInt(last) } : {}
    if (attempt > attempts)
      return { indicators: (await fetchAt(queries, visible, wanted)).rows.map(toIndicator), ...next }
    const exact = await exactlyAt(queries, column, visible, wanted)
    if (exact !== undefined) return { indicators: [...exact.values()], ...next }
    await column.catchUp()
  }
}

/**
 * What stands at these positions and is visible, if the column has read the feed to its end and the policy is the one decided by; otherwise
 * undefined.
 * @throws {PolicyMoved}
 */
export async function exactlyAt(
  queries: Queries,
  column: LiveColumn,
  visible: VisibleTo,
  positions: readonly number[],
): Promise<Map<number, Indicator> | undefined> {
  const { head } = column.now
  const permitted = wordsOf(visible.bitmap)
  const visibleNow = positions.filter((position) => has(permitted, column.now.at(position)))
  const missing = visibleNow.filter((position) => column.hot.get(position) === undefined)
  const answer = await fetchAt(queries, visible, missing)
  const read = new Map(answer.rows.map(toIndicator).map((each) => [Number(each.position), each]))
  for (const indicator of read.values()) column.hot.keep(indicator)
  if (answer.head !== head) return undefined
  const found = new Map<number, Indicator>()
  for (const position of visibleNow) {
    const indicator = read.get(position) ?? column.hot.get(position)
    if (indicator === undefined) return undefined
    found.set(position, indicator)
  }
  return found
}

/** Whatever of these positions is visible, the newest first, and how far the feed reaches. */
async function fetchAt(
  queries: Queries,
  visible: VisibleTo,
  positions: readonly number[],
): Promise<Answer<IndicatorRow>> {
  if (positions.length === 0) return { rows: [], head: await confirmVisible(queries, visible) }
  const parameters = new Parameters()
  const condition = visibleCondition(visible, parameters)
  const body = `select ${indicatorColumns} from indicator i
     where i.position = any(${parameters.add(positions)}::bigint[]) and ${condition} order by i.position desc`
  return await askVisible<IndicatorRow>(queries, visible, body, parameters, 'indicators by position')
}
