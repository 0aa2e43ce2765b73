import { createHash } from 'node:crypto'
import { openCursor, sealCursor } from '../auth/cursors.ts'
import type { Caller } from '../domain/caller.ts'
import type { Handling } from '../domain/handling.ts'
import { limits } from '../domain/limits.ts'
import type { Released } from '../domain/released.ts'
import type { Tlp } from '../domain/tlp.ts'
import { knowsCommunity } from '../policy/permissions.ts'
import { originatorShown } from '../policy/release.ts'
import { type PageFilter, pageOfIndicators } from '../store/pages.ts'
import type { Context } from './context.ts'
import { searchKeys } from './search-keys.ts'
import { verb } from './verb.ts'
import { permittedFor, recordReading, releaseAll, visibleTo } from './visible.ts'

/** What to find; members join by AND, items of a member by OR. */
export interface SearchFilter {
  readonly type?: readonly string[]
  /** A value exactly, in any accepted spelling; defanged too. */
  readonly value?: string
  /** A substring of value or name. */
  readonly q?: string
  readonly tlp?: readonly Tlp[]
  /** RSIT classes or types. */
  readonly class?: readonly string[]
  readonly country?: readonly string[]
  readonly asn?: readonly number[]
  /** CIDR: what lies in it. */
  readonly network?: string
  /** A domain and everything under it. */
  readonly domain?: string
  readonly originator?: readonly string[]
  readonly community?: readonly string[]
  /** ISO 8601, on `dateAdded`: since (inclusive), until (exclusive). */
  readonly since?: string
  readonly until?: string
  /** 0–100. */
  readonly minConfidence?: number
  readonly status?: readonly ('active' | 'expired' | 'recalled')[]
}

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
    const content =
      filter.q !== undefined ||
      filter.network !== undefined ||
      filter.domain !== undefined ||
      filter.asn !== undefined ||
      filter.country !== undefined
    const visible = visibleTo(
      permitted,
      standing,
      caller,
      content ? 'content' : 'whole',
      handlingFilter(caller, filter),
    )
    const bound = boundTo(caller, filter)
    const limit = Math.min(input.limit ?? limits.pageRecordsDefault, limits.pageRecords)
    const below =
      input.cursor === undefined
        ? undefined
        : openCursor(context.node.cursorKey, input.cursor, context.node.feedEpoch, bound).position
    const page = await pageOfIndicators(
      context.database,
      context.column,
      visible,
      pageFilter(context, filter),
      below,
      limit,
    )
    const items = page.indicators
    const released = releaseAll(context, caller, standing, permitted, items)
    await recordReading(context, caller, standing, 'search', items)
    const cursorAt = (position: bigint): string =>
      sealCursor(context.node.cursorKey, { position, epoch: context.node.feedEpoch }, bound)
    const cursorAfter = (index: number): string => {
      const item = items[index]
      if (item === undefined) throw new Error('a cursor was asked for beyond the page')
      return cursorAt(item.position)
    }
    return { items: released, cursorAfter, ...(page.next === undefined ? {} : { next: cursorAt(page.next) }) }
  },
  { checkedWithRows: true },
)

/** What the filter asks of the handling narrows the bitmap, so the store need not know of it. */
function handlingFilter(caller: Caller, filter: SearchFilter): ((handling: Handling) => boolean) | undefined {
  const { tlp, originator, community } = filter
  if (tlp === undefined && originator === undefined && community === undefined) return undefined
  // A community one does not know finds nothing, as one that does not exist.
  const known = community?.filter((id) => knowsCommunity(caller, id))
  return (handling) =>
    (tlp === undefined || tlp.includes(handling.tlp)) &&
    (originator === undefined ||
      (originator.includes(handling.originator) && originatorShown(caller.reader, handling))) &&
    (known === undefined || known.some((id) => handling.communities.includes(id)))
}

function pageFilter(context: Context, filter: SearchFilter): PageFilter {
  const { type, q, country, asn, since, until, minConfidence, status } = filter
  return {
    ...searchKeys(filter),
    ...(type === undefined ? {} : { types: type }),
    ...(q === undefined ? {} : { text: q }),
    ...(country === undefined ? {} : { countries: country.map((code) => code.toUpperCase()) }),
    ...(asn === undefined ? {} : { asns: asn }),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
    ...(minConfidence === undefined ? {} : { minConfidence }),
    ...(status === undefined || status.length === 0 ? {} : { status }),
    at: context.clock().toISOString(),
  }
}

/** A cursor is good for the reader and the query it was given for; the page size may change between pages. */
const boundTo = (caller: Caller, filter: SearchFilter): string =>
  createHash('sha256')
    .update(JSON.stringify(['search', caller.reader.account ?? null, caller.purpose, filter]))
    .digest('base64')
