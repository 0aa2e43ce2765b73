import type { TestNode } from '../../node.ts'
import type { PolicyCase } from '../../policy/cases.ts'
import { EventClient } from '../../sse.ts'
import { Subscriber } from '../../subscriber.ts'
import { deliveredTo } from '../../webhooks.ts'
import { type Doors, followed, get, nothing, type Planted, readOnce, seen } from './seen.ts'

/** What is followed or fetched by machines: feed, streams, webhooks, blocklists. */
export const liveDoors: Doors = {
  'GET /v1/feed': async (node, planted) => {
    const { row, value, id } = planted
    const items = (await readOnce(planted, 'feed', () => feedPage(node, row)))
      .filter((each) => each.id === id)
      .flatMap(({ indicator }) => indicator ?? [])
    return followed(row, items, value)
  },
  'GET /v1/feed/stream': async (node, planted) => {
    const { row, value, id } = planted
    const events = await readOnce(planted, 'stream', async () => {
      const page = await feedPage(node, row)
      const client = await new EventClient(node, row.reader).open({ 'puente-purpose': row.purpose })
      await client.until(({ events, lastId }) => lastId !== '' && events.length >= page.length, 'the feed')
      client.cut()
      if (client.events.length !== page.length) throw new Error('a stream and a page of the feed disagree')
      return client.events
    })
    return followed(
      row,
      events.flatMap(({ data }) => (data.id === id && data.indicator !== undefined ? [data.indicator] : [])),
      value,
    )
  },
  'subscription over /graphql': async (node, planted) => {
    const { row, value, id } = planted
    const entries = await readOnce(planted, 'subscription', async () => {
      const page = await feedPage(node, row)
      const subscriber = await new Subscriber(node).open({ ...node.as(row.reader), 'puente-purpose': row.purpose })
      await subscriber.init()
      subscriber.subscribe('a')
      await subscriber.until(({ told, cursor }) => cursor !== undefined && told.length >= page.length, 'the feed')
      subscriber.ws.terminate()
      return subscriber.messages.flatMap(({ payload }) => payload?.data?.feed.entries ?? [])
    })
    return followed(
      row,
      entries.flatMap(({ stixId, indicator }) => (stixId === id && indicator !== null ? [indicator] : [])),
      value,
    )
  },
  'POST of a webhook': async (node, planted) => {
    const { row, value } = planted
    if (row.reader === 'anonymous') return 'closed'
    const given = await delivered(node, planted, { ownSystem: true, batch: 1_000 })
    // RED goes nowhere by itself, whoever may read it.
    if (row.handling.tlp === 'red') return nothing(row, given)
    return seen(given, value)
  },
  'POST of a webhook to a system of others': async (node, planted) => {
    const { row, value } = planted
    if (row.reader === 'anonymous') return 'closed'
    const given = await delivered(node, planted, { batch: 1_000 })
    // PAP is no rule about who may have it: what it keeps in is left out, whatever the effect.
    const { tlp, pap, unknown } = row.handling
    const kept = tlp === 'red' || unknown === true || pap === 'amber' || pap === 'red'
    if (kept) return nothing(row, given)
    return seen(given, value)
  },
  'GET /v1/blocklists/{file}': async (node, planted) => {
    const { row, value } = planted
    const { status, text } = await readOnce(planted, 'blocklist', () => get(node, row, '/v1/blocklists/all.txt'))
    if (status !== 200) throw new Error(text)
    const listed = text.split('\n').includes(value)
    const { tlp, pap, unknown, personalData } = row.handling
    // Whole, of a type that can be blocked, and by the PAP gate: then it must be there, and otherwise it must not.
    const blockable = unknown !== true && !personalData && tlp !== 'red' && (pap === 'clear' || pap === 'green')
    if (listed !== (blockable && row.expect.effect === 'permit')) return listed ? 'permit' : 'deny'
    return row.expect.effect
  },
}

interface FeedItem {
  readonly id: string
  readonly indicator?: { readonly value: string; readonly masked: boolean }
}

/** All that the feed gives the case's reader. @throws when it is longer than a page */
async function feedPage(node: TestNode, row: PolicyCase): Promise<readonly FeedItem[]> {
  const { body } = await get(node, row, '/v1/feed?limit=1000')
  if (body.more) throw new Error('the feed is longer than a page')
  return body.items
}

/** What of the indicator went out to a webhook of the reader's, from the beginning. */
async function delivered(node: TestNode, planted: Planted, more: object) {
  const { row, endpoint, id } = planted
  const { items } = await readOnce(planted, `webhook ${JSON.stringify(more)}`, () =>
    deliveredTo(node, endpoint, row.reader, more, row.purpose),
  )
  return items.filter((each) => each.id === id).flatMap(({ indicator }) => indicator ?? [])
}
