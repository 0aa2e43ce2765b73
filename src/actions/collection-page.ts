import type { Caller } from '../domain/caller.ts'
import { type Arrival, arrivedBlocks, blockRows } from '../store/collection-views.ts'
import { type Words, wordsWhere } from '../store/column.ts'
import { endMillisecond } from '../store/feed.ts'
import { type Micros, microsOf, type Shuffles } from './collection-order.ts'
import type { Kind, Place, Shown, StixSource } from './collection-sources.ts'
import { type PresentView, presentCollectionView } from './collection-view.ts'
import type { Context, Standing } from './context.ts'

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

/** An object with the time at which this reader finds it in its collections; unique among all that it may see. */
export interface Dated {
  readonly shown: Shown
  readonly added: Micros
  /** Where a page after it begins. */
  readonly after: From
}

export interface CollectionPage {
  readonly items: readonly Dated[]
  readonly more: boolean
}

/** One thing to be read: of a millisecond of the feed, or of an arrival. */
interface Pick {
  readonly place: Place
  readonly source: StixSource
  readonly code: number
  readonly arrival?: { readonly at: Micros; readonly reserved: number }
}

interface Asking {
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

/** How often a page is found anew because others published meanwhile. */
const attempts = 3

/**
 * The next objects of a collection in the order of the times at which they were added, for this reader (ADR 22).
 * @param all every source, for what becomes visible; `sources` those that are asked for
 * @throws {PolicyMoved}
 */
export async function collectionPage(
  context: Context,
  caller: Caller,
  standing: Standing,
  shuffles: Shuffles,
  asked: {
    readonly all: readonly StixSource[]
    readonly sources: readonly StixSource[]
    readonly keep: (handlingId: number) => boolean
    readonly from: From
    readonly limit: number
    /** Also versions that a later one replaced. */
    readonly replaced?: boolean
  },
): Promise<CollectionPage> {
  for (let attempt = 1; ; attempt++) {
    const present = await presentCollectionView(context, caller, standing, asked.all)
    const { handlings, arrivals } = present.view
    const asking: Asking = {
      context,
      shuffles,
      sources: asked.sources,
      present,
      wordsOf: (came) =>
        wordsWhere(handlings.length, (id) => handlings[id] !== 0 && came(arrivals[id] ?? 0) && asked.keep(id)),
      from: asked.from,
      need: asked.limit + 1,
      kinds: asked.replaced === true ? ['standing', 'recalled', 'replaced'] : ['standing', 'recalled'],
      picks: [],
      head: context.column.now.head,
      upto: context.column.now.head,
    }
    await gather(asking)
    const picks = asking.picks.slice(0, asked.limit)
    const { shown, head } = await readAll(asking, picks)
    if (head !== asking.head && attempt < attempts) {
      await context.column.catchUp()
      continue
    }
    const items = picks.flatMap((pick): Dated[] => {
      const found = shown.get(pick.place.position)
      return found === undefined ? [] : [dated(pick, found)]
    })
    return { items, more: asking.picks.length > asked.limit }
  }
}

function dated({ place, code, arrival }: Pick, shown: Shown): Dated {
  if (arrival !== undefined) {
    const added = arrival.at + code
    return { shown, added, after: { micros: added, before: arrival.reserved, start: 0 } }
  }
  const start = place.position - place.micros
  const added = wholeMilliseconds(microsOf(shown.dateAdded)) + code
  return { shown, added, after: { micros: added, before: start - 1, start } }
}

export const wholeMilliseconds = (micros: Micros): Micros => micros - (micros % 1_000)

/** Goes through the milliseconds of the feed, and the arrivals between them, until there is enough. */
async function gather(asking: Asking): Promise<void> {
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

/** Reads what was picked from its sources. */
async function readAll(asking: Asking, picks: readonly Pick[]): Promise<{ shown: Map<number, Shown>; head: number }> {
  const shown = new Map<number, Shown>()
  let { head } = asking
  for (const source of asking.sources) {
    const positions = picks.filter((pick) => pick.source === source).map(({ place }) => place.position)
    const read = await source.read(positions)
    for (const [position, one] of read.shown) shown.set(position, one)
    head = Math.max(head, read.head)
  }
  return { shown, head }
}
