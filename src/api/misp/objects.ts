import type { FastifyRequest } from 'fastify'
import type { Context } from '../../actions/index.ts'
import { Fault } from '../../domain/errors.ts'
import { limits } from '../../domain/limits.ts'
import type { ReleasedAttribute, ReleasedEvent } from '../../domain/misp-event.ts'
import { isJsonObject } from '../../formats/json-text.ts'
import { mispEvent } from '../../formats/misp-out.ts'
import type { MispAttribute } from '../../formats/misp-out-indicators.ts'
import { eventsOf } from '../misp-events.ts'
import { fits } from './attributes.ts'
import type { Handler } from './handler.ts'
import { type RestSearch, restSearch } from './query.ts'
import { isSaid, names } from './said.ts'
import { paged, sendList } from './stream.ts'

interface Found {
  readonly uuid: string
  readonly name: string
  readonly Attribute: readonly MispAttribute[]
}

type Whole = Readonly<Record<'id' | 'uuid' | 'info' | 'org_id' | 'orgc_id', string>> & {
  readonly Object: readonly Found[]
}

/** `POST /misp/objects/restSearch`: objects of which an attribute is what was asked for, whole as far as the caller may see them. */
export const mispSearchObjects: Handler = async (context, request, reply) => {
  const { kinds, asked } = saidIn(request.body, context.clock())
  const { limit, page } = asked
  if (limit !== undefined && limit * page > limits.mispOffset)
    throw new Fault('invalid_request', `Pages reach to the ${limits.mispOffset}th object; search for events beyond.`)
  const found = paged(objectsFound(context, request, asked, kinds), limit === undefined ? { page } : { limit, page })
  return await sendList(reply, '{"response":[', found, ']}')
}

/** The search without what only objects have: the names of their templates. */
function saidIn(body: unknown, now: Date) {
  const outer = isJsonObject(body) && isJsonObject(body.request) ? body.request : body
  if (!isJsonObject(outer)) return { kinds: undefined, asked: restSearch(outer, now) }
  const { object_name, ...rest } = outer
  return { kinds: isSaid(object_name) ? names(object_name, 'object_name') : undefined, asked: restSearch(rest, now) }
}

async function* objectsFound(
  context: Context,
  { caller }: FastifyRequest,
  asked: RestSearch,
  kinds: readonly string[] | undefined,
): AsyncGenerator<object> {
  if (asked.nothing) return
  for await (const event of eventsOf(context, caller, asked.events)) {
    const { Object: objects, id, uuid, info, org_id, orgc_id } = mispEvent(event) as Whole
    for (const object of objects) {
      if (kinds !== undefined && !kinds.includes(object.name)) continue
      if (!object.Attribute.some((each) => isWanted(each, event, asked))) continue
      yield { Object: { ...object, Event: { id, uuid, info, org_id, orgc_id } } }
    }
  }
}

/** The event was found by some attribute of it; the object is by one of its own. */
function isWanted(attribute: MispAttribute, event: ReleasedEvent, asked: RestSearch): boolean {
  const { values } = asked.events
  const { tags, notTags, uuids, ...events } = asked.events
  if (!fits(attribute, { ...asked, events })) return false
  if (values === undefined) return true
  const kept = event.attributes.find(({ uuid }) => uuid === attribute.uuid)
  return (
    kept !== undefined &&
    observablesOf(kept).some((one) => values.some(({ type, value }) => one.type === type && one.value === value))
  )
}

const observablesOf = (kept: ReleasedAttribute) => ('indicator' in kept ? kept.indicator.observables : [])
