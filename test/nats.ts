import type { AddressInfo } from 'node:net'
import { connect as connectSocket, createServer, type Socket } from 'node:net'

const server = { host: '127.0.0.1', port: 4222 }

/** Why tests that need NATS are left out here; false where one answers. */
export const noNats: string | false = await new Promise((resolve) => {
  const socket = connectSocket(server)
  const none = () => resolve(`no NATS answers at ${server.host}:${server.port}`)
  socket.once('data', (greeting) => {
    socket.destroy()
    resolve(greeting.includes('"jetstream":true') ? false : 'the NATS here has no JetStream')
  })
  socket.once('error', none)
  socket.setTimeout(2_000, none)
})

/** A way to NATS that can be cut, and healed. */
export interface Cable {
  readonly url: string
  /** Ends what is connected, and lets nobody through. */
  cut(): void
  heal(): void
  close(): Promise<void>
}

export async function layCable(): Promise<Cable> {
  const sockets = new Set<Socket>()
  let isCut = false
  const proxy = createServer((near) => {
    if (isCut) return void near.destroy()
    const far = connectSocket(server)
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one)
      one.on('error', () => {})
      one.on('close', () => {
        sockets.delete(one)
        other.destroy()
      })
      one.pipe(other)
    }
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  const cut = () => {
    isCut = true
    for (const socket of sockets) socket.destroy()
  }
  return {
    url: `nats://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    cut,
    heal: () => {
      isCut = false
    },
    close: async () => {
      cut()
      await new Promise((resolve) => proxy.close(resolve))
    },
  }
}
