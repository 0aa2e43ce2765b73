import type { FastifyRequest } from 'fastify'
import type { Context } from '../../actions/index.ts'
import { Fault } from '../../domain/errors.ts'
import type { ReleasedEvent } from '../../domain/misp-event.ts'
import { uuidOfNumber } from '../../formats/misp-ids.ts'
import { mispEvent } from '../../formats/misp-out.ts'
import { refusedWhole } from './errors.ts'
import { eventWith, refuseOthers, unwrapped } from './events.ts'
import type { Handler } from './handler.ts'
import { frameOf, later, ownNamed, push } from './publish.ts'

/** `POST /misp/attributes/edit/{id}`: an attribute of an event of the caller's organisation, with what changed. */
export const mispEditAttribute: Handler = async (context, request) => {
  const { id } = request.params as { readonly id: string }
  const uuid = uuidOfNumber(id.replace(/\.json$/, '')) ?? '00000000-0000-0000-0000-000000000000'
  const event = await ownEventWith(context, request, uuid)
  if (event === undefined) throw new Fault('not_found', 'Invalid attribute')
  return { Attribute: await editAttribute(context, request, event, uuid, unwrapped(request.body, 'Attribute')) }
}

/** The caller's own event that has an attribute, whole; undefined where nobody's that it may see has it. @throws {Fault} `originator_only` */
async function ownEventWith(
  context: Context,
  request: FastifyRequest,
  attribute: string,
): Promise<ReleasedEvent | undefined> {
  const found = await eventWith(context, request, attribute)
  if (found === undefined) return undefined
  refuseOthers(request, found)
  return await ownNamed(context, request, found.uuid)
}

/** Publishes an attribute of an event again, with what changed. @returns it as it is now @throws {Fault} as publishing refuses it */
export async function editAttribute(
  context: Context,
  request: FastifyRequest,
  event: ReleasedEvent,
  uuid: string,
  changed: object,
): Promise<object> {
  const known = attributeIn(event, uuid)
  // The event's time is that of its indicators; context may have been changed after them.
  const timestamp = String(Math.max(Number(later(context, event)), Number(known?.timestamp ?? 0) + 1))
  const change = { ...changed, uuid, timestamp }
  const document = { Event: { ...frameOf(event), ...around(event, change) } }
  const receipt = await push(context, request, document, { to: event.uuid, from: event })
  const now = await ownNamed(context, request, event.uuid)
  const written = attributeIn(now ?? event, uuid)
  if (receipt.rejected.length > 0) throw refusedWhole(receipt.rejected)
  if (written === undefined && known !== undefined) return { ...known, deleted: true }
  if (written === undefined) throw refusedWhole([])
  return written
}

interface Placed {
  readonly uuid: string
  /** Seconds since 1970. */
  readonly timestamp: string
  readonly Tag?: readonly { readonly name: string }[]
}
type Whole = {
  readonly Attribute: readonly Placed[]
  readonly Object: readonly { readonly Attribute: readonly Placed[] }[]
}

/** An attribute of an event as MISP writes it, alone or in an object. */
export function attributeIn(event: ReleasedEvent, uuid: string): Placed | undefined {
  const { Attribute: alone, Object: objects } = mispEvent(event) as Whole
  return [...alone, ...objects.flatMap(({ Attribute }) => Attribute)].find((each) => each.uuid === uuid)
}

/** The attribute as it will be, with the object that it is in: an indicator may be made of several attributes of one. */
function around(event: ReleasedEvent, change: Placed): object {
  const { timestamp } = change
  const { Attribute: alone, Object: objects } = mispEvent(event) as Whole
  const known = alone.find(({ uuid }) => uuid === change.uuid)
  if (known !== undefined) return { Attribute: [{ ...known, ...change }] }
  return {
    Object: objects
      .filter(({ Attribute }) => Attribute.some(({ uuid }) => uuid === change.uuid))
      .map((object) => ({
        ...object,
        timestamp,
        Attribute: object.Attribute.map((each) => ({
          ...each,
          ...(each.uuid === change.uuid ? change : { timestamp }),
        })),
      })),
  }
}
