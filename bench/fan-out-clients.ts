import { connect, type Socket } from 'node:net'

/** The readers of bench/fan-out.ts, in a process of their own: so many connections, of which only the events are counted. */

/** What the parent says. */
export type Order =
  | { readonly do: 'connect'; readonly port: number; readonly heads: readonly string[]; readonly each: number }
  | { readonly do: 'await'; readonly events: number }
  | { readonly do: 'close' }

const mark = Buffer.from('\nevent: ')
const counts = new Map<Socket, { events: number; tail: Buffer }>()
let wanted = Number.POSITIVE_INFINITY
let behind = 0

const tell = () => {
  if (behind === 0 && wanted !== Number.POSITIVE_INFINITY) {
    wanted = Number.POSITIVE_INFINITY
    process.send?.('reached')
  }
}

/** Events are told apart by their second line; a mark cut in two is found with the end of the chunk before. */
function take(socket: Socket, chunk: Buffer): void {
  const state = counts.get(socket)
  if (state === undefined) return
  const before = state.events
  const text = state.tail.length === 0 ? chunk : Buffer.concat([state.tail, chunk])
  for (let at = text.indexOf(mark); at >= 0; at = text.indexOf(mark, at + mark.length)) state.events++
  const last = text.lastIndexOf(mark)
  state.tail = text.subarray(Math.max(text.length - mark.length + 1, last < 0 ? 0 : last + mark.length))
  if (before < wanted && state.events >= wanted) {
    behind--
    tell()
  }
}

async function open(port: number, head: string): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1' })
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject)
    socket.once('connect', () => socket.write(head))
    socket.once('data', (first: Buffer) => {
      if (!first.includes('200 OK')) reject(new Error(first.toString().slice(0, 400)))
      counts.set(socket, { events: 0, tail: Buffer.alloc(0) })
      socket.on('data', (chunk: Buffer) => take(socket, chunk))
      resolve()
    })
  })
}

async function obey(order: Order): Promise<void> {
  if (order.do === 'connect') {
    const heads = order.heads.flatMap((head) => Array.from({ length: order.each }, () => head))
    for (let at = 0; at < heads.length; at += 100) {
      await Promise.all(heads.slice(at, at + 100).map((head) => open(order.port, head)))
    }
    process.send?.('connected')
  } else if (order.do === 'await') {
    wanted = order.events
    behind = [...counts.values()].filter(({ events }) => events < wanted).length
    tell()
  } else {
    for (const socket of counts.keys()) socket.destroy()
    counts.clear()
    process.send?.('closed')
  }
}

process.on('message', (order: Order) => {
  obey(order).catch((error: unknown) => {
    console.error(error)
    process.exit(1)
  })
})
