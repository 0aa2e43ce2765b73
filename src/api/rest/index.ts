import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type Context, isReady } from '../../actions/index.ts'
import { Fault } from '../../domain/errors.ts'
import { limits } from '../../domain/limits.ts'
import { parseStrict } from '../../formats/json-text.ts'
import { assistance } from './assistance.ts'
import { audit } from './audit.ts'
import { blocklists } from './blocklists.ts'
import type { Contract, Operation } from './contract.ts'
import { directory } from './directory.ts'
import { federation } from './federation.ts'
import { follow, statistics } from './feed.ts'
import type { Handler } from './handler.ts'
import { explain, history, read, recall, revise, search } from './indicators.ts'
import { legal } from './legal.ts'
import { lookup } from './lookup.ts'
import { formBytes, oauthDocuments, oauthForms, speakOauth } from './oauth.ts'
import { objects } from './objects.ts'
import { observe, readObservations } from './observations.ts'
import { peers } from './peers.ts'
import { provenance } from './provenance.ts'
import { publish } from './publish.ts'
import { listRelated, readSightings, sight } from './quality.ts'
import { keepRawBody } from './raw-body.ts'
import { stream } from './stream.ts'
import { subscriptions } from './subscriptions.ts'
import { compileBody, compileParameters } from './validation.ts'
import { widening } from './widening.ts'

/** Operations whose body is a stream: they parse it themselves. */
const streaming: Readonly<Record<string, Handler>> = { publish, lookup, observe }

const handlers = (contract: Contract): Readonly<Record<string, Handler>> => ({
  ...streaming,
  ...oauthForms,
  ...oauthDocuments,
  ...directory,
  ...audit,
  ...blocklists,
  ...subscriptions,
  ...objects,
  ...peers,
  ...federation,
  ...provenance,
  ...legal,
  ...widening,
  ...assistance,
  search,
  read,
  revise,
  recall,
  history,
  explain,
  follow,
  stream,
  statistics,
  readObservations,
  sight,
  readSightings,
  listRelated,
  health: async () => ({ status: 'alive' }),
  ready: async (context) => {
    if (!(await isReady(context)))
      throw new Fault('unavailable', 'The database does not answer.', { retryAfterSeconds: 2 })
    return { status: 'ready' }
  },
  contract: async () => contract.document,
})

/**
 * Registers the REST doors as the contract lists them.
 * @throws at boot when the contract has an operation without a handler, or a handler has no operation
 */
export async function registerRest(app: FastifyInstance, context: Context, contract: Contract): Promise<void> {
  const all = handlers(contract)
  const own = contract.operations.filter(({ door }) => door === 'rest')
  const promised = new Set(own.map(({ operationId }) => operationId))
  const idle = Object.keys(all).filter((name) => !promised.has(name))
  if (idle.length > 0) throw new Error(`openapi.yaml does not have the operations ${idle.join(', ')}`)
  app.setValidatorCompiler(({ schema, httpPart }) =>
    httpPart === 'body' ? compileBody(schema) : compileParameters(schema),
  )
  const [streams, forms, documents] = [
    own.filter(({ operationId }) => operationId in streaming),
    own.filter(({ operationId }) => operationId in oauthForms),
    own.filter(({ operationId }) => !(operationId in streaming) && !(operationId in oauthForms)),
  ]
  await app.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
    for (const operation of streams) route(scope, context, operation, all, Number.MAX_SAFE_INTEGER)
  })
  await app.register(async (scope) => {
    speakOauth(scope, context.log)
    for (const operation of forms) route(scope, context, operation, all, formBytes)
  })
  await app.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser(
      ['application/json', 'application/merge-patch+json'],
      { parseAs: 'buffer' },
      async (request: FastifyRequest, bytes: Buffer) => {
        keepRawBody(request, bytes)
        return bytes.length === 0 ? undefined : parseStrict(bytes)
      },
    )
    for (const operation of documents) route(scope, context, operation, all, limits.bodyBytes)
  })
}

/** What may be left out is checked as if nothing stood in it. */
const absentIsEmpty = async (request: FastifyRequest): Promise<void> => {
  if (request.body === undefined) request.body = {}
}

function route(
  app: FastifyInstance,
  context: Context,
  { operationId, action, method, url, schema, open, optionalBody }: Operation,
  all: Readonly<Record<string, Handler>>,
  bodyLimit: number,
): void {
  const handler = all[operationId]
  if (handler === undefined) throw new Error(`the operation ${operationId} of openapi.yaml has no handler`)
  app.route({
    method,
    url,
    schema,
    bodyLimit,
    // A stream has no end, so there is nothing to say of it without giving it.
    exposeHeadRoute: operationId !== 'stream' && operationId !== 'federationFeed',
    config: { action, open, streams: operationId in streaming, listKeys: action === 'read-blocklist' },
    ...(optionalBody ? { preValidation: absentIsEmpty } : {}),
    handler: (request, reply) => handler(context, request, reply),
  })
}
