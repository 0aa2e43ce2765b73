import type { Caller } from '../domain/caller.ts'
import {
  type Arrival,
  beginCollectionView,
  type CollectionView,
  extendCollectionView,
  latestCollectionView,
  readCollectionView,
  replaceCollectionView,
} from '../store/collection-views.ts'
import { wordsWhere } from '../store/column.ts'
import type { StixSource } from './collection-sources.ts'
import type { Context, Standing } from './context.ts'
import { followerOf, handlingsOf } from './follower.ts'

/** What a reader of collections may see now, and since when. */
export interface PresentView {
  readonly follower: Buffer
  readonly view: CollectionView
  /** Those by which something is shown, in order of time. */
  readonly arrivals: readonly Arrival[]
  /** How far the feed reached when the policy and the view were confirmed, in one snapshot. */
  readonly head: number
}

type Kept = Omit<PresentView, 'head'>

/** Views of one process, by follower; what is kept is good as long as the database has the same version. */
const kept = new WeakMap<Context, Map<string, Kept>>()
const viewsKept = 1_000

/**
 * The reader's view as of now: durable before anything is answered by it. What became visible since the last look arrives now, at a time
 * later than everything that was there (ADR 22). The column has read the feed as far as it reached then.
 * @throws {PolicyMoved}
 */
export async function presentCollectionView(
  context: Context,
  caller: Caller,
  standing: Standing,
  sources: readonly StixSource[],
): Promise<PresentView> {
  const follower = followerOf(caller)
  const handlings = handlingsOf(context, caller, standing)
  const policy = { epoch: standing.directory.epoch, handlings: standing.visibility.size }
  for (;;) {
    const { present, head } = await latestCollectionView(context.database, policy, follower)
    if (context.column.now.head < head) await context.column.catchUp()
    const known = present && (await knownView(context, follower, present))
    if (known === undefined) {
      if (present !== undefined) continue
      const view = {
        version: 1,
        handlings,
        arrivals: new Uint32Array(handlings.length),
        began: context.column.now.head,
      }
      if (await beginCollectionView(context.database, follower, view))
        return { ...keep(context, { follower, view, arrivals: [] }), head }
      continue
    }
    if (agree(known.view.handlings, handlings)) {
      if (known.view.handlings.length >= handlings.length) return { ...known, head }
      const view = { ...known.view, handlings, arrivals: grown(known.view.arrivals, handlings.length) }
      await extendCollectionView(context.database, follower, view)
      return { ...keep(context, { ...known, view }), head }
    }
    await change(context, known, handlings, sources)
  }
}

/** Begins the next version of a view. */
async function change(
  context: Context,
  { follower, view, arrivals }: Kept,
  handlings: Uint8Array,
  sources: readonly StixSource[],
): Promise<void> {
  const gained = (id: number) =>
    id < view.handlings.length && (handlings[id] ?? 0) !== 0 && handlings[id] !== view.handlings[id]
  const next = Math.max(0, ...view.arrivals, ...arrivals.map(({ arrival }) => arrival)) + 1
  const words = wordsWhere(handlings.length, gained)
  const came = grown(view.arrivals, Math.max(view.arrivals.length, handlings.length))
  for (let id = 0; id < came.length; id++) {
    if (gained(id)) came[id] = next
    else if ((handlings[id] ?? 0) === 0) came[id] = 0
  }
  const upto = context.column.now.head
  const positions: number[] = []
  if (words.some((word) => word !== 0)) {
    for (const source of sources) for (const position of await source.visible(words, upto)) positions.push(position)
    positions.sort((a, b) => a - b)
  }
  const longer = padded(handlings, came.length)
  await context.database.transaction((transaction) =>
    replaceCollectionView(
      transaction,
      follower,
      { version: view.version + 1, handlings: longer, arrivals: came, began: view.began },
      words.some((word) => word !== 0) ? { arrival: next, upto, positions } : undefined,
      context.clock(),
    ),
  )
}

async function knownView(
  context: Context,
  follower: Buffer,
  { version, judged }: { readonly version: number; readonly judged: number },
): Promise<Kept | undefined> {
  const cached = kept.get(context)?.get(follower.toString('hex'))
  if (cached?.view.version === version && cached.view.handlings.length === judged) return cached
  const read = await readCollectionView(context.database, follower)
  return read && keep(context, { follower, ...read })
}

function keep(context: Context, present: Kept): Kept {
  const views = kept.get(context) ?? new Map<string, Kept>()
  kept.set(context, views)
  const key = present.follower.toString('hex')
  views.delete(key)
  views.set(key, present)
  for (const oldest of views.keys()) {
    if (views.size <= viewsKept) break
    views.delete(oldest)
  }
  return present
}

/** Handlings that only one of them has judged came later, and change nothing for what was there before. */
function agree(a: Uint8Array, b: Uint8Array): boolean {
  const length = Math.min(a.length, b.length)
  return Buffer.compare(a.subarray(0, length), b.subarray(0, length)) === 0
}

function grown(numbers: Uint32Array, length: number): Uint32Array {
  const longer = new Uint32Array(Math.max(length, numbers.length))
  longer.set(numbers)
  return longer
}

function padded(bytes: Uint8Array, length: number): Uint8Array {
  const longer = new Uint8Array(Math.max(length, bytes.length))
  longer.set(bytes)
  return longer
}
