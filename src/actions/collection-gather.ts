import { type Arrival, arrivedBlocks, blockRows } from '../store/collection-views.ts'
import type { Words } from '../store/column.ts'
import { endMillisecond } from '../store/feed.ts'
import type { Micros, Shuffles } from './collection-order.ts'
import type { Kind, Place, StixSource } from './collection-sources.ts'
import type { PresentView } from './collection-view.ts'
import type { Context } from './context.ts'

/** Where a page begins: after this. */
export interface From {
  /** The time of the last object given. */
  readonly micros: Micros
  /** The last position of an earlier millisecond. */
  readonly before: number
  /** The first position of that very millisecond; 0 where nothing was published in it. */
  readonly start: number
}

export const beginning: From = { micros: 0, before: 0, start: 0 }

/** One thing to be read: of a millisecond of the feed, or of an arrival. */
export interface Pick {
  readonly place: Place
  readonly source: StixSource
  readonly code: number
  readonly arrival?: { readonly at: Micros; readonly reserved: number }
}

export interface Asking {
  readonly context: Context
  readonly shuffles: Shuffles
  readonly sources: readonly StixSource[]
  readonly present: PresentView
  /** Handlings of the collection that are shown, by the arrival they came by (0: none). */
  readonly wordsOf: (came: (arrival: number) => boolean) => Words
  readonly from: From
  readonly need: number
  readonly kinds: readonly Kind[]
  readonly picks: Pick[]
  /** As far as the column had read the feed when it began. */
  readonly head: number
  /** Beyond this nothing may be given yet. */
  upto: number
}

/** Goes through the milliseconds of the feed, and the arrivals between them, until there is enough. */
export async function gather(asking: Asking): Promise<void> {
  let reached = 0
  let most = 0
  for (const arrival of asking.present.arrivals) {
    if (!(await throughFeed(asking, reached, arrival.upto, most))) return
    most = arrival.arrival
    if (!(await throughFeed(asking, arrival.upto, arrival.reserved, most))) return
    await throughArrival(asking, arrival)
    reached = arrival.reserved
  }
  await throughFeed(asking, reached, asking.head, most)
}

/**
 * What stands in `(above, end]` under handlings that came by an arrival up to `most`.
 * @returns whether what comes after it may be gone through: not where the end was not reached, or there is enough
 */
async function throughFeed(asking: Asking, above: number, end: number, most: number): Promise<boolean> {
  const { from, need, picks } = asking
  let at = Math.max(above, from.before)
  if (at >= end) return picks.length < need
  const words = asking.wordsOf((came) => came <= most)
  while (at < Math.min(end, asking.upto) && picks.length < need) {
    const found = await nextBuckets(asking, words, at, Math.min(end, asking.upto))
    const last = found.at(-1)
    if (last === undefined) break
    await settle(asking, last.place.position)
    for (const pick of inOrder(found)) {
      if (pick.place.position > asking.upto || isGiven(pick, from)) continue
      picks.push(pick)
    }
    at = found.reduce((furthest, { place }) => Math.max(furthest, place.position), at)
  }
  return picks.length < need && asking.upto >= end
}

const startOf = ({ position, micros }: Place): number => position - micros

const isGiven = ({ place, code }: Pick, { start, micros }: From): boolean =>
  start !== 0 && startOf(place) === start && code <= micros % 1_000

const inOrder = (picks: readonly Pick[]): Pick[] =>
  [...picks].sort((a, b) => startOf(a.place) - startOf(b.place) || a.code - b.code)

/** The next things of all sources, so many as are still needed and to the end of a millisecond. */
async function nextBuckets(asking: Asking, words: Words, above: number, upto: number): Promise<Pick[]> {
  const room = asking.need - asking.picks.length
  const found = await placesOf(asking, words, above, upto, room)
  found.sort((a, b) => a.place.position - b.place.position)
  // Where one source has more, what others have beyond its last is not next yet.
  const some = found.slice(0, room)
  const last = some.at(-1)
  if (last === undefined) return []
  const start = startOf(last.place)
  const rest = await placesOf(asking, words, last.place.position, Math.min(upto, start + 999), 1_000)
  return [...some, ...rest.filter(({ place }) => startOf(place) === start)]
}

async function placesOf(asking: Asking, words: Words, above: number, upto: number, limit: number): Promise<Pick[]> {
  const { sources, shuffles, present, kinds } = asking
  const found: Pick[] = []
  if (above >= upto) return found
  for (const source of sources) {
    for (const which of kinds) {
      // Who was not there yet had nothing of what was recalled before.
      const after = which === 'recalled' ? Math.max(above, present.view.began) : above
      if (after >= upto) continue
      for (const place of await source.positions(words, { above: after, upto }, limit, which)) {
        found.push({ place, source, code: shuffles.codeOf(startOf(place), place.micros) })
      }
    }
  }
  return found
}

/** A millisecond to which something may still be added is not gone through: what came later could sort before what was given. */
async function settle(asking: Asking, position: number): Promise<void> {
  const { column, database } = asking.context
  if (position > column.settled) {
    const { head, open } = await endMillisecond(database)
    column.settled = Math.max(column.settled, open === undefined ? head : open - 1)
  }
  // Beyond what the column had read, more of its last millisecond may lie than it knows.
  if (column.settled > asking.head) asking.upto = Math.min(asking.upto, asking.head - 1_000)
  if (position > column.settled) asking.upto = Math.min(asking.upto, column.settled)
}

/** What arrived, in the order of its list. */
async function throughArrival(asking: Asking, { arrival, atMs, rows, reserved }: Arrival): Promise<void> {
  const { context, from, need, picks, sources, present, kinds } = asking
  const at = atMs * 1_000
  const words = asking.wordsOf((came) => came === arrival)
  let n = from.micros < at ? 0 : from.micros - at + 1
  while (n < rows && picks.length < need) {
    const block = Math.floor(n / blockRows)
    const positions = (await arrivedBlocks(context.database, present.follower, arrival, block, 1)).get(block) ?? []
    const [first = 0] = positions
    const last = positions.at(-1) ?? 0
    const standing = new Map<number, { place: Place; source: StixSource }>()
    for (const source of sources) {
      for (const which of kinds) {
        // What is recalled stands where it was recalled, which is no place of a list.
        if (which === 'recalled') continue
        const there = await source.positions(words, { above: first - 1, upto: last }, Number.POSITIVE_INFINITY, which)
        for (const place of there) standing.set(place.position, { place, source })
      }
    }
    for (; n < Math.min(rows, (block + 1) * blockRows) && picks.length < need; n++) {
      const found = standing.get(positions[n % blockRows] ?? 0)
      if (found !== undefined) picks.push({ ...found, code: n, arrival: { at, reserved } })
    }
  }
}
