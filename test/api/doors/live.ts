import { EventClient } from '../../sse.ts'
import { Subscriber } from '../../subscriber.ts'
import { deliveredTo } from '../../webhooks.ts'
import { type Doors, followed, get, nothing, seen } from './seen.ts'

/** What is followed or fetched by machines: feed, streams, webhooks, blocklists. */
export const liveDoors: Doors = {
  'GET /v1/feed': async (node, { row, value, id }) => {
    const { body } = await get(node, row, '/v1/feed?limit=1000')
    if (body.more) throw new Error('the feed is longer than a page')
    const items = (body.items as { id: string; indicator?: { value: string; masked: boolean } }[])
      .filter((each) => each.id === id)
      .flatMap(({ indicator }) => indicator ?? [])
    return followed(row, items, value)
  },
  'GET /v1/feed/stream': async (node, { row, value, id }) => {
    const { body } = await get(node, row, '/v1/feed?limit=1000')
    const client = await new EventClient(node, row.reader).open({ 'puente-purpose': row.purpose })
    await client.until(({ events, lastId }) => lastId !== '' && events.length >= body.items.length, 'the feed')
    client.cut()
    if (client.events.length !== body.items.length) throw new Error('a stream and a page of the feed disagree')
    return followed(
      row,
      client.events.flatMap(({ data }) => (data.id === id && data.indicator !== undefined ? [data.indicator] : [])),
      value,
    )
  },
  'subscription over /graphql': async (node, { row, value, id }) => {
    const { body } = await get(node, row, '/v1/feed?limit=1000')
    const subscriber = await new Subscriber(node).open({ ...node.as(row.reader), 'puente-purpose': row.purpose })
    await subscriber.init()
    subscriber.subscribe('a')
    await subscriber.until(({ told, cursor }) => cursor !== undefined && told.length >= body.items.length, 'the feed')
    subscriber.ws.terminate()
    const entries = subscriber.messages.flatMap(({ payload }) => payload?.data?.feed.entries ?? [])
    return followed(
      row,
      entries.flatMap(({ stixId, indicator }) => (stixId === id && indicator !== null ? [indicator] : [])),
      value,
    )
  },
  'POST of a webhook': async (node, { row, value, id, endpoint }) => {
    if (row.reader === 'anonymous') return 'closed'
    const { items } = await deliveredTo(node, endpoint, row.reader, { ownSystem: true, batch: 1_000 }, row.purpose)
    const given = items.filter((each) => each.id === id).flatMap(({ indicator }) => indicator ?? [])
    // RED goes nowhere by itself, whoever may read it.
    if (row.handling.tlp === 'red') return nothing(row, given)
    return seen(given, value)
  },
  'POST of a webhook to a system of others': async (node, { row, value, id, endpoint }) => {
    if (row.reader === 'anonymous') return 'closed'
    const { items } = await deliveredTo(node, endpoint, row.reader, { batch: 1_000 }, row.purpose)
    const given = items.filter((each) => each.id === id).flatMap(({ indicator }) => indicator ?? [])
    // PAP is no rule about who may have it: what it keeps in is left out, whatever the effect.
    const { tlp, pap, unknown } = row.handling
    const kept = tlp === 'red' || unknown === true || pap === 'amber' || pap === 'red'
    if (kept) return nothing(row, given)
    return seen(given, value)
  },
  'GET /v1/blocklists/{file}': async (node, { row, value }) => {
    const { status, text } = await get(node, row, '/v1/blocklists/all.txt')
    if (status !== 200) throw new Error(text)
    const listed = text.split('\n').includes(value)
    const { tlp, pap, unknown, personalData } = row.handling
    // Whole, of a type that can be blocked, and by the PAP gate: then it must be there, and otherwise it must not.
    const blockable = unknown !== true && !personalData && tlp !== 'red' && (pap === 'clear' || pap === 'green')
    if (listed !== (blockable && row.expect.effect === 'permit')) return listed ? 'permit' : 'deny'
    return row.expect.effect
  },
}
