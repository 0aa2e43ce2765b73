import { Socket } from 'node:net'
import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { actions, type Context } from '../../actions/index.ts'
import type { ObservationNews } from '../../actions/observation-stream.ts'
import { type Observing, toTheEnd } from '../../actions/observe.ts'
import { Fault } from '../../domain/errors.ts'
import { limits } from '../../domain/limits.ts'
import { indicatorJson } from '../../formats/json-out.ts'
import { observationFormatOf } from '../../formats/observations.ts'
import { faultOf, problemOf } from '../problem.ts'
import { Body } from './body.ts'
import { inflated } from './inflate.ts'
import { idempotencyKeyOf } from './publish.ts'
import { present, type Query } from './query.ts'

/** `POST /v1/observations`: a stream of any length, matched as it arrives. */
export async function observe(context: Context, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const stream = request.body as Readable | null | undefined
  if (stream === null || stream === undefined) throw new Fault('malformed', 'There is no body.')
  const answer: 'hits' | 'counts' = (request.query as Query).answer === 'hits' ? 'hits' : 'counts'
  const idempotencyKey = idempotencyKeyOf(request)
  const kept = idempotencyKey === undefined ? undefined : new Body(stream, requestContext(request))
  const input = {
    format: observationFormatOf(request.headers['content-type']),
    body: inflated(kept?.read() ?? stream, request.headers['content-encoding']),
    answer,
    requestDigest: () => kept?.digest() ?? Buffer.alloc(0),
    ...present<{ idempotencyKey?: string }>({ idempotencyKey }),
  }
  // The first stream of a process waits until all indicators are in memory.
  const observing = await patiently(request, () => actions.observe(context, request.caller, input))
  if (answer === 'counts') return await toTheEnd(observing)
  reply.header('content-type', 'application/x-ndjson').header('cache-control', 'private, no-store')
  return reply.send(Readable.from(linesOf(context, observing), { highWaterMark: 2 }))
}

/** What makes the same bytes another request. */
const requestContext = ({ caller, headers }: FastifyRequest): string =>
  JSON.stringify([caller.reader.account, caller.purpose, headers['content-type'], headers['content-encoding']])

/** Lets the socket be still for as long as `work` takes. (Injected requests have no socket.) */
async function patiently<T>({ raw: { socket } }: FastifyRequest, work: () => Promise<T>): Promise<T> {
  if (!(socket instanceof Socket)) return await work()
  socket.setTimeout(0)
  try {
    return await work()
  } finally {
    socket.setTimeout(limits.connectionTimeoutMs)
  }
}

/** News line by line, and the totals as the last one. */
async function* linesOf(context: Context, observing: Observing): AsyncGenerator<string> {
  try {
    for (;;) {
      const { done, value } = await observing.next()
      if (done === true) {
        yield `${JSON.stringify({ totals: value })}\n`
        return
      }
      if (value.length > 0) yield value.map(lineOf).join('')
    }
  } catch (error) {
    // The status is long sent: the problem is the last line.
    yield `${JSON.stringify({ problem: problemOf(faultOf(error, context.log)) })}\n`
  } finally {
    // A reader that went away: what was read is written, nothing more is.
    await observing.return(undefined as never)
  }
}

function lineOf(news: ObservationNews): string {
  if ('indicator' in news) return `${JSON.stringify({ indicator: indicatorJson(news.indicator) })}\n`
  const { position, ...hit } = news.hit
  return `${JSON.stringify({ hit: { ...position, ...hit } })}\n`
}

/** `GET /v1/indicators/{id}/observations` */
export async function readObservations(context: Context, request: FastifyRequest): Promise<unknown> {
  const { originator } = request.query as { originator?: string }
  return await actions['read-observations'](context, request.caller, {
    id: (request.params as { readonly id: string }).id,
    ...present<{ originator?: string }>({ originator }),
  })
}
