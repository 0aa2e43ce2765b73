import { limits } from '../domain/limits.ts'
import { partsDepth } from '../policy/composed.ts'
import type { Database } from '../store/database.ts'
import { type FoundObject, type ObjectQuery, objectsFound } from '../store/object-reads.ts'
import type { Context } from './context.ts'
import { inSnapshot, partsOfRows } from './object-parts.ts'
import { type ObjectScope, ObjectWalk, visiblePositions } from './object-walk.ts'

/** An object, and which of the ids in it name something that its reader may see: both of one snapshot. */
export interface VisibleObject extends Pick<FoundObject, 'object' | 'present' | 'presentHandlingId'> {
  readonly visible: ReadonlySet<string>
}

export interface ObjectPage {
  readonly objects: readonly VisibleObject[]
  /** Whether there are more. */
  readonly more: boolean
  /** The last position of the feed. */
  readonly head: number
}

/**
 * A page of what a reader may see of STIX objects, parts and all. Composed ones of which a part that they need is not visible are passed over,
 * so that nothing is missing from a page: it ends where its objects are too large, and its length tells nothing else.
 * @throws {PolicyMoved}
 */
export async function pageOfObjects(context: Context, scope: ObjectScope, query: ObjectQuery): Promise<ObjectPage> {
  const page = new Page(query.limit)
  const walk = new ObjectWalk(context, scope, query)
  let stretch = walk.next(page.room + 1)
  for (;;) {
    const { shown, last, more, cut, head } = await visibleAmong(context.database, scope, stretch.query)
    if (!page.take(shown)) return { objects: page.objects, more: true, head }
    if (await walk.endsAfter(stretch, { last, more, head })) return { objects: page.objects, more: false, head }
    // What follows is told by its parts alone first: it may be long until there is another one for this reader.
    const positions = await visiblePositions(context, scope, walk, cut ? 1 : page.room + 1)
    if (positions.length === 0) return { objects: page.objects, more: false, head }
    stretch = walk.through(positions)
  }
}

/** What fits a page. */
class Page {
  readonly objects: VisibleObject[] = []
  readonly #limit: number
  #bytes = 0
  #references = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  get room(): number {
    return this.#limit - this.objects.length
  }

  /** @returns false when one did not fit any more */
  take(shown: readonly VisibleObject[]): boolean {
    for (const each of shown) {
      this.#bytes += Buffer.byteLength(each.object.stix)
      this.#references += each.object.references.length
      const large = this.#bytes > limits.objectPageBytes || this.#references > limits.objectPageReferences
      if (this.room === 0 || (large && this.objects.length > 0)) return false
      this.objects.push(each)
    }
    return true
  }
}

/** Of what the handling lets be there, what has its parts; and the last that was looked at. */
async function visibleAmong(database: Database, { listed, seen, reader }: ObjectScope, query: ObjectQuery) {
  return await inSnapshot(database, async (queries) => {
    const { found, more, head } = await objectsFound(queries, listed, seen, query)
    const named = ({ object, needs, about }: FoundObject) => [...needs, ...about, ...object.references]
    const judged = await partsOfRows(queries, reader, found, named, partsDepth + 1)
    const shown = judged.flatMap(({ row, parts }): VisibleObject[] => {
      const { object, needs, about, present, presentHandlingId } = row
      const { originator, references } = object
      if (!parts.hasParts({ originator, needs, about }, partsDepth)) return []
      const visible = new Set(references.filter((id) => parts.isNamed(id, originator, partsDepth + 1)))
      return [{ object, visible, present, presentHandlingId }]
    })
    // Fewer than were asked for, and more behind them: they are large.
    return { shown, last: found.at(-1)?.object.position, more, cut: more && found.length < query.limit, head }
  })
}
