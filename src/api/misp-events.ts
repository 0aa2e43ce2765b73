import { actions, type Context } from '../actions/index.ts'
import type { EventsWanted } from '../actions/search-events.ts'
import type { Caller } from '../domain/caller.ts'
import { limits } from '../domain/limits.ts'
import type { ReleasedEvent } from '../domain/misp-event.ts'
import type { Released } from '../domain/released.ts'

/** The events of MISP that these indicators are attributes of, each with these attributes alone. */
export async function eventsAround(
  context: Context,
  caller: Caller,
  items: readonly Released[],
): Promise<readonly ReleasedEvent[]> {
  if (items.length === 0) return []
  const indicators = items.map(({ id }) => id.slice(id.indexOf('--') + 2))
  const events: ReleasedEvent[] = []
  for await (const event of eventsOf(context, caller, { indicators })) events.push(event)
  return events
}

/** Which of the events that are found: all behind `offset`, or `count` of them. */
export interface Stretch {
  readonly offset?: number
  readonly count?: number
}

/** The events that a filter finds, read page by page. @param leaves RED stays here */
export async function* eventsOf(
  context: Context,
  caller: Caller,
  filter: EventsWanted,
  { offset = 0, count = Number.POSITIVE_INFINITY }: Stretch = {},
  leaves?: true,
): AsyncGenerator<ReleasedEvent> {
  const input = { filter, ...(leaves === undefined ? {} : { leaves }) }
  const next = (left: number) => Math.min(left, limits.mispEvents)
  let page = await actions['search-events'](context, caller, { ...input, offset, limit: next(count) })
  yield* page.events
  for (let left = count - page.events.length; page.next !== undefined && left > 0; left -= page.events.length) {
    page = await actions['search-events'](context, caller, { ...input, after: page.next, limit: next(left) })
    yield* page.events
  }
}
