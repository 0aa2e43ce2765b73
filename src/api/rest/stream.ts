import { Socket } from 'node:net'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Context } from '../../actions/index.ts'
import { Live, type LivePage } from '../../actions/live.ts'
import { Fault } from '../../domain/errors.ts'
import { indicatorJson } from '../../formats/json-out.ts'
import { faultOf, problemOf } from '../problem.ts'
import { Outlet } from './event-outlet.ts'
import { filterOf } from './feed.ts'
import { present, type Query } from './query.ts'

/** Milliseconds after which a browser's EventSource connects again. */
const retryMs = 2_000

/**
 * `GET /v1/feed/stream`: the feed as server-sent events (WHATWG HTML §9.2). `Last-Event-ID`, which is newer, stands for `cursor`. What
 * refuses a request is answered as at every door; what ends a stream later is told by its last event, `end`.
 */
export async function stream(context: Context, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const { socket } = request.raw
  // Injected requests have no socket.
  if (!(socket instanceof Socket)) throw new Fault('not_acceptable', 'A stream needs a connection.')
  const query = request.query as Query
  const { streams } = request.server
  const leave = streams.enter(request.caller, request.ip)
  const live = new Live(context, request.caller, {
    filter: filterOf(query),
    fromNow: query.from === 'now',
    ...present<{ cursor?: string }>({ cursor: cursorOf(request) }),
  })
  socket.once('close', () => {
    leave()
    void live.return()
  })
  const first = await live.next().catch((error: unknown) => {
    leave()
    throw error
  })
  if (first.done === true || socket.destroyed) return reply.hijack()
  begin(reply, socket)
  const outlet = new Outlet(socket, streams.guards)
  const forget = streams.open({ end: (fault) => live.end(fault), beat: () => outlet.beat((fault) => live.end(fault)) })
  socket.once('close', forget)
  void pour(context, live, first.value, outlet).then(leave)
  return reply
}

function cursorOf({ headers, query }: FastifyRequest): string | undefined {
  const last = headers['last-event-id']
  return typeof last === 'string' && last !== '' ? last : ((query as Query).cursor as string | undefined)
}

/** The head of an answer whose body ends with the connection: what is written then is written as it is, to many at once. */
function begin(reply: FastifyReply, socket: Socket): void {
  reply.hijack()
  const headers = {
    ...reply.getHeaders(),
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'private, no-store',
    vary: 'Authorization, Accept, Puente-Purpose',
    // A proxy that gathers answers would keep events back.
    'x-accel-buffering': 'no',
    date: new Date().toUTCString(),
    connection: 'close',
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${String(value)}`)
  takeOver(reply, socket)
  socket.write(`HTTP/1.1 200 OK\r\n${lines.join('\r\n')}\r\n\r\n`)
}

/**
 * The connection is the stream's from now on: nothing that is sent on it is a request any more, silence is looked after by the outlet, and what
 * HTTP kept of the answer (5 KB each) goes.
 */
function takeOver(reply: FastifyReply, socket: Socket): void {
  reply.raw.detachSocket(socket)
  reply.raw.removeAllListeners()
  Object.assign(reply.request.raw, { rawHeaders: nothing, headers: {} })
  socket.removeAllListeners('data')
  socket.on('data', ignore)
  socket.setTimeout(0)
}

const nothing: string[] = []
const ignore = () => {}

async function pour(context: Context, live: Live, first: LivePage, outlet: Outlet): Promise<void> {
  try {
    // Where nothing is given yet the place is: whoever breaks off now goes on from here.
    await outlet.write(Buffer.from(`retry: ${retryMs}\n${first.items.length === 0 ? `id: ${first.cursor}\n` : ''}\n`))
    await outlet.write(framesOf(first))
    await live.pour((page) => outlet.write(framesOf(page)))
    outlet.end('')
  } catch (error) {
    await live.return()
    const { cursor } = live
    const problem = { ...problemOf(faultOf(error, context.log)), cursor }
    outlet.end(`event: end\nid: ${cursor}\ndata: ${JSON.stringify(problem)}\n\n`)
  }
}

/** Events without their ids: the same for all who get the same changes. */
const bodies = new WeakMap<LivePage['items'], readonly string[]>()
/** A page as it is written: the same for all streams of one follower. */
const frames = new WeakMap<LivePage, Buffer>()

function framesOf(page: LivePage): Buffer {
  const known = frames.get(page)
  if (known !== undefined) return known
  const text = bodiesOf(page).map((body, n) => `id: ${page.cursorAfter(n)}\n${body}`)
  const made = Buffer.from(text.join(''))
  frames.set(page, made)
  return made
}

function bodiesOf({ items }: LivePage): readonly string[] {
  const known = bodies.get(items)
  if (known !== undefined) return known
  const made = items.map((item) => {
    const data = 'indicator' in item ? { ...item, indicator: indicatorJson(item.indicator) } : item
    return `event: ${item.change}\ndata: ${JSON.stringify(data)}\n\n`
  })
  bodies.set(items, made)
  return made
}
