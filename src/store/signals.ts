import { Client } from 'pg'
import { feedChannel } from './feed.ts'

/** What a process hears of others: the feed has grown, or the policy moved. */
export type Signal = 'feed' | 'policy'

const channels: Readonly<Record<string, Signal>> = { [feedChannel]: 'feed', puente_policy: 'policy' }

/** Waits between two attempts to connect again. */
const retryMs = 500

/**
 * Listens on a connection of its own, and connects again when it breaks. Signals are a convenience: they make what is new known
 * at once; whatever must be right asks the database. After a break every signal is given once, since some may have been missed.
 */
export class Signals {
  readonly #url: string
  readonly #hear: (signal: Signal) => void
  readonly #onError: (error: Error) => void
  #client: Client | undefined
  #retry: NodeJS.Timeout | undefined
  #closed = false

  constructor(url: string, hear: (signal: Signal) => void, onError: (error: Error) => void) {
    this.#url = url
    this.#hear = hear
    this.#onError = onError
  }

  /** Connects; a database that does not answer is tried again until it does, or until {@link close}. */
  async open(): Promise<void> {
    const client = new Client({ connectionString: this.#url, application_name: 'puente signals', keepAlive: true })
    this.#client = client
    client.on('error', (error) => this.#lost(client, error))
    client.on('end', () => this.#lost(client, undefined))
    client.on('notification', ({ channel }) => {
      const signal = channels[channel]
      if (signal !== undefined) this.#hear(signal)
    })
    try {
      await client.connect()
      await client.query(
        Object.keys(channels)
          .map((channel) => `listen ${channel}`)
          .join('; '),
      )
      for (const signal of new Set(Object.values(channels))) this.#hear(signal)
    } catch (error) {
      this.#lost(client, error as Error)
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#retry)
    const client = this.#client
    this.#client = undefined
    await client?.end().catch(() => undefined)
  }

  #lost(client: Client, error: Error | undefined): void {
    if (this.#closed || this.#client !== client) return
    this.#client = undefined
    if (error !== undefined) this.#onError(error)
    void client.end().catch(() => undefined)
    this.#retry = setTimeout(() => void this.open(), retryMs)
  }
}
