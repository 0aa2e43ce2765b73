import type { FastifyRequest } from 'fastify'
import { actions } from '../../actions/index.ts'
import { Fault } from '../../domain/errors.ts'
import { uuidOfNumber } from '../../formats/misp-ids.ts'
import { attributeNamed } from './attributes.ts'
import { ownEvent, refuseOthers } from './events.ts'
import type { Handler } from './handler.ts'

const reason = 'deleted by a client of MISP'

/** `POST` and `DELETE /misp/events/delete/{id}`: what is in it is recalled. */
export const mispDeleteEvent: Handler = async (context, request) => {
  const { uuid } = await ownEvent(context, request)
  await actions['recall-event'](context, request.caller, { kind: 'event', uuid, reason })
  return deleted('Event', 'events', uuid)
}

/** `POST` and `DELETE /misp/attributes/delete/{id}`: one that is of no event is an indicator by itself. */
export const mispDeleteAttribute: Handler = async (context, request) => {
  const uuid = uuidIn(request)
  try {
    await actions['recall-event'](context, request.caller, { kind: 'attribute', uuid, reason })
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'not_found') throw error
    const { indicator } = await attributeNamed(context, request, uuid)
    refuseOthers(request, indicator)
    await actions.recall(context, request.caller, { id: indicator.id, reason })
  }
  return deleted('Attribute', 'attributes', uuid)
}

/** `POST` and `DELETE /misp/objects/delete/{id}`: its frame and all in it. */
export const mispDeleteObject: Handler = async (context, request) => {
  const uuid = uuidIn(request)
  await actions['recall-event'](context, request.caller, { kind: 'object', uuid, reason })
  return deleted('Object', 'objects', uuid)
}

/** Asked even for an id that cannot exist, so that both take the same way. */
const uuidIn = ({ params }: FastifyRequest): string => {
  const { id } = params as { readonly id: string }
  return uuidOfNumber(id.replace(/\.json$/, '')) ?? '00000000-0000-0000-0000-000000000000'
}

const deleted = (what: string, door: string, uuid: string) => ({
  saved: true,
  success: true,
  name: `${what} deleted.`,
  message: `${what} deleted.`,
  url: `/${door}/delete/${uuid}`,
})
