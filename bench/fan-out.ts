import { fork } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import type { Line } from './report.ts'
import { newDatabase } from './world.ts'

/**
 * Streams of twenty readers with different rights, all on one process: what one costs in memory, deliveries a second against plain writes of as
 * many bytes to the same sockets, and the time from commit to the last of a thousand. The node is a process of its own, its readers another.
 */
export async function fanOutLines(subscribers: number, rounds: number): Promise<Line[]> {
  const node = fork(path.join(import.meta.dirname, 'fan-out-node.js'), [
    await newDatabase(),
    String(subscribers),
    String(rounds),
  ])
  const failed = once(node, 'exit').then(([code]) => {
    throw new Error(`the node of the streams ended with ${code}`)
  })
  const [lines] = await Promise.race([once(node, 'message'), failed])
  return lines as Line[]
}
