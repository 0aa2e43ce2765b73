import type { FastifyReply, FastifyRequest } from 'fastify'
import { GraphQLError, type GraphQLFormattedError, type GraphQLSchema, parse, validate } from 'graphql'
import { makeServer } from 'graphql-ws'
import { type WebSocket, WebSocketServer } from 'ws'
import { actions, type Context, type Log } from '../../actions/index.ts'
import type { Caller } from '../../domain/caller.ts'
import { Fault } from '../../domain/errors.ts'
import { limits } from '../../domain/limits.ts'
import { upgradeOf } from '../upgrades.ts'
import { admit } from './admission.ts'
import { Known } from './asked.ts'
import { NotValid, refusedErrors, shownErrors } from './errors.ts'
import { executableSchema } from './executable.ts'
import { checkRun } from './guard.ts'
import { fromBody } from './request.ts'
import { type Subscribing, subscribed } from './subscribed.ts'
import { SubscriptionSocket } from './subscription-socket.ts'

/** What the server of the protocol knows of a socket. */
export interface Extra {
  readonly socket: SubscriptionSocket
  /** Who it is: fixed by the handshake, or once by `connection_init`. */
  caller: Caller
  readonly address: string
  readonly headers: FastifyRequest['headers']
}

const protocol = 'graphql-transport-ws'

/** Subscriptions over WebSockets, by the protocol graphql-transport-ws; what a socket may is what a request may, and as much is asked of it. */
export function subscriptionDoor(context: Context, origins: readonly string[]) {
  const schema = executableSchema()
  const server = makeServer<Record<string, unknown>, Extra>({
    connectionInitWaitTimeout: 0,
    onConnect: async ({ connectionParams, extra }) => {
      extra.caller = await callerOf(context, connectionParams, extra)
      return true
    },
    onSubscribe: ({ subscriptions, extra }, _id, payload) => {
      try {
        return argsOf(context, schema, payload, extra, Object.keys(subscriptions).length)
      } catch (error) {
        return refusedErrors(error, context.log) as never
      }
    },
    subscribe: (args) => subscribed(args as Subscribing, context.log),
    // Formatted where they were met.
    onError: (_ctx, _id, _payload, errors) => errors as readonly GraphQLFormattedError[],
    onNext: (_ctx, _id, _payload, _args, { data, errors }) => ({
      data: data ?? null,
      ...(errors === undefined ? {} : { errors: errors.flatMap((each) => leaving(each, context.log)) }),
    }),
  })
  const sockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: limits.socketMessageBytes,
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has(protocol) ? protocol : false),
  })
  return (request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const upgrade = upgradeOf(request.raw)
    if (upgrade === undefined) throw new Error('a request that asks for no WebSocket was about to be upgraded')
    refuseOrigin(request, origins)
    reply.hijack()
    reply.raw.detachSocket(upgrade.socket as never)
    sockets.handleUpgrade(request.raw, upgrade.socket, upgrade.head, (ws) => serve(server, ws, request))
    return reply
  }
}

/** What ended a subscription is formatted already; what a field met is not. */
const leaving = (error: GraphQLError | GraphQLFormattedError, log: Log): GraphQLFormattedError[] =>
  error instanceof GraphQLError ? shownErrors([error], log) : [error]

function serve(
  server: ReturnType<typeof makeServer<Record<string, unknown>, Extra>>,
  ws: WebSocket,
  request: FastifyRequest,
): void {
  const { caller, ip, headers } = request
  const { streams } = request.server
  const socket = new SubscriptionSocket(ws, streams)
  const extra: Extra = { socket, caller, address: ip, headers }
  const forget = streams.open(socket)
  const closed = server.opened(
    {
      protocol: ws.protocol,
      send: (text) => socket.send(text),
      close: (code = 1000, reason = '') => socket.close(code, reason),
      onMessage: (take) => socket.onMessage(take),
    },
    extra,
  )
  ws.once('close', (code, reason) => {
    forget()
    socket.gone()
    void closed(code, String(reason))
  })
}

/** A page of another site could speak with what its reader is let in by: only pages named may. @throws {Fault} `origin_refused` */
function refuseOrigin({ headers }: FastifyRequest, origins: readonly string[]): void {
  const { origin } = headers
  if (origin !== undefined && !origins.includes(origin)) {
    throw new Fault('origin_refused', 'Pages of this origin may not open sockets here.')
  }
}

/** @throws {Fault} `credentials_invalid`, `invalid_request`, `rate_limited` */
async function callerOf(
  context: Context,
  given: Record<string, unknown> | undefined,
  { caller, headers, address }: Extra,
): Promise<Caller> {
  const { authorization, purpose, ...others } = given ?? {}
  if (authorization === undefined && purpose === undefined) return caller
  const texts = [authorization, purpose].every((each) => each === undefined || typeof each === 'string')
  if (!texts || Object.keys(others).length > 0) {
    throw new Fault('invalid_request', 'connection_init takes "authorization" and "purpose", as texts.')
  }
  if (headers.authorization !== undefined || headers['puente-purpose'] !== undefined) {
    throw new Fault('invalid_request', 'Who you are was said by the handshake.')
  }
  const credentials = { authorization, purpose } as { authorization: string | undefined; purpose: string | undefined }
  const authenticate = () => actions.authenticate(context, credentials)
  if (credentials.authorization === undefined) return await authenticate()
  return await context.failures.guard(address, credentials.authorization, authenticate)
}

/** A document as it is run, after everything that is asked of one by HTTP. @throws {Fault} and {@link NotValid} */
function argsOf(context: Context, schema: GraphQLSchema, payload: object, extra: Extra, open: number): Subscribing {
  const { socket, caller, address } = extra
  socket.count(open)
  const { query, variables, operationName } = fromBody(payload)
  const document = parsed(query)
  admit(document, 'websocket')
  const errors = validate(schema, document)
  if (errors.length > 0) throw new NotValid(errors)
  checkRun(schema, document, operationName, variables)
  const contextValue = { context, caller, known: new Known(context, caller), operationName, socket, address }
  return { schema, document, variableValues: variables, contextValue }
}

function parsed(query: string) {
  try {
    return parse(query, { maxTokens: limits.graphqlTokens })
  } catch (error) {
    throw new NotValid([error as never])
  }
}
