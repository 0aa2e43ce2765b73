import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { wayOut } from '../src/delivery/http.ts'
import { startWebhooks, whatIsHeard } from '../src/delivery/webhooks.ts'
import { type Line, rate } from './report.ts'
import { type BenchNode, fill, startBenchNode } from './world.ts'

/** Endpoints of this machine that take whatever comes. */
interface Endpoints {
  readonly server: Server
  readonly url: string
  /** Bodies by path, as long as they are kept. */
  readonly bodies: Map<string, string[]>
  keeps: boolean
  taken: number
}

const headers = { 'content-type': 'application/json' }

/**
 * Deliveries a second of a backlog in batches of 100, to one endpoint and to four side by side. The limit is what the way out alone does:
 * the same bodies, to the same endpoints, as many side by side, without policy, database, signature or record.
 * @param indicators how many wait
 */
export async function webhookLines(indicators: number): Promise<Line[]> {
  const node = await startBenchNode()
  const endpoints = await start()
  try {
    await fill(node.context, indicators)
    const lines: Line[] = []
    for (const count of [1, 4]) {
      const deliveries = count * Math.ceil(indicators / 100)
      const paths = Array.from({ length: count }, (_, n) => `/${count}-${n}`)
      const value = deliveries / (await delivered(node, endpoints, paths, deliveries))
      const limit = deliveries / (await posted(endpoints, paths))
      lines.push(
        rate(
          `webhooks, batches of 100, ${count === 1 ? 'one endpoint' : `${count} endpoints`}`,
          '/s',
          value,
          limit,
          // Of few deliveries much is the beginning: the process looks for what is due, and loads the column.
          count === 1 && indicators < 10_000 ? 0.03 : 0.1,
        ),
      )
    }
    return lines
  } finally {
    endpoints.server.close()
    await node.close()
  }
}

async function start(): Promise<Endpoints> {
  const endpoints = { bodies: new Map<string, string[]>(), keeps: true, taken: 0 }
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    response.writeHead(204).end()
    made.taken++
    const { url = '' } = request
    if (made.keeps) made.bodies.set(url, [...(made.bodies.get(url) ?? []), Buffer.concat(chunks).toString()])
    server.emit('taken')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const made: Endpoints = { ...endpoints, server, url }
  return made
}

/** Seconds until a node that begins to send has sent the whole backlog to endpoints of its publisher. */
async function delivered(
  node: BenchNode,
  endpoints: Endpoints,
  paths: readonly string[],
  deliveries: number,
): Promise<number> {
  for (const path of paths) {
    const body = JSON.stringify({ name: path, url: endpoints.url + path, from: 'beginning', ownSystem: true })
    const answer = await fetch(`${node.url}/v1/subscriptions`, {
      method: 'POST',
      headers: { ...node.publisher, ...headers },
      body,
    })
    if (answer.status !== 201) throw new Error(await answer.text())
  }
  const { context } = node
  Object.assign(endpoints, { keeps: true, taken: 0 })
  const began = performance.now()
  const webhooks = startWebhooks(context, { wakes: whatIsHeard(context) })
  while (endpoints.taken < deliveries) await once(endpoints.server, 'taken')
  const seconds = (performance.now() - began) / 1_000
  await webhooks.stop()
  return seconds
}

/** Seconds for the same bodies by the way out alone, one after the other for each endpoint. */
async function posted(endpoints: Endpoints, paths: readonly string[]): Promise<number> {
  const { post } = wayOut({ privateHosts: ['127.0.0.1'] })
  endpoints.keeps = false
  const began = performance.now()
  await Promise.all(
    paths.map(async (path) => {
      for (const body of endpoints.bodies.get(path) ?? []) await post(endpoints.url + path, headers, body)
    }),
  )
  return (performance.now() - began) / 1_000
}
