import type { FastifyReply, FastifyRequest } from 'fastify'
import { actions, type Context, proveAnswer, provePeer } from '../../actions/index.ts'
import type { ServeFeedInput } from '../../actions/serve-feed.ts'
import type { AcksInput } from '../../actions/take-acks.ts'
import type { HttpRequest } from '../../auth/http-signatures.ts'
import type { Caller } from '../../domain/caller.ts'
import { limits } from '../../domain/limits.ts'
import type { WideningMessage } from '../../domain/widening.ts'
import { writeCheckpoints } from '../../formats/checkpoint-answer.ts'
import { type FeedPage, writePage } from '../../formats/feed-page.ts'
import type { Handler } from './handler.ts'
import { rawBodyOf } from './raw-body.ts'

/** The doors between nodes: every request is signed, and so is every answer that is no problem. */
export const federation = {
  /** `GET /federation/v1/feed` */
  federationFeed: async (context, request, reply) => {
    const { wait = 0, ...place } = request.query as ServeFeedInput & { readonly wait?: number }
    const { caller, asked } = await proven(context, request, Buffer.alloc(0))
    const gone = new AbortController()
    reply.raw.once('close', () => gone.abort())
    const page = await nextPage(context, caller, place, wait * 1000, gone.signal)
    // Nobody is there any more, perhaps since this process is stopping.
    if (page === undefined) return reply.hijack()
    return await answer(context, reply, caller, asked, writePage(page))
  },
  /** `POST /federation/v1/acks` */
  federationAcks: async (context, request, reply) => {
    const { caller, asked } = await proven(context, request, rawBodyOf(request))
    const taken = await actions['take-acks'](context, caller, request.body as AcksInput)
    return await answer(context, reply, caller, asked, JSON.stringify(taken))
  },
  /** `POST /federation/v1/doorbell` */
  federationDoorbell: async (context, request, reply) => {
    const { caller, asked } = await proven(context, request, rawBodyOf(request))
    const heard = await actions['take-doorbell'](context, caller, undefined)
    return await answer(context, reply, caller, asked, JSON.stringify(heard))
  },
  /** `GET /federation/v1/checkpoints` */
  federationCheckpoints: async (context, request, reply) => {
    const { feed, audit } = request.query as { feed?: string; audit?: string }
    const { caller, asked } = await proven(context, request, Buffer.alloc(0))
    const sizes = { feed: sizesOf(feed), audit: sizesOf(audit) }
    const found = await actions['serve-checkpoints'](context, caller, sizes)
    return await answer(context, reply, caller, asked, writeCheckpoints(found))
  },
  /** `POST /federation/v1/widening` */
  federationWidening: async (context, request, reply) => {
    const { caller, asked } = await proven(context, request, rawBodyOf(request))
    const taken = await actions['take-widening'](context, caller, request.body as WideningMessage)
    return await answer(context, reply, caller, asked, JSON.stringify(taken))
  },
} as const satisfies Record<string, Handler>

const sizesOf = (text: string | undefined): number[] => (text === undefined ? [] : text.split(',').map(Number))

/** What failed is counted by address, as everywhere. @throws {Fault} `peer_signature_invalid`, `rate_limited` */
async function proven(
  context: Context,
  request: FastifyRequest,
  body: Buffer,
): Promise<{ readonly caller: Caller; readonly asked: HttpRequest }> {
  const fields = Object.fromEntries(
    Object.entries(request.headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, [value].flat().join(', ')]],
    ),
  )
  const asked = { method: request.method, url: `${context.tokens.issuer}${request.url}`, fields }
  const caller = await context.failures.guard(request.ip, undefined, () => provePeer(context, asked, body))
  return { caller, asked }
}

/**
 * The next page, as soon as there is something in it or the wait is over; none when whoever asked has gone. Whether the peer may have it
 * is asked each time.
 */
async function nextPage(
  context: Context,
  caller: Caller,
  place: ServeFeedInput,
  waitMs: number,
  gone: AbortSignal,
): Promise<FeedPage | undefined> {
  const end = performance.now() + waitMs
  for (;;) {
    const { turn } = context.wake
    const page = await actions['serve-feed'](context, caller, place)
    const left = end - performance.now()
    if (page.entries.length > 0 || page.more || left <= 0) return page
    await context.wake.after(turn, Math.min(left, limits.peerTickMs), gone)
    if (gone.aborted) return undefined
  }
}

async function answer(
  context: Context,
  reply: FastifyReply,
  caller: Caller,
  asked: HttpRequest,
  text: string,
): Promise<FastifyReply> {
  const body = Buffer.from(text)
  return reply
    .headers(await proveAnswer(context, caller, asked, 200, body))
    .header('content-type', 'application/json')
    .send(body)
}
