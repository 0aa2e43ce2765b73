import type { Caller } from '../domain/caller.ts'
import type { Handling } from '../domain/handling.ts'
import type { ReleasedObject } from '../domain/released.ts'
import { stixOfObject } from '../formats/stix-other-out.ts'
import { releaseObject } from '../policy/release-object.ts'
import { placeOfTime } from '../store/feed.ts'
import type { ObjectQuery } from '../store/object-reads.ts'
import type { Context, Standing } from './context.ts'
import { objectScope } from './object-walk.ts'
import type { Read } from './reading.ts'
import { permittedFor, releaseFacts } from './visible.ts'
import { pageOfObjects, type VisibleObject } from './visible-objects.ts'

export type { ObjectQuery } from '../store/object-reads.ts'

/** An object at its place in the commit order that indicators and objects share. */
export interface PlacedObject {
  readonly position: number
  /** ISO 8601 UTC, microseconds; later for every later position. */
  readonly dateAdded: string
  readonly object: ReleasedObject
  /** False for a version that a later one replaced. */
  readonly present: boolean
  /** What the audit log is told of it. */
  readonly read: Read
}

export interface ObjectsInOrder {
  readonly items: readonly PlacedObject[]
  /** Whether there are more; there may be fewer items than were asked for, as large ones make a page of their own. */
  readonly more: boolean
  /** The last position given out. */
  readonly head: number
}

/**
 * STIX objects that the caller may see, in the order of their positions, without references to what it may not see, released. The reading
 * is not recorded: whoever answers with it does that.
 * @param keep narrows by handling what is listed (a community's collection); references are judged by all that the caller may see
 * @throws {PolicyMoved}
 */
export async function objectsInOrder(
  context: Context,
  caller: Caller,
  standing: Standing,
  keep: ((handling: Handling) => boolean) | undefined,
  query: ObjectQuery,
): Promise<ObjectsInOrder> {
  const scope = objectScope(context, caller, standing, keep)
  const { objects, more, head } = await pageOfObjects(context, scope, await begun(context, query))
  const release = objectReleaser(context, caller, standing)
  return { items: objects.map(release), more, head }
}

/** Times grow with positions: a page since some time begins at the position of that time. */
async function begun({ database }: Context, query: ObjectQuery): Promise<ObjectQuery> {
  const since = Date.parse(query.since ?? '')
  // A leap second is a time of the database's alone.
  if (!(since > 0)) return query
  const { before } = await placeOfTime(database, BigInt(since) * 1_000n)
  return { ...query, after: Math.max(before, query.after ?? 0) }
}

/** Makes what a page found the form that the caller may have. */
export function objectReleaser(
  context: Context,
  caller: Caller,
  standing: Standing,
): (found: VisibleObject) => PlacedObject {
  const permitted = permittedFor(context, caller, standing)
  const facts = releaseFacts(context, standing)
  const handlingOf = (id: number): Handling => {
    const handling = standing.visibility.handling(id)
    if (handling === undefined) throw new Error('an object has a handling that is not known')
    return handling
  }
  return ({ object, visible, present, presentHandlingId }) => {
    const { originator, id, version, handlingId, position, dateAdded } = object
    const own = handlingOf(handlingId)
    // One source, one attribution: an earlier version must not name what the present one keeps anonymous.
    const { attribution } = handlingOf(presentHandlingId)
    const hushed = attribution === 'anonymous' && own.attribution === 'named'
    const stix = hushed ? stixOfObject(object.stix, object.type, own.tlp, { anonymous: true }) : object.stix
    const effect = permitted.permit.has(handlingId) ? 'permit' : 'deny'
    const shown = { handling: { ...own, attribution }, effect } as const
    return {
      position,
      dateAdded,
      present,
      object: releaseObject({ ...object, stix }, visible, shown, caller.reader, facts),
      read: { originator, id, version, handlingId },
    }
  }
}
