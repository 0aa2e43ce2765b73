import { createHash } from 'node:crypto'
import type { Caller } from '../domain/caller.ts'
import { Fault } from '../domain/errors.ts'
import { mayBeFollowed } from '../policy/feed.ts'
import { beginView, extendView, type FeedView, latestView, viewsOf } from '../store/feed-views.ts'
import type { Context, Standing } from './context.ts'
import { permittedFor } from './visible.ts'

/** Who follows: an account, or the public, for one purpose. */
export const followerOf = (caller: Caller): Buffer =>
  createHash('sha256')
    .update(JSON.stringify([caller.reader.account ?? null, caller.purpose]))
    .digest()

/**
 * What this follower may see now, as a generation that cursors can name: durable before any cursor does, so that whatever process
 * is asked next knows what was given. The column has read the feed as far as it reached then.
 */
export const presentView = (context: Context, caller: Caller, standing: Standing): Promise<FeedView> =>
  presentViewOf(context, followerOf(caller), handlingsOf(context, caller, standing), standing)

/** The same for whoever may see these handlings. @throws {PolicyMoved} */
export async function presentViewOf(
  context: Context,
  follower: Buffer,
  handlings: Uint8Array,
  standing: Standing,
): Promise<FeedView> {
  const policy = { epoch: standing.directory.epoch, handlings: standing.visibility.size }
  for (;;) {
    const { view: known, head } = await latestView(context.database, policy, follower)
    if (context.column.now.head < head) await context.column.catchUp()
    if (known !== undefined && agree(known.handlings, handlings)) {
      if (known.handlings.length >= handlings.length) return known
      const longer = { generation: known.generation, handlings }
      await extendView(context.database, follower, longer)
      return longer
    }
    const next = { generation: (known?.generation ?? 0) + 1, handlings }
    if (await beginView(context.database, follower, next, context.clock())) return next
  }
}

/** The views that a cursor names; mostly there is none but the present one. @throws {Fault} `cursor_outdated` */
export const viewsNamed = (
  context: Context,
  caller: Caller,
  present: FeedView,
  generations: readonly number[],
): Promise<(generation: number) => FeedView> => viewsNamedOf(context, followerOf(caller), present, generations)

/** The same for any follower. @throws {Fault} `cursor_outdated` */
export async function viewsNamedOf(
  context: Context,
  follower: Buffer,
  present: FeedView,
  generations: readonly number[],
): Promise<(generation: number) => FeedView> {
  const others = generations.filter((generation) => generation !== present.generation)
  const views = others.length === 0 ? undefined : await viewsOf(context.database, follower, others)
  return (generation) => {
    const view = generation === present.generation ? present : views?.get(generation)
    if (view === undefined) {
      throw new Fault('cursor_outdated', 'This cursor is too old: what it was given for is not kept any more.')
    }
    return view
  }
}

/** A byte for each handling: 0 nothing, 1 whole, 2 masked. */
export function handlingsOf(context: Context, caller: Caller, standing: Standing): Uint8Array {
  const { visibility } = standing
  const { permit, redact } = permittedFor(context, caller, standing)
  return Uint8Array.from({ length: visibility.size }, (_, id) => {
    const handling = visibility.handling(id)
    if (handling === undefined || !mayBeFollowed(handling)) return 0
    return permit.has(id) ? 1 : redact.has(id) ? 2 : 0
  })
}

/** Handlings that only one of them has judged came later, and change nothing for what was given before. */
export function agree(a: Uint8Array, b: Uint8Array): boolean {
  const length = Math.min(a.length, b.length)
  return Buffer.compare(a.subarray(0, length), b.subarray(0, length)) === 0
}
