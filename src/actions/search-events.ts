import { readingRoles } from '../domain/account.ts'
import type { Caller } from '../domain/caller.ts'
import { limits } from '../domain/limits.ts'
import type { AttributeFacts, ContextBody, EventBody, ObjectBody, ReleasedEvent } from '../domain/misp-event.ts'
import { parseObservable } from '../domain/observables/parse.ts'
import { originatorShown } from '../policy/release.ts'
import { type EventParts, releaseEvent } from '../policy/release-event.ts'
import { partsFor, type StoredPart } from '../store/misp-parts.ts'
import { type EventFilter, type EventPlace, eventsFor, type StoredEvent } from '../store/misp-reads.ts'
import type { Context, Standing } from './context.ts'
import type { Read } from './reading.ts'
import { handlingFilter, type SearchFilter } from './search-filter.ts'
import { valueKeyOf } from './value-keys.ts'
import { verb } from './verb.ts'
import { permittedFor, recordReading, releaseAll, releaseFacts, visibleTo } from './visible.ts'

/** What to find among events. */
export interface EventsWanted
  extends Omit<EventFilter, 'valueKeys'>,
    Pick<SearchFilter, 'tlp' | 'originator' | 'community'> {
  /** Values, each with the types it may be of. */
  readonly values?: readonly { readonly type: string; readonly value: string }[]
}

export interface SearchEventsInput {
  readonly filter: EventsWanted
  /** Behind the last event of a page before. */
  readonly after?: EventPlace
  readonly offset?: number
  /** 1–100. */
  readonly limit: number
  /** For a feed: RED goes into none, and there is one file for a UUID. */
  readonly leaves?: true
}

export interface EventPage {
  readonly events: readonly ReleasedEvent[]
  /** Absent on the last page. */
  readonly next?: EventPlace
}

/**
 * Events that the caller may see, the oldest first, each with what of it the caller may see (ADR 24). An event of which nothing is
 * visible is absent, as one that never was.
 */
export const searchEvents = verb(
  'search-events',
  async (context: Context, caller: Caller, input: SearchEventsInput, standing): Promise<EventPage> => {
    const permitted = permittedFor(context, caller, standing)
    const keep = narrowed(caller, input)
    const visible = {
      whole: visibleTo(permitted, standing, caller, 'content', keep),
      any: visibleTo(permitted, standing, caller, 'whole', keep),
      named: visibleTo(permitted, standing, caller, 'whole', (handling) => originatorShown(caller.reader, handling))
        .bitmap,
      owner: caller.reader.roles.some((role) => readingRoles.includes(role))
        ? caller.reader.organisation?.id
        : undefined,
    }
    const limit = Math.min(input.limit, limits.mispEvents)
    const { after, offset = 0 } = input
    const found = await eventsFor(context.database, visible, storedFilter(input.filter), {
      ...(after === undefined ? {} : { after }),
      offset,
      limit: limit + 1,
      ...(input.leaves === true ? { distinct: true as const } : {}),
    })
    const asked = found.slice(0, limit)
    const {
      parts,
      events: fit,
      cut,
    } = asked.length === 0 ? nothing : await partsFor(context.database, visible, asked, input.filter)
    // Large ones make a page of their own.
    const page = asked.slice(0, fit)
    const shown = parts.filter(({ indicator }) => indicator?.recalled !== true)
    const events = released(context, caller, standing, page, shown, cut)
    await recordReading(context, caller, standing, 'search-events', readsOf(page, shown))
    const last = page.at(-1)
    return { events, ...(found.length > page.length && last !== undefined ? { next: last } : {}) }
  },
  { checkedWithRows: true },
)

const nothing: Awaited<ReturnType<typeof partsFor>> = { parts: [], events: 0, cut: new Set() }

function narrowed(caller: Caller, { filter, leaves }: SearchEventsInput) {
  const asked = handlingFilter(caller, filter)
  if (leaves !== true) return asked
  return (handling: Parameters<NonNullable<typeof asked>>[0]) =>
    handling.tlp !== 'red' && (asked === undefined || asked(handling))
}

function storedFilter({ values, tlp: _, originator: __, community: ___, ...filter }: EventsWanted): EventFilter {
  if (values === undefined) return filter
  return { ...filter, valueKeys: values.map(({ type, value }) => valueKeyOf(parseObservable(type, value))) }
}

/** What the answer tells, for the audit log: events by their own handling, and each of their parts. */
function readsOf(events: readonly StoredEvent[], parts: readonly StoredPart[]): Read[] {
  const named = (
    kind: string,
    { uuid, originator, handlingId }: Pick<StoredPart, 'uuid' | 'originator' | 'handlingId'>,
  ) => (handlingId === undefined ? [] : [{ originator, id: `${kind}--${uuid}`, version: 1, handlingId }])
  return [
    ...events.flatMap((event) => named('x-misp-event', event)),
    ...parts.flatMap((part) => part.indicator ?? named(`x-misp-${part.kind}`, part)),
  ]
}

function released(
  context: Context,
  caller: Caller,
  standing: Standing,
  events: readonly StoredEvent[],
  parts: readonly StoredPart[],
  cut: ReadonlySet<number>,
): ReleasedEvent[] {
  const permitted = permittedFor(context, caller, standing)
  const facts = releaseFacts(context, standing)
  const indicators = parts.flatMap(({ indicator }) => indicator ?? [])
  const shown = new Map(
    releaseAll(context, caller, standing, permitted, indicators).map((each, n) => [indicators[n], each]),
  )
  const byEvent = new Map<string, StoredPart[]>()
  for (const part of parts) {
    const key = `${part.event} ${part.originator}`
    const known = byEvent.get(key)
    if (known === undefined) byEvent.set(key, [part])
    else known.push(part)
  }
  return events.map((event, n) => {
    const own = byEvent.get(`${event.uuid} ${event.originator}`) ?? []
    const attributes = own.flatMap((part): EventParts['attributes'] => {
      const { uuid, object, body, handlingId, indicator, revision } = part
      const place = { uuid, ...(object === undefined ? {} : { object }) }
      const one = indicator === undefined ? undefined : shown.get(indicator)
      if (one !== undefined) return [{ ...place, indicator: one, facts: JSON.parse(body) as AttributeFacts }]
      if (part.kind !== 'context' || handlingId === undefined) return []
      return [{ ...place, context: JSON.parse(body) as ContextBody, handlingId, revision }]
    })
    const used = new Set(attributes.map(({ object }) => object))
    const objects = own.flatMap(({ kind, uuid, handlingId, body }) =>
      kind === 'object' && handlingId !== undefined && used.has(uuid)
        ? [{ uuid, handlingId, body: JSON.parse(body) as ObjectBody }]
        : [],
    )
    const { uuid, handlingId, modified, dateAdded, body, revision } = event
    const kept = {
      uuid,
      handlingId,
      revision,
      modified: modified ?? dateAdded,
      body: JSON.parse(body) as EventBody,
      objects,
      attributes,
      ...(cut.has(n) ? { cut: true as const } : {}),
    }
    return releaseEvent(kept, permitted, (id) => standing.visibility.handling(id), caller.reader, facts)
  })
}
