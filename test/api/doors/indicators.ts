import { type Doors, get, seen } from './seen.ts'

/** Where one asks for indicators, by id, value or page. */
export const indicatorsDoors: Doors = {
  'GET /v1/indicators': async (node, { row, value }) => {
    const { body } = await get(node, row, `/v1/indicators?value=${encodeURIComponent(value)}&status=active`)
    return seen(body.items, value)
  },
  'GET /v1/indicators as NDJSON': async (node, { row, value }) => {
    const answer = await get(node, row, `/v1/indicators?format=ndjson&value=${encodeURIComponent(value)}`)
    return seen(
      answer.text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line)),
      value,
    )
  },
  'GET /v1/indicators as STIX': async (node, { row, value, id }) => {
    const { text } = await get(node, row, `/v1/indicators?format=stix&value=${encodeURIComponent(value)}`)
    const bundle = JSON.parse(text)
    const object = (bundle.objects ?? []).find((each: { id: string }) => each.id === id)
    if (object === undefined) return 'deny'
    return text.includes(value) ? 'permit' : 'redact'
  },
  'GET /v1/indicators as CSV': async (node, { row, value, id }) => {
    const { text } = await get(node, row, `/v1/indicators?format=csv&value=${encodeURIComponent(value)}`)
    if (!text.includes(id)) return 'deny'
    return text.includes(value) ? 'permit' : 'redact'
  },
  'GET /v1/indicators as IntelMQ': async (node, { row, value, id }) => {
    const { text } = await get(node, row, `/v1/indicators?format=intelmq&value=${encodeURIComponent(value)}`)
    if (!text.includes(id)) return 'deny'
    return text.includes(value) ? 'permit' : 'redact'
  },
  'GET /v1/indicators as n6': async (node, { row, value, id }) => {
    const { text } = await get(node, row, `/v1/indicators?format=n6&value=${encodeURIComponent(value)}`)
    if (!text.includes(id)) return 'deny'
    return text.includes(value) ? 'permit' : 'redact'
  },
  'GET /v1/indicators as CAP': async (node, { row, value }) => {
    const { text } = await get(node, row, `/v1/indicators?format=cap&value=${encodeURIComponent(value)}`)
    if (text.includes(`|${value}|`)) return 'permit'
    if (text.includes(value)) throw new Error('a value without an address is in CAP')
    // What has no address, or is masked, has no line: only their number is told.
    return text.includes('#without an address') ? 'closed' : 'deny'
  },
  'GET /v1/indicators/{id}': async (node, { row, id, value }) => {
    const answer = await get(node, row, `/v1/indicators/${id}`)
    return answer.status === 404 ? 'deny' : seen([answer.body], value)
  },
  'GET /v1/indicators/{id}/history': async (node, { row, id, value }) => {
    const answer = await get(node, row, `/v1/indicators/${id}/history`)
    if (answer.status === 404) return 'deny'
    return seen(
      answer.body.items.map((each: { indicator: unknown }) => each.indicator),
      value,
    )
  },
  'POST /v1/lookup': async (node, { row, value }) => {
    const { body } = await node.call(row.reader, {
      method: 'POST',
      url: '/v1/lookup',
      headers: { 'content-type': 'application/json', 'puente-purpose': row.purpose },
      payload: JSON.stringify({ values: [value] }),
    })
    return seen(
      body.results[0].matches.map((each: { indicator: unknown }) => each.indicator),
      value,
    )
  },
  'GET /v1/indicators?include=quality': async (node, { row, value }) => {
    const { body } = await get(node, row, `/v1/indicators?include=quality&value=${encodeURIComponent(value)}`)
    for (const { quality } of body.items) if (typeof quality?.decay?.score !== 'number') throw new Error('no quality')
    return seen(body.items, value)
  },
  'GET /v1/indicators/{id}/related': async (node, { row, value, beside, id }) => {
    const mine = await get(node, row, `/v1/indicators/${id}/related`)
    const listed = mine.body.related?.map((each: { indicator: { id: string } }) => each.indicator.id)
    if (row.handling.personalData) {
      if (mine.status === 404) return 'deny'
      return listed.length === 0 ? row.expect.effect : 'permit'
    }
    // From something that everybody may see, to this.
    const theirs = await get(node, row, `/v1/indicators/${beside}/related`)
    const found = seen(
      theirs.body.related
        .map(({ indicator }: { indicator: { id: string } }) => indicator)
        .filter((each: { id: string }) => each.id === id),
      value,
    )
    if ((mine.status === 404) !== (found === 'deny')) throw new Error(`${mine.status} for what is ${found} beside it`)
    if (found === 'permit' && !listed.includes(beside)) throw new Error('what is beside it is not found')
    return found
  },
  'POST /graphql': async (node, { row, id, value }) => {
    const { body } = await node.call(row.reader, {
      method: 'POST',
      url: '/graphql',
      headers: { 'content-type': 'application/json', 'puente-purpose': row.purpose },
      payload: JSON.stringify({
        query: `query ($id: ID!, $value: String!) {
          indicator(id: $id) { value masked }
          indicators(filter: { value: $value }) { edges { node { value masked } } }
        }`,
        variables: { id, value },
      }),
    })
    const one = seen(body.data.indicator === null ? [] : [body.data.indicator], value)
    const page = seen(
      body.data.indicators.edges.map((each: { node: unknown }) => each.node),
      value,
    )
    if (one !== page) throw new Error(`GraphQL disagrees with itself: ${one}, ${page}`)
    return one
  },
}
