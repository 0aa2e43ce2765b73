import { get, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestNode } from './node.ts'

/** One server-sent event as a client dispatches it. */
export interface SseEvent {
  readonly event: string
  readonly id: string
  // biome-ignore lint/suspicious/noExplicitAny: tests read answers as they come
  readonly data: any
}

const listening = new WeakMap<TestNode, Promise<string>>()
/** A node as a client knows it. */
export interface SseDoor {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
}

/** Where a node answers on loopback; opened once. */
export async function addressOf(node: TestNode): Promise<string> {
  const opened = listening.get(node) ?? node.app.listen({ host: '127.0.0.1', port: 0 })
  listening.set(node, opened)
  await opened
  return `http://127.0.0.1:${(node.app.server.address() as AddressInfo).port}`
}

/** A client of `GET /v1/feed/stream`, as the standard has it: an id counts when it is read, an event when its block is whole. */
export class EventClient {
  readonly events: SseEvent[] = []
  readonly #door: () => Promise<SseDoor>
  readonly #query: string
  status = 0
  headers: IncomingMessage['headers'] = {}
  /** What it sends as `Last-Event-ID`. */
  lastId = ''
  /** Comments received. */
  beats = 0
  problem: string | undefined
  #response: IncomingMessage | undefined
  #rest = ''
  #changed: (() => void)[] = []
  closed = true

  /** @param node a node in this process and the account that asks, or where another one answers, and as whom it is asked */
  constructor(...[node, account, query]: [node: TestNode, account: string, query?: string] | [door: SseDoor]) {
    this.#door = async () => ('url' in node ? node : { url: await addressOf(node), headers: node.as(account ?? '') })
    this.#query = query ?? ''
  }

  /** Connects, again from its last id. Resolves when the head of the answer is there. */
  async open(headers: Record<string, string> = {}): Promise<this> {
    const door = await this.#door()
    const url = `${door.url}/v1/feed/stream?${this.#query}`
    const resuming = this.lastId === '' ? {} : { 'last-event-id': this.lastId }
    this.#rest = ''
    await new Promise<void>((resolve, reject) => {
      const options = { agent: false as const, headers: { ...door.headers, ...resuming, ...headers } }
      const request = get(url, options, (response) => {
        this.#response = response
        this.status = response.statusCode ?? 0
        this.headers = response.headers
        this.closed = false
        response.setEncoding('utf8')
        response.on('data', (text: string) => this.#take(text))
        response.on('close', () => {
          this.closed = true
          this.#tell()
        })
        response.on('error', () => {})
        resolve()
      })
      request.on('error', reject)
    })
    return this
  }

  /** Breaks the connection off, in the middle of whatever comes. */
  cut(): void {
    this.#response?.destroy()
    this.#rest = ''
  }

  /** Reads no more, or again. */
  pause(): void {
    this.#response?.socket.pause()
  }

  resume(): void {
    this.#response?.socket.resume()
  }

  get told(): string[] {
    return this.events.map(({ event, data }) =>
      event === 'end' ? `end ${data.code}` : `${event} ${data.id.slice(-4)}`,
    )
  }

  /** Resolves when something holds. */
  async until(holds: (client: this) => boolean, what = 'something', ms = 20_000): Promise<void> {
    const end = Date.now() + ms
    while (!holds(this)) {
      const left = end - Date.now()
      if (left <= 0) throw new Error(`waited in vain for ${what}: ${this.told.slice(-20).join(', ')}`)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left)
        this.#changed.push(() => {
          clearTimeout(timer)
          resolve()
        })
      })
    }
  }

  #take(text: string): void {
    if (this.status !== 200) {
      this.problem = (this.problem ?? '') + text
      return
    }
    this.#rest += text
    for (let end = this.#rest.indexOf('\n\n'); end >= 0; end = this.#rest.indexOf('\n\n')) {
      this.#block(this.#rest.slice(0, end))
      this.#rest = this.#rest.slice(end + 2)
    }
    this.#tell()
  }

  #block(block: string): void {
    let [event, data] = ['message', '']
    for (const line of block.split('\n')) {
      if (line.startsWith(':')) this.beats++
      if (line.startsWith('id: ')) this.lastId = line.slice(4)
      if (line.startsWith('event: ')) event = line.slice(7)
      if (line.startsWith('data: ')) data = line.slice(6)
    }
    if (data !== '') this.events.push({ event, id: this.lastId, data: JSON.parse(data) })
  }

  #tell(): void {
    for (const wake of this.#changed.splice(0)) wake()
  }
}
