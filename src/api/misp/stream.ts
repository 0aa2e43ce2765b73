import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'

/** One JSON document with a list in it that is read while it is sent. What goes wrong before the first item is an answer of its own. */
export async function sendList(
  reply: FastifyReply,
  before: string,
  items: AsyncGenerator<object>,
  after: string,
): Promise<FastifyReply> {
  const first = await items.next()
  return reply.header('content-type', 'application/json').send(Readable.from(text(before, first, items, after)))
}

async function* text(before: string, first: IteratorResult<object>, items: AsyncGenerator<object>, after: string) {
  yield before
  for (let [next, comma] = [first, '']; next.done !== true; next = await items.next(), comma = ',') {
    yield `${comma}${JSON.stringify(next.value)}`
  }
  yield after
}

/** The items of one page, MISP's way: `limit` items, the `page`th time. */
export async function* paged<T>(
  items: AsyncGenerator<T>,
  { limit, page }: { readonly limit?: number; readonly page: number },
): AsyncGenerator<T> {
  if (limit === undefined) return yield* items
  let place = 0
  for await (const item of items) {
    if (place >= page * limit) return
    if (place >= (page - 1) * limit) yield item
    place++
  }
}
