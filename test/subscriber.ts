import { once } from 'node:events'
import { WebSocket } from 'ws'
import type { TestNode } from './node.ts'
import { addressOf } from './sse.ts'

// biome-ignore lint/suspicious/noExplicitAny: tests read answers as they come
export type Message = any

const feed = `subscription ($after: String, $filter: FeedFilter) {
  feed(after: $after, filter: $filter) { cursor entries { change stixId indicator { value version masked } } }
}`

/** A client of the protocol graphql-transport-ws, written down as it is spoken. */
export class Subscriber {
  readonly messages: Message[] = []
  readonly #node: TestNode
  #changed: (() => void)[] = []
  ws!: WebSocket
  closed: { code: number; reason: string } | undefined
  cursor: string | undefined

  constructor(node: TestNode) {
    this.#node = node
  }

  async open(
    headers: Record<string, string> = {},
    protocol = 'graphql-transport-ws',
    path = '/graphql',
  ): Promise<this> {
    const url = `${(await addressOf(this.#node)).replace('http', 'ws')}${path}`
    this.ws = new WebSocket(url, protocol, { headers })
    this.ws.on('message', (data) => {
      const message = JSON.parse(String(data))
      this.messages.push(message)
      this.cursor = message.payload?.data?.feed?.cursor ?? this.cursor
      this.#tell()
    })
    this.ws.on('close', (code, reason) => {
      this.closed = { code, reason: String(reason) }
      this.#tell()
    })
    await once(this.ws, 'open')
    return this
  }

  send(message: unknown): void {
    this.ws.send(typeof message === 'string' ? message : JSON.stringify(message))
  }

  async init(payload?: object): Promise<void> {
    this.send({ type: 'connection_init', ...(payload === undefined ? {} : { payload }) })
    await this.until(
      ({ messages, closed }) => closed !== undefined || messages.some(({ type }) => type === 'connection_ack'),
    )
  }

  subscribe(id: string, after?: string, query = feed, variables: object = {}): void {
    this.send({
      id,
      type: 'subscribe',
      payload: { query, variables: { ...(after === undefined ? {} : { after }), ...variables } },
    })
  }

  /** Changes received, in order. */
  get told(): string[] {
    return this.messages.flatMap(({ type, payload }) =>
      type === 'next'
        ? (payload.data?.feed.entries ?? []).map((each: Message) => `${each.change} ${each.stixId.slice(-4)}`)
        : [],
    )
  }

  /** Codes of errors, of one subscription or of all. */
  codes(id?: string): string[] {
    return this.messages
      .filter((message) => id === undefined || message.id === id)
      .flatMap(({ type, payload }) => (type === 'error' ? payload : (payload?.errors ?? [])))
      .map(({ extensions }: Message) => extensions.code)
  }

  async until(holds: (subscriber: this) => boolean, what = 'something', ms = 20_000): Promise<void> {
    const end = Date.now() + ms
    while (!holds(this)) {
      const left = end - Date.now()
      if (left <= 0) throw new Error(`waited in vain for ${what}: ${JSON.stringify(this.messages).slice(-2000)}`)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left)
        this.#changed.push(() => {
          clearTimeout(timer)
          resolve()
        })
      })
    }
  }

  #tell(): void {
    for (const wake of this.#changed.splice(0)) wake()
  }
}
