import type { FastifyRequest } from 'fastify'
import { actions, type Context } from '../../actions/index.ts'
import { Fault } from '../../domain/errors.ts'
import { limits } from '../../domain/limits.ts'
import type { ReleasedEvent } from '../../domain/misp-event.ts'
import { isJsonObject } from '../../formats/json-text.ts'
import { uuidOfNumber } from '../../formats/misp-ids.ts'
import { mispEvent } from '../../formats/misp-out.ts'
import { eventsOf } from '../misp-events.ts'
import type { Handler } from './handler.ts'
import { type RestSearch, restSearch } from './query.ts'
import { sendList } from './stream.ts'

/** `POST /misp/events/restSearch` */
export const mispSearchEvents: Handler = async (context, request, reply) => {
  const asked = restSearch(request.body, context.clock())
  return await sendList(reply, '{"response":[', wrapped(found(context, request, asked), asked.metadata), ']}')
}

/** `GET` and `POST /misp/events/index`: events without what is in them, as MISP lists them. */
export const mispIndex: Handler = async (context, request, reply) => {
  const asked = restSearch(request.body, context.clock())
  return await sendList(reply, '[', bare(found(context, request, asked)), ']')
}

/** `GET` and `POST /misp/events/view/{id}`: by UUID, or by the number that stands for it. */
export const mispReadEvent: Handler = async (context, request) => {
  const event = await theEvent(context, request)
  if (request.method !== 'HEAD') refuseCut(event)
  return { Event: mispEvent(event) }
}

/** A part must not pass for the whole where the event is all that was asked for. @throws {Fault} `record_too_large` */
export function refuseCut({ uuid, cut }: ReleasedEvent): void {
  if (cut === true)
    throw new Fault(
      'record_too_large',
      `Event ${uuid} has more than ${limits.mispParts} parts or ${limits.mispEventBytes} bytes: read it by attributes/restSearch.`,
    )
}

/** `POST /misp/events/publish/{id}`: what is here is out already. */
export const mispPublishEvent: Handler = async (context, request) => {
  const { uuid } = await theEvent(context, request)
  return {
    saved: true,
    success: true,
    name: 'Published',
    message: 'It was published when it was added.',
    url: `/events/publish/${uuid}`,
  }
}

/** The event that the path names. Of several originators' the caller's own comes first. @throws {Fault} `not_found` */
export async function theEvent(context: Context, request: FastifyRequest): Promise<ReleasedEvent> {
  const { id } = request.params as { readonly id: string }
  const uuid = uuidOfNumber(id.replace(/\.json$/, ''))
  // Asked even for an id that cannot exist, so that both take the same way and time.
  const found = await eventsNamed(context, request, uuid ?? '00000000-0000-0000-0000-000000000000')
  const [first] = found
  if (first === undefined) throw new Fault('not_found', 'Invalid event')
  return first
}

/** Every visible event of this UUID, the caller's own first. */
export async function eventsNamed(
  context: Context,
  { caller }: FastifyRequest,
  uuid: string,
): Promise<ReleasedEvent[]> {
  const home = caller.reader.organisation?.id
  // Asked for by itself: a large one of somebody else's under the same UUID must not keep it out of the page.
  const filter = { uuids: [uuid], originator: home === undefined ? [] : [home] }
  const { events: own } = await actions['search-events'](context, caller, { filter, limit: 1 })
  const { events } = await actions['search-events'](context, caller, { filter: { uuids: [uuid] }, limit: 20 })
  return [...own, ...events.filter(({ originator }) => originator === undefined || originator.id !== home)]
}

/** The oldest visible event in which an attribute of this UUID is; one of the caller's own before those of others. */
export async function eventWith(
  context: Context,
  { caller }: FastifyRequest,
  attribute: string,
): Promise<ReleasedEvent | undefined> {
  const home = caller.reader.organisation?.id
  const first = async (filter: { readonly originator?: readonly string[] }) => {
    const asked = { filter: { ...filter, attributes: [attribute] }, limit: 1 }
    return (await actions['search-events'](context, caller, asked)).events[0]
  }
  // Asked for by itself: others may have any number under the same UUID.
  return (await first({ originator: home === undefined ? [] : [home] })) ?? (await first({}))
}

/** An event that the caller may change. @throws {Fault} `not_found`, `originator_only` */
export async function ownEvent(context: Context, request: FastifyRequest): Promise<ReleasedEvent> {
  const seen = await theEvent(context, request)
  refuseOthers(request, seen)
  return seen
}

type Source = Pick<ReleasedEvent, 'originator'>

/** PyMISP looks for this sentence, and proposes its change then. @throws {Fault} `originator_only` */
export function refuseOthers(request: FastifyRequest, thing: Source): void {
  if (!isOwn(request, thing))
    throw new Fault('originator_only', 'You do not have permission to do that.', { rule: 'own' })
}

export const isOwn = ({ caller }: FastifyRequest, { originator }: Source): boolean =>
  originator !== undefined && originator.id === caller.reader.organisation?.id

async function* found(
  context: Context,
  { caller }: FastifyRequest,
  { events, nothing, limit, page }: RestSearch,
): AsyncGenerator<ReleasedEvent> {
  if (nothing) return
  yield* eventsOf(context, caller, events, limit === undefined ? {} : { offset: (page - 1) * limit, count: limit })
}

async function* wrapped(events: AsyncGenerator<ReleasedEvent>, metadata: boolean): AsyncGenerator<object> {
  for await (const event of events) yield { Event: mispEvent(event, metadata) }
}

async function* bare(events: AsyncGenerator<ReleasedEvent>): AsyncGenerator<object> {
  for await (const event of events) {
    const { Tag: tags, ...head } = mispEvent(event, true) as { readonly Tag: readonly object[] }
    yield { ...head, EventTag: tags.map((Tag) => ({ Tag })) }
  }
}

/** The object in a body, with or without MISP's wrapper. @throws {Fault} `invalid_request` */
export function unwrapped(body: unknown, wrapper: string): Record<string, unknown> {
  const inner = isJsonObject(body) && isJsonObject(body[wrapper]) ? body[wrapper] : body
  if (!isJsonObject(inner)) throw new Fault('invalid_request', `The body is a JSON object: a MISP ${wrapper}.`)
  return { ...inner }
}
