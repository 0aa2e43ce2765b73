import type { Caller } from '../domain/caller.ts'
import type { Handling } from '../domain/handling.ts'
import { partsDepth } from '../policy/composed.ts'
import type { PartsReader } from '../policy/parts-shown.ts'
import { wordsOf } from '../store/column.ts'
import type { LiveColumn } from '../store/live-column.ts'
import { type ObjectPlace, type ObjectQuery, objectPlaces } from '../store/object-reads.ts'
import type { VisibleTo } from '../store/visible.ts'
import type { Context, Standing } from './context.ts'
import { inSnapshot, partsOfRows, partsReader } from './object-parts.ts'
import { permittedFor, visibleTo } from './visible.ts'

/** What a caller may have of STIX objects. */
export interface ObjectScope {
  /** What may be listed, by handling. */
  readonly listed: VisibleTo
  /** The whole permission, by which references are judged. */
  readonly seen: VisibleTo
  readonly reader: PartsReader
}

/** @param all what of the permission counts here @param listed narrows further what is listed */
export function objectScope(
  context: Context,
  caller: Caller,
  standing: Standing,
  listed?: (handling: Handling) => boolean,
  all?: (handling: Handling) => boolean,
): ObjectScope {
  const permitted = permittedFor(context, caller, standing)
  const seen = visibleTo(permitted, standing, caller, 'content', all)
  const reader = partsReader(context, caller, standing, all)
  if (listed === undefined) return { listed: seen, seen, reader }
  const both = all === undefined ? listed : (each: Handling) => all(each) && listed(each)
  return { listed: visibleTo(permitted, standing, caller, 'content', both), seen, reader }
}

/** What one statement looks at. */
interface Stretch {
  readonly query: ObjectQuery
  /** Positions that the column proposed; absent where the query itself names what it is about. */
  readonly proposed?: readonly number[]
  /** As far as the column had read then. */
  readonly head: number
  /** Whether there were no more to propose. */
  readonly isLast?: boolean
}

/** How often what others publish meanwhile is looked for at the end. */
const attempts = 3

/**
 * A way through the objects that a query is about, in its order. The column proposes where the next may stand (ADR 25); what is named by ids
 * or positions the statement finds itself.
 */
export class ObjectWalk {
  readonly query: ObjectQuery
  readonly #column: LiveColumn
  readonly #listed: VisibleTo
  #after: number | undefined
  #caughtUp = 0

  constructor({ column }: Pick<Context, 'column'>, { listed }: ObjectScope, query: ObjectQuery) {
    this.query = query
    this.#column = column
    this.#listed = listed
    this.#after = query.after
  }

  next(limit: number): Stretch {
    const { head } = this.#column.now
    const query = { ...this.query, limit, ...(this.#after === undefined ? {} : { after: this.#after }) }
    if (query.ids !== undefined || query.positions !== undefined) return { query, head }
    const found = this.#proposed(limit)
    return { query: { ...query, positions: found }, proposed: found, head, isLast: found.length < limit }
  }

  /**
   * What of a stretch of a collection needs no look at its parts: it has none. Whether the column is exact is asked when it is read.
   */
  plain({ proposed = [] }: Stretch): readonly number[] {
    if (this.query.kind !== 'standing') return []
    return proposed.filter((position) => !this.#column.objects.mayHaveParts(position))
  }

  /** What was already found of this way. */
  through(positions: readonly number[]): Stretch {
    const query = { ...this.query, positions, limit: positions.length }
    return { query, proposed: positions, head: this.#column.now.head, isLast: false }
  }

  /** Goes on behind what was looked at. @param more whether something of the stretch was left out @returns whether there is nothing */
  async endsAfter(
    { proposed, isLast, head: known }: Stretch,
    { last, more, head }: { readonly last: number | undefined; readonly more: boolean; readonly head: number },
  ): Promise<boolean> {
    const reached = more || proposed === undefined ? last : proposed.at(-1)
    this.#after = reached ?? this.#after
    if (more) return false
    if (proposed === undefined) return true
    if (isLast !== true) return false
    // Whatever moved meanwhile stands behind all that was there.
    if (head <= known || this.query.upto !== undefined || this.#caughtUp === attempts) return true
    this.#caughtUp++
    await this.#column.catchUp()
    return false
  }

  #proposed(limit: number): number[] {
    const { objects, now } = this.#column
    const { kind, types, upto = now.head } = this.query
    const pairs = objects.pairsOf(wordsOf(this.#listed.bitmap), types)
    const stretch = { above: this.#after ?? 0, upto }
    const standing = objects.oldestAbove('standing', pairs, stretch, limit)
    if (kind === 'standing') return standing
    const recalled = objects.oldestAbove('recalled', pairs, stretch, limit)
    return [...standing, ...recalled].sort((a, b) => a - b).slice(0, limit)
  }
}

/** Rows that are told by their parts in one statement, at most. */
const stretchRows = 1_000

/**
 * The next positions of a way at which a reader may see what stands there: so many, or all.
 * @throws {PolicyMoved}
 */
export async function visiblePositions(
  context: Pick<Context, 'database' | 'column'>,
  scope: ObjectScope,
  walk: ObjectWalk,
  need: number,
): Promise<readonly number[]> {
  const positions: number[] = []
  for (let limit = Math.min(need * 2, stretchRows); ; limit = Math.min(limit * 2, stretchRows)) {
    const stretch = walk.next(limit)
    const plain = walk.plain(stretch)
    const { head, looked, shown } = await judged(context, scope, walk, stretch, plain)
    for (const each of plain.length === 0 ? shown : [...plain, ...shown].sort((a, b) => a - b)) positions.push(each)
    if (positions.length >= need) return positions.slice(0, need)
    const more = stretch.proposed === undefined && looked.length === limit
    if (await walk.endsAfter(stretch, { last: looked.at(-1)?.position, more, head })) return positions
  }
}

/** Of a stretch, what has the parts that it needs; `plain` is known already. Of a collection nothing is asked where there is nothing else. */
async function judged(
  { database }: Pick<Context, 'database'>,
  { listed, seen, reader }: ObjectScope,
  walk: ObjectWalk,
  { query, proposed, head: known }: Stretch,
  plain: readonly number[],
) {
  const isKnown = new Set(plain)
  const rest = proposed?.filter((position) => !isKnown.has(position))
  if (rest?.length === 0 && walk.query.upto !== undefined) return { head: known, looked: [], shown: [] }
  return await inSnapshot(database, async (queries) => {
    const asked = rest === undefined ? query : { ...query, positions: rest }
    const { places: looked, head } = await objectPlaces(queries, listed, seen, asked)
    const named = ({ needs, about }: ObjectPlace) => [...needs, ...about]
    const rows = await partsOfRows(queries, reader, looked, named, partsDepth)
    const shown = rows.flatMap(({ row, parts }) => (parts.hasParts(row, partsDepth) ? [row.position] : []))
    return { head, looked, shown }
  })
}
