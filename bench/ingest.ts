import { copyLimit } from './copy-limit.ts'
import { cost, type Line, median, rate, secondsOf } from './report.ts'
import type { BenchNode } from './world.ts'

const perBody = 5_000

/**
 * NDJSON over HTTP against COPY of the same rows into the same table and indexes.
 * @param together bodies under way at a time, as of so many publishers
 */
export async function ingestLine(node: BenchNode, rows: number, together: number): Promise<Line> {
  const bodies = Array.from({ length: Math.ceil(rows / perBody) }, (_, n) => bodyOf(`h${together}-`, n * perBody))
  const left = bodies.values()
  const seconds = await secondsOf(async () => {
    const one = async () => {
      for (const body of left) await send(node, body)
    }
    await Promise.all(Array.from({ length: together }, one))
  })
  const pushed = bodies.length * perBody
  return rate(
    together === 1 ? 'ingest over HTTP, bodies of 5,000' : `the same, ${together} bodies at a time`,
    'rows/s',
    pushed / seconds,
    await copyLimit(node.context.database, pushed),
    0.6,
  )
}

/** How long one publish takes while bodies of 5,000 are sent one after the other; the allowance is 100 ms. */
export async function singleLine(node: BenchNode): Promise<Line> {
  let singles = 0
  const bulk = (async () => {
    for (let n = 0; singles < 40; n++) await send(node, bodyOf('beside', n * perBody))
  })()
  const times: number[] = []
  for (; singles < 40; singles++) times.push(1_000 * (await secondsOf(() => send(node, record('single', singles)))))
  await bulk
  return cost('single publish beside a bulk push', 'ms', median(times), 100, 1)
}

const send = (node: BenchNode, body: string): Promise<string> =>
  node.client.send('/v1/indicators?tlp=green', {
    headers: { ...node.publisher, 'content-type': 'application/x-ndjson' },
    body,
  })

const bodyOf = (name: string, from: number): string =>
  Array.from({ length: perBody }, (_, i) => record(name, from + i)).join('')

const record = (name: string, n: number): string =>
  `${JSON.stringify({ value: `${name}${n}.bench.example.com`, class: 'phishing', confidence: n % 100 })}\n`
