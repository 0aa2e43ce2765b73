import { hash } from 'node:crypto'
import { type ConsumerMessages, DeliverPolicy, jetstream, jetstreamManager, StorageType } from '@nats-io/jetstream'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { type Hearing, PostgresSignals, retryMs, type Signal, type Signals, signals } from './signals.ts'

/** A server that does not answer so many pings in a row is given up: 5 to 10 seconds. */
const liveness = { pingInterval: 5_000, maxPingOut: 1, timeout: 5_000 }

/** What is told of a consumer that will hear nothing any more. */
const gone: ReadonlySet<string> = new Set([
  'stream_not_found',
  'consumer_not_found',
  'consumer_deleted',
  'heartbeats_missed',
])

/** The stream of a node: a NATS may serve several. */
export const streamOf = (node: string): string => `puente_${hash('sha256', node).slice(0, 16)}`

/**
 * Signals through NATS JetStream, for many processes: one of them listens to PostgreSQL and hands on what it hears, all hear NATS
 * (ADR 20). The stream keeps the last signal of each kind in memory, so that whoever connects hears at once what it may have missed.
 */
export class NatsSignals implements Signals {
  readonly #url: string
  readonly #stream: string
  readonly #hearing: Hearing
  readonly #relay: PostgresSignals
  #connection: NatsConnection | undefined
  #retry: NodeJS.Timeout | undefined
  #closed = false

  /** @param node what tells this node from others at the same NATS */
  constructor(natsUrl: string, databaseUrl: string, node: string, hearing: Hearing) {
    this.#url = natsUrl
    this.#stream = streamOf(node)
    this.#hearing = hearing
    this.#relay = new PostgresSignals(
      databaseUrl,
      { hear: (signal) => this.#handOn(signal), onError: hearing.onError },
      { alone: true },
    )
  }

  async open(): Promise<void> {
    await Promise.all([this.#connect(), this.#relay.open()])
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#retry)
    await Promise.all([this.#relay.close(), this.#connection?.close()])
  }

  async #connect(): Promise<void> {
    let connection: NatsConnection | undefined
    try {
      connection = await connect({ servers: this.#url, name: 'puente', reconnect: false, ...liveness })
      const messages = await this.#subscribe(connection)
      if (this.#closed) return await connection.close()
      this.#connection = connection
      void this.#watch(connection, messages.status())
      void connection.closed().then((error) => {
        this.#ended(connection, error ?? new Error('the connection to NATS ended'))
      })
      for (const signal of signals) this.#hearing.hear(signal)
    } catch (error) {
      void connection?.close()
      this.#lost(error as Error)
    }
  }

  async #subscribe(connection: NatsConnection): Promise<ConsumerMessages> {
    const manager = await jetstreamManager(connection)
    await manager.streams.add({
      name: this.#stream,
      subjects: [`${this.#stream}.*`],
      storage: StorageType.Memory,
      max_msgs_per_subject: 1,
    })
    const consumer = await jetstream(connection).consumers.get(this.#stream, {
      deliver_policy: DeliverPolicy.LastPerSubject,
    })
    return await consumer.consume({
      callback: ({ subject }) => {
        const signal = signals.find((each) => subject === `${this.#stream}.${each}`)
        if (signal !== undefined) this.#hearing.hear(signal)
      },
    })
  }

  /** The stream may go while the connection stands: by an operator, or with the only server that had it. Whoever connects makes it. */
  async #watch(connection: NatsConnection, told: AsyncIterable<{ readonly type: string }>): Promise<void> {
    let why = 'it ended'
    try {
      for await (const { type } of told) {
        why = type
        if (gone.has(type)) break
      }
    } catch (error) {
      why = String(error)
    }
    this.#ended(connection, new Error(`the stream of signals: ${why}`))
  }

  /** What cannot be handed on now is found by the clock, and heard by all when they are connected again. */
  #handOn(signal: Signal): void {
    const connection = this.#connection
    if (connection === undefined) {
      this.#hearing.hear(signal)
      return
    }
    jetstream(connection)
      .publish(`${this.#stream}.${signal}`)
      .catch((error: Error) => {
        this.#hearing.hear(signal)
        this.#ended(connection, error)
      })
  }

  /** A connection that is of no use any more; of one that was given up before nothing more is said. */
  #ended(connection: NatsConnection | undefined, error: Error): void {
    if (connection === undefined || this.#connection !== connection) return
    this.#connection = undefined
    void connection.close()
    this.#lost(error)
  }

  /** The server has gone, or cannot do what it is asked. */
  #lost(error: Error): void {
    if (this.#closed) return
    this.#hearing.onError(error)
    clearTimeout(this.#retry)
    this.#retry = setTimeout(() => void this.#connect(), retryMs)
  }
}
