import type { FastifyReply, FastifyRequest } from 'fastify'
import { actions, type Context } from '../../actions/index.ts'
import { type Quality, readSightingsOf } from '../../actions/read-sightings.ts'
import type { Released } from '../../domain/released.ts'
import type { SightingInput } from '../../domain/sighting.ts'
import { handlingFromRecord } from '../../formats/handling-fields.ts'
import { indicatorJson } from '../../formats/json-out.ts'
import { idempotencyKeyOf } from './publish.ts'
import { present } from './query.ts'

interface Place {
  readonly id: string
  readonly originator?: string
}

const placeOf = (request: FastifyRequest): Place => {
  const { originator } = request.query as { originator?: string }
  return { id: (request.params as { readonly id: string }).id, ...present<{ originator?: string }>({ originator }) }
}

/** `POST /v1/indicators/{id}/sightings` */
export async function sight(context: Context, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const { type, count, firstSeen, lastSeen, ...handling } = request.body as Record<string, unknown> & SightingInput
  const sighted = await actions.sight(context, request.caller, {
    ...placeOf(request),
    sighting: present<SightingInput>({ type, count, firstSeen, lastSeen }),
    handling: handlingFromRecord(handling),
    ...present<{ idempotencyKey?: string }>({ idempotencyKey: idempotencyKeyOf(request) }),
  })
  return reply.status(201).send(sighted)
}

/** `GET /v1/indicators/{id}/sightings` */
export async function readSightings(context: Context, request: FastifyRequest): Promise<unknown> {
  return await actions['read-sightings'](context, request.caller, placeOf(request))
}

/** `GET /v1/indicators/{id}/related` */
export async function listRelated(context: Context, request: FastifyRequest): Promise<unknown> {
  const { limit } = request.query as { limit?: number }
  const place = placeOf(request)
  const related = await actions['list-related'](context, request.caller, {
    ...place,
    ...present<{ limit?: number }>({ limit }),
  })
  const items = related.map(({ relation, indicator }) => ({ relation, indicator: indicatorJson(indicator) }))
  return { id: place.id.toLowerCase(), related: items }
}

/** `?include=quality`: what each indicator of an answer gets beside its own members. */
export async function qualities(
  context: Context,
  request: FastifyRequest,
  items: readonly Released[],
): Promise<readonly { readonly quality?: Quality }[]> {
  const wanted = items.map(({ id, originator, alias }) => ({
    id,
    ...present<{ originator?: string; alias?: string }>({ originator: originator?.id, alias }),
  }))
  const found = await readSightingsOf(context, request.caller, { of: wanted, sumsAlone: true })
  return found.map((each) => {
    // Gone since the page was read.
    if (each === undefined) return {}
    const { id: _, reports: __, ...quality } = each
    return { quality }
  })
}
