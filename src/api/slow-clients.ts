import { Socket } from 'node:net'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Fault } from '../domain/errors.ts'
import { type Guards, lookEveryMs } from './guards.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The body is a stream of any length: a rate is asked of it, no total time. */
    streams?: boolean
  }
}

/** A body that is not here yet. Times in ms of the monotonic clock. */
interface Awaited {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly socket: Socket
  readonly streams: boolean
  readonly since: number
  /** The window in which the rate is measured: when it began, and what the socket had read then. */
  window: { at: number; bytes: number }
  answeredAt: number | undefined
}

/**
 * Lets no client hold a connection by being slow: a body must come within a time, or as a stream at a rate, while the node waits
 * for it; what is left of a body after its answer is not waited for; a reader must take what it is sent. How long the node itself
 * works is not the client's fault and not counted.
 */
export function refuseSlowClients(app: FastifyInstance, guards: Guards): void {
  const awaited = new Set<Awaited>()
  const looking = setInterval(() => {
    for (const body of awaited) if (look(body, performance.now(), guards)) awaited.delete(body)
  }, lookEveryMs).unref()
  app.addHook('onClose', async () => clearInterval(looking))
  app.addHook('onRequest', async (request, reply) => {
    const { raw } = request
    // Injected requests have no socket.
    if (!(raw.socket instanceof Socket)) return
    reply.raw.on('timeout', (socket: Socket) => onSilence(socket, guards.connectionTimeoutMs))
    if (raw.complete || !hasBody(request)) return
    const at = performance.now()
    const window = { at, bytes: raw.socket.bytesRead }
    const streams = request.routeOptions.config.streams === true
    awaited.add({ request, reply, socket: raw.socket, streams, since: at, window, answeredAt: undefined })
  })
}

const hasBody = ({ headers }: FastifyRequest): boolean =>
  headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'

/** Nothing has moved on the socket: the reader takes nothing, or the node is at work. */
function onSilence(socket: Socket, connectionTimeoutMs: number): void {
  if (socket.writableLength > 0) socket.destroy()
  else socket.setTimeout(connectionTimeoutMs)
}

/** @returns whether there is nothing more to look after */
function look(body: Awaited, now: number, guards: Guards): boolean {
  const { request, reply, socket } = body
  if (request.raw.complete || socket.destroyed) return true
  if (reply.raw.writableFinished) {
    body.answeredAt ??= now
    if (now - body.answeredAt <= guards.lingerMs) return false
    socket.destroy()
    return true
  }
  if (!isSlow(body, now, guards)) return false
  // An answer that has begun, or is about to, is not followed by another one: the connection is all that can be ended.
  if (reply.sent || reply.raw.headersSent || reply.hasHeader('content-type')) socket.destroy()
  else {
    void reply.header('connection', 'close')
    void reply.send(new Fault('request_incomplete', 'The body arrives too slowly.'))
  }
  return socket.destroyed
}

function isSlow(body: Awaited, now: number, { bodyTimeoutMs, slowBodyMs, slowBodyBytes }: Guards): boolean {
  const { request, socket, window } = body
  if (!body.streams) return now - body.since > bodyTimeoutMs
  // What has come and is not read yet is the node's to work at.
  if (request.raw.readableLength > 0) body.window = { at: now, bytes: socket.bytesRead }
  else if (now - window.at > slowBodyMs) {
    if (socket.bytesRead - window.bytes < slowBodyBytes) return true
    body.window = { at: now, bytes: socket.bytesRead }
  }
  return false
}
