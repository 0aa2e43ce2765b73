import { type CopyForm, CopyTwin } from './copy-limit.ts'
import { cost, type Line, median, rate, secondsOf } from './report.ts'
import type { BenchNode } from './world.ts'

const perBody = 5_000

/** What a server that has run for a while has behind it: code is still being compiled for the first 40,000 rows or so. */
const coldRounds = 4

/** Bodies under way at a time, as of so many publishers. */
const publishers = [1, 3] as const

/**
 * NDJSON over HTTP against COPY of the same rows into the same table and indexes, in turns: in its text form, and where that is asked for in
 * the binary form, which the database takes faster. The first round is not counted, and is longer.
 * @param perRound rows pushed in a round, then copied
 */
export async function ingestLines(
  node: BenchNode,
  perRound: number,
  rounds: number,
  forms: readonly CopyForm[],
): Promise<Line[]> {
  const twins = await Promise.all(forms.map((form) => CopyTwin.create(node.context.database, form)))
  const lines: Line[] = []
  await oneRound(node, 'cold', coldRounds * perRound, 1, twins)
  for (const together of publishers) {
    const seen: (readonly number[])[] = []
    for (let round = 0; round < rounds; round++)
      seen.push(await oneRound(node, `h${together}-${round}-`, perRound, together, twins))
    const rateOf = (column: number) => median(seen.map((row) => row[column] ?? 0))
    const name = together === 1 ? 'ingest over HTTP, bodies of 5,000' : `the same, ${together} bodies at a time`
    lines.push(rate(name, 'rows/s', rateOf(0), rateOf(1), 0.6))
    if (forms.includes('binary')) lines.push(rate(`${name}, of binary COPY`, 'rows/s', rateOf(0), rateOf(2), 0.4))
  }
  for (const twin of twins) await twin.drop()
  return lines
}

/** @returns rows a second over HTTP, then by COPY in each form */
async function oneRound(
  node: BenchNode,
  name: string,
  rows: number,
  together: number,
  twins: readonly CopyTwin[],
): Promise<readonly number[]> {
  const bodies = Array.from({ length: Math.ceil(rows / perBody) }, (_, n) => bodyOf(name, n * perBody))
  const left = bodies.values()
  const one = async () => {
    for (const body of left) await send(node, body)
  }
  const seconds = await secondsOf(() => Promise.all(Array.from({ length: together }, one)))
  const limits: number[] = []
  for (const twin of twins) limits.push(await twin.catchUp())
  return [(bodies.length * perBody) / seconds, ...limits]
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
