import { PlaceCursors } from '../auth/place-cursors.ts'
import type { Caller } from '../domain/caller.ts'
import { Fault } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import type { ReleasedObject } from '../domain/released.ts'
import { isIdentifier } from '../domain/stix-object.ts'
import type { Context } from './context.ts'
import { objectsInOrder, type PlacedObject } from './object-pages.ts'
import { absent } from './read.ts'
import { verb } from './verb.ts'
import { recordReading } from './visible.ts'

export interface ObjectFilter {
  /** STIX types. */
  readonly type?: readonly string[]
  /** ISO 8601: what this node made visible after that. */
  readonly since?: string
}

export interface ListObjectsInput {
  readonly filter: ObjectFilter
  readonly cursor?: string
  /** 1–1,000; 100 when absent. */
  readonly limit?: number
}

export interface PageOfObjects {
  readonly items: readonly ReleasedObject[]
  /** The cursor after an item, by its index. */
  readonly cursorAfter: (index: number) => string
  /** Absent on the last page. */
  readonly next?: string
}

/**
 * A page of the STIX objects that the caller may see, the oldest first: what comes later stands behind what was read.
 * @throws {Fault} `cursor_invalid`, `cursor_outdated`, `cursor_from_future`
 */
export const listObjects = verb(
  'list-objects',
  async (context: Context, caller: Caller, input: ListObjectsInput, standing): Promise<PageOfObjects> => {
    const { filter, cursor } = input
    const { cursorKey, feedEpoch } = context.node
    const bound = ['objects', caller.reader.account ?? null, caller.purpose, filter]
    const cursors = new PlaceCursors(cursorKey, feedEpoch, bound)
    const after = cursor === undefined ? undefined : cursors.open(cursor)
    const { items, more, head } = await objectsInOrder(context, caller, standing, undefined, {
      limit: Math.min(input.limit ?? limits.pageRecordsDefault, limits.pageRecords),
      ...(after === undefined ? {} : { after }),
      ...(filter.since === undefined ? {} : { since: filter.since }),
      ...(filter.type === undefined ? {} : { types: filter.type }),
    })
    if (after !== undefined && after > head) {
      throw new Fault('cursor_from_future', 'This cursor lies beyond the end of the feed; start again without it.')
    }
    await recordReading(
      context,
      caller,
      standing,
      'list-objects',
      items.map(({ read }) => read),
    )
    const cursorAfter = (index: number): string => {
      const item = items[index]
      if (item === undefined) throw new Error('a cursor was asked for beyond the page')
      return cursors.seal(item.position)
    }
    return {
      items: items.map(({ object }) => object),
      cursorAfter,
      ...(more && items.length > 0 ? { next: cursorAfter(items.length - 1) } : {}),
    }
  },
  { checkedWithRows: true },
)

export interface ReadObjectInput {
  /** `<type>--<uuid>`. */
  readonly id: string
  /** Organisation id, where several published under one STIX id. */
  readonly originator?: string
}

/**
 * One object. Several originators may have published under one STIX id: the caller's own comes first, then the newest.
 * @throws {Fault} `not_found` alike for what does not exist, for what the caller may not see, and for what has a part that it may not see
 */
export const readObject = verb(
  'read-object',
  async (context: Context, caller: Caller, input: ReadObjectInput, standing): Promise<ReleasedObject> => {
    const { items } = await objectsInOrder(context, caller, standing, undefined, {
      ids: [idOf(input)],
      limit: limits.pageRecords,
      newestFirst: true,
    })
    const found = chosen(items, caller, input)
    await recordReading(context, caller, standing, 'read-object', [found.read])
    return found.object
  },
  { checkedWithRows: true },
)

/**
 * The versions of one object that the caller may see, the oldest first: each under the handling it had, and only with the present one.
 * @throws {Fault} `not_found`
 */
export const listObjectVersions = verb(
  'list-object-versions',
  async (context: Context, caller: Caller, input: ReadObjectInput, standing): Promise<readonly ReleasedObject[]> => {
    const ids = [idOf(input)]
    const limit = limits.pageRecords
    const present = await objectsInOrder(context, caller, standing, undefined, { ids, limit, newestFirst: true })
    const { originator } = chosen(present.items, caller, input).read
    const { items } = await objectsInOrder(context, caller, standing, undefined, { ids, limit, versions: 'all' })
    const versions = items.filter(({ read }) => read.originator === originator)
    await recordReading(
      context,
      caller,
      standing,
      'list-object-versions',
      versions.map(({ read }) => read),
    )
    return versions.map(({ object }) => object)
  },
  { checkedWithRows: true },
)

/** Asked even for an id that cannot exist, so that both take the same way and time. */
const idOf = ({ id }: ReadObjectInput): string =>
  isIdentifier(id) ? id : 'nothing--00000000-0000-0000-0000-000000000000'

/** @throws {Fault} `not_found` */
function chosen(items: readonly PlacedObject[], caller: Caller, { originator }: ReadObjectInput): PlacedObject {
  const home = caller.reader.organisation?.id
  const fitting = items.filter(({ object }) => originator === undefined || object.originator?.id === originator)
  const found = fitting.find(({ read }) => read.originator === home) ?? fitting[0]
  if (found === undefined) throw absent()
  return found
}
