import type { FastifyRequest } from 'fastify'
import type { Context } from '../../actions/index.ts'
import { Fault } from '../../domain/errors.ts'
import { type HandlingInput, strictestInput } from '../../domain/handling.ts'
import { limits } from '../../domain/limits.ts'
import type { ReleasedEvent } from '../../domain/misp-event.ts'
import type { ReleasedHandling } from '../../domain/released.ts'
import type { MispContext } from '../../formats/misp-handling.ts'
import { mispEvent } from '../../formats/misp-out.ts'
import { refusedWhole } from './errors.ts'
import { refuseCut } from './events.ts'
import { later, push, saidBefore, staysAnonymous } from './publish.ts'
import { changeIndicator, held, limitsAccess, tightening } from './tag-attribute.ts'

/** A tag about handling holds for all that is in the event; any other is the event's own, and goes with what took it over. */
export async function changeEvent(
  context: Context,
  request: FastifyRequest,
  event: ReleasedEvent,
  tag: string,
  meant: MispContext,
  attach: boolean,
): Promise<void> {
  // Of what is cut off nothing could be changed.
  refuseCut(event)
  const added = tightening(meant.handling, event.handling)
  const inside = event.attributes.flatMap((each) => ('indicator' in each ? [each.indicator] : []))
  const concerned = limitsAccess(meant) ? inside : attach ? [] : inside.filter(({ labels }) => labels.includes(tag))
  if (concerned.length > limits.pageRecords)
    throw new Fault('too_many_values', `More than ${limits.pageRecords} attributes change by this: edit the event.`)
  for (const indicator of concerned) {
    // One that is under more already stays so.
    const said = joinedTo(indicator.handling, meant)
    await changeIndicator(context, request, indicator, tag, { ...meant, handling: said }, attach)
  }
  const document = { Event: { ...frames(context, event, limitsAccess(meant)), ...head(event, tag, meant, attach) } }
  const { rejected } = await push(context, request, document, {
    defaults: strictestInput(added, staysAnonymous(event, {})),
    from: event,
  })
  if (rejected.length > 0) throw refusedWhole(rejected)
}

/** What the tag says, or what holds already where that is stricter. */
function joinedTo(now: ReleasedHandling, { handling }: MispContext): HandlingInput {
  const joined = strictestInput(held(now), handling)
  return Object.fromEntries(
    (Object.keys(handling) as (keyof HandlingInput)[]).map((member) => [member, joined[member]]),
  )
}

/** What the event says of itself with its tags as they will be. */
function head(event: ReleasedEvent, tag: string, meant: MispContext, attach: boolean): object {
  const { Tag: before, ...said } = saidBefore(event) as { readonly Tag: readonly { readonly name: string }[] }
  const others = before.map(({ name }) => name).filter((name) => name !== tag)
  const names = attach && !limitsAccess(meant) ? [...others, tag] : others
  return { ...said, uuid: event.uuid, Tag: names.map((name) => ({ name })) }
}

/** The event's time, and what is in it beside indicators, where that is handled anew as well. */
function frames(context: Context, event: ReleasedEvent, whole: boolean): object {
  const timestamp = later(context, event)
  if (!whole) return { timestamp }
  const attributes = event.attributes.filter((each) => !('indicator' in each))
  const { Attribute: alone, Object: objects } = mispEvent({ ...event, attributes }) as Record<
    'Attribute' | 'Object',
    readonly { readonly Attribute?: readonly object[] }[]
  >
  const now = (each: object) => ({ ...each, timestamp })
  return {
    timestamp,
    Attribute: alone.map(now),
    Object: objects.map((each) => ({ ...now(each), Attribute: (each.Attribute ?? []).map(now) })),
  }
}
