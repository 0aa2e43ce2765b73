import { copyLimit } from './copy-limit.ts'
import { type Line, rate, secondsOf } from './report.ts'
import type { BenchNode } from './world.ts'

const perBody = 5_000

/** NDJSON over HTTP against COPY of the same rows into the same table and indexes. */
export async function ingestLine(node: BenchNode, rows: number): Promise<Line> {
  const bodies = Array.from({ length: Math.ceil(rows / perBody) }, (_, n) => bodyOf(n * perBody))
  const seconds = await secondsOf(async () => {
    for (const body of bodies) {
      await node.client.send('/v1/indicators?tlp=green', {
        headers: { ...node.publisher, 'content-type': 'application/x-ndjson' },
        body,
      })
    }
  })
  const pushed = bodies.length * perBody
  return rate(
    'ingest over HTTP, bodies of 5,000',
    'rows/s',
    pushed / seconds,
    await copyLimit(node.context.database, pushed),
    0.6,
  )
}

const bodyOf = (from: number): string =>
  Array.from({ length: perBody }, (_, i) => {
    const n = from + i
    return `${JSON.stringify({ value: `h${n}.bench.example.com`, class: 'phishing', confidence: n % 100 })}\n`
  }).join('')
