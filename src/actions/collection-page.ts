import type { Caller } from '../domain/caller.ts'
import { wordsWhere } from '../store/column.ts'
import { type Dated, PageOfCollection } from './collection-filling.ts'
import { type From, gather } from './collection-gather.ts'
import type { Shuffles } from './collection-order.ts'
import type { Asking } from './collection-proposals.ts'
import type { StixSource } from './collection-sources.ts'
import { presentCollectionView } from './collection-view.ts'
import type { Context, Standing } from './context.ts'

export interface CollectionPage {
  readonly items: readonly Dated[]
  readonly more: boolean
}

/** How often a page that is not full is found anew because others published meanwhile. */
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
      kinds: asked.replaced === true ? ['standing', 'recalled', 'replaced'] : ['standing', 'recalled'],
      present,
      wordsOf: (came) =>
        wordsWhere(handlings.length, (id) => handlings[id] !== 0 && came(arrivals[id] ?? 0) && asked.keep(id)),
      head: context.column.now.head,
    }
    const page = new PageOfCollection(asking, asked.limit + 1)
    await gather(asking, asked.from, page)
    const more = page.room === 0
    // Of a page that is full nothing is missing; any other is to have what was published meanwhile.
    const moved = Math.max(page.head, context.column.settled) > asking.head
    if (more || !moved || attempt === attempts) return { items: page.items.slice(0, asked.limit), more }
    await context.column.catchUp()
  }
}
