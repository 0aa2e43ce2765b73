import type { FastifyRequest } from 'fastify'
import { actions, type Context } from '../../actions/index.ts'
import { Fault } from '../../domain/errors.ts'
import { type HandlingInput, strictestInput } from '../../domain/handling.ts'
import { limits } from '../../domain/limits.ts'
import type { ReleasedEvent } from '../../domain/misp-event.ts'
import type { Released, ReleasedHandling } from '../../domain/released.ts'
import type { MispContext } from '../../formats/misp-handling.ts'
import { mispTag } from '../../formats/misp-out-attribute.ts'
import { attributeIn, editAttribute } from './edit.ts'

/** Whether a tag is about handling: it limits who may have something, and for what. */
export const limitsAccess = ({ labels }: MispContext): boolean => labels.length === 0

/** What a tag adds to handling. @throws {Fault} `invalid_handling` where less holds by it than before, or others would be addressed */
export function tightening(said: HandlingInput, now: ReleasedHandling): HandlingInput {
  if (said.audience !== undefined || said.people !== undefined || said.releasableTo !== undefined)
    throw new Fault('invalid_handling', 'Whom it is for is said by an edit with a later timestamp, not by a tag alone.')
  const joined = strictestInput(held(now), said)
  const looser = (Object.keys(said) as (keyof HandlingInput)[]).some(
    (member) => member !== 'notReleasableTo' && joined[member] !== said[member],
  )
  if (looser) throw new Fault('invalid_handling', 'This tag would say less than what holds already.')
  return said
}

export const held = (now: ReleasedHandling): HandlingInput => ({ ...now, attribution: now.attribution ?? 'named' })

/** Of an attribute that is an indicator a tag is a label. */
export async function changeIndicator(
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

/** Of one that is context a tag is its own, and what it says of handling holds for it alone. */
export async function changeContext(
  context: Context,
  request: FastifyRequest,
  event: ReleasedEvent,
  uuid: string,
  tag: string,
  meant: MispContext,
  attach: boolean,
): Promise<void> {
  const known = event.attributes.find((each) => each.uuid === uuid)
  if (known === undefined || !('context' in known)) throw new Fault('not_found', 'Invalid attribute')
  if (limitsAccess(meant)) tightening(meant.handling, known.handling)
  const { Tag: before = [] } = attributeIn(event, uuid) ?? {}
  const others = before.map(({ name }) => name).filter((name) => name !== tag)
  const names = attach ? [...others, tag] : others
  if (names.length === before.length && names.every((name) => before.some((each) => each.name === name))) return
  if (names.length > limits.mispTags)
    throw new Fault('too_many_values', `An attribute has at most ${limits.mispTags} tags.`)
  await editAttribute(context, request, event, uuid, { Tag: names.map(mispTag) })
}
