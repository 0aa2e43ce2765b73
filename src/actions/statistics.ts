import type { Caller } from '../domain/caller.ts'
import type { Handling } from '../domain/handling.ts'
import { type Tlp, tlps } from '../domain/tlp.ts'
import { originatorShown } from '../policy/release.ts'
import { confirmVisible } from '../store/visible.ts'
import type { Context } from './context.ts'
import { handlingFilter, type SearchFilter } from './search-filter.ts'
import { verb } from './verb.ts'
import { permittedFor, visibleTo } from './visible.ts'

/** What of a filter totals can be given for: what is asked of the handling. */
export type StatisticsFilter = Pick<SearchFilter, 'tlp' | 'originator' | 'community'>

export interface Statistics {
  /** Indicators that the caller may see, masked ones included; not those recalled. */
  readonly indicators: number
  readonly byTlp: Readonly<Record<Tlp, number>>
  /** The named originators among them, most first. */
  readonly byOriginator: readonly {
    readonly originator: { readonly id: string; readonly name: string; readonly jurisdiction: string }
    readonly indicators: number
  }[]
}

/** Originators listed. */
const listed = 100

/** How many indicators the caller may see: counted by handling as the feed goes, so a total costs no scan. */
export const statistics = verb(
  'statistics',
  async (context: Context, caller: Caller, filter: StatisticsFilter, standing): Promise<Statistics> => {
    const visible = visibleTo(
      permittedFor(context, caller, standing),
      standing,
      caller,
      'whole',
      handlingFilter(caller, filter),
    )
    await context.column.catchUp()
    const counted = countsOf(
      context,
      (id) => ((visible.bitmap[id >> 3] ?? 0) >> (id & 7)) % 2 === 1,
      standing.visibility.size,
    )
    await confirmVisible(context.database, visible)
    const byTlp = Object.fromEntries(tlps.map((tlp) => [tlp, 0])) as Record<Tlp, number>
    const byOriginator = new Map<string, number>()
    let indicators = 0
    for (const [id, count] of counted) {
      const handling = standing.visibility.handling(id) as Handling
      indicators += count
      byTlp[handling.tlp] += count
      if (!originatorShown(caller.reader, handling)) continue
      byOriginator.set(handling.originator, (byOriginator.get(handling.originator) ?? 0) + count)
    }
    const named = [...byOriginator].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0])).slice(0, listed)
    const { organisations } = standing.directory
    return {
      indicators,
      byTlp,
      byOriginator: named.map(([id, count]) => {
        const known = organisations.get(id)
        return {
          originator: { id, name: known?.name ?? id, jurisdiction: known?.jurisdiction ?? '' },
          indicators: count,
        }
      }),
    }
  },
)

function countsOf(context: Context, has: (id: number) => boolean, size: number): [id: number, count: number][] {
  const counts: [number, number][] = []
  for (let id = 1; id < size; id++) {
    const count = has(id) ? context.column.now.countOf(id) : 0
    if (count > 0) counts.push([id, count])
  }
  return counts
}
