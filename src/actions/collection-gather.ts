import { type Arrival, arrivedBlocks, blockRows } from '../store/collection-views.ts'
import { endMillisecond } from '../store/feed.ts'
import type { PageOfCollection } from './collection-filling.ts'
import type { Micros } from './collection-order.ts'
import {
  type Asking,
  inOrder,
  nextMilliseconds,
  type Proposal,
  type Section,
  standingIn,
} from './collection-proposals.ts'

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

/** Goes through the milliseconds of the feed, and the arrivals between them, until the page is full. */
export async function gather(asking: Asking, from: From, page: PageOfCollection): Promise<void> {
  let [above, most] = [0, 0]
  for (const arrival of asking.present.arrivals) {
    const { upto, reserved } = arrival
    // Both may lie in one millisecond, which is gone through as a whole.
    const section = [
      { upto, words: asking.wordsOf((came) => came <= most) },
      { upto: reserved, words: asking.wordsOf((came) => came <= arrival.arrival) },
    ]
    if (!(await throughFeed(asking, from, page, above, section))) return
    await throughArrival(asking, from, page, arrival)
    above = reserved
    most = arrival.arrival
  }
  await throughFeed(asking, from, page, above, [{ upto: asking.head, words: asking.wordsOf((came) => came <= most) }])
}

/** What stands in a section. @returns whether what comes after it may be gone through: not where its end was not reached, or the page is full */
async function throughFeed(
  asking: Asking,
  from: From,
  page: PageOfCollection,
  above: number,
  section: Section,
): Promise<boolean> {
  const end = section.at(-1)?.upto ?? 0
  let upto = asking.head
  for (let at = Math.max(above, from.before); at < Math.min(end, upto) && page.room > 0; ) {
    const found = nextMilliseconds(asking, section, at, page.room)
    const last = found.at(-1)
    if (last === undefined) break
    upto = Math.min(upto, await settled(asking, last.position))
    await page.fill(inOrder(asking.shuffles, found).filter((each) => each.start <= upto && !isGiven(each, from)))
    at = last.position
  }
  return page.room > 0 && upto >= end
}

const isGiven = ({ start, code }: Proposal, from: From): boolean =>
  from.start !== 0 && start === from.start && code <= from.micros % 1_000

/**
 * A millisecond to which something may still be added is not gone through: what came later could sort before what was given.
 * @param position what is to be given
 * @returns milliseconds that begin up to here are known as a whole
 */
async function settled({ context, head: known }: Asking, position: number): Promise<number> {
  const { column, database } = context
  if (position > column.settled) {
    const { head, open } = await endMillisecond(database)
    column.settled = Math.max(column.settled, open === undefined ? head : open - 1)
  }
  // Beyond what the column had read, more of its last millisecond may lie than it knows.
  if (column.settled > known) return known - 1_000
  return position > column.settled ? column.settled : known
}

/** What arrived, in the order of its list. */
async function throughArrival(asking: Asking, from: From, page: PageOfCollection, arrival: Arrival): Promise<void> {
  const { context, present } = asking
  const at = arrival.atMs * 1_000
  const words = asking.wordsOf((came) => came === arrival.arrival)
  for (let n = from.micros < at ? 0 : from.micros - at + 1; n < arrival.rows && page.room > 0; ) {
    const block = Math.floor(n / blockRows)
    const blocks = await arrivedBlocks(context.database, present.follower, arrival.arrival, block, 1)
    const positions = (blocks.get(block) ?? []).slice(n % blockRows)
    const standing = standingIn(asking, words, (positions[0] ?? 0) - 1, positions.at(-1) ?? 0)
    await page.fill(
      positions.flatMap((position, k) => {
        const found = standing.get(position)
        return found === undefined ? [] : [{ ...found, code: n + k, arrival: { at, reserved: arrival.reserved } }]
      }),
    )
    n = (block + 1) * blockRows
  }
}
