import { createHash, randomUUID } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { actions, type Context } from '../../actions/index.ts'
import type { PublishReceipt } from '../../actions/publish.ts'
import { Fault, type RecordFault } from '../../domain/errors.ts'
import { type HandlingInput, strictestInput } from '../../domain/handling.ts'
import { limits } from '../../domain/limits.ts'
import type { ReleasedEvent } from '../../domain/misp-event.ts'
import type { DecodedGroups } from '../../formats/decoded.ts'
import { handlingFromRecord, handlingMembers } from '../../formats/handling-fields.ts'
import { misp } from '../../formats/misp.ts'
import { uuidOfNumber } from '../../formats/misp-ids.ts'
import { mispEvent } from '../../formats/misp-out.ts'
import { refusedWhole } from './errors.ts'
import { eventsNamed, isOwn, ownEvent, unwrapped } from './events.ts'
import type { Handler } from './handler.ts'

/** `POST /misp/events/add` and `/misp/events/edit/{id}`: an event of the caller's organisation, new or once more. */
export const mispAddEvent: Handler = async (context, request) => {
  const event = unwrapped(request.body, 'Event')
  const { id } = request.params as { readonly id?: string }
  const option = optionOf(request)
  const known = id === undefined ? undefined : await ownEvent(context, request)
  const uuid = known?.uuid ?? (typeof event.uuid === 'string' ? event.uuid.toLowerCase() : randomUUID())
  const document = { Event: { ...(known === undefined ? {} : saidBefore(known)), ...event, uuid } }
  const before = known ?? (await ownNamed(context, request, uuid))
  const receipt = await push(context, request, document, {
    defaults: staysAnonymous(before, event),
    ...(known === undefined ? {} : { from: known }),
  })
  const kept = await ownNamed(context, request, uuid)
  if (kept === undefined || (known !== undefined && receipt.rejected.some(isOfEvent)))
    throw refusedWhole(receipt.rejected)
  return { Event: mispEvent(kept, option === 'metadata:1'), ...rejectedOf(receipt) }
}

/** Whether it is the event itself that was refused, and not something in it. */
const isOfEvent = ({ position: { pointer = '' } }: RecordFault): boolean =>
  !/^\/Event\/(?:Attribute|Object)\b/.test(pointer)

/** Options stand behind the path. What is sent twice is one thing here, so `breakOnDuplicate` changes nothing. @throws {Fault} `not_found` */
function optionOf({ params }: FastifyRequest): string | undefined {
  const { option } = params as { readonly option?: string }
  if (option === undefined || /^(metadata|breakOnDuplicate):[01]$/.test(option)) return option
  throw new Fault('not_found', 'There is no such thing here.')
}

/** What an edit that does not mention it leaves as it is: the event's handling above all. */
export function saidBefore(known: ReleasedEvent): object {
  const { info, date, threat_level_id, analysis, published, extends_uuid, Orgc, Tag } = mispEvent(
    known,
    true,
  ) as Record<string, unknown>
  return { info, date, threat_level_id, analysis, published, extends_uuid, Orgc, Tag }
}

/** Who published anonymously is named by no edit that does not say so. */
export const staysAnonymous = (
  before: ReleasedEvent | undefined,
  { Tag }: { readonly Tag?: unknown },
): HandlingInput =>
  before?.handling.attribution === 'anonymous' && !JSON.stringify(Tag ?? []).includes('puente:attribution')
    ? { attribution: 'anonymous' }
    : {}

/** `POST /misp/attributes/add/{id}`: one attribute, or a list. */
export const mispAddAttributes: Handler = async (context, request) => {
  optionOf(request)
  const event = await ownEvent(context, request)
  const several = Array.isArray(request.body)
  const all: unknown[] = several ? (request.body as unknown[]) : [request.body]
  if (all.length > limits.batchRecords)
    throw new Fault('too_many_values', `At most ${limits.batchRecords} attributes at once.`)
  const attributes = all.map(named)
  const receipt = await push(
    context,
    request,
    { Event: { ...frameOf(event), Attribute: attributes } },
    { to: event.uuid },
  )
  const uuids = new Set(attributes.map(({ uuid }) => uuid))
  const written = await added(context, request, event, (each) => uuids.has(each.uuid))
  if (written.length === 0) throw refusedWhole(receipt.rejected)
  // MISP answers a list of one as one.
  return { Attribute: several && all.length > 1 ? written : written[0], ...rejectedOf(receipt) }
}

/** `POST /misp/objects/add/{id}` */
export const mispAddObject: Handler = async (context, request) => {
  optionOf(request)
  const event = await ownEvent(context, request)
  const { Attribute: list, ...frame } = named(unwrapped(request.body, 'Object'))
  const attributes = (Array.isArray(list) ? list : []).map(named)
  const object = { ...frame, Attribute: attributes }
  const receipt = await push(context, request, { Event: { ...frameOf(event), Object: [object] } }, { to: event.uuid })
  const now = await ownNamed(context, request, event.uuid)
  const { Object: objects } = mispEvent(now ?? event) as { readonly Object: readonly { readonly uuid: string }[] }
  const written = objects.find(({ uuid }) => uuid === frame.uuid)
  if (written === undefined) throw refusedWhole(receipt.rejected)
  return { Object: written, ...rejectedOf(receipt) }
}

/** With a UUID of its own, in lower case: a client asks for it again by that. */
function named(body: unknown): Record<string, unknown> & { readonly uuid: string } {
  const attribute = unwrapped(body, 'Attribute')
  return { ...attribute, uuid: typeof attribute.uuid === 'string' ? attribute.uuid.toLowerCase() : randomUUID() }
}

/** A time behind everything that the event has, in seconds: what is published with it is a later version. */
export const later = (context: Context, { modified }: ReleasedEvent): string =>
  String(Math.max(Math.floor(context.clock().getTime() / 1000), Math.floor(Date.parse(modified) / 1000) + 1))

/** What an attribute takes over from its event, beside the handling, which is not said but known. */
export const frameOf = ({ uuid, body }: ReleasedEvent) => ({
  uuid,
  info: body.info,
  Tag: body.tags.map((name) => ({ name })),
})

async function added(
  context: Context,
  request: FastifyRequest,
  event: ReleasedEvent,
  wanted: (attribute: { readonly uuid: string }) => boolean,
): Promise<object[]> {
  const now = await ownNamed(context, request, event.uuid)
  const { Attribute: all } = mispEvent(now ?? event) as { readonly Attribute: readonly { readonly uuid: string }[] }
  return all.filter(wanted)
}

/** The caller's own event of this UUID. */
export async function ownNamed(
  context: Context,
  request: FastifyRequest,
  uuid: string,
): Promise<ReleasedEvent | undefined> {
  const name = uuidOfNumber(uuid)
  if (name === undefined) return undefined
  return (await eventsNamed(context, request, name)).find((event) => isOwn(request, event))
}

/**
 * Publishes a document; what is in it is added to the event `to`, where one is named, which stays as it is. Of an edit `from` is the event
 * that it was made from: what changed since is not written over.
 */
export async function push(
  context: Context,
  request: FastifyRequest,
  document: object,
  {
    to,
    defaults = {},
    from,
  }: { readonly to?: string; readonly defaults?: HandlingInput; readonly from?: ReleasedEvent },
): Promise<PublishReceipt> {
  const { handling: said, profile } = handlingSaid(request)
  const text = JSON.stringify(document)
  const bytes = Buffer.from(text)
  const decoded = misp({
    async *open() {
      yield bytes
    },
  })
  return await actions.publish(context, request.caller, {
    decoded: to === undefined ? decoded : withoutEvents(decoded),
    defaults: strictestInput(said, defaults),
    ...(to === undefined ? {} : { event: to }),
    ...(from === undefined ? {} : { from }),
    ...profile,
    requestDigest: () => createHash('sha256').update(text).digest(),
  })
}

async function* withoutEvents(groups: DecodedGroups): DecodedGroups {
  for await (const group of groups) yield group.filter((each) => !('kept' in each && each.kept.kind === 'event'))
}

/**
 * Handling of what the body does not mark, as the query string says it elsewhere: `Puente-Handling: tlp=amber&audience=community:x`.
 * A client of MISP can send a header of its own, and no query.
 */
function handlingSaid({ headers }: FastifyRequest): {
  readonly handling: HandlingInput
  readonly profile?: { readonly profile: string }
} {
  const said = headers['puente-handling']
  if (said === undefined) return { handling: {} }
  const record: Record<string, unknown> = {}
  const lists = ['audience', 'people', 'releasableTo', 'notReleasableTo']
  for (const [name, value] of new URLSearchParams(Array.isArray(said) ? said.join('&') : said)) {
    // A limit with a slip in its name would not be kept.
    if (!sayable.includes(name))
      throw new Fault('invalid_handling', `Puente-Handling has no "${name.slice(0, 40)}".`, {
        position: { pointer: `/${name.slice(0, 40)}` },
      })
    // Of two readers each could take another of them.
    if (Object.hasOwn(record, name))
      throw new Fault('invalid_handling', `Puente-Handling says ${name.slice(0, 40)} twice.`)
    record[name] = lists.includes(name) ? value.split(',') : value
  }
  const { handling: name, ...words } = record
  return {
    handling: handlingFromRecord(words),
    ...(name === undefined ? {} : { profile: { profile: String(name) } }),
  }
}

const sayable: readonly string[] = [...handlingMembers, 'handling']

const rejectedOf = ({ rejected }: PublishReceipt) => (rejected.length === 0 ? {} : { rejected: rejected.slice(0, 100) })
