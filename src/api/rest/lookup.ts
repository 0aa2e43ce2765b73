import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { actions, type Context } from '../../actions/index.ts'
import type { LookupResult, LookupValue } from '../../actions/lookup.ts'
import { stillMay } from '../../actions/verb.ts'
import type { Caller } from '../../domain/caller.ts'
import { Fault, type RecordFault } from '../../domain/errors.ts'
import { limits } from '../../domain/limits.ts'
import type { ByteSource } from '../../domain/source.ts'
import { indicatorJson } from '../../formats/json-out.ts'
import { parseStrict } from '../../formats/json-text.ts'
import { ndjsonLines } from '../../formats/records.ts'
import { faultOf, problemOf } from '../problem.ts'
import { Body, onceReadable } from './body.ts'

/** `POST /v1/lookup`: one JSON body of up to 10,000 values, or NDJSON without limit, answered line by line. */
export async function lookup(context: Context, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const source = onceReadable(new Body(request.body as Readable, ''))
  const mediaType = (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase()
  if (mediaType === 'application/x-ndjson') {
    reply.header('content-type', 'application/x-ndjson').header('cache-control', 'private, no-store')
    return reply.send(Readable.from(answerLines(context, request.caller, source)))
  }
  if (mediaType !== 'application/json') throw new Fault('unsupported_media_type', 'Send JSON or NDJSON.')
  const { values, limitPerValue } = parseRequest(parseStrict(await whole(source)))
  const results = await actions.lookup(context, request.caller, {
    values,
    ...(limitPerValue === undefined ? {} : { limitPerValue }),
  })
  return { results: results.map(resultJson) }
}

/** Values looked up together: large enough to be fast, small enough that answers flow. */
const linesTogether = 1_000

async function* answerLines(context: Context, caller: Caller, source: ByteSource): AsyncGenerator<string> {
  try {
    let values: LookupValue[] = []
    for await (const lines of ndjsonLines(source)) {
      for (const { line, bytes } of lines) {
        const parsed = parseLine(bytes, line)
        if ('value' in parsed) values.push(parsed)
        if (values.length === linesTogether || 'fault' in parsed) {
          yield await answered(context, caller, values)
          values = []
        }
        // A line that cannot be read has its answer in its place, and the others theirs.
        if ('fault' in parsed)
          yield `${JSON.stringify({ value: '', known: false, matches: [], fault: parsed.fault })}\n`
      }
    }
    if (values.length > 0) yield await answered(context, caller, values)
  } catch (error) {
    // The status is long sent: the problem is the last line.
    yield `${JSON.stringify({ problem: problemOf(faultOf(error, context.log)) })}\n`
  }
}

async function answered(context: Context, caller: Caller, values: readonly LookupValue[]): Promise<string> {
  if (values.length === 0) return ''
  await stillMay(context, caller, 'lookup')
  const results = await actions.lookup(context, caller, { values })
  return results.map((result) => `${JSON.stringify(resultJson(result))}\n`).join('')
}

function parseLine(bytes: Buffer | undefined, line: number): LookupValue | { readonly fault: RecordFault } {
  try {
    if (bytes === undefined) throw new Fault('record_too_large', 'The line is too large.')
    return parseValue(parseStrict(bytes), `line ${line}`)
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    return { fault: error.asRecordFault({ line }) }
  }
}

async function whole(source: ByteSource): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of source.open()) {
    size += chunk.length
    if (size > limits.documentBytes / 16) throw new Fault('body_too_large', 'The body is larger than this door takes.')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function parseRequest(body: unknown): { values: LookupValue[]; limitPerValue: number | undefined } {
  const { values, limitPerValue, ...others } = (typeof body === 'object' && body !== null ? body : {}) as Record<
    string,
    unknown
  >
  const [stranger] = Object.keys(others)
  if (stranger !== undefined) throw invalid(`/${stranger}`, 'is unknown')
  if (!Array.isArray(values) || values.length === 0) throw invalid('/values', 'must be a list of values')
  if (values.length > limits.lookupValues) {
    throw new Fault('too_many_values', `At most ${limits.lookupValues} values in one body; NDJSON has no limit.`)
  }
  const limit = limitPerValue as number | undefined
  if (limit !== undefined && !(Number.isInteger(limit) && limit >= 1 && limit <= 100)) {
    throw invalid('/limitPerValue', 'must be a whole number from 1 to 100')
  }
  return { values: values.map((each, i) => parseValue(each, `/values/${i}`)), limitPerValue: limit }
}

function parseValue(item: unknown, where: string): LookupValue {
  if (typeof item === 'string') return { value: item }
  const { value, type, ...others } = (typeof item === 'object' && item !== null ? item : {}) as Record<string, unknown>
  const well = typeof value === 'string' && (type === undefined || typeof type === 'string')
  if (!well || Object.keys(others).length > 0) throw invalid(where, 'must be a text or {"value", "type"}')
  return type === undefined ? { value } : { value, type }
}

const invalid = (pointer: string, what: string) =>
  new Fault('invalid_request', `${pointer} ${what}.`, { position: { pointer } })

const resultJson = ({ matches, ...result }: LookupResult) => ({
  ...result,
  matches: matches.map(({ match, indicator }) => ({ match, indicator: indicatorJson(indicator) })),
})
