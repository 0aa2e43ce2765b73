import fastify from 'fastify'
import { plainTypes } from '../src/store/plain-types.ts'
import { type IndicatorRow, indicatorColumns, toIndicator } from '../src/store/rows.ts'
import { Client } from './client.ts'
import { inTurn, type Line, rate } from './report.ts'
import { type BenchNode, type Share, shares } from './world.ts'

const perPage = 100

/** Code of either server is still being compiled for the first thousand pages or so, and a little for those of another reader. */
const coldPages = 1_000
const coldReader = 300

/**
 * Pages with the policy against the same page of the same server without: no credentials, no decision, no release, no record; one
 * statement for the newest rows, and the same members as JSON.
 */
export async function pageLines(node: BenchNode, rows: number, rounds: number): Promise<Line[]> {
  const bare = await startBare(node)
  const lines: Line[] = []
  for (const share of Object.keys(shares) as Share[]) {
    const visible = Math.min(perPage, Math.floor(shares[share] * rows))
    const headers = node.readers[share]
    const page = await node.client.send('/v1/indicators', { headers, keep: true })
    const { items } = JSON.parse(page) as { items: unknown[] }
    if (items.length !== visible) throw new Error(`the page of ${share} has ${items.length} items, not ${visible}`)
    const { ours, theirs } = await inTurn(
      rounds,
      visible < perPage ? 200 : 50,
      () => node.client.send('/v1/indicators', { headers }),
      () => bare.client.send(`/page?limit=${visible}`),
      lines.length === 0 ? coldPages : coldReader,
    )
    lines.push(
      rate(`page of ${perPage}, ${size(rows)} rows, reader of ${percent(share)}`, 'pages/s', ours, theirs, 0.85),
    )
  }
  await bare.close()
  return lines
}

/** A hundred changes from the beginning of the feed, against the page of a hundred without policy. */
export async function feedLine(node: BenchNode, rounds: number): Promise<Line> {
  const bare = await startBare(node)
  const headers = node.readers['one-percent']
  const { ours, theirs } = await inTurn(
    rounds,
    50,
    () => node.client.send('/v1/feed', { headers }),
    () => bare.client.send(`/page?limit=${perPage}`),
    coldReader,
  )
  await bare.close()
  return rate('feed, a page of 100 for a reader of 1 %', 'pages/s', ours, theirs, 0.5)
}

/** GraphQL against REST: the same hundred, with what a client asks for by name. */
export async function graphqlLine(node: BenchNode, rounds: number): Promise<Line> {
  const headers = { ...node.readers['ninety-percent'], 'content-type': 'application/json' }
  const query = `{ indicators(first: 100) { edges { cursor node { id stixId version type value class confidence labels created modified
    originator { name jurisdiction } handling { tlp pap audience } network { asn country } } } pageInfo { hasNextPage endCursor } } }`
  const body = JSON.stringify({ query })
  const { ours, theirs } = await inTurn(
    rounds,
    50,
    () => node.client.send('/graphql', { headers, body }),
    () => node.client.send('/v1/indicators', { headers: node.readers['ninety-percent'] }),
    coldReader,
  )
  return rate('GraphQL page of 100, nested, against REST', 'pages/s', ours, theirs, 0.5)
}

/** A page of a TAXII collection against one by REST: a hundred rows of the same reader, from the other end. */
export async function taxiiLine(node: BenchNode, rounds: number): Promise<Line> {
  const headers = node.readers['ninety-percent']
  const url = '/taxii2/node/collections/all/objects/?limit=100'
  const page = await node.client.send(url, { headers, keep: true })
  const { objects } = JSON.parse(page) as { objects: unknown[] }
  if (objects.length !== perPage) throw new Error(`a page of the collection has ${objects.length} objects`)
  const { ours, theirs } = await inTurn(
    rounds,
    50,
    () => node.client.send(url, { headers }),
    () => node.client.send('/v1/indicators', { headers }),
    coldReader,
  )
  return rate('TAXII page of 100, against REST', 'pages/s', ours, theirs, 0.5)
}

async function startBare({ context }: BenchNode) {
  const app = fastify()
  app.get('/page', async (request, reply) => {
    const { limit } = request.query as { limit: string }
    const { rows } = await context.database.client.query<IndicatorRow>({
      name: 'bare page',
      text: `select ${indicatorColumns} from indicator i order by i.position desc limit $1`,
      values: [Number(limit)],
      types: plainTypes,
    })
    reply.header('content-type', 'application/json')
    const items = rows.map((row) => {
      const { stix: _, position: _p, ...members } = toIndicator(row)
      return members
    })
    return { items }
  })
  const client = new Client(await app.listen({ host: '127.0.0.1', port: 0 }))
  const close = async () => {
    client.close()
    await app.close()
  }
  return { client, close }
}

export const size = (rows: number): string => (rows >= 1_000_000 ? `${rows / 1_000_000} M` : `${rows / 1_000} k`)
const percent = (share: Share): string => (share === 'nothing' ? 'nothing' : `${shares[share] * 100} %`)
