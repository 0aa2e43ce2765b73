import { cost, type Line, median } from './report.ts'
import type { BenchNode } from './world.ts'

/** Milliseconds from the answer of a publish to a page of another reader that holds it; the limit is what a page itself takes. */
export async function visibleLine(node: BenchNode): Promise<Line> {
  const headers = { ...node.publisher, 'content-type': 'application/json' }
  const reader = node.readers['one-percent']
  const [waits, pages]: [number[], number[]] = [[], []]
  for (let n = 0; n < 30; n++) {
    const value = `v${n}-${Date.now()}.bench.example.net`
    await node.client.send('/v1/indicators?tlp=amber&audience=one-percent', {
      headers,
      body: JSON.stringify({ value }),
    })
    const began = performance.now()
    while (!(await node.client.send('/v1/indicators?limit=1', { headers: reader, keep: true })).includes(value));
    waits.push(performance.now() - began)
    const again = performance.now()
    await node.client.send('/v1/indicators?limit=1', { headers: reader, keep: true })
    pages.push(performance.now() - again)
  }
  return cost('commit to visible, one page', 'ms', median(waits), median(pages), 0.3)
}

/** Resident memory of this process, which serves and asks, in MiB; the allowance is 512 MiB and 10 bytes a row. */
export const memoryLine = (rows: number): Line =>
  cost('resident memory of the process', 'MiB', process.memoryUsage().rss / 2 ** 20, 512 + (rows * 10) / 2 ** 20, 1)
