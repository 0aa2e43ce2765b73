import type { FastifyRequest } from 'fastify'
import { actions, type Context } from '../../actions/index.ts'
import type { SearchFilter } from '../../actions/search-filter.ts'
import { Fault } from '../../domain/errors.ts'
import { limits } from '../../domain/limits.ts'
import { typeOfMisp } from '../../domain/observables/misp.ts'
import { observableTypes } from '../../domain/observables/types.ts'
import type { Released } from '../../domain/released.ts'
import { uuidOfNumber } from '../../formats/misp-ids.ts'
import { type MispAttribute, mispAttributes } from '../../formats/misp-out-indicators.ts'
import { eventsAround } from '../misp-events.ts'
import { eventWith, isOwn } from './events.ts'
import type { Handler } from './handler.ts'
import { type RestSearch, restSearch } from './query.ts'
import { paged, sendList } from './stream.ts'

/** `POST /misp/attributes/restSearch`: every indicator as MISP would have it, whatever it came as. */
export const mispSearchAttributes: Handler = async (context, request, reply) => {
  const asked = restSearch(request.body, context.clock())
  const { limit, page } = asked
  if (limit !== undefined && limit * page > limits.mispOffset) {
    throw new Fault(
      'invalid_request',
      `Pages reach to the ${limits.mispOffset}th attribute; /v1/indicators has cursors that reach further.`,
    )
  }
  const found = paged(attributesFound(context, request, asked), limit === undefined ? { page } : { limit, page })
  return await sendList(reply, '{"response":{"Attribute":[', found, ']}}')
}

async function* attributesFound(
  context: Context,
  request: FastifyRequest,
  asked: RestSearch,
): AsyncGenerator<MispAttribute> {
  if (asked.nothing) return
  for (const filter of filtersOf(asked)) {
    for await (const items of pagesOf(context, request, filter)) {
      const events = await eventsAround(context, request.caller, items)
      for (const attribute of mispAttributes(items, events)) if (fits(attribute, asked)) yield attribute
    }
  }
}

/** A search for each value; what it cannot say of attributes is looked at when they are there. */
function filtersOf({ events, types }: RestSearch): SearchFilter[] {
  const { values, info, from, to, since, until, originator } = events
  if (info !== undefined || from !== undefined || to !== undefined)
    throw new Fault('invalid_request', 'Attributes are not found by what their events say: search for events.')
  const shared: SearchFilter = {
    ...(originator === undefined ? {} : { originator }),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
  }
  if (values !== undefined) return values.map(({ type, value }) => ({ ...shared, type: [type], value }))
  return [types === undefined ? shared : { ...shared, type: [...new Set(types.flatMap(typesOf))] }]
}

/** The types of indicators that an attribute of this type may be of; `no type` finds nothing. */
function typesOf(mispType: string): string[] {
  const named = (typeOfMisp(mispType) ?? []).flatMap((id) => (observableTypes.has(id) ? [id] : addresses))
  return named
}

const addresses = ['ipv4-address', 'ipv6-address', 'ipv4-prefix', 'ipv6-prefix']

async function* pagesOf(
  context: Context,
  { caller }: FastifyRequest,
  filter: SearchFilter,
): AsyncGenerator<readonly Released[]> {
  let cursor: string | undefined
  do {
    const page = await actions.search(context, caller, { filter, ...(cursor === undefined ? {} : { cursor }) })
    yield page.items
    cursor = page.next
  } while (cursor !== undefined)
}

export function fits(attribute: MispAttribute, asked: RestSearch): boolean {
  const { types, events } = asked
  const { uuids, categories, toIds, tags, notTags } = events
  const names = (attribute.Tag ?? []).map(({ name }) => name)
  return (
    (types === undefined || types.includes(attribute.type)) &&
    (categories === undefined || categories.includes(attribute.category)) &&
    (toIds === undefined || attribute.to_ids === toIds) &&
    (uuids === undefined || uuids.includes(attribute.uuid) || uuids.includes(attribute.Event?.uuid ?? '')) &&
    (tags === undefined || tags.some((tag) => names.includes(tag))) &&
    (notTags === undefined || !notTags.some((tag) => names.includes(tag)))
  )
}

/** `GET /misp/attributes/view/{id}` */
export const mispReadAttribute: Handler = async (context, request) => {
  const { id } = request.params as { readonly id: string }
  return { Attribute: (await attributeNamed(context, request, id.replace(/\.json$/, ''))).attribute }
}

/** An attribute and its indicator, by the attribute's UUID or number; the caller's own before others'. @throws {Fault} `not_found` */
export async function attributeNamed(
  context: Context,
  request: FastifyRequest,
  name: string,
): Promise<{ readonly attribute: MispAttribute; readonly indicator: Released }> {
  const uuid = uuidOfNumber(name) ?? '00000000-0000-0000-0000-000000000000'
  const event = await eventWith(context, request, uuid)
  const placed = event?.attributes.find((each) => each.uuid === uuid)
  const inEvent = placed !== undefined && 'indicator' in placed ? placed.indicator : undefined
  const alone = inEvent !== undefined && isOwn(request, inEvent) ? undefined : await byItself(context, request, uuid)
  const indicator = alone !== undefined && (inEvent === undefined || isOwn(request, alone)) ? alone : inEvent
  const around = event === undefined || indicator !== inEvent ? [] : [event]
  const all = indicator === undefined ? [] : [...mispAttributes([indicator], around)]
  const attribute = all.find((each) => each.uuid === uuid)
  if (attribute === undefined || indicator === undefined) throw new Fault('not_found', 'There is no such thing here.')
  return { attribute, indicator }
}

/** An indicator that came by another way is known by its own id. Its originator still has what it took back, but not as an attribute. */
async function byItself(context: Context, { caller }: FastifyRequest, uuid: string): Promise<Released | undefined> {
  try {
    const indicator = await actions.read(context, caller, { id: `indicator--${uuid}` })
    return indicator.status === 'recalled' ? undefined : indicator
  } catch (error) {
    if (error instanceof Fault && error.code === 'not_found') return undefined
    throw error
  }
}
