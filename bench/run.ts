/**
 * What each job costs, as a ratio to its limit measured in the same run:
 * `npm run bench [-- --quick] [--json] [--rows 1000000] [--objects 1000000] [--only pages]`. The last line is one JSON object. Numbers of different runs
 * or machines are not to be compared; ratios are.
 */
import { parseArgs } from 'node:util'
import { blocklistLines } from './blocklists.ts'
import type { CopyForm } from './copy-limit.ts'
import { exportLine } from './exports.ts'
import { fanOutLines } from './fan-out.ts'
import { judgedLine } from './federation.ts'
import { ingestLines, singleLine } from './ingest.ts'
import { lookupLine } from './lookup.ts'
import { fillObjects, objectLines } from './objects.ts'
import { fillIndicators, observationsLines } from './observations.ts'
import { feedLine, graphqlLine, pageLines, taxiiLine } from './pages.ts'
import { peerLines } from './peers.ts'
import { memoryLine, visibleLine } from './process.ts'
import { qualityLine, relatedLine } from './quality.ts'
import { type Line, lineText, rate } from './report.ts'
import { webhookLines } from './webhooks.ts'
import { endCluster, fill, startBenchNode } from './world.ts'

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    rows: { type: 'string' },
    objects: { type: 'string' },
    only: { type: 'string' },
  },
})
const sizes = options.rows === undefined ? (options.quick ? [100_000] : [100_000, 1_000_000]) : [Number(options.rows)]
const rounds = options.quick ? 3 : 11
/** A page takes a millisecond: of few rounds one that was disturbed is the median. */
const pageRounds = Math.max(rounds, 9)
const lines: Line[] = []

function report(...more: Line[]): void {
  lines.push(...more)
  if (!options.json) for (const line of more) console.log(lineText(line))
}
const wanted = (name: string): boolean => options.only === undefined || options.only === name

/** Streams of observations, on a node of their own that knows so many indicators. */
async function observed(indicators: number): Promise<Line[]> {
  const own = await startBenchNode()
  try {
    await fillIndicators(own.context, 'cert-br', indicators)
    const events = options.quick ? 200_000 : 2_000_000
    const found = await observationsLines(own.context, own.url, own.publisher, indicators, events)
    return found.map(({ name, value, limit, aim }) => rate(name, 'events/s', value, limit, aim))
  } finally {
    await own.close()
  }
}

const node = await startBenchNode()
try {
  if (wanted('fan-out')) report(...(await fanOutLines(options.quick ? 1_000 : 10_000, options.quick ? 11 : 21)))
  for (const rows of sizes) {
    await fill(node.context, rows)
    if (wanted('pages')) report(...(await pageLines(node, rows, pageRounds)))
    if (wanted('blocklists')) report(...(await blocklistLines(node, rows, options.quick ? 1 : rounds)))
  }
  if (wanted('feed')) report(await feedLine(node, pageRounds))
  if (wanted('graphql')) report(await graphqlLine(node, pageRounds))
  if (wanted('taxii')) report(await taxiiLine(node, pageRounds))
  if (wanted('objects')) {
    const objects = Number(options.objects ?? (options.quick ? 5_000 : 200_000))
    await fillObjects(node.context, objects)
    report(...(await objectLines(node, objects, rounds)))
  }
  if (wanted('lookup')) report(await lookupLine(node, Math.max(rounds, 5)))
  if (wanted('quality')) report(await qualityLine(node, rounds), await relatedLine(node, options.quick ? 1 : rounds))
  if (wanted('visible')) report(await visibleLine(node))
  if (wanted('ingest')) {
    const forms: readonly CopyForm[] = options.quick ? ['text'] : ['text', 'binary']
    report(...(await ingestLines(node, options.quick ? 10_000 : 15_000, Math.max(rounds, 5), forms)))
    report(await singleLine(node))
  }
  if (wanted('observations')) report(...(await observed(options.quick ? 50_000 : 1_000_000)))
  if (wanted('webhooks')) report(...(await webhookLines(options.quick ? 2_000 : 40_000)))
  if (wanted('federation')) report(await judgedLine(rounds))
  if (wanted('peers')) report(...(await peerLines(options.quick ? 4_000 : 50_000)))
  if (wanted('exports')) report(await exportLine(options.quick ? 1_000 : 20_000, options.quick ? 1 : 5))
  if (wanted('memory')) report(memoryLine(sizes.at(-1) ?? 0))
} finally {
  await node.close()
  await endCluster()
}
console.log(JSON.stringify({ ok: lines.every((line) => line.ok), lines }))
