import type { Handling } from '../domain/handling.ts'
import type {
  AttributeFacts,
  ContextBody,
  EventBody,
  ObjectBody,
  ReleasedAttribute,
  ReleasedEvent,
} from '../domain/misp-event.ts'
import type { Reader } from '../domain/reader.ts'
import type { Released } from '../domain/released.ts'
import { originatorShown, type ReleaseFacts, releasedHandling, sourceOf } from './release.ts'
import type { Permitted } from './visibility.ts'

/** An event as it is kept, with those of its parts that the reader may have. */
export interface EventParts {
  readonly uuid: string
  readonly handlingId: number
  readonly body: EventBody
  /** ISO 8601. */
  readonly modified: string
  readonly revision: string
  readonly objects: readonly { readonly uuid: string; readonly handlingId: number; readonly body: ObjectBody }[]
  readonly attributes: readonly ({ readonly uuid: string; readonly object?: string } & (
    | { readonly indicator: Released; readonly facts: AttributeFacts }
    | { readonly context: ContextBody; readonly handlingId: number; readonly revision: string }
  ))[]
  readonly cut?: true
}

/**
 * Makes the form of an event that one reader may have. What has no indicator (title, context, frames) is had whole or not at all:
 * asking for it under a handling that does not permit is a fault of the program. References to what is not in it are left out.
 */
export function releaseEvent(
  event: EventParts,
  { permit }: Permitted,
  handlingOf: (id: number) => Handling | undefined,
  reader: Reader,
  facts: ReleaseFacts,
): ReleasedEvent {
  const permitted = (id: number): Handling => {
    const handling = handlingOf(id)
    if (handling === undefined || !permit.has(id)) throw new Error('a denied part of an event was about to be released')
    return handling
  }
  const own = permitted(event.handlingId)
  const frames = new Set(event.objects.map(({ uuid }) => uuid))
  const present = new Set([...frames, ...event.attributes.map(({ uuid }) => uuid)])
  const plain = {
    uuid: event.uuid,
    ...sourceOf(own, reader, facts),
    handling: releasedHandling(own, reader),
    // An anonymous source does not sign its events either.
    body: originatorShown(reader, own) ? event.body : withoutCreator(event.body),
    modified: latest(event),
    revision: event.revision,
    ...(event.cut === true ? { cut: true } : {}),
    objects: event.objects.map(({ uuid, handlingId, body }) => ({
      uuid,
      handling: releasedHandling(permitted(handlingId), reader),
      body: { ...body, references: body.references.filter(({ to }) => present.has(to)) },
    })),
    attributes: event.attributes.map((each): ReleasedAttribute => {
      // Of an object that may not be seen its attributes stand alone.
      const { object: _, ...alone } = each
      const placed = each.object !== undefined && frames.has(each.object) ? each : alone
      if ('indicator' in placed)
        return placed.indicator.masked ? { uuid: placed.uuid, indicator: placed.indicator, facts: unnamed } : placed
      const { handlingId, ...context } = placed
      return { ...context, handling: releasedHandling(permitted(handlingId), reader) }
    }),
  }
  return plain as unknown as ReleasedEvent
}

const withoutCreator = ({ creator: _, ...body }: EventBody): EventBody => body

/** What MISP called something that the reader has masked is a part of what is kept from it. */
const unnamed: AttributeFacts = { type: 'other', toIds: false, values: [] }

/** Of the event and what of it is shown: a change of something hidden must not show in it. */
const latest = ({ modified, attributes }: EventParts): string =>
  attributes.reduce(
    (last, each) => ('indicator' in each && each.indicator.modified > last ? each.indicator.modified : last),
    modified,
  )
