import { join } from 'node:path'
import rateLimit from '@fastify/rate-limit'
import fastify, { type FastifyInstance, type FastifyRequest, type FastifyServerOptions } from 'fastify'
import type { Registry } from 'prom-client'
import type { Context } from './actions/index.ts'
import { answerHeaders, setHeadersFirst } from './api/answer-headers.ts'
import { authenticateRequests } from './api/authenticate.ts'
import { letGoWhenClosing } from './api/closing.ts'
import { limitConnections } from './api/connections.ts'
import { registerDocs } from './api/docs.ts'
import { registerGraphql } from './api/graphql/index.ts'
import { type Guards, lookEveryMs } from './api/guards.ts'
import { methodsOf } from './api/methods.ts'
import { registerMisp } from './api/misp/index.ts'
import { shedLoad } from './api/pressure.ts'
import { answerProblems, faultOf, sendProblem } from './api/problem.ts'
import { answerParserErrors } from './api/raw-answers.ts'
import { readContract } from './api/rest/contract.ts'
import { registerRest } from './api/rest/index.ts'
import { requireActions } from './api/route-law.ts'
import { refuseSlowClients } from './api/slow-clients.ts'
import { countStreams } from './api/streams.ts'
import { registerTaxii } from './api/taxii/index.ts'
import { routeUpgrades } from './api/upgrades.ts'
import { Fault } from './domain/errors.ts'
import { limits } from './domain/limits.ts'

export interface AppOptions {
  /** The folder of the package: where `openapi.yaml` and `schema.graphql` are. */
  readonly root: string
  readonly requestsPerMinute: number
  /** Addresses of proxies whose `X-Forwarded-For` is believed; none by default. */
  readonly trustProxy: readonly string[]
  /** Origins, other than the node's own, whose pages may open WebSockets. */
  readonly allowedOrigins?: readonly string[]
  /** Other limits than those of `limits.ts`, where given. */
  readonly guards?: Partial<Guards>
  /** Takes what is measured of the node; nothing is, where it is absent. */
  readonly registry?: Registry | undefined
  readonly logger?: FastifyServerOptions['logger']
}

/** The doors, all of them, in one list. A door that is not here does not exist. */
export async function buildApp(context: Context, options: AppOptions): Promise<FastifyInstance> {
  const guards: Guards = { ...limits, ...options.guards }
  const app = fastify({
    logger: withoutQueries(options.logger),
    trustProxy: options.trustProxy.length === 0 ? false : [...options.trustProxy],
    bodyLimit: limits.bodyBytes,
    requestTimeout: guards.requestTimeoutMs,
    connectionTimeout: guards.connectionTimeoutMs,
    keepAliveTimeout: guards.keepAliveTimeoutMs,
    http: { headersTimeout: guards.headersTimeoutMs, connectionsCheckingInterval: lookEveryMs },
    clientErrorHandler: answerParserErrors,
    routerOptions: { maxParamLength: 512 },
    return503OnClosing: true,
    frameworkErrors: (error, _request, reply) =>
      void sendProblem(reply.headers(answerHeaders) as never, faultOf(error, context.log)),
  })
  limitConnections(app.server, guards, options.trustProxy)
  requireActions(app)
  setHeadersFirst(app)
  const methods = methodsOf(app)
  answerProblems(app, context.log, methods)
  refuseSlowClients(app, guards)
  letGoWhenClosing(app)
  shedLoad(app, context, guards)
  countStreams(app, guards)
  if (options.registry !== undefined) (await import('./api/metrics/index.ts')).measure(app, context, options.registry)
  authenticateRequests(app, context)
  await limitRates(app, options.requestsPerMinute)
  const contract = readContract(join(options.root, 'openapi.yaml'))
  await app.register((scope) => registerRest(scope, context, contract))
  await app.register((scope) =>
    registerMisp(
      scope,
      context,
      contract.operations.filter(({ door }) => door === 'misp'),
    ),
  )
  await app.register((scope) =>
    registerTaxii(
      scope,
      context,
      contract.operations.filter(({ door }) => door === 'taxii'),
      methods,
    ),
  )
  const origins = [new URL(context.tokens.issuer).origin, ...(options.allowedOrigins ?? [])]
  await app.register((scope) => registerGraphql(scope, context, origins))
  const verifyPackage = join(options.root, 'dist', 'verify-package.html')
  await app.register((scope) => registerDocs(scope, { contract, verifyPackage }))
  routeUpgrades(app)
  return app
}

/** Keys of blocklists stand in URLs, and values that people look up: no query is logged. */
function withoutQueries(logger: AppOptions['logger']): NonNullable<FastifyServerOptions['logger']> {
  if (logger === undefined || logger === false) return false
  const req = ({ method, url, ip }: FastifyRequest) => ({ method, url: url.split('?', 1)[0] ?? '', remoteAddress: ip })
  return { ...(logger === true ? {} : logger), serializers: { req } }
}

/** So many requests a minute for each account, or address of the public; machines' health checks are not counted. */
async function limitRates(app: FastifyInstance, perMinute: number): Promise<void> {
  await app.register(rateLimit, {
    max: perMinute,
    timeWindow: 60_000,
    hook: 'preHandler',
    keyGenerator: (request) => request.caller.reader.account ?? `address ${request.ip}`,
    allowList: (request) => request.routeOptions.config.open === true,
    errorResponseBuilder: (_request, { ttl }) =>
      new Fault('rate_limited', `At most ${perMinute} requests a minute.`, {
        retryAfterSeconds: Math.ceil(ttl / 1000),
      }),
  })
}
