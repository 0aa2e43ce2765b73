import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { actions, type Collection, type Context } from '../../actions/index.ts'
import type { ActionName } from '../../domain/action-names.ts'
import { Fault } from '../../domain/errors.ts'
import { limits } from '../../domain/limits.ts'
import { faultOf, notFoundOr405 } from '../problem.ts'
import { sendEnvelope, sendManifest, sendTaxii, sendTaxiiError, sendVersions } from './answers.ts'
import { checkAccept, checkContentType, stixType, taxiiType } from './media-type.ts'
import { type Match, pagingOf, type Query } from './parameters.ts'

/** An operation of the contract, as far as this door needs it. */
export interface TaxiiOperation {
  readonly operationId: string
  readonly action: ActionName
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly url: string
}

/** Where the server is found. */
export const taxiiPrefix = '/taxii2'

type Handler = (context: Context, request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>
type Parameters = { readonly collection: string; readonly object: string; readonly status: string }

const parametersOf = (request: FastifyRequest): Parameters => request.params as Parameters

const handlers: Readonly<Record<string, Handler>> = {
  // URLs may be relative (§4.1.1): a node does not know under which name it is reached.
  taxiiDiscovery: async (context, _request, reply) => {
    const { version } = await actions.describe(context)
    return sendTaxii(reply, {
      title: 'Puente',
      description: `Threat indicators, each to those who may have it. Puente ${version}.`,
      default: `${taxiiPrefix}/node/`,
      api_roots: [`${taxiiPrefix}/node/`],
    })
  },
  taxiiApiRoot: async (context, _request, reply) => {
    await actions.describe(context)
    return sendTaxii(reply, {
      title: 'Puente',
      versions: [taxiiType],
      max_content_length: limits.collectionBytes,
    })
  },
  taxiiCollections: async (context, request, reply) => {
    const collections = await actions['list-collections'](context, request.caller, {})
    return sendTaxii(reply, collections.length === 0 ? {} : { collections: collections.map(collectionResource) })
  },
  taxiiCollection: async (context, request, reply) => {
    const { collection } = parametersOf(request)
    const collections = await actions['list-collections'](context, request.caller, {})
    const found = collections.find(({ id, alias }) => id === collection || alias === collection)
    if (found === undefined) throw absent()
    return sendTaxii(reply, collectionResource(found))
  },
  taxiiObjects: async (context, request, reply) =>
    sendEnvelope(
      reply,
      await pageOf(context, request, ['id', 'type', 'version', 'spec_version']),
      request.caller.markings,
    ),
  taxiiManifest: async (context, request, reply) =>
    sendManifest(reply, await pageOf(context, request, ['id', 'type', 'version', 'spec_version'])),
  taxiiObject: async (context, request, reply) =>
    sendEnvelope(reply, await pageOf(context, request, ['version', 'spec_version']), request.caller.markings),
  taxiiVersions: async (context, request, reply) =>
    sendVersions(reply, await pageOf(context, request, ['spec_version'], true)),
  addTaxiiObjects: async (context, request, reply) => {
    checkContentType(request.headers['content-type'])
    const { collection } = parametersOf(request)
    const envelope = (request.body as Readable | undefined) ?? Readable.from([])
    const status = await actions['add-to-collection'](context, request.caller, { collection, envelope })
    return sendTaxii(reply, status, 202)
  },
  deleteTaxiiObject: async (context, request, reply) => {
    const { collection, object } = parametersOf(request)
    const { filter } = pagingOf(request.query as Query, ['version', 'spec_version'])
    if (filter.versions !== undefined && !filter.versions.all) {
      throw new Fault('invalid_request', 'A recall is of an object as a whole: versions cannot be deleted one by one.')
    }
    const asked = { collection, object, filter: {} }
    await actions['read-collection'](context, request.caller, asked)
    const collections = await actions['list-collections'](context, request.caller, {})
    if (collections.find(({ id, alias }) => id === collection || alias === collection)?.canWrite !== true)
      throw new Fault('not_yours', 'Nothing is deleted in this collection.', { rule: 'collection.read-only' })
    const recalled = { id: object, reason: 'deleted over TAXII' }
    if (object.startsWith('indicator--')) await actions.recall(context, request.caller, recalled)
    else await actions['recall-object'](context, request.caller, recalled)
    return sendTaxii(reply, {})
  },
  taxiiStatus: async (context, request, reply) =>
    sendTaxii(
      reply,
      await actions['read-collection-status'](context, request.caller, { id: parametersOf(request).status }),
    ),
}

async function pageOf(context: Context, request: FastifyRequest, match: readonly Match[], allVersions = false) {
  const { collection, object } = parametersOf(request)
  const { filter, ...paging } = pagingOf(request.query as Query, match)
  return await actions['read-collection'](context, request.caller, {
    collection,
    ...paging,
    filter: allVersions ? { ...filter, versions: { last: false, first: false, all: true, times: [] } } : filter,
    ...(object === undefined ? {} : { object }),
  })
}

const absent = (): Fault => new Fault('not_found', 'There is no such thing here.')

/** §5.2.1 */
const collectionResource = ({ id, title, description, alias, canWrite }: Collection) => ({
  id,
  title,
  description,
  alias,
  can_read: true,
  can_write: canWrite,
  media_types: [stixType],
})

/**
 * Registers the doors of TAXII 2.1 as the contract lists them. Every answer is of its media type, errors included.
 * @throws at boot when the contract has an operation without a handler, or a handler has no operation
 */
export async function registerTaxii(
  app: FastifyInstance,
  context: Context,
  operations: readonly TaxiiOperation[],
  methodsOf: (path: string) => readonly string[],
): Promise<void> {
  const promised = new Set(operations.map(({ operationId }) => operationId))
  const idle = Object.keys(handlers).filter((name) => !promised.has(name))
  if (idle.length > 0) throw new Error(`openapi.yaml does not have the operations ${idle.join(', ')}`)
  await app.register(
    async (scope) => {
      scope.setErrorHandler((error: unknown, _request, reply) => sendTaxiiError(reply, faultOf(error, context.log)))
      scope.setNotFoundHandler((request, reply) => sendTaxiiError(reply, notFoundOr405(request, reply, methodsOf)))
      // The last word on an answer: fastify puts quotes and a charset to a media type that it is told before.
      scope.addHook('onSend', async (_request, reply) => void reply.header('content-type', taxiiType))
      // After the caller is known and before anything is read. Errors of before are answered in this form all the same.
      scope.addHook('preValidation', async (request) => checkAccept(request.headers.accept))
      scope.removeAllContentTypeParsers()
      // Also what has a type and no body, as some clients delete.
      scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
      for (const { operationId, action, method, url } of operations) {
        const handler = handlers[operationId]
        if (handler === undefined) throw new Error(`the operation ${operationId} of openapi.yaml has no handler`)
        scope.route({
          method,
          url: url.slice(taxiiPrefix.length),
          prefixTrailingSlash: 'slash',
          bodyLimit: limits.collectionBytes,
          config: { action },
          handler: (request, reply) => handler(context, request, reply),
        })
      }
    },
    { prefix: taxiiPrefix },
  )
}
