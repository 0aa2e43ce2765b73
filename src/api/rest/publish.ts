import type { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { actions, type Context } from '../../actions/index.ts'
import { Fault } from '../../domain/errors.ts'
import type { HandlingInput } from '../../domain/handling.ts'
import { csvMapping } from '../../formats/csv-mapping.ts'
import type { DecodedGroups } from '../../formats/decoded.ts'
import { handlingFromRecord } from '../../formats/handling-fields.ts'
import { reportType } from '../../formats/shadowserver-types.ts'
import {
  type DecodeOptions,
  decodeGroups,
  formatOf,
  type InputFormat,
  opensTwice,
  sniffBytes,
} from '../../formats/sniff.ts'
import { sendProblem } from '../problem.ts'
import { Body, keep, onceReadable } from './body.ts'
import { asList, type Query } from './query.ts'

/** `POST /v1/indicators`: a body of any size, taken in bounded memory. */
export async function publish(context: Context, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const query = request.query as Query
  const body = new Body(
    request.body as Readable | undefined,
    JSON.stringify([request.caller.reader.account, request.headers['content-type'], query]),
  )
  const format = formatOf(request.headers['content-type'], formatAsked(query), await body.peek(sniffBytes))
  const options = decodeOptions(query)
  const idempotencyKey = idempotencyKeyOf(request)
  // Nothing of the body is kept before the action asked whether this caller may publish at all.
  const receipt = await actions.publish(context, request.caller, {
    decoded: decodedBody(format, body, options),
    defaults: defaultsOf(query),
    ...(query.handling === undefined ? {} : { profile: String(query.handling) }),
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
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
}

/** Drafts and faults of the body, which is read to its end in any case: the digest covers all of it. */
async function* decodedBody(format: InputFormat, body: Body, options: DecodeOptions): DecodedGroups {
  if (!opensTwice(format)) {
    yield* decodeGroups(format, onceReadable(body), options)
    await body.drain()
    return
  }
  const kept = await keep(body)
  try {
    yield* decodeGroups(format, kept, options)
  } finally {
    await kept.release()
  }
}

/** What `?format=` says, or else what only one format has an option for. */
function formatAsked(query: Query): string | undefined {
  if (query.format === 'puente') return 'json'
  if (query.format !== undefined) return text(query.format)
  if (query.report !== undefined) return 'shadowserver'
  return query.columns === undefined ? undefined : 'csv'
}

/** @throws {Fault} `invalid_request` */
function decodeOptions({ report, columns }: Query): DecodeOptions {
  const type = typeof report === 'string' ? reportType(report) : undefined
  if (report !== undefined && type === undefined) {
    const position = { pointer: '/report' }
    throw new Fault('invalid_request', '"report" is a report type, or the name of its file', { position })
  }
  // A name of a column may hold a comma: then each column is a parameter of its own.
  const items = typeof columns === 'string' ? columns.split(',') : (columns as readonly string[] | undefined)
  return {
    ...(type === undefined ? {} : { report: type }),
    ...(items === undefined ? {} : { columns: csvMapping(items) }),
  }
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

/** The request's Idempotency-Key, if it has one. @throws {Fault} `invalid_request` */
export function idempotencyKeyOf(request: FastifyRequest): string | undefined {
  const key = request.headers['idempotency-key']
  if (typeof key !== 'string') return undefined
  if (key === '' || key.length > 255) {
    throw new Fault('invalid_request', 'An Idempotency-Key has 1 to 255 characters.')
  }
  return key
}

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

/** The body, with the request's Idempotency-Key. @throws {Fault} `invalid_request` */
export const keyed = <Input extends { readonly idempotencyKey?: string }>(request: FastifyRequest): Input => {
  const idempotencyKey = idempotencyKeyOf(request)
  return { ...(request.body as Input), ...(idempotencyKey === undefined ? {} : { idempotencyKey }) }
}
