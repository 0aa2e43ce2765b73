import { inTurn, type Line, rate } from './report.ts'
import type { BenchNode } from './world.ts'

const asked = 5_000

/** Look-ups for which code is still being compiled. */
const coldLookups = 3

/** Values of which half are known, against one query for as many known keys. */
export async function lookupLine(node: BenchNode, rounds: number): Promise<Line> {
  const values = Array.from({ length: asked }, (_, n) => `h${n * 2}.bench.example.org`)
  const body = JSON.stringify({ values })
  const headers = { ...node.readers['ninety-percent'], 'content-type': 'application/json' }
  const { ours, theirs } = await inTurn(
    rounds,
    1,
    () => node.client.send('/v1/lookup', { headers, body }),
    () =>
      node.context.database.client.query(
        `select i.* from generate_series(1, ${asked}) n
         join indicator i on i.value_key = substr(sha256(convert_to('name:h' || n * 2 || '.bench.example.org', 'UTF8')), 1, 16)`,
      ),
    coldLookups,
  )
  return rate(`look-up of ${asked} domains`, 'values/s', ours * asked, theirs * asked, 0.3)
}
