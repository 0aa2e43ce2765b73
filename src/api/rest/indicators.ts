import type { FastifyReply, FastifyRequest } from 'fastify'
import { actions, type Context, warningsOf } from '../../actions/index.ts'
import type { SearchFilter } from '../../actions/search-filter.ts'
import { parseInstant } from '../../domain/enrolment.ts'
import { Fault } from '../../domain/errors.ts'
import type { Released } from '../../domain/released.ts'
import { parseRsit } from '../../domain/rsit.ts'
import type { StixMarkings } from '../../domain/stix-markings.ts'
import { handlingFromRecord, handlingMembers } from '../../formats/handling-fields.ts'
import { indicatorJson } from '../../formats/json-out.ts'
import { eventsAround } from '../misp-events.ts'
import { isWholeNumber } from '../whole-number.ts'
import { type AnswerFormat, answerFormat, sendIndicators } from './answers.ts'
import { include } from './include.ts'
import { qualities } from './quality.ts'
import { asList, present, type Query } from './query.ts'

type Parameters = { readonly id: string }

/** `GET /v1/indicators` */
export async function search(context: Context, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const query = request.query as Query
  const format = answerFormat(request, query.format)
  const asked = included(request, format)
  const { items, next } = await actions.search(context, request.caller, {
    filter: filterOf(query),
    ...present<{ cursor?: string; limit?: number }>({
      cursor: query.cursor as string | undefined,
      limit: query.limit as number | undefined,
    }),
  })
  if (next !== undefined) {
    const url = new URL(request.url, 'http://here')
    url.searchParams.set('cursor', next)
    reply.header('link', `<${url.pathname}${url.search}>; rel="next"`)
  }
  const more = await membersOf(context, request, items, asked)
  const events = format === 'misp' ? await eventsAround(context, request.caller, items) : []
  return sendIndicators(reply, format, items, next, more, context.clock(), request.caller.markings, events)
}

const includable = ['quality', 'warnings'] as const
type Included = ReadonlySet<(typeof includable)[number]>

/** @throws {Fault} `invalid_request` also where the form has no place for it */
function included(request: FastifyRequest, format: AnswerFormat): Included {
  const asked = include(request, includable)
  if (asked.size > 0 && format !== 'json' && format !== 'ndjson') {
    throw new Fault('invalid_request', '"include" goes with JSON and NDJSON.', { position: { pointer: '/include' } })
  }
  return asked
}

/** What was asked for beside the members of each indicator. */
async function membersOf(
  context: Context,
  request: FastifyRequest,
  items: readonly Released[],
  asked: Included,
): Promise<readonly object[]> {
  const quality = asked.has('quality') ? await qualities(context, request, items) : undefined
  if (!asked.has('warnings')) return quality ?? []
  const warnings = await warningMembers(context, items)
  return quality === undefined ? warnings : warnings.map((each, n) => ({ ...quality[n], ...each }))
}

/** The warninglists that each is on; without the member when it is on none. */
async function warningMembers(context: Context, items: readonly Released[]): Promise<readonly object[]> {
  const found = await warningsOf(context, items)
  return found.map((warnings) => (warnings.length === 0 ? {} : { warnings }))
}

/** The filter of a query string, as every door has it that finds indicators. */
export function filterOf(query: Query): SearchFilter {
  const { value, q, network, domain, since, until, min_confidence, asn } = query
  return present<SearchFilter>({
    type: asList(query.type),
    value: value as string | undefined,
    q: q as string | undefined,
    tlp: asList(query.tlp) as SearchFilter['tlp'],
    class: asList(query.class),
    country: asList(query.country),
    asn: asList(asn)?.map(Number),
    network: network as string | undefined,
    domain: domain as string | undefined,
    originator: asList(query.originator),
    community: asList(query.community),
    since: since === undefined ? undefined : parseInstant(String(since), '/since'),
    until: until === undefined ? undefined : parseInstant(String(until), '/until'),
    minConfidence: min_confidence as number | undefined,
    status: asList(query.status) as SearchFilter['status'],
    constituency: query.constituency === true ? true : undefined,
  })
}

/** `GET /v1/indicators/{id}` */
export async function read(context: Context, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const { originator, version } = request.query as { originator?: string; version?: number }
  const format = answerFormat(request, undefined)
  const asked = included(request, format)
  const input = { id: (request.params as Parameters).id, ...present<{ originator?: string }>({ originator }) }
  const released =
    version === undefined
      ? await actions.read(context, request.caller, input)
      : (await actions.history(context, request.caller, input)).find((each) => each.version === version)?.indicator
  if (released === undefined) throw new Fault('not_found', 'There is no such thing here.')
  reply.header('etag', entityTag(released.version, format, request.caller.markings))
  // A page shows warnings when asked; one indicator always does, where the form has a place for them.
  const shown: Included = format === 'json' ? new Set([...asked, 'warnings']) : asked
  const more = await membersOf(context, request, [released], shown)
  if (format === 'json') return indicatorJson(released, more[0])
  return sendIndicators(reply, format, [released], undefined, more, context.clock(), request.caller.markings)
}

/** `PATCH /v1/indicators/{id}` */
export async function revise(context: Context, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const body = request.body as Record<string, unknown>
  const said = Object.fromEntries(Object.entries(body).filter(([name]) => isHandling(name)))
  const content = Object.fromEntries(Object.entries(body).filter(([name]) => !isHandling(name)))
  const ifVersion = versionOf(request.headers['if-match'])
  const released = await actions.revise(context, request.caller, {
    id: (request.params as Parameters).id,
    revision: {
      ...content,
      ...timesOf(content),
      ...(content.class === undefined ? {} : { class: parseRsit(String(content.class)) }),
      handling: handlingFromRecord(said),
    },
    ...present<{ ifVersion?: number }>({ ifVersion }),
  })
  reply.header('etag', `"${released.version}"`)
  return indicatorJson(released)
}

const isHandling = (name: string): boolean => (handlingMembers as readonly string[]).includes(name)

function timesOf(content: Record<string, unknown>): Record<string, string> {
  const times = ['validFrom', 'validUntil', 'firstSeen', 'lastSeen'].filter((name) => content[name] !== undefined)
  return Object.fromEntries(times.map((name) => [name, parseInstant(String(content[name]), `/${name}`)]))
}

/** The version, and by which ids the label is given where that is not TLP 2.0's: another text is another entity. */
const entityTag = (version: number, format: AnswerFormat, markings: StixMarkings = 'tlp2'): string =>
  format === 'stix' && markings !== 'tlp2' ? `"${version};${markings}"` : `"${version}"`

/** The version in `If-Match: "3"`, whatever the label stood under; `*` and absence ask for none. */
function versionOf(header: string | undefined): number | undefined {
  if (header === undefined || header === '*') return undefined
  const version = /^"?([^";]*)(?:;[^"]*)?"?$/.exec(header)?.[1] ?? ''
  if (!isWholeNumber(version) || !Number.isSafeInteger(Number(version)))
    throw new Fault('invalid_request', 'If-Match names a version, as in "3".')
  return Number(version)
}

/** `POST /v1/indicators/{id}/recall` */
export async function recall(context: Context, request: FastifyRequest): Promise<unknown> {
  const { reason } = request.body as { reason: string }
  return await actions.recall(context, request.caller, { id: (request.params as Parameters).id, reason })
}

/** `GET /v1/indicators/{id}/history` */
export async function history(context: Context, request: FastifyRequest): Promise<unknown> {
  const { originator } = request.query as { originator?: string }
  const items = await actions.history(context, request.caller, {
    id: (request.params as Parameters).id,
    ...present<{ originator?: string }>({ originator }),
  })
  return { items: items.map((each) => ({ ...each, indicator: indicatorJson(each.indicator) })) }
}

/** `GET /v1/indicators/{id}/explain` */
export async function explain(context: Context, request: FastifyRequest): Promise<unknown> {
  const { originator, organisation, account } = request.query as Record<string, string | undefined>
  return await actions.explain(context, request.caller, {
    id: (request.params as Parameters).id,
    ...present<{ originator?: string; organisation?: string; account?: string }>({ originator, organisation, account }),
  })
}
