import { Client } from 'pg'
import { feedChannel } from './feed.ts'
import { type FeedNews, newsOf } from './feed-news.ts'

/** What a process hears of others: the feed has grown, or the policy moved. */
export type Signal = 'feed' | 'policy'

/** Where signals come from. They are a convenience: whatever must be right asks the database. */
export interface Signals {
  /** Begins to listen, and keeps at it until {@link close}. After a break every signal is given once, since some may have been missed. */
  open(): Promise<void>
  close(): Promise<void>
}

/** Who is told. */
export interface Hearing {
  /** @param news of the feed, where the signal says all there is to know */
  readonly hear: (signal: Signal, news?: FeedNews) => void
  readonly onError: (error: Error) => void
}

export const signals: readonly Signal[] = ['feed', 'policy']

const channels: Readonly<Record<string, Signal>> = { [feedChannel]: 'feed', puente_policy: 'policy' }

/** Waits between two attempts to connect again, or to be the one that listens. */
export const retryMs = 500

/** Of the advisory lock that the only listener holds. */
const listenerLock = 7_236_401

/** Listens to PostgreSQL's notifications, on a connection of its own. */
export class PostgresSignals implements Signals {
  readonly #url: string
  readonly #hearing: Hearing
  readonly #alone: boolean
  #client: Client | undefined
  #retry: NodeJS.Timeout | undefined
  #closed = false

  /** @param alone of several that are opened so, in whatever process, one listens; when it ends the next does */
  constructor(url: string, hearing: Hearing, { alone = false } = {}) {
    this.#url = url
    this.#hearing = hearing
    this.#alone = alone
  }

  /** Connects; a database that does not answer is tried again until it does. */
  async open(): Promise<void> {
    const client = new Client({ connectionString: this.#url, application_name: 'puente signals', keepAlive: true })
    this.#client = client
    client.on('error', (error) => this.#lost(client, error))
    client.on('end', () => this.#lost(client, undefined))
    client.on('notification', ({ channel, payload = '' }) => {
      const signal = channels[channel]
      if (signal !== undefined) this.#hearing.hear(signal, signal === 'feed' ? newsOf(payload) : undefined)
    })
    try {
      await client.connect()
      await this.#listen(client)
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

  async #listen(client: Client): Promise<void> {
    if (this.#alone && !(await isFirst(client))) {
      if (this.#client !== client) return
      this.#retry = setTimeout(() => this.#listen(client).catch((error) => this.#lost(client, error)), retryMs)
      return
    }
    const all = Object.keys(channels).map((channel) => `listen ${channel}`)
    await client.query(all.join('; '))
    for (const signal of signals) this.#hearing.hear(signal)
  }

  #lost(client: Client, error: Error | undefined): void {
    if (this.#closed || this.#client !== client) return
    this.#client = undefined
    if (error !== undefined) this.#hearing.onError(error)
    void client.end().catch(() => undefined)
    this.#retry = setTimeout(() => void this.open(), retryMs)
  }
}

/** Whether this connection is the one that listens from now on; PostgreSQL gives the lock up when the connection ends. */
async function isFirst(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ first: boolean }>('select pg_try_advisory_lock($1) as first', [listenerLock])
  return rows[0]?.first === true
}
