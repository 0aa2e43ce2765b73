import { PlaceCursors } from '../auth/place-cursors.ts'
import type { Caller } from '../domain/caller.ts'
import { Fault } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import type { Released } from '../domain/released.ts'
import { pageOfIndicators } from '../store/pages.ts'
import type { Context } from './context.ts'
import { handlingFilter, looksInside, pageFilter, type SearchFilter } from './search-filter.ts'
import { territoryFor } from './territory.ts'
import { verb } from './verb.ts'
import { permittedFor, recordReading, releaseAll, visibleTo } from './visible.ts'

export interface SearchInput {
  readonly filter: SearchFilter
  readonly cursor?: string
  /** 1–1,000; 100 when absent. */
  readonly limit?: number
}

export interface Page {
  readonly items: readonly Released[]
  /** The cursor after an item, by its index; sealed when asked for, since most readers want only `next`. */
  readonly cursorAfter: (index: number) => string
  /** Absent on the last page. */
  readonly next?: string
}

/** A page of what the caller may see, the newest first. */
export const search = verb(
  'search',
  async (context: Context, caller: Caller, input: SearchInput, standing): Promise<Page> => {
    const permitted = permittedFor(context, caller, standing)
    const { filter } = input
    const visible = visibleTo(
      permitted,
      standing,
      caller,
      looksInside(filter) ? 'content' : 'whole',
      handlingFilter(caller, filter),
    )
    const territory = await territoryFor(context, caller, filter)
    const cursors = new PlaceCursors(context.node.cursorKey, context.node.feedEpoch, boundTo(caller, filter))
    const limit = Math.min(input.limit ?? limits.pageRecordsDefault, limits.pageRecords)
    const below = input.cursor === undefined ? undefined : cursors.open(input.cursor)
    if (below !== undefined) await refuseFuture(context, below)
    const page = await pageOfIndicators(
      context.database,
      context.column,
      visible,
      pageFilter(context, filter, territory),
      below === undefined ? undefined : BigInt(below),
      limit,
    )
    const items = page.indicators
    const released = releaseAll(context, caller, standing, permitted, items)
    await recordReading(context, caller, standing, 'search', items)
    const cursorAfter = (index: number): string => {
      const item = items[index]
      if (item === undefined) throw new Error('a cursor was asked for beyond the page')
      return cursors.seal(Number(item.position))
    }
    return {
      items: released,
      cursorAfter,
      ...(page.next === undefined ? {} : { next: cursors.seal(Number(page.next)) }),
    }
  },
  { checkedWithRows: true },
)

/** A cursor is good for the reader and the query it was given for; the page size may change between pages. */
const boundTo = (caller: Caller, filter: SearchFilter): readonly unknown[] => [
  'search',
  caller.reader.account ?? null,
  caller.purpose,
  filter,
]

/** A position that was never given out: cursors from before a restore may hold one. @throws {Fault} `cursor_from_future` */
async function refuseFuture(context: Context, position: number): Promise<void> {
  if (position > context.column.now.head) await context.column.catchUp()
  if (position > context.column.now.head) {
    throw new Fault('cursor_from_future', 'This cursor lies beyond the end of the feed; start again without it.')
  }
}
