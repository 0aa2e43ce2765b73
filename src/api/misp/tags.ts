import type { FastifyRequest } from 'fastify'
import type { Context } from '../../actions/index.ts'
import { Fault } from '../../domain/errors.ts'
import { Fields } from '../../formats/fields.ts'
import { type MispContext, mispContext } from '../../formats/misp-handling.ts'
import { uuidOfNumber } from '../../formats/misp-ids.ts'
import { attributeNamed } from './attributes.ts'
import { ownEventWith } from './edit.ts'
import { eventsNamed, refuseOthers } from './events.ts'
import type { Handler } from './handler.ts'
import { changeContext, changeIndicator, limitsAccess } from './tag-attribute.ts'
import { changeEvent } from './tag-event.ts'
import { tagSaid } from './tag-said.ts'

/** `POST /misp/tags/attachTagToObject` and its like: a tag of an event or an attribute of one's own. */
export const mispAttachTag: Handler = (context, request) => change(context, request, true)

/** `POST /misp/tags/removeTagFromObject` and its like. What limits who may have something is taken off by no tag. */
export const mispRemoveTag: Handler = (context, request) => change(context, request, false)

async function change(context: Context, request: FastifyRequest, attach: boolean): Promise<object> {
  const { name, tag } = tagSaid(request)
  const meant = mispContext(new Fields({ Tag: [{ name: tag }] }, '', 'invalid_misp'))
  if (!attach && limitsAccess(meant))
    throw new Fault(
      'invalid_handling',
      'A tag about handling is not taken off: an edit with a later timestamp says it anew.',
    )
  const uuid = uuidOfNumber(name) ?? '00000000-0000-0000-0000-000000000000'
  const [event] = await eventsNamed(context, request, uuid)
  if (event !== undefined) {
    refuseOthers(request, event)
    await changeEvent(context, request, event, tag, meant, attach)
  } else await changeAttribute(context, request, uuid, tag, meant, attach)
  const done = attach ? 'attached to' : 'removed from'
  const message = `Global tag ${tag} successfully ${done} ${event === undefined ? 'Attribute' : 'Event'}(${uuid}).`
  const url = attach ? '/tags/attachTagToObject' : '/tags/removeTagFromObject'
  return { saved: true, success: true, check_publish: true, name: message, message, url }
}

/** One of an event of the caller's is context, or an indicator; one that is of no event is an indicator. */
async function changeAttribute(
  context: Context,
  request: FastifyRequest,
  uuid: string,
  tag: string,
  meant: MispContext,
  attach: boolean,
): Promise<void> {
  const event = await ownEventWith(context, request, uuid)
  if (event?.attributes.some((each) => each.uuid === uuid && 'context' in each) === true)
    return await changeContext(context, request, event, uuid, tag, meant, attach)
  const { indicator } = await attributeNamed(context, request, uuid)
  refuseOthers(request, indicator)
  await changeIndicator(context, request, indicator, tag, meant, attach)
}
