import type { FastifyRequest } from 'fastify'
import { actions, type Context } from '../../actions/index.ts'
import { Fault } from '../../domain/errors.ts'
import { type HandlingInput, strictestInput } from '../../domain/handling.ts'
import { limits } from '../../domain/limits.ts'
import type { ReleasedEvent } from '../../domain/misp-event.ts'
import type { Released, ReleasedHandling } from '../../domain/released.ts'
import { Fields } from '../../formats/fields.ts'
import { isJsonObject } from '../../formats/json-text.ts'
import { type MispContext, mispContext } from '../../formats/misp-handling.ts'
import { uuidOfNumber } from '../../formats/misp-ids.ts'
import { mispEvent } from '../../formats/misp-out.ts'
import { attributeNamed } from './attributes.ts'
import { refusedWhole } from './errors.ts'
import { eventsNamed, refuseOthers } from './events.ts'
import type { Handler } from './handler.ts'
import { later, push, saidBefore, staysAnonymous } from './publish.ts'

/** `POST /misp/tags/attachTagToObject` and its like: a tag of an event or an attribute of one's own. */
export const mispAttachTag: Handler = (context, request) => change(context, request, true)

/** `POST /misp/tags/removeTagFromObject` and its like. What limits who may have something is taken off by no tag. */
export const mispRemoveTag: Handler = (context, request) => change(context, request, false)

async function change(context: Context, request: FastifyRequest, attach: boolean): Promise<object> {
  const { name, tag } = saidIn(request.body)
  const meant = mispContext(new Fields({ Tag: [{ name: tag }] }, '', 'invalid_misp'))
  if (!attach && limitsAccess(meant))
    throw new Fault(
      'invalid_handling',
      'A tag about handling is not taken off: an edit with a later timestamp says it anew.',
    )
  const uuid = uuidOfNumber(name) ?? '00000000-0000-0000-0000-000000000000'
  const [event] = await eventsNamed(context, request, uuid)
  const what = event === undefined ? 'Attribute' : 'Event'
  if (event !== undefined) {
    refuseOthers(request, event)
    await changeEvent(context, request, event, tag, meant, attach)
  } else {
    const { indicator } = await attributeNamed(context, request, uuid)
    refuseOthers(request, indicator)
    await changeIndicator(context, request, indicator, tag, meant, attach)
  }
  const done = attach ? 'attached to' : 'removed from'
  const message = `Global tag ${tag} successfully ${done} ${what}(${uuid}).`
  const url = attach ? '/tags/attachTagToObject' : '/tags/removeTagFromObject'
  return { saved: true, success: true, check_publish: true, name: message, message, url }
}

/** `{uuid, tag}` as PyMISP has it, `{event, tag}`, `{attribute, tag}`, or what old clients wrap: `{request: {Event: {id, tag}}}`. */
function saidIn(body: unknown): { readonly name: string; readonly tag: string } {
  const outer = isJsonObject(body) && isJsonObject(body.request) ? body.request : body
  const wrapped = isJsonObject(outer) ? (outer.Event ?? outer.Attribute ?? outer) : outer
  const { uuid, id, event, attribute, tag, local } = isJsonObject(wrapped) ? wrapped : {}
  const name = [uuid, event, attribute, id].find((each) => typeof each === 'string' || typeof each === 'number')
  if (name === undefined || typeof tag !== 'string' || tag.trim() === '' || tag.length > limits.labelCharacters)
    throw new Fault(
      'invalid_request',
      `The body names a thing by "uuid", and a "tag" of 1 to ${limits.labelCharacters} characters.`,
    )
  if (local === true || local === 1 || local === '1')
    throw new Fault('invalid_request', 'Tags that only this node shows are not known here.')
  return { name: String(name), tag: tag.trim() }
}

const limitsAccess = ({ labels }: MispContext): boolean => labels.length === 0

/** What a tag adds to handling. @throws {Fault} `invalid_handling` where less holds by it than before, or others would be addressed */
function tightening(said: HandlingInput, now: ReleasedHandling): HandlingInput {
  if (said.audience !== undefined || said.people !== undefined || said.releasableTo !== undefined)
    throw new Fault('invalid_handling', 'Whom it is for is said by an edit with a later timestamp, not by a tag alone.')
  const joined = strictestInput(held(now), said)
  const looser = (Object.keys(said) as (keyof HandlingInput)[]).some(
    (member) => member !== 'notReleasableTo' && joined[member] !== said[member],
  )
  if (looser) throw new Fault('invalid_handling', 'This tag would say less than what holds already.')
  return said
}

async function changeIndicator(
  context: Context,
  { caller }: FastifyRequest,
  { id, labels, handling }: Pick<Released, 'id' | 'labels' | 'handling'>,
  tag: string,
  meant: MispContext,
  attach: boolean,
): Promise<void> {
  const others = labels.filter((each) => each !== tag)
  const shown = attach && !limitsAccess(meant) ? [...others, tag] : others
  if (shown.length > limits.labels)
    throw new Fault('too_many_values', `An attribute has at most ${limits.labels} tags.`)
  const added = tightening(meant.handling, handling)
  if (shown.length === labels.length && Object.keys(added).length === 0) return
  await actions.revise(context, caller, {
    id,
    stricter: true,
    revision: {
      labels: shown,
      handling: added,
      ...(meant.class === undefined || !attach ? {} : { class: meant.class }),
    },
  })
}

/** A tag about handling holds for all that is in the event; any other is the event's own, and goes with what took it over. */
async function changeEvent(
  context: Context,
  request: FastifyRequest,
  event: ReleasedEvent,
  tag: string,
  meant: MispContext,
  attach: boolean,
): Promise<void> {
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

const held = (now: ReleasedHandling): HandlingInput => ({ ...now, attribution: now.attribution ?? 'named' })

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
