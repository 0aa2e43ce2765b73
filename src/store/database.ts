import { setImmediate } from 'node:timers/promises'
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres'
import { type Connection, Pool, type PoolClient, types } from 'pg'
import { limits } from '../domain/limits.ts'

// bigint columns are positions and epochs; a JavaScript number would round them in the far future.
types.setTypeParser(types.builtins.INT8, (text) => BigInt(text))

/** A place to send queries: the pool outside a transaction, one client inside. `client` is for SQL written by hand. */
export interface Queries {
  readonly db: NodePgDatabase
  readonly client: Pick<PoolClient, 'query'>
}

/** An open transaction. */
export interface Transaction extends Queries {
  readonly client: PoolClient
}

export interface DatabaseOptions {
  readonly url: string
  readonly connections: number
  readonly statementTimeoutMs: number
  /** How long a query waits for a free connection, or for a new one to be made. */
  readonly connectTimeoutMs?: number
  /** Told of connections that broke while idle. */
  readonly onIdleError: (error: Error) => void
}

/** The database of one process: the only holder of connections. */
export class Database implements Queries {
  readonly #pool: Pool
  readonly #url: string
  readonly db: NodePgDatabase

  constructor(options: DatabaseOptions) {
    const { url, connections, statementTimeoutMs, connectTimeoutMs = limits.databaseConnectTimeoutMs } = options
    this.#url = url
    this.#pool = new Pool({
      connectionString: url,
      max: connections,
      statement_timeout: statementTimeoutMs,
      connectionTimeoutMillis: connectTimeoutMs,
      application_name: 'puente',
      // Compiling a statement took 0.9 s of the 1.4 s in which a batch of 5,000 was merged.
      options: '-c jit=off -c TimeZone=UTC',
    })
    this.#pool.on('error', options.onIdleError)
    this.db = drizzle(this.#pool)
  }

  /** Queries and transactions that wait for a connection. */
  get waiting(): number {
    return this.#pool.waitingCount
  }

  /** Connections that are lent and those that are not, and what waits for one. */
  get connections(): { readonly busy: number; readonly idle: number; readonly waiting: number } {
    const { totalCount, idleCount, waitingCount } = this.#pool
    return { busy: totalCount - idleCount, idle: idleCount, waiting: waitingCount }
  }

  get client(): Pick<PoolClient, 'query'> {
    return this.#pool as unknown as Pick<PoolClient, 'query'>
  }

  /** Where a connection of its own is opened, beside the pool: for listening. */
  get url(): string {
    return this.#url
  }

  /** Lends one connection, outside a transaction, for what a pool cannot do: COPY and its like. It is given up when the work fails. */
  async borrow<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    return await this.#lend(async (client, giveUp) => {
      try {
        return await work({ client, db: drizzle(client) })
      } catch (error) {
        // What was under way may not be over.
        giveUp(error as Error)
        throw error
      }
    })
  }

  /** Runs `work` in one transaction; commits when it returns, rolls back when it throws. */
  async transaction<T>(work: (transaction: Transaction) => Promise<T>, mode = ''): Promise<T> {
    return await this.#lend(async (client, giveUp) => {
      try {
        await client.query(`begin ${mode}`)
        const result = await work({ client, db: drizzle(client) })
        await client.query('commit')
        return result
      } catch (error) {
        await client.query('rollback').catch(giveUp)
        throw error
      }
    })
  }

  /**
   * One transaction that waits once: `first` is sent behind the begin of it; when that is answered, `queries` are sent one behind the
   * other with the commit behind them, so that no lock waits for this process between them. When one fails, none holds.
   */
  async sendTogether<First>(
    first: (transaction: Transaction) => Promise<First>,
    queries: (transaction: Transaction, first: First) => readonly Promise<unknown>[],
  ): Promise<void> {
    await this.#lend(async (client, giveUp) => {
      try {
        const transaction = { client, db: drizzle(client) }
        const [, taken] = await pipelined(client, () => [client.query('begin'), first(transaction)] as const)
        await pipelined(client, () => queries(transaction, taken), 'commit')
      } catch (error) {
        if (client.getTransactionStatus() !== 'I') await client.query('rollback').catch(giveUp)
        throw error
      }
    })
  }

  /** A connection of the pool for the time of `work`; `giveUp` says that it is of no more use. */
  async #lend<T>(work: (client: PoolClient, giveUp: (error: Error) => void) => Promise<T>): Promise<T> {
    let broken: Error | undefined
    // A connection that is lost between two queries says so to nobody else, and an error without a listener ends the process.
    const giveUp = (error: Error) => {
      broken = error
    }
    const client = await this.#listenedTo(giveUp)
    try {
      return await work(client, giveUp)
    } finally {
      client.off('error', giveUp)
      client.release(broken)
    }
  }

  /** The listener is there in the very turn in which the pool takes its own away: what ends a connection may lie behind the last answer. */
  #listenedTo(listener: (error: Error) => void): Promise<PoolClient> {
    return new Promise((resolve, reject) => {
      this.#pool.connect((error, client) => {
        if (client === undefined) reject(error)
        else resolve(client.on('error', listener))
      })
    })
  }

  async close(): Promise<void> {
    await this.#pool.end()
  }
}

/**
 * Lets queries go out before those ahead of them are answered (the driver's pipeline mode, of one stretch of this client's life). They
 * are one write: each write wakes the database, which costs more than most of them do. Waits for all; throws what the first one threw.
 * @param end a statement to send behind them, unless one of them fails without having been sent
 */
async function pipelined<const Sent extends readonly Promise<unknown>[]>(
  client: PoolClient,
  send: () => Sent,
  end?: 'commit',
) {
  const { stream } = (client as unknown as { readonly connection: Connection }).connection
  const mode: { pipeline: boolean } = client
  mode.pipeline = true
  try {
    let sent: Sent
    let ended: Promise<unknown> | undefined
    stream.cork()
    try {
      sent = send()
      if (end !== undefined && (await noneFails(sent))) ended = client.query(end)
    } finally {
      stream.uncork()
    }
    await Promise.allSettled([...sent, ended])
    const answers = await Promise.all(sent)
    await ended
    return answers
  } finally {
    mode.pipeline = false
  }
}

/** Whether none has failed after a turn of the event loop; nothing was written yet, so that it was no answer it failed by. */
async function noneFails(sent: readonly Promise<unknown>[]): Promise<boolean> {
  let failed = false
  for (const each of sent)
    each.catch(() => {
      failed = true
    })
  await setImmediate()
  return !failed
}
