import type { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { actions, type Context } from '../../actions/index.ts'
import type { Decoded } from '../../domain/draft.ts'
import { Fault } from '../../domain/errors.ts'
import type { HandlingInput } from '../../domain/handling.ts'
import { handlingFromRecord } from '../../formats/handling-fields.ts'
import { decode, formatOf, opensTwice, sniffBytes } from '../../formats/sniff.ts'
import { sendProblem } from '../problem.ts'
import { Body, keep, onceReadable } from './body.ts'
import { asList, type Query } from './query.ts'

/** `POST /v1/indicators`: a body of any size, taken in bounded memory. */
export async function publish(context: Context, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const query = request.query as Query
  const body = new Body(
    bodyOf(request),
    JSON.stringify([request.caller.reader.account, request.headers['content-type'], query]),
  )
  const format = formatOf(
    request.headers['content-type'],
    query.format === 'puente' ? 'json' : text(query.format),
    await body.peek(sniffBytes),
  )
  const kept = opensTwice(format) ? await keep(body) : undefined
  try {
    const idempotencyKey = request.headers['idempotency-key']
    const receipt = await actions.publish(context, request.caller, {
      decoded: toTheEnd(decode(format, kept ?? onceReadable(body)), body),
      defaults: defaultsOf(query),
      ...(typeof idempotencyKey === 'string' ? { idempotencyKey: checkedKey(idempotencyKey) } : {}),
      requestDigest: () => body.digest(),
    })
    const [first] = receipt.rejected
    if (first === undefined) return receipt
    if (receipt.accepted + receipt.unchanged > 0) return reply.status(207).send(receipt)
    const sentence = receipt.rejectedTotal === 1 ? first.message : `All ${receipt.rejectedTotal} records were refused.`
    return await sendProblem(reply, new Fault(first.code, sentence, { position: first.position }), {
      ...receipt,
      status: 422,
    })
  } finally {
    await kept?.release()
  }
}

function bodyOf(request: FastifyRequest): Readable {
  const body = request.body as Readable | undefined
  if (body === undefined || body === null) throw new Fault('malformed', 'There is no body.')
  return body
}

/** Whatever the codec leaves unread is read too: the digest covers the whole body. */
async function* toTheEnd(decoded: AsyncIterable<Decoded>, body: Body): AsyncGenerator<Decoded> {
  yield* decoded
  await body.drain()
}

/** Handling by the query string: what the input does not say. */
function defaultsOf(query: Query): HandlingInput {
  const { tlp, pap, audience, people, releasableTo, notReleasableTo, lawEnforcement, attribution, expiresAt } = query
  const lists = { audience, people, releasableTo, notReleasableTo }
  const said = {
    ...Object.fromEntries(Object.entries(lists).map(([name, value]) => [name, asList(value)])),
    tlp,
    pap,
    lawEnforcement,
    attribution,
    expiresAt,
  }
  return handlingFromRecord(Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined)))
}

function checkedKey(key: string): string {
  if (key === '' || key.length > 255) {
    throw new Fault('invalid_request', 'An Idempotency-Key has 1 to 255 characters.')
  }
  return key
}

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
