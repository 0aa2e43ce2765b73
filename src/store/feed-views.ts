import type { Queries } from './database.ts'
import { askVisible, Parameters, type VisibleTo } from './visible.ts'

/** What a follower could see from some time on: a byte for each handling id, 0 nothing, 1 whole, 2 masked. */
export interface FeedView {
  readonly generation: number
  readonly handlings: Uint8Array
}

interface Row {
  readonly generation: number
  readonly handlings: Buffer
}

/**
 * The follower's latest view, and how far the feed reaches, if the policy is the one decided by.
 * @throws {PolicyMoved}
 */
export async function latestView(
  queries: Queries,
  policy: Pick<VisibleTo, 'epoch' | 'handlings'>,
  follower: Buffer,
): Promise<{ readonly view: FeedView | undefined; readonly head: number }> {
  const parameters = new Parameters()
  const body = `select generation, handlings from feed_view where follower = ${parameters.add(follower)}
     order by generation desc limit 1`
  const { rows, head } = await askVisible<Row>(queries, policy, body, parameters, 'latest view')
  return { view: rows[0], head }
}

/** Views that a cursor names; one that is not there any more was too old to be kept. */
export async function viewsOf(
  { client }: Queries,
  follower: Buffer,
  generations: readonly number[],
): Promise<Map<number, FeedView>> {
  const { rows } = await client.query<Row>(
    'select generation, handlings from feed_view where follower = $1 and generation = any($2::integer[])',
    [follower, generations],
  )
  return new Map(rows.map((row) => [row.generation, row]))
}

/** Begins a generation. @returns false when another process began it first: look again */
export async function beginView({ client }: Queries, follower: Buffer, view: FeedView, at: Date): Promise<boolean> {
  const { rowCount } = await client.query(
    'insert into feed_view (follower, generation, handlings, at) values ($1, $2, $3, $4) on conflict do nothing',
    [follower, view.generation, Buffer.from(view.handlings), at.toISOString()],
  )
  return rowCount === 1
}

/** Adds what was judged since: handlings that came after the others change nothing for whoever follows already. */
export async function extendView({ client }: Queries, follower: Buffer, view: FeedView): Promise<void> {
  await client.query(
    `update feed_view set handlings = $3 where follower = $1 and generation = $2 and length(handlings) < length($3::bytea)`,
    [follower, view.generation, Buffer.from(view.handlings)],
  )
}

/** The same for several followers who may see the same, each with its generation. */
export async function extendViews(
  { client }: Queries,
  followers: readonly { readonly follower: Buffer; readonly generation: number }[],
  handlings: Uint8Array,
): Promise<void> {
  await client.query(
    `update feed_view v set handlings = $3 from unnest($1::bytea[], $2::integer[]) f (follower, generation)
     where v.follower = f.follower and v.generation = f.generation and length(v.handlings) < length($3::bytea)`,
    [followers.map(({ follower }) => follower), followers.map(({ generation }) => generation), Buffer.from(handlings)],
  )
}

/** Forgets views that a later one replaced before `before`: cursors that name them are outdated. @returns how many */
export async function forgetViews({ client }: Queries, before: Date): Promise<number> {
  const { rowCount } = await client.query(
    `delete from feed_view v where at < $1 and exists (
       select from feed_view later where later.follower = v.follower and later.generation > v.generation and later.at < $1)`,
    [before.toISOString()],
  )
  return rowCount ?? 0
}
