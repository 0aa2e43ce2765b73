import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { actions, type Context } from '../../actions/index.ts'
import type { ListObjectsInput, ObjectFilter, ReadObjectInput } from '../../actions/objects.ts'
import { parseInstant } from '../../domain/enrolment.ts'
import { Fault } from '../../domain/errors.ts'
import type { ReleasedObject } from '../../domain/released.ts'
import { encodeObjectBundle, encodeObjects, objectJson } from '../../formats/objects-out.ts'
import { asList, present, type Query } from './query.ts'

const json = 'application/json'
const stix = 'application/stix+json;version=2.1'

/** `GET /v1/objects` */
async function listObjects(context: Context, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const query = request.query as Query
  const form = formOf(request, query.format)
  const { items, next } = await actions['list-objects'](context, request.caller, {
    filter: present<ObjectFilter>({
      type: asList(query.type),
      since: query.since === undefined ? undefined : parseInstant(String(query.since), '/since'),
    }),
    ...present<Omit<ListObjectsInput, 'filter'>>({
      cursor: query.cursor as string | undefined,
      limit: query.limit as number | undefined,
    }),
  })
  if (next !== undefined) {
    const url = new URL(request.url, 'http://here')
    url.searchParams.set('cursor', next)
    reply.header('link', `<${url.pathname}${url.search}>; rel="next"`)
  }
  return send(request, reply, form, items, encodeObjects(items, request.caller.markings, next))
}

/** `GET /v1/objects/{id}`: the STIX object itself, or what the node knows of it beside. */
async function readObject(context: Context, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const form = formOf(request, (request.query as Query).format)
  const object = await actions['read-object'](context, request.caller, placeOf(request))
  // The same version is another text for who may see another part of it: a version is no entity tag.
  return send(request, reply, form, [object], [objectJson(object, request.caller.markings)])
}

/** `GET /v1/objects/{id}/versions` */
async function listObjectVersions(context: Context, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const form = formOf(request, (request.query as Query).format)
  const items = await actions['list-object-versions'](context, request.caller, placeOf(request))
  return send(request, reply, form, items, encodeObjects(items, request.caller.markings))
}

/** `POST /v1/objects/{id}/recall` */
async function recallObject(context: Context, request: FastifyRequest): Promise<unknown> {
  const { reason } = request.body as { reason: string }
  return await actions['recall-object'](context, request.caller, { id: placeOf(request).id, reason })
}

export const objects = { listObjects, readObject, listObjectVersions, recallObject }

function placeOf(request: FastifyRequest): ReadObjectInput {
  const { originator } = request.query as { originator?: string }
  return { id: (request.params as { id: string }).id, ...present<{ originator?: string }>({ originator }) }
}

/** @throws {Fault} `not_acceptable` */
function formOf(request: FastifyRequest, parameter: unknown): 'json' | 'stix' {
  if (parameter === 'json' || parameter === 'stix') return parameter
  for (const each of (request.headers.accept ?? '*/*').split(',')) {
    const type = each.split(';', 1)[0]?.trim().toLowerCase()
    if (type === '*/*' || type === 'application/*' || type === json) return 'json'
    if (type === 'application/stix+json') return 'stix'
  }
  throw new Fault('not_acceptable', `This door answers in ${json}, ${stix}.`)
}

function send(
  { caller }: FastifyRequest,
  reply: FastifyReply,
  form: 'json' | 'stix',
  items: readonly ReleasedObject[],
  asJson: Iterable<string>,
): unknown {
  reply.header('content-type', form === 'json' ? 'application/json; charset=utf-8' : stix)
  return reply.send(Readable.from(form === 'json' ? asJson : encodeObjectBundle(items, randomUUID(), caller.markings)))
}
