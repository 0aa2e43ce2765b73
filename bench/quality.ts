import { inTurn, type Line, rate } from './report.ts'
import type { BenchNode } from './world.ts'

/** A page with quality takes several times as long as one without. */
const coldPages = 60

/**
 * A page of a hundred with what sightings and time make of each, against the page without: three organisations each said something of
 * every indicator on it, and two saw it in their streams.
 */
export async function qualityLine(node: BenchNode, rounds: number): Promise<Line> {
  const { client } = node.context.database
  const newest = '(select stix_id, originator from indicator order by position desc limit 1000) i'
  await client.query(
    `insert into sighting (stix_id, originator, reporter, type, times, first_seen, last_seen)
     select stix_id, originator, reporter, 'seen', 3, timestamptz '2026-01-01', timestamptz '2026-01-02'
     from ${newest}, unnest(array['one-percent', 'few', 'nothing']) reporter on conflict do nothing`,
  )
  await client.query(
    `insert into observation_total (stix_id, originator, reporter, times, first_hour, last_hour)
     select stix_id, originator, reporter, 9, timestamptz '2026-01-01', timestamptz '2026-01-02'
     from ${newest}, unnest(array['one-percent', 'few']) reporter on conflict do nothing`,
  )
  await client.query('vacuum analyze sighting, observation_total')
  const headers = node.readers['ninety-percent']
  const { items } = JSON.parse(await node.client.send('/v1/indicators?include=quality', { headers, keep: true }))
  if (items[0].quality.seen.count !== 27) throw new Error(`seen ${items[0].quality.seen.count} times, not 27`)
  const { ours, theirs } = await inTurn(
    rounds,
    20,
    () => node.client.send('/v1/indicators?include=quality', { headers }),
    () => node.client.send('/v1/indicators', { headers }),
    coldPages,
  )
  return rate('page of 100 with quality, against without', 'pages/s', ours, theirs, 0.15)
}

/** What is related to one name of which every other row is a neighbour, against reading that one: hidden rows must not count. */
export async function relatedLine(node: BenchNode, rounds: number): Promise<Line> {
  const headers = node.readers['one-percent']
  const { items } = JSON.parse(await node.client.send('/v1/indicators?limit=1', { headers, keep: true }))
  const id = items[0].id as string
  const { related } = JSON.parse(await node.client.send(`/v1/indicators/${id}/related`, { headers, keep: true }))
  if (related.length !== 10) throw new Error(`${related.length} are related, not 10`)
  const { ours, theirs } = await inTurn(
    rounds,
    20,
    () => node.client.send(`/v1/indicators/${id}/related`, { headers }),
    () => node.client.send(`/v1/indicators/${id}`, { headers }),
  )
  return rate('related to one of a hundredth of a wide domain', 'answers/s', ours, theirs, 0.02)
}
