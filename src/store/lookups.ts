import type { Indicator } from '../domain/indicator.ts'
import type { Queries } from './database.ts'
import { type IndicatorRow, indicatorColumns, toIndicator } from './rows.ts'
import { Parameters, queryVisible, type VisibleTo, visibleCondition } from './visible.ts'

export interface Match {
  /** Index of the key that matched. */
  readonly key: number
  readonly indicator: Indicator
}

/**
 * The visible indicators that hold any of these keys, as their value or as one of their observables; at most
 * `limitPerKey` of each, the newest.
 * @param keys 16 bytes each
 */
export async function matchKeys(
  queries: Queries,
  visible: VisibleTo,
  keys: readonly Buffer[],
  limitPerKey: number,
): Promise<Match[]> {
  const parameters = new Parameters()
  const condition = visibleCondition(visible, parameters)
  const limit = parameters.add(limitPerKey)
  const rows = await queryVisible<IndicatorRow & { key_number: bigint }>(
    queries,
    visible,
    `select k.n as key_number, ${indicatorColumns}
     from unnest(${parameters.add(keys)}::bytea[]) with ordinality k (key, n)
     cross join lateral (
       (select * from indicator i where i.value_key = k.key and ${condition} order by i.position desc limit ${limit})
       union
       (select i.* from indicator_observable o join indicator i using (originator, stix_id)
        where o.value_key = k.key and ${condition} order by i.position desc limit ${limit})
     ) i
     order by k.n, i.position desc`,
    parameters,
  )
  return rows.map((row) => ({ key: Number(row.key_number) - 1, indicator: toIndicator(row) }))
}
