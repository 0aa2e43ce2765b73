import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import mercurius, { type IResolvers, type MercuriusContext, type MercuriusLoaders } from 'mercurius'
import type { Context } from '../../actions/index.ts'
import { limits } from '../../domain/limits.ts'
import { upgradeOf } from '../upgrades.ts'
import { Known } from './asked.ts'
import { executed, refuse } from './errors.ts'
import { guard } from './guard.ts'
import { loaders } from './loaders.ts'
import { responseType } from './media-type.ts'
import { registerPage } from './page.ts'
import { fromBody, fromQueryString, type GraphqlRequest, readJsonBodies } from './request.ts'
import { resolvers } from './resolvers.ts'
import { readSchema } from './schema.ts'
import { subscriptionDoor } from './socket.ts'

/** Documents that are kept parsed and validated. */
const documentsKept = 100

/**
 * A document asked so often is compiled: half the time of a page. The plan is kept by the document's text, so it is right only
 * because a document has one operation, which `admission.ts` sees to before anything runs.
 */
const compiledAfter = 3

/**
 * The GraphQL door: `schema.graphql` at `/graphql` (POST, and GET for queries; a WebSocket for subscriptions), and a page to explore it at
 * `/graphiql`.
 * @param origins pages of which may open WebSockets
 */
export async function registerGraphql(
  app: FastifyInstance,
  context: Context,
  origins: readonly string[],
): Promise<void> {
  const subscriptions = subscriptionDoor(context, origins)
  await registerPage(app)
  await app.register(async (door) => {
    readJsonBodies(door)
    door.setErrorHandler((error: unknown, request, reply) => refuse(request, reply, error, context.log))
    await door.register(mercurius, {
      schema: readSchema(),
      resolvers: resolvers as unknown as IResolvers,
      loaders: loaders as unknown as MercuriusLoaders,
      routes: false,
      cache: documentsKept,
      jit: compiledAfter,
      graphql: { parseOptions: { maxTokens: limits.graphqlTokens } },
      errorFormatter: (execution) => executed(execution, context.log),
    })
    guard(door)
    door.post('/graphql', { config: { action: 'describe' } }, (request, reply) =>
      answer(context, request, reply, fromBody(request.body)),
    )
    door.get('/graphql', { config: { action: 'describe' }, exposeHeadRoute: false }, (request, reply) =>
      upgradeOf(request.raw) === undefined
        ? answer(context, request, reply, fromQueryString(request.query))
        : subscriptions(request, reply),
    )
  })
}

async function answer(
  context: Context,
  { caller, headers }: FastifyRequest,
  reply: FastifyReply,
  { query, variables, operationName }: GraphqlRequest,
): Promise<unknown> {
  const type = responseType(headers.accept)
  const asked = { context, caller, known: new Known(context, caller), operationName }
  const { data, errors } = await reply.graphql(query, asked as unknown as MercuriusContext, variables)
  reply.header('content-type', `${type}; charset=utf-8`)
  // In one order, compiled or not.
  return errors === undefined ? { data } : { data, errors }
}
