import type { Caller } from '../domain/caller.ts'
import type { Handling } from '../domain/handling.ts'
import { limits } from '../domain/limits.ts'
import { propertiesOf } from '../formats/stix-properties.ts'
import { mayBeFollowed } from '../policy/feed.ts'
import { type Words, wordsOf } from '../store/column.ts'
import type { ObjectQuery } from '../store/object-reads.ts'
import type { Shown, StixSource } from './collection-sources.ts'
import type { Context, Standing } from './context.ts'
import { objectReleaser, type PlacedObject } from './object-pages.ts'
import { type ObjectScope, ObjectWalk, objectScope, visiblePositions } from './object-walk.ts'
import { pageOfObjects } from './visible-objects.ts'

/** Types of STIX objects that are kept and are no indicators. */
const types: readonly string[] = [...propertiesOf.keys()]

/**
 * STIX objects that are no indicators, as they stand in a collection. References are judged by all that the reader may have over TAXII,
 * whichever collection it is in.
 * @param asked types that are asked for; all when absent
 */
export function stixObjects(
  context: Context,
  caller: Caller,
  standing: Standing,
  keep: (handling: Handling) => boolean,
  asked: readonly string[] | undefined,
): StixSource {
  const scope = objectScope(context, caller, standing, keep, mayBeFollowed)
  const wanted = asked === undefined ? {} : { types: asked }

  /** Everything that fits, however many pages of texts that is. */
  const all = async (query: Omit<ObjectQuery, 'limit' | 'after'>) => {
    const release = objectReleaser(context, caller, standing)
    const found: PlacedObject[] = []
    for (let after = 0; ; ) {
      const page = await pageOfObjects(context, scope, { ...query, recalled: true, after, limit: limits.pageRecords })
      found.push(...page.objects.map(release))
      const last = found.at(-1)
      if (!page.more || last === undefined) return { found, head: page.head }
      after = last.position
    }
  }
  const visible = (which: ObjectScope, query: Omit<ObjectQuery, 'limit'>, need: number) =>
    visiblePositions(context, which, new ObjectWalk(context, which, { ...query, ...wanted, limit: 0 }), need)
  const listed = wordsOf(scope.listed.bitmap)
  const pairs = new WeakMap<Words, Words>()
  const pairsOf = (handlings: Words): Words => {
    const made = pairs.get(handlings) ?? context.column.objects.pairsOf(bothOf(listed, handlings), asked)
    pairs.set(handlings, made)
    return made
  }
  return {
    types,
    proposed: (handlings, stretch, limit, kind) =>
      context.column.objects.oldestAbove(kind, pairsOf(handlings), stretch, limit),
    visible: (handlings, upto) => {
      const narrowed = { ...scope.listed, bitmap: new Uint8Array(bothOf(listed, handlings).buffer) }
      return visible({ ...scope, listed: narrowed }, { upto, kind: 'standing' }, Number.POSITIVE_INFINITY)
    },
    among: (positions) => visible(scope, { positions, versions: 'all', recalled: true }, positions.length),
    read: async (positions) => {
      const { found, head } = await all({ positions, versions: 'all', ...wanted })
      return { shown: new Map(found.map((each) => [each.position, shownAs(each)])), head }
    },
    byId: async (ids, replaced) => {
      const { found } = await all({ ids, ...wanted, versions: replaced ? 'all' : 'last' })
      return found.map(shownAs)
    },
    firstOf: async (shown) => {
      const ids = [...new Set(shown.filter(({ read }) => read.version > 1).map(({ id }) => id))]
      const first = new Map<string, number>()
      for (const each of ids.length === 0 ? [] : (await all({ ids, versions: 'all' })).found) {
        const key = keyOf(each)
        first.set(key, Math.min(first.get(key) ?? each.read.version, each.read.version))
      }
      return new Set(shown.filter((each) => (first.get(keyOf(each)) ?? each.read.version) === each.read.version))
    },
  }
}

const bothOf = (a: Words, b: Words): Words => a.map((word, n) => word & (b[n] ?? 0))

const keyOf = ({ read }: Pick<PlacedObject, 'read'>): string => `${read.originator} ${read.id}`

const shownAs = ({ position, dateAdded, object, read, present }: PlacedObject): Shown => ({
  position,
  dateAdded,
  handlingId: read.handlingId,
  id: object.id,
  version: object.modified ?? object.created ?? object.dateAdded,
  stix: object.stix,
  kind: !present ? 'replaced' : object.status === 'recalled' ? 'recalled' : 'standing',
  read,
})
