import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'

/**
 * The way into a node: what comes is passed on to where it really listens, byte for byte. Who asks is read from the signature of the
 * request, so that the demo can cut one link and leave the others.
 */
export class WayIn {
  /** Who is kept out, by thumbprint. */
  readonly #cut = new Set<string>()
  readonly #open = new Map<Socket, string>()
  readonly #server: Server
  #port = 0

  constructor() {
    this.#server = createServer((socket) => this.#take(socket))
  }

  /** Takes a free port. @returns the URL under which the node is reached */
  async open(): Promise<string> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return `http://127.0.0.1:${(this.#server.address() as { port: number }).port}`
  }

  /** Where the node listens, when it does. */
  leadTo(port: number): void {
    this.#port = port
  }

  /** Lets nothing of a peer through any more, and ends what is under way. @param thumbprints of its keys */
  cut(thumbprints: readonly string[]): void {
    for (const each of thumbprints) this.#cut.add(each)
    for (const [socket, of] of this.#open) if (this.#cut.has(of)) socket.destroy()
  }

  heal(): void {
    this.#cut.clear()
  }

  close(): void {
    this.#server.close()
    for (const socket of this.#open.keys()) socket.destroy()
  }

  #take(socket: Socket): void {
    this.#open.set(socket, '')
    socket.on('close', () => this.#open.delete(socket))
    socket.on('error', () => socket.destroy())
    let head = Buffer.alloc(0)
    const read = (chunk: Buffer) => {
      head = Buffer.concat([head, chunk])
      if (!head.includes('\r\n\r\n') && head.length < mostHead) return
      socket.off('data', read)
      const [, thumbprint = ''] = /^signature-input:.*;keyid="([^"]*)"/im.exec(head.toString('latin1')) ?? []
      this.#open.set(socket, thumbprint)
      if (this.#cut.has(thumbprint)) socket.destroy()
      else this.#passOn(socket, head)
    }
    socket.on('data', read)
  }

  #passOn(socket: Socket, head: Buffer): void {
    const node = connect(this.#port, '127.0.0.1')
    node.on('error', () => socket.destroy())
    node.on('close', () => socket.destroy())
    socket.on('close', () => node.destroy())
    node.write(head)
    socket.pipe(node)
    node.pipe(socket)
  }
}

/** Longer than the heads of requests are. */
const mostHead = 65_536
