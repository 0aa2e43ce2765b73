import type { Caller } from '../domain/caller.ts'
import { arrivedAt } from '../store/collection-views.ts'
import type { Dated } from './collection-filling.ts'
import type { From } from './collection-gather.ts'
import { type Micros, microsOf, Shuffles, wholeMilliseconds } from './collection-order.ts'
import type { Shown, StixSource } from './collection-sources.ts'
import { fitting, isLastAlone, type Versions } from './collection-versions.ts'
import { type PresentView, presentCollectionView } from './collection-view.ts'
import type { Context, Standing } from './context.ts'
import { absent } from './read.ts'

export interface Asked {
  readonly all: readonly StixSource[]
  readonly sources: readonly StixSource[]
  readonly keep: (handlingId: number) => boolean
  readonly from: From
  readonly limit: number
  readonly versions: Versions
}

export interface Found {
  readonly items: readonly Dated[]
  readonly more: boolean
  readonly next?: From
}

/** What is under these ids, in the order in which it was added. @throws {Fault} `not_found` when it must be there and is not */
export async function pageOfIds(
  context: Context,
  caller: Caller,
  standing: Standing,
  asked: Asked & { readonly ids: readonly string[]; readonly mustBe: boolean },
): Promise<Found> {
  const { sources, from, limit, versions } = asked
  const present = await presentCollectionView(context, caller, standing, asked.all)
  const found: Shown[] = []
  for (const source of asked.mustBe ? asked.all : sources) {
    for (const shown of await source.byId(asked.ids, !isLastAlone(versions)))
      if (has(present, asked, shown)) found.push(shown)
  }
  if (asked.mustBe && found.length === 0) throw absent()
  const dates = await Promise.all(found.map((shown) => dateOf(context, present, shown)))
  const dated = found.map((shown, n): Dated => {
    const added = dates[n] ?? 0
    return { shown, added, after: { micros: added, before: 0, start: 0 } }
  })
  const fits = await fitting(sources, sources.length === 0 ? [] : dated, versions)
  const sorted = fits.filter(({ added }) => added > from.micros).sort((a, b) => a.added - b.added)
  const items = sorted.slice(0, limit)
  const last = items.at(-1)
  return sorted.length > limit && last !== undefined ? { items, more: true, next: last.after } : { items, more: false }
}

/** Whether something is in the collection, for this reader: what was recalled is for who was there to have it. */
function has({ view, arrivals }: PresentView, { keep }: Asked, { handlingId, kind, position }: Shown): boolean {
  if ((view.handlings[handlingId] ?? 0) === 0 || !keep(handlingId)) return false
  if (kind !== 'recalled') return true
  const came = arrivals.find(({ arrival }) => arrival === view.arrivals[handlingId])
  return position > (came?.upto ?? view.began)
}

/** When this reader's collections got it. */
async function dateOf(context: Context, present: PresentView, shown: Shown): Promise<Micros> {
  const { view, arrivals, follower } = present
  const micros = microsOf(shown.dateAdded)
  const came = arrivals.find(({ arrival }) => arrival === view.arrivals[shown.handlingId])
  if (came !== undefined && shown.position <= came.upto) {
    const n = await arrivedAt(context.database, follower, came.arrival, shown.position)
    if (n !== undefined) return came.atMs * 1_000 + n
  }
  const slot = micros % 1_000
  return wholeMilliseconds(micros) + shufflesOf(context).codeOf(shown.position - slot, slot)
}

const made = new WeakMap<Context, Shuffles>()

/** The order of this node. */
export function shufflesOf(context: Context): Shuffles {
  const known = made.get(context) ?? new Shuffles(context.node.cursorKey)
  made.set(context, known)
  return known
}
