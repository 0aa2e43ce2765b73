import { createHash } from 'node:crypto'
import type { Caller } from '../domain/caller.ts'
import { Fault } from '../domain/errors.ts'
import type { Handling } from '../domain/handling.ts'
import { limits } from '../domain/limits.ts'
import { mayBeFollowed } from '../policy/feed.ts'
import { knowsCommunity } from '../policy/knowing.ts'
import { mayLeaveOwnSystems } from '../policy/pap.ts'
import { originatorShown } from '../policy/release.ts'
import type { Standing } from './context.ts'
import type { SearchFilter } from './search-filter.ts'

/** What of a filter can be followed: nothing that time alone changes. */
export type FollowFilter = Omit<SearchFilter, 'since' | 'until' | 'status' | 'value' | 'q'>

/** What is asked for, and where it goes. */
export interface Asked {
  readonly filter: FollowFilter
  /** It goes to a system that is not the reader's own: only what PAP lets out. */
  readonly leaves?: boolean
}

/** What may not go where it would go, whatever the filter. */
export const goesOut = (handling: Handling, { leaves }: Asked): boolean =>
  mayBeFollowed(handling) && (leaves !== true || mayLeaveOwnSystems(handling))

/**
 * A cursor is good for the follower and the filter it was given for, whichever door it came by and in whatever order the filter's
 * members are written; the page size may change between pages.
 */
export const boundTo = (caller: Caller, { filter, leaves }: Asked): string =>
  createHash('sha256')
    .update(
      JSON.stringify([
        'follow',
        caller.reader.account ?? null,
        caller.purpose,
        inOrder(filter),
        // What PAP kept back was never given: who goes on elsewhere from here would miss it for good.
        ...(leaves === true ? ['leaves'] : []),
      ]),
    )
    .digest('base64')

const inOrder = (filter: FollowFilter): object =>
  Object.fromEntries(Object.entries(filter).sort(([a], [b]) => (a < b ? -1 : 1)))

/**
 * Which of the communities asked for the caller knows now, as bits in their order. Joining and leaving change it, so that a stretch
 * keeps both: what was known when it began and what is known at its end (ADR 16).
 * @throws {Fault} `invalid_request` when there are more than bits
 */
export function knownAmong(caller: Caller, { community }: FollowFilter): number {
  if (community === undefined) return 0
  if (community.length > limits.communitiesFollowed) {
    throw new Fault('invalid_request', `At most ${limits.communitiesFollowed} communities can be followed at once.`)
  }
  return community.reduce((bits, id, n) => (knowsCommunity(caller, id) ? bits | (1 << n) : bits), 0)
}

/** What the filter asks of the handling, by id, for who knows these of its communities. */
export function keepOf(
  { visibility }: Standing,
  { reader }: Caller,
  asked: Asked,
  known: number,
): (id: number) => boolean {
  const { tlp, originator, community } = asked.filter
  const communities = community?.filter((_, n) => (known & (1 << n)) !== 0)
  return (id) => {
    const handling = visibility.handling(id)
    return (
      handling !== undefined &&
      goesOut(handling, asked) &&
      (tlp === undefined || tlp.includes(handling.tlp)) &&
      (originator === undefined || (originator.includes(handling.originator) && originatorShown(reader, handling))) &&
      (communities === undefined || communities.some((each) => handling.communities.includes(each)))
    )
  }
}
