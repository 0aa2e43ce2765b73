import type { Caller } from '../domain/caller.ts'
import { wordsWhere } from '../store/column.ts'
import { type Asking, type From, gather, type Pick } from './collection-gather.ts'
import { type Micros, microsOf, type Shuffles, wholeMilliseconds } from './collection-order.ts'
import type { Shown, StixSource } from './collection-sources.ts'
import { presentCollectionView } from './collection-view.ts'
import type { Context, Standing } from './context.ts'

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

/** Reads what was picked from its sources. */
async function readAll(asking: Asking, picks: readonly Pick[]): Promise<{ shown: Map<number, Shown>; head: number }> {
  const shown = new Map<number, Shown>()
  let { head } = asking
  for (const source of asking.sources) {
    const positions = picks.filter((pick) => pick.source === source).map(({ place }) => place.position)
    const read = await source.read(positions, asking.present.head)
    for (const [position, one] of read.shown) shown.set(position, one)
    head = Math.max(head, read.head)
  }
  return { shown, head }
}
