import type { Socket } from 'node:net'
import type { FastifyReply } from 'fastify'
import { Fault } from '../domain/errors.ts'
import { problemOf } from './problem.ts'

/** What cannot be parsed as HTTP has no request to answer: the problem goes to the socket, which is then closed. */
export function answerParserErrors(error: NodeJS.ErrnoException, socket: Socket): void {
  // What was begun is not interrupted by another answer.
  const { _httpMessage: begun } = socket as Socket & { readonly _httpMessage?: FastifyReply['raw'] | null }
  if (error.code === 'ECONNRESET' || !socket.writable || begun?.headersSent === true) socket.destroy()
  else answerRaw(socket, parserFault(error))
}

function parserFault({ code }: NodeJS.ErrnoException): Fault {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return new Fault('request_incomplete', 'The request did not arrive in time.')
  }
  if (code === 'HPE_HEADER_OVERFLOW') return new Fault('headers_too_large', 'The headers are larger than 16 KiB.')
  return new Fault('malformed', 'This is not HTTP/1.1 as it can be read here.')
}

/** Writes a whole answer to a socket and closes it once it is written. */
export function answerRaw(socket: Socket, fault: Fault): void {
  const problem = problemOf(fault)
  const body = JSON.stringify(problem)
  const { retryAfterSeconds } = fault.detail
  const head = [
    `HTTP/1.1 ${fault.status} ${problem.title}`,
    'Connection: close',
    'Cache-Control: private, no-store',
    'Content-Type: application/problem+json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...(retryAfterSeconds === undefined ? [] : [`Retry-After: ${retryAfterSeconds}`]),
  ]
  socket.write(`${head.join('\r\n')}\r\n\r\n${body}`)
  socket.destroySoon()
}
