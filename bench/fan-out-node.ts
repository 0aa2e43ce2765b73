/**
 * The node of bench/fan-out.ts, in a process of its own (`fork`): what a stream costs in memory is told from a process that has done nothing
 * else, and no other job has to do with its heap. Arguments: the url of its database, a new one; how many streams; how many rounds.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import path from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Order } from './fan-out-clients.ts'
import { cost, type Line, median, rate } from './report.ts'
import { type BenchNode, enrolReader, startBenchNode } from './world.ts'

const readers = 20
const aThousand = 1_000
/** To a thousand streams, deciding and reading an event costs as much as writing it two or three times; to ten thousand, a third. */
const fewAim = 0.3

/** The lines of bench/fan-out.ts. */
async function measured(database: string, subscribers: number, rounds: number): Promise<Line[]> {
  const guards = {
    ...{ connections: 100_000, connectionsPerAddress: 100_000, streams: 100_000, streamsPerAccount: 100_000 },
    eventLoopDelayMs: 60_000,
  }
  // As `puente serve` does.
  setFlagsFromString('--heap-growing-percent=20')
  const node = await startBenchNode(guards, database)
  const clients = fork(path.join(import.meta.dirname, 'fan-out-clients.js'))
  try {
    const heads: string[] = []
    for (let n = 0; n < readers; n++) heads.push(headOf(await enrolReader(node.context, `reader-${n}`)))
    const streams = new Streams(node, clients, heads)
    // What the first stream of each reader needs is not each stream's.
    await streams.open(readers)
    await streams.deliver()
    await streams.close()
    const few = memory()
    await streams.open(subscribers)
    await streams.deliver()
    const kib = (memory() - few) / subscribers / 1024
    const all = await race(streams, rounds)
    const some = subscribers === aThousand ? all : await ofThousand(streams, rounds)
    const aim = subscribers >= 10_000 ? 0.7 : fewAim
    const perSecond = (ms: number) => subscribers / (ms / 1_000)
    return [
      rate(`deliveries to ${subscribers} streams`, 'events/s', perSecond(all.published), perSecond(all.plain), aim),
      rate('the same, of one processor', 'events/s', perSecond(all.work), perSecond(all.plainWork), aim),
      cost('memory of a stream', 'KiB', kib, 12, 1),
      cost('commit to the last of 1000 streams', 'ms', some.committed, some.plain, 0.25),
    ]
  } finally {
    clients.kill()
    await node.close()
  }
}

async function ofThousand(streams: Streams, rounds: number) {
  await streams.close()
  await streams.open(aThousand)
  return await race(streams, rounds)
}

const headOf = (secret: string): string =>
  `GET /v1/feed/stream?from=now HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer ${secret}\r\n\r\n`

/** Streams that are open, and the node's ends of their connections. */
class Streams {
  readonly #node: BenchNode
  readonly #clients: ChildProcess
  readonly #heads: readonly string[]
  readonly #sockets = new Set<Socket>()
  #sent = 0

  constructor(node: BenchNode, clients: ChildProcess, heads: readonly string[]) {
    this.#node = node
    this.#clients = clients
    this.#heads = heads
    node.app.server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    })
  }

  async open(count: number): Promise<void> {
    const port = Number(new URL(this.#node.url).port)
    // The publisher's own connection is there already, and no stream.
    await publish(this.#node)
    this.#sockets.clear()
    await this.#tell({ do: 'connect', port, heads: this.#heads, each: count / this.#heads.length })
    this.#sent = 0
  }

  async close(): Promise<void> {
    await this.#tell({ do: 'close' })
  }

  /** One event to all. @returns when it was committed, of `performance.now()` */
  async deliver(): Promise<number> {
    const reached = this.#tell({ do: 'await', events: ++this.#sent })
    await publish(this.#node)
    const committed = performance.now()
    await reached
    return committed
  }

  /** The same bytes to the same sockets, with nothing before or between. */
  async writePlainly(frame: Buffer): Promise<void> {
    const reached = this.#tell({ do: 'await', events: ++this.#sent })
    for (const socket of this.#sockets) socket.write(frame)
    await reached
  }

  /** What one socket was sent so far. */
  get bytesOfOne(): number {
    const [socket] = this.#sockets
    return socket?.bytesWritten ?? 0
  }

  async #tell(order: Order): Promise<void> {
    this.#clients.send(order)
    await once(this.#clients, 'message')
  }
}

/** GREEN, so that all have it; each reader's own class gives it the same. @returns when it is committed */
let published = 0
async function publish({ client, publisher }: BenchNode): Promise<void> {
  // One length for all: the plain writes are as long.
  const value = `f${String(published++).padStart(6, '0')}-${process.pid}.bench.example.net`
  await client.send('/v1/indicators?tlp=green', {
    headers: { ...publisher, 'content-type': 'application/json' },
    body: JSON.stringify([{ value }]),
  })
}

/** Deliveries and plain writes in turn: milliseconds of an event from before its publish, from its commit, and of this process's CPU. */
async function race(streams: Streams, rounds: number) {
  const before = streams.bytesOfOne
  await streams.deliver()
  const bytes = streams.bytesOfOne - before
  const head = 'id: \nevent: published\ndata: '
  const frame = Buffer.from(`${head}${'x'.repeat(bytes - head.length - 2)}\n\n`)
  const times = {
    published: [] as number[],
    committed: [] as number[],
    work: [] as number[],
    plain: [] as number[],
    plainWork: [] as number[],
  }
  for (let n = 0; n < rounds; n++) {
    const [began, cpu] = [performance.now(), process.cpuUsage()]
    const committed = await streams.deliver()
    times.published.push(performance.now() - began)
    times.committed.push(performance.now() - committed)
    times.work.push(cpuMs(cpu))
    const [beganPlain, cpuPlain] = [performance.now(), process.cpuUsage()]
    await streams.writePlainly(frame)
    times.plain.push(performance.now() - beganPlain)
    times.plainWork.push(cpuMs(cpuPlain))
  }
  return {
    published: median(times.published),
    committed: median(times.committed),
    work: median(times.work),
    plain: median(times.plain),
    plainWork: median(times.plainWork),
  }
}

function cpuMs(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since)
  return (user + system) / 1_000
}

/** Resident bytes after everything that can go has gone. */
function memory(): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  collect()
  return process.memoryUsage().rss
}

const [database = '', subscribers, rounds] = process.argv.slice(2)
process.send?.(await measured(database, Number(subscribers), Number(rounds)))
process.disconnect?.()
