import { type IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { FastifyInstance } from 'fastify'

/** A request that asks for a WebSocket, with what came behind its head. */
interface Upgrade {
  readonly socket: Duplex
  readonly head: Buffer
}

const upgrades = new WeakMap<IncomingMessage, Upgrade>()

/** What a request that asks for a WebSocket is upgraded with; undefined for every other request. */
export const upgradeOf = (request: IncomingMessage): Upgrade | undefined => upgrades.get(request)

/**
 * Lets requests for a WebSocket through the doors like all others, with every hook before them; a door that does not upgrade them answers
 * them. Other upgrades (`h2c`, which some clients offer with every request) are taken as if nothing had been offered, as HTTP has it
 * (RFC 9110 §7.8): a server with upgrades would otherwise leave them without an answer.
 */
export function routeUpgrades(app: FastifyInstance): void {
  app.server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy())
    if (request.headers.upgrade?.toLowerCase() !== 'websocket' || request.method !== 'GET') {
      return takePlain(app, request, socket, head)
    }
    const response = new ServerResponse(request)
    response.shouldKeepAlive = false
    try {
      response.assignSocket(socket as never)
    } catch {
      // A request before it on this connection is not answered yet: nobody who waits for a WebSocket sends one (RFC 6455 §4.1).
      socket.destroy()
      return
    }
    response.once('finish', () => {
      response.detachSocket(socket as never)
      socket.end()
    })
    upgrades.set(request, { socket, head })
    app.routing(request, response)
  })
}

/** Gives the connection back to the server with the request as if it had offered nothing. */
function takePlain({ server }: FastifyInstance, request: IncomingMessage, socket: Duplex, head: Buffer): void {
  const { rawHeaders, method, url, httpVersion } = request
  const lines = [`${method} ${url} HTTP/${httpVersion}`]
  for (let n = 0; n < rawHeaders.length; n += 2) {
    const name = rawHeaders[n] ?? ''
    if (!['upgrade', 'connection', 'http2-settings'].includes(name.toLowerCase()))
      lines.push(`${name}: ${rawHeaders[n + 1]}`)
  }
  // Counted as a connection once more: once is enough.
  lines.push('Connection: close')
  if (head.length > 0) socket.unshift(head)
  socket.unshift(Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'))
  server.emit('connection', socket)
}
