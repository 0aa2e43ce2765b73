import type { ExplainInput, Explanation } from '../../actions/explain.ts'
import type { Change, FollowFilter } from '../../actions/follow.ts'
import type { HistoryEntry } from '../../actions/history.ts'
import { actions } from '../../actions/index.ts'
import { Live } from '../../actions/live.ts'
import type { LookupValue } from '../../actions/lookup.ts'
import type { ReadInput } from '../../actions/named-source.ts'
import type { SearchFilter } from '../../actions/search-filter.ts'
import type { StatisticsFilter } from '../../actions/statistics.ts'
import { Fault } from '../../domain/errors.ts'
import { limits } from '../../domain/limits.ts'
import type { Released } from '../../domain/released.ts'
import { tlps } from '../../domain/tlp.ts'
import { type Asked, orNull, reading, withoutNulls } from './asked.ts'
import { searchFilter } from './filter.ts'
import { globalIdOf, localIdOf } from './global-id.ts'

interface PageArgs {
  readonly filter?: SearchFilter
  readonly first?: number
  readonly after?: string
}

interface FeedArgs extends Omit<PageArgs, 'filter'> {
  readonly filter?: FollowFilter
  readonly fromNow?: boolean
}

/** The fields of `Query` about indicators. */
export const indicatorQueries = {
  indicators: reading(async ({ context, caller }: Asked, { filter, first, after }: PageArgs) => {
    const limit = within('/first', first ?? limits.pageRecordsDefault, limits.pageRecords)
    const page = await actions.search(context, caller, {
      filter: searchFilter(filter ?? {}),
      limit,
      ...(after === undefined ? {} : { cursor: after }),
    })
    return {
      edges: page.items.map((node, i) => ({
        node,
        // Sealed where it is asked for: most want the last one alone.
        get cursor() {
          return page.cursorAfter(i)
        },
      })),
      pageInfo: {
        hasNextPage: page.next !== undefined,
        endCursor: page.items.length === 0 ? undefined : page.cursorAfter(page.items.length - 1),
        hasPreviousPage: after !== undefined,
        startCursor: page.items.length === 0 ? undefined : page.cursorAfter(0),
      },
    }
  }),
  indicator: reading(({ context, caller }: Asked, input: ReadInput) =>
    orNull(actions.read(context, caller, readInput(input))),
  ),
  lookup: reading(async ({ context, caller }: Asked, args: { values: LookupValue[]; limitPerValue?: number }) => {
    const limitPerValue = within('/limitPerValue', args.limitPerValue ?? 10, 100)
    return await actions.lookup(context, caller, { values: args.values, limitPerValue })
  }),
  changes: reading(async ({ context, caller }: Asked, { filter, after, fromNow, first }: FeedArgs) => {
    const { items, cursor, more } = await actions.follow(context, caller, {
      filter: searchFilter(filter ?? {}),
      limit: within('/first', first ?? limits.pageRecordsDefault, limits.pageRecords),
      fromNow: fromNow === true,
      ...(after === undefined ? {} : { cursor: after }),
    })
    return { cursor, more, entries: items.map(entryOf) }
  }),
  statistics: reading(async ({ context, caller }: Asked, { filter }: { filter?: StatisticsFilter }) => {
    const { byTlp, ...totals } = await actions.statistics(context, caller, searchFilter(filter ?? {}))
    return { ...totals, byTlp: tlps.map((tlp) => ({ tlp, indicators: byTlp[tlp] })) }
  }),
  explain: reading((asked: Asked, input: ExplainInput) => explain(asked, input)),
  history: reading((asked: Asked, input: ReadInput) =>
    orNull(actions.history(asked.context, asked.caller, readInput(input))),
  ),
  observations: reading((asked: Asked, input: ReadInput) =>
    orNull(actions['read-observations'](asked.context, asked.caller, readInput(input))),
  ),
}

const entryOf = ({ id, ...entry }: Change) => ({ ...entry, stixId: id })

/** The field of `Subscription`: the feed, without end. What ends it is told by whoever serves it. */
export const feedSubscription = {
  feed: {
    subscribe: (_root: unknown, args: FeedArgs, asked: Asked & { live?: Live }): AsyncIterableIterator<object> => {
      const { filter, after, fromNow } = withoutNulls(args)
      const live = new Live(asked.context, asked.caller, {
        filter: searchFilter(filter ?? {}),
        fromNow: fromNow === true,
        ...(after === undefined ? {} : { cursor: after }),
      })
      asked.live = live
      return {
        [Symbol.asyncIterator]() {
          return this
        },
        next: async () => {
          const { done, value } = await live.next()
          if (done === true) return { done, value }
          return { done: false, value: { feed: { entries: value.items.map(entryOf), cursor: value.cursor } } }
        },
        return: () => live.return(),
      }
    },
  },
}

/** Fields of types that are not simply members of what the actions return. */
export const indicatorTypes = {
  Indicator: {
    id: ({ id }: Released) => globalIdOf('Indicator', id),
    stixId: ({ id }: Released) => id,
    history: async (indicator: Released, _args: object, { context, caller }: Asked): Promise<HistoryEntry[] | null> => {
      const entries = await orNull(actions.history(context, caller, sourced(indicator)))
      // Two sources that stay anonymous may share a STIX id; a history is shown with its own indicator only.
      const present = entries?.at(-1)?.indicator
      return present !== undefined && sameSource(present, indicator) ? entries : null
    },
    explain: (indicator: Released, args: Pick<ExplainInput, 'organisation' | 'account'>, asked: Asked) =>
      explain(asked, { ...withoutNulls(args), ...sourced(indicator) }),
  },
  Explanation: {
    stixId: ({ id }: Explanation) => id,
    organisation: async ({ organisation }: Explanation, _args: object, { known }: Asked) =>
      (await known.organisations()).get(organisation),
  },
}

const explain = (asked: Asked, { organisation, account, ...input }: ExplainInput): Promise<Explanation | null> =>
  orNull(
    actions.explain(asked.context, asked.caller, {
      ...readInput(input),
      ...(organisation === undefined ? {} : { organisation: localIdOf('Organisation', organisation) }),
      ...(account === undefined ? {} : { account: localIdOf('Account', account) }),
    }),
  )

export const readInput = ({ id, originator }: ReadInput): ReadInput => ({
  id: localIdOf('Indicator', id),
  ...(originator === undefined ? {} : { originator: localIdOf('Organisation', originator) }),
})

const sourced = ({ id, originator }: Released): ReadInput => ({
  id,
  ...(originator === undefined ? {} : { originator: originator.id }),
})

const sameSource = (a: Released, b: Released): boolean => a.alias === b.alias && a.originator?.id === b.originator?.id

/** A number of items from 1 to the most there may be. */
export function within(pointer: string, wanted: number, most: number): number {
  if (wanted >= 1 && wanted <= most) return wanted
  throw new Fault('invalid_request', `A number from 1 to ${most}, please.`, { position: { pointer } })
}
