import { createHash } from 'node:crypto'
import { openCursor, sealCursor } from '../auth/cursors.ts'
import type { Caller } from '../domain/caller.ts'
import { limits } from '../domain/limits.ts'
import { placeOfTime } from '../store/feed.ts'
import type { Dated } from './collection-filling.ts'
import { beginning, type From } from './collection-gather.ts'
import { type Asked, type Found, pageOfIds, shufflesOf } from './collection-named.ts'
import { type Micros, microsOf } from './collection-order.ts'
import { collectionPage } from './collection-page.ts'
import { type StixSource, sourcesOf } from './collection-sources.ts'
import { fitting, isLastAlone, lastVersion, type Versions } from './collection-versions.ts'
import { type Collection, collectionNamed } from './collections.ts'
import type { Context, Standing } from './context.ts'
import { verb } from './verb.ts'
import { recordReading } from './visible.ts'

export interface CollectionFilter {
  /** Strictly after; ISO 8601. */
  readonly addedAfter?: string
  /** STIX ids. */
  readonly ids?: readonly string[]
  readonly types?: readonly string[]
  readonly specVersions?: readonly string[]
  readonly versions?: Versions
}

export interface ReadCollectionInput {
  /** Id or alias. */
  readonly collection: string
  readonly filter: CollectionFilter
  /** 1–1,000; 100 when absent. */
  readonly limit?: number
  /** From an earlier page of the same filter. */
  readonly next?: string
  /** The object that the request is about: it must be there, whatever else the filter says. */
  readonly object?: string
}

export interface CollectionItem {
  readonly id: string
  /** When it was modified; ISO 8601. */
  readonly version: string
  /** When this reader's collection got it: microseconds since 1970, unique in the collection. */
  readonly added: Micros
  /** JSON text. */
  readonly stix: string
}

export interface CollectionAnswer {
  readonly items: readonly CollectionItem[]
  readonly more: boolean
  /** Absent where there is no more. */
  readonly next?: string
}

/** Of one kind of cursor: the time, and where it lies in the feed. */
const cursorNumbers = 3

/**
 * Objects of a collection in the order of the times at which it got them, for this reader. Whoever goes on from the last time it was given,
 * or by `next`, misses nothing and has nothing twice, also of what becomes visible to it later (ADR 22).
 * @throws {Fault} `not_found`, `cursor_invalid`, `cursor_outdated`
 */
export const readCollection = verb(
  'read-collection',
  async (context: Context, caller: Caller, input: ReadCollectionInput, standing): Promise<CollectionAnswer> => {
    const collection = collectionNamed(context, caller, standing, input.collection)
    const { filter } = input
    const bound = boundTo(caller, collection, input)
    const limit = Math.min(input.limit ?? limits.pageRecordsDefault, limits.pageRecords)
    const from = await fromOf(context, input, bound)
    const all = sourcesOf(context, caller, standing, collection.keep)
    const { types } = filter
    const fitting = types === undefined ? all : sourcesOf(context, caller, standing, collection.keep, types)
    const sources = fitsSpecification(filter) ? fitting.filter((source) => mayHold(source, types)) : []
    const keep = (id: number) => {
      const handling = standing.visibility.handling(id)
      return handling !== undefined && collection.keep(handling)
    }
    const ids = input.object === undefined ? filter.ids : [input.object]
    const asked = { all, sources, keep, from, limit, versions: filter.versions ?? lastVersion }
    const page =
      ids === undefined
        ? await pageThrough(context, caller, standing, asked)
        : await pageOfIds(context, caller, standing, { ...asked, ids, mustBe: input.object !== undefined })
    await recordReading(
      context,
      caller,
      standing,
      'read-collection',
      page.items.map(({ shown }) => shown.read),
    )
    return {
      items: page.items.map(({ shown: { id, version, stix }, added }) => ({ id, version, added, stix })),
      more: page.more,
      ...(page.next === undefined ? {} : { next: sealed(context, page.next, bound) }),
    }
  },
  { checkedWithRows: true },
)

/** Through the collection. Where versions are asked for, what fits is sought, and a page may end before it is full. */
async function pageThrough(context: Context, caller: Caller, standing: Standing, asked: Asked): Promise<Found> {
  const { versions, limit } = asked
  const plain = isLastAlone(versions)
  const items: Dated[] = []
  let { from } = asked
  for (let scanned = 0; scanned < limits.collectionScan; ) {
    const page = await collectionPage(context, caller, standing, shufflesOf(context), {
      ...asked,
      from,
      limit: plain ? limit : limits.pageRecords,
      replaced: !plain,
    })
    const fits = plain ? page.items : await fitting(asked.sources, page.items, versions)
    for (const item of fits) {
      if (items.length === limit) return { items, more: true, next: items.at(-1)?.after ?? from }
      items.push(item)
    }
    from = page.items.at(-1)?.after ?? from
    if (!page.more) return { items, more: false }
    if (items.length === limit) return { items, more: true, next: from }
    scanned += page.items.length + 1
  }
  return { items, more: true, next: from }
}

/** Only STIX 2.1 is kept. */
const fitsSpecification = ({ specVersions }: CollectionFilter): boolean =>
  specVersions === undefined || specVersions.includes('2.1')

const mayHold = ({ types }: StixSource, asked: readonly string[] | undefined): boolean =>
  asked === undefined || asked.some((type) => types.includes(type))

/** A cursor is good for the reader, the collection and the filter it was given for; the page size may change between pages. */
function boundTo(caller: Caller, { id }: Collection, { filter, object }: ReadCollectionInput): string {
  const asked = ['collection', id, caller.reader.account ?? null, caller.purpose, filter, object ?? null]
  return createHash('sha256').update(JSON.stringify(asked)).digest('base64')
}

async function fromOf(context: Context, { next, filter }: ReadCollectionInput, bound: string): Promise<From> {
  if (next !== undefined) {
    const place = openCursor(context.node.cursorKey, next, context.node.feedEpoch, bound, cursorNumbers)
    const [micros = 0, before = 0, start = 0] = place.map(Number)
    return { micros, before, start }
  }
  if (filter.addedAfter === undefined) return beginning
  const micros = Math.min(Math.max(0, microsOf(filter.addedAfter)), latest)
  const { before, start } = await placeOfTime(context.database, BigInt(micros))
  return { micros, before, start: start ?? 0 }
}

/** 2255: beyond it a number does not hold microseconds. */
const latest = 8_999_999_999_999_999

const sealed = (context: Context, { micros, before, start }: From, bound: string): string =>
  sealCursor(context.node.cursorKey, [micros, before, start].map(BigInt), context.node.feedEpoch, bound)
