import { lookup as resolve } from 'node:dns'
import { type IncomingHttpHeaders, type IncomingMessage, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import type { WayOut } from '../actions/index.ts'
import { limits } from '../domain/limits.ts'
import { parseStrict } from '../formats/json-text.ts'
import { isPublicAddress } from './address.ts'

/** Something the node sends to somebody else. */
export interface OutboundRequest {
  readonly url: string
  readonly method?: 'GET' | 'POST'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  /** From the look-up of the name to the last byte; {@link limits.outboundTimeoutMs} when absent. */
  readonly timeoutMs?: number
  /** Gives up before its time. */
  readonly signal?: AbortSignal | undefined
  /** Of the answer; {@link limits.outboundBytes} when absent. */
  readonly maxBytes?: number
}

export interface OutboundAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

export type Outbound = (request: OutboundRequest) => Promise<OutboundAnswer>

export interface OutboundOptions {
  /** Hosts (`name` or `name:port`) that may have private addresses, and may be called without TLS. */
  readonly privateHosts: readonly string[]
  /** How names become addresses; the system's own way when absent. */
  readonly resolve?: LookupFunction
}

/** A request that is not made: where it goes is not allowed. */
export class OutboundRefused extends Error {
  override readonly name = 'OutboundRefused'
}

/**
 * Makes the one way out of this node: https, to addresses of the Internet, which are looked at when the connection is made, so
 * that a name cannot answer one thing to the check and another to the connection. Redirects are answers like others.
 */
export function outbound({ privateHosts, resolve: lookup = resolve as LookupFunction }: OutboundOptions): Outbound {
  return async (request) => {
    const url = new URL(request.url)
    const isPrivate = isAmong(privateHosts, url)
    check(url, isPrivate)
    const { method = 'GET', headers = {}, body, timeoutMs = limits.outboundTimeoutMs } = request
    const send = url.protocol === 'https:' ? requestHttps : requestHttp
    return await new Promise((done, fail) => {
      const failed = (error: Error) =>
        fail(
          error.name === 'AbortError' ? new Error(`no whole answer within ${timeoutMs} ms`, { cause: error }) : error,
        )
      const sent = send(url, {
        method,
        headers: { 'user-agent': 'puente', 'accept-encoding': 'identity', ...headers },
        lookup: isPrivate ? lookup : publicOnly(lookup),
        agent: false,
        signal: AbortSignal.any([AbortSignal.timeout(timeoutMs), ...(request.signal ? [request.signal] : [])]),
      })
      sent.on('error', failed)
      // Otherwise whoever waits for an answer over a link that was cut in silence waits on when it has healed.
      sent.on('socket', (socket) => socket.setKeepAlive(true, limits.outboundKeepAliveMs))
      // Otherwise neither an answer nor an error would ever be told, and no time-out would end it.
      sent.on('upgrade', (_answer, socket) => {
        socket.destroy()
        failed(new Error('the answer switches protocols, which nobody asked for'))
      })
      sent.on('response', (answer) => {
        whole(answer, request.maxBytes ?? limits.outboundBytes).then(
          (bytes) => done({ status: answer.statusCode ?? 0, headers: answer.headers, body: bytes }),
          failed,
        )
      })
      sent.end(body)
    })
  }
}

const isAmong = (privateHosts: readonly string[], { host, hostname }: URL): boolean =>
  privateHosts.includes(host) || privateHosts.includes(hostname)

/** @throws {OutboundRefused} A name is looked at when it is resolved; an address in the URL is never resolved. */
function check(url: URL, isPrivate: boolean): void {
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isPrivate)) {
    const hosts = url.protocol === 'http:' ? `, unless ${url.host} is named in PUENTE_PRIVATE_HOSTS` : ''
    throw new OutboundRefused(`${url.origin} is not called: only https is${hosts}`)
  }
  if (url.username !== '' || url.password !== '') throw new OutboundRefused('a URL with a password is not called')
  const host = url.hostname.replace(/^\[|\]$/g, '')
  if (!isPrivate && isIP(host) !== 0 && !isPublicAddress(host)) throw privateAddress(url.hostname)
}

/** Resolves a name, and refuses it when any of its addresses is not public. */
const publicOnly =
  (lookup: LookupFunction): LookupFunction =>
  (hostname, options, done) => {
    lookup(hostname, { ...options, all: true }, (error, found, family) => {
      const addresses = Array.isArray(found) ? found : [{ address: found, family: family ?? 0 }]
      const [first] = addresses
      if (error !== null || first === undefined) return done(error ?? privateAddress(hostname), [])
      if (!addresses.every(({ address }) => isPublicAddress(address))) return done(privateAddress(hostname), [])
      if (options.all === true) done(null, addresses)
      else done(null, first.address, first.family)
    })
  }

const privateAddress = (host: string): OutboundRefused =>
  new OutboundRefused(`${host} is not called: it is no address of the Internet, nor named in PUENTE_PRIVATE_HOSTS`)

async function whole(answer: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > maxBytes) throw new Error(`the answer has more than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** Reads JSON from somewhere; anything but 200, a redirect among them, is an error. */
export const jsonFetcher =
  (send: Outbound) =>
  async (url: string): Promise<unknown> => {
    const { status, body } = await send({ url, headers: { accept: 'application/json' } })
    if (status !== 200) throw new Error(`${url} answered with status ${status}`)
    return parseStrict(body)
  }

/** The way out as the actions have it: what goes wrong is an outcome like others. */
export function wayOut(options: OutboundOptions): WayOut {
  const send = outbound(options)
  return {
    refusal: (text) => {
      try {
        const url = new URL(text)
        check(url, isAmong(options.privateHosts, url))
        return undefined
      } catch (error) {
        return error instanceof OutboundRefused ? error.message : 'this is no URL'
      }
    },
    ask: async ({ body, ...request }) => {
      try {
        const answer = await send({ ...request, ...(body === undefined ? {} : { body }) })
        const fields = Object.entries(answer.headers).map(([name, value]) => [name, [value].flat().join(', ')])
        return { status: answer.status, headers: Object.fromEntries(fields), body: answer.body }
      } catch (error) {
        return { error: outcomeOf(error) }
      }
    },
    post: async (url, headers, body) => {
      try {
        const answer = await send({ url, method: 'POST', headers, body })
        return { status: answer.status, retryAfter: answer.headers['retry-after'] }
      } catch (error) {
        return { error: outcomeOf(error) }
      }
    },
  }
}

/** What whoever asked for the endpoint is told. That a name is there, but not on the Internet, is told to nobody: it may be an internal one. */
function outcomeOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  const hidden = error instanceof OutboundRefused || code === 'ENOTFOUND' || code === 'EAI_AGAIN'
  if (hidden) return 'no address of the Internet by this name, nor named in PUENTE_PRIVATE_HOSTS'
  return error instanceof Error ? message : String(error)
}
