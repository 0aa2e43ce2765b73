import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres'
import { Pool, type PoolClient, types } from 'pg'
import { Fault } from '../domain/errors.ts'

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
  /** Told of connections that broke while idle. */
  readonly onIdleError: (error: Error) => void
}

/** The database of one process: the only holder of connections. */
export class Database implements Queries {
  readonly #pool: Pool
  readonly #url: string
  readonly db: NodePgDatabase

  constructor({ url, connections, statementTimeoutMs, onIdleError }: DatabaseOptions) {
    this.#url = url
    this.#pool = new Pool({
      connectionString: url,
      max: connections,
      statement_timeout: statementTimeoutMs,
      connectionTimeoutMillis: 10_000,
      application_name: 'puente',
      // Compiling a statement took 0.9 s of the 1.4 s in which a batch of 5,000 was merged.
      options: '-c jit=off -c TimeZone=UTC',
    })
    this.#pool.on('error', onIdleError)
    this.db = drizzle(this.#pool)
  }

  get client(): Pick<PoolClient, 'query'> {
    return this.#pool as unknown as Pick<PoolClient, 'query'>
  }

  /** Where a connection of its own is opened, beside the pool: for listening. */
  get url(): string {
    return this.#url
  }

  /** Lends one connection, outside a transaction, for what a pool cannot do: COPY and its like. */
  async borrow<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect()
    let broken: Error | undefined
    try {
      return await work({ client, db: drizzle(client) })
    } catch (error) {
      // What was under way may not be over: the connection is given up.
      broken = error as Error
      throw error
    } finally {
      client.release(broken)
    }
  }

  /** Runs `work` in one transaction; commits when it returns, rolls back when it throws. */
  async transaction<T>(work: (transaction: Transaction) => Promise<T>, mode = ''): Promise<T> {
    const client = await this.#pool.connect()
    let broken: Error | undefined
    try {
      await client.query(`begin ${mode}`)
      const result = await work({ client, db: drizzle(client) })
      await client.query('commit')
      return result
    } catch (error) {
      await client.query('rollback').catch((failure: Error) => {
        broken = failure
      })
      throw error
    } finally {
      client.release(broken)
    }
  }

  /**
   * One transaction in two parts: `prepare` works as in {@link transaction}; then `queries` are sent one behind the other with the
   * commit behind them, so that no lock that they take is held while this process does something else. When one fails, none holds.
   */
  async sendTogether(
    prepare: (transaction: Transaction) => Promise<void>,
    queries: (transaction: Transaction) => readonly Promise<unknown>[],
  ): Promise<void> {
    const client = await this.#pool.connect()
    let broken: Error | undefined
    try {
      const transaction = { client, db: drizzle(client) }
      await client.query('begin')
      await prepare(transaction)
      await pipelined(client, () => [...queries(transaction), client.query('commit')])
    } catch (error) {
      if (client.getTransactionStatus() !== 'I') {
        await client.query('rollback').catch((failure: Error) => {
          broken = failure
        })
      }
      throw error
    } finally {
      client.release(broken)
    }
  }

  async close(): Promise<void> {
    await this.#pool.end()
  }
}

/**
 * Lets queries go out before those ahead of them are answered (the driver's pipeline mode, of one stretch of this client's life: COPY
 * is refused in it). Waits for all of them; throws what the first one threw.
 */
async function pipelined(client: PoolClient, send: () => readonly Promise<unknown>[]): Promise<void> {
  const mode: { pipeline: boolean } = client
  mode.pipeline = true
  try {
    const results = await Promise.allSettled(send())
    const failed = results.find((result) => result.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  } finally {
    mode.pipeline = false
  }
}

const unavailable = new Set(['57014', '57P01', '57P02', '57P03', '53300', '53200', '53100', '55P03', '40001', '40P01'])

/**
 * What went wrong in the database, in words that may be shown; undefined when the error is none of those known.
 * Messages of the database itself never leave.
 */
export function databaseFault(error: unknown): Fault | undefined {
  const root = rootOf(error)
  if (root === undefined) return undefined
  const { code = '', message } = root
  if (code === '23505') return new Fault('already_exists', 'There is one already.', { cause: error })
  if (code === 'PU001')
    return new Fault('agreement_immutable', 'An agreement is never edited, only ended.', { cause: error })
  const lost =
    code.startsWith('08') || code.startsWith('ECONN') || code === 'ENOENT' || message.includes('timeout exceeded')
  if (unavailable.has(code) || lost || message.startsWith('Connection terminated')) {
    return new Fault('unavailable', 'The database cannot answer just now; try again.', {
      cause: error,
      retryAfterSeconds: 2,
    })
  }
  return undefined
}

/** drizzle wraps the driver's errors: the one with the code is the cause. */
function rootOf(error: unknown): { readonly code?: string; readonly message: string } | undefined {
  if (!(error instanceof Error)) return undefined
  if (!('code' in error) && error.cause instanceof Error) return rootOf(error.cause)
  return error as { readonly code?: string; readonly message: string }
}
