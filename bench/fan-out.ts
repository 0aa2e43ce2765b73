import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import path from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Order } from './fan-out-clients.ts'
import { cost, type Line, median, rate, secondsOf } from './report.ts'
import { type BenchNode, enrolReader, startBenchNode } from './world.ts'

const readers = 20
const rounds = 20

/**
 * Streams of twenty readers with different rights, all on this process: what one costs in memory, deliveries a second against plain writes of the
 * same bytes to as many sockets, and the time from commit to the last of a thousand. The readers are in a process of their own.
 */
export async function fanOutLines(subscribers: number): Promise<Line[]> {
  const guards = {
    ...{ connections: 100_000, connectionsPerAddress: 100_000, streams: 100_000, streamsPerAccount: 100_000 },
    eventLoopDelayMs: 60_000,
  }
  // As `puente serve` does.
  setFlagsFromString('--heap-growing-percent=20')
  const node = await startBenchNode(guards)
  const clients = fork(path.join(import.meta.dirname, 'fan-out-clients.js'))
  try {
    const heads: string[] = []
    for (let n = 0; n < readers; n++) heads.push(headOf(await enrolReader(node.context, `reader-${n}`)))
    const port = Number(new URL(node.url).port)
    // What the first stream of each reader needs is not each stream's.
    await tell(clients, { do: 'connect', port, heads, each: 1 })
    await publish(node, 1)
    await tell(clients, { do: 'await', events: 1 })
    await tell(clients, { do: 'close' })
    const few = memory()
    await tell(clients, { do: 'connect', port, heads, each: subscribers / readers })
    await publish(node, 1)
    await tell(clients, { do: 'await', events: 1 })
    const kib = (memory() - few) / subscribers / 1024
    let sent = 1
    const ours = await secondsOf(async () => {
      for (let n = 0; n < rounds; n++) {
        await publish(node, 1)
        await tell(clients, { do: 'await', events: ++sent })
      }
    })
    await tell(clients, { do: 'close' })
    const last = await lastOf(node, clients, port, heads, 1_000)
    const [raw, rawLast] = [await rawSeconds(clients, subscribers), await rawSeconds(clients, 1_000)]
    const deliveries = subscribers * rounds
    return [
      rate(`deliveries to ${subscribers} streams`, 'events/s', deliveries / ours, deliveries / raw, 0.7),
      cost('memory of a stream', 'KiB', kib, 12, 1),
      cost('commit to the last of 1000 streams', 'ms', last, (rawLast / rounds) * 1000, 0.25),
    ]
  } finally {
    clients.kill()
    await node.close()
  }
}

const headOf = (secret: string): string =>
  `GET /v1/feed/stream?from=now HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer ${secret}\r\n\r\n`

/** GREEN, so that all have it; each reader's own class gives it the same. @returns when it is committed */
let published = 0
async function publish({ client, publisher }: BenchNode, count: number): Promise<void> {
  const records = Array.from({ length: count }, () => ({ value: `f${published++}-${process.pid}.bench.example.net` }))
  await client.send('/v1/indicators?tlp=green', {
    headers: { ...publisher, 'content-type': 'application/json' },
    body: JSON.stringify(records),
  })
}

/** Milliseconds from the answer of a publish to the last of so many streams that has it. */
async function lastOf(node: BenchNode, clients: ChildProcess, port: number, heads: readonly string[], streams: number) {
  await tell(clients, { do: 'connect', port, heads, each: streams / heads.length })
  const times: number[] = []
  for (let n = 1; n <= rounds + 5; n++) {
    const reached = tell(clients, { do: 'await', events: n })
    await publish(node, 1)
    const committed = performance.now()
    await reached
    if (n > 5) times.push(performance.now() - committed)
  }
  await tell(clients, { do: 'close' })
  return median(times)
}

/** The same bytes, written by this process to as many sockets, with nothing before or between. */
async function rawSeconds(clients: ChildProcess, subscribers: number): Promise<number> {
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\n\r\n'))
    sockets.push(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await tell(clients, { do: 'connect', port, heads: ['GET / HTTP/1.1\r\n\r\n'], each: subscribers })
  const frame = Buffer.from(`id: ${'x'.repeat(123)}\nevent: published\ndata: ${'x'.repeat(760)}\n\n`)
  let sent = 0
  const seconds = await secondsOf(async () => {
    for (let n = 0; n < rounds; n++) {
      for (const socket of sockets) socket.write(frame)
      await tell(clients, { do: 'await', events: ++sent })
    }
  })
  await tell(clients, { do: 'close' })
  server.close()
  return seconds
}

async function tell(clients: ChildProcess, order: Order): Promise<void> {
  clients.send(order)
  await once(clients, 'message')
}

/** Resident bytes after everything that can go has gone. */
function memory(): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  collect()
  return process.memoryUsage().rss
}
