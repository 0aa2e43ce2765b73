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
    const { now: standing, recalled, replaced } = this.#column.objects
    const { kind, types, upto = this.#column.now.head } = this.query
    const pairs = this.#column.objects.pairsOf(wordsOf(this.#listed.bitmap), types)
    const columns = kind === undefined ? [standing, recalled] : [{ standing, recalled, replaced }[kind]]
    const found = columns.flatMap((column) => column.oldestAbove(pairs, this.#after ?? 0, upto, limit))
    return (columns.length === 1 ? found : found.sort((a, b) => a - b)).slice(0, limit)
  }
}

/** Rows that are told by their parts in one statement, at most. */
const stretchRows = 1_000

/**
 * The next places of a way at which a reader may see what stands there: so many, or all.
 * @throws {PolicyMoved}
 */
export async function visiblePlaces(
  context: Pick<Context, 'database' | 'column'>,
  { listed, seen, reader }: ObjectScope,
  walk: ObjectWalk,
  need: number,
): Promise<readonly ObjectPlace[]> {
  const places: ObjectPlace[] = []
  for (let limit = Math.min(need * 2, stretchRows); ; limit = Math.min(limit * 2, stretchRows)) {
    const stretch = walk.next(limit)
    if (stretch.proposed?.length === 0 && walk.query.upto !== undefined) return places
    const { head, judged } = await inSnapshot(context.database, async (queries) => {
      const found = await objectPlaces(queries, listed, seen, stretch.query)
      const named = ({ needs, about }: ObjectPlace) => [...needs, ...about]
      return { head: found.head, judged: await partsOfRows(queries, reader, found.places, named, partsDepth) }
    })
    for (const { row, parts } of judged) if (parts.hasParts(row, partsDepth)) places.push(row)
    if (places.length >= need) return places.slice(0, need)
    const more = stretch.proposed === undefined && judged.length === limit
    if (await walk.endsAfter(stretch, { last: judged.at(-1)?.row.position, more, head })) return places
  }
}
