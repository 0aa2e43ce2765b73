import type { FastifyReply, FastifyRequest } from 'fastify'
import type { FollowFilter } from '../../actions/follow.ts'
import { actions, type Context } from '../../actions/index.ts'
import type { StatisticsFilter } from '../../actions/statistics.ts'
import { indicatorJson } from '../../formats/json-out.ts'
import { asList, present, type Query } from './query.ts'

/** `GET /v1/feed`: what changed after a cursor. */
export async function follow(context: Context, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const query = request.query as Query
  const { items, cursor, more } = await actions.follow(context, request.caller, {
    filter: filterOf(query),
    fromNow: query.from === 'now',
    ...present<{ cursor?: string; limit?: number }>({
      cursor: query.cursor as string | undefined,
      limit: query.limit as number | undefined,
    }),
  })
  const url = new URL(request.url, 'http://here')
  url.searchParams.delete('from')
  url.searchParams.set('cursor', cursor)
  reply.header('link', `<${url.pathname}${url.search}>; rel="next"`)
  return {
    items: items.map((item) => ('indicator' in item ? { ...item, indicator: indicatorJson(item.indicator) } : item)),
    cursor,
    more,
  }
}

/** What can be followed, as the query says it. */
export const filterOf = (query: Query): FollowFilter =>
  present<FollowFilter>({
    type: asList(query.type),
    tlp: asList(query.tlp) as FollowFilter['tlp'],
    class: asList(query.class),
    country: asList(query.country),
    asn: asList(query.asn)?.map(Number),
    network: query.network as string | undefined,
    domain: query.domain as string | undefined,
    originator: asList(query.originator),
    community: asList(query.community),
    minConfidence: query.min_confidence as number | undefined,
    // What is not asked for is absent, and seals the same cursors.
    constituency: query.constituency === true ? true : undefined,
  })

/** `GET /v1/statistics`: how much there is that the caller may see. */
export async function statistics(context: Context, request: FastifyRequest): Promise<unknown> {
  const query = request.query as Query
  return await actions.statistics(
    context,
    request.caller,
    present<StatisticsFilter>({
      tlp: asList(query.tlp) as StatisticsFilter['tlp'],
      originator: asList(query.originator),
      community: asList(query.community),
    }),
  )
}
