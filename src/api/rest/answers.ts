import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Fault } from '../../domain/errors.ts'
import type { ReleasedEvent } from '../../domain/misp-event.ts'
import type { Released } from '../../domain/released.ts'
import type { StixMarkings } from '../../domain/stix-markings.ts'
import { encodeCap } from '../../formats/cap-out.ts'
import { encodeCsv } from '../../formats/csv-out.ts'
import { encodeIntelmq } from '../../formats/intelmq-out.ts'
import { encodeNdjson, indicatorJson } from '../../formats/json-out.ts'
import { mispEvents } from '../../formats/misp-out-indicators.ts'
import { encodeN6 } from '../../formats/n6-out.ts'
import { encodeBundle } from '../../formats/stix-bundle.ts'

const mediaTypes = {
  json: 'application/json',
  ndjson: 'application/x-ndjson',
  stix: 'application/stix+json;version=2.1',
  csv: 'text/csv',
  intelmq: 'application/x-ndjson',
  n6: 'application/json',
  cap: 'text/plain; charset=utf-8',
  misp: 'application/json',
} as const
export type AnswerFormat = keyof typeof mediaTypes

/**
 * The form the caller wants: `?format=` first, then the first known type of `Accept` (RFC 9110); JSON where anything will do.
 * @throws {Fault} `not_acceptable`
 */
export function answerFormat(request: FastifyRequest, parameter: unknown): AnswerFormat {
  if (typeof parameter === 'string' && Object.hasOwn(mediaTypes, parameter)) return parameter as AnswerFormat
  const accepted = (request.headers.accept ?? '*/*')
    .split(',')
    .map((each) => each.split(';', 1)[0]?.trim().toLowerCase())
  for (const type of accepted) {
    if (type === '*/*' || type === 'application/*' || type === 'application/json') return 'json'
    if (type === 'application/x-ndjson' || type === 'application/ndjson') return 'ndjson'
    if (type === 'application/stix+json') return 'stix'
    if (type === 'text/csv' || type === 'text/*') return 'csv'
  }
  throw new Fault('not_acceptable', `This door answers in ${[...new Set(Object.values(mediaTypes))].join(', ')}.`)
}

/**
 * Sends indicators in one of the forms.
 * @param next the cursor of the next page
 * @param more what was asked for beside the members of each indicator; JSON and NDJSON have a place for it
 * @param markings by which ids STIX has the label
 * @param events of MISP, that the indicators are attributes of
 * @param on the day of the answer, which CAP names
 */
export function sendIndicators(
  reply: FastifyReply,
  format: AnswerFormat,
  items: readonly Released[],
  next: string | undefined,
  more: readonly object[],
  on: Date,
  markings: StixMarkings | undefined,
  events: readonly ReleasedEvent[] = [],
): unknown {
  reply.header('content-type', mediaTypes[format])
  switch (format) {
    case 'json':
      return {
        items: items.map((item, n) => indicatorJson(item, more[n])),
        ...(next === undefined ? {} : { next }),
      }
    case 'ndjson':
      return reply.send(Readable.from(encodeNdjson(items, more)))
    case 'csv':
      return reply.send(Readable.from(encodeCsv(items)))
    case 'intelmq':
      return reply.send(Readable.from(encodeIntelmq(items)))
    case 'n6':
      return reply.send(Readable.from(encodeN6(items)))
    case 'cap':
      return reply.send(Readable.from(encodeCap(items, on)))
    case 'misp':
      return { response: mispEvents(items, events).map((event) => ({ Event: event })) }
    case 'stix':
      return reply.send(Readable.from(encodeBundle(items, randomUUID(), markings)))
  }
}
