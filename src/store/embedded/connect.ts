import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { superuser } from './cluster.ts'

/**
 * Waits until the starting server answers at the url, and makes its database where it is missing.
 * @throws Error when the server ends first, refuses the password, or is not ready at `deadline` (epoch ms).
 */
export async function awaitDatabase(url: string, ended: Promise<void>, deadline: number): Promise<void> {
  let over = false
  ended.then(() => {
    over = true
  })
  for (;;) {
    const code = await tryQuery(url)
    if (code === undefined) return
    if (over) throw new Error('it ended while starting')
    if (code === missingDatabase) await createDatabase(url)
    else if (!notYet.has(code)) throw new Error(`it refused the connection (${code})`)
    else if (Date.now() > deadline) throw new Error('it was not ready in time')
    else await sleep(10)
  }
}

const missingDatabase = '3D000'

/** No socket yet, or a server that is starting, recovering, or full for the moment. */
const notYet = new Set(['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE', '57P03', '53300', 'no code'])

async function createDatabase(url: string): Promise<void> {
  const maintenance = new URL(url)
  maintenance.pathname = '/postgres'
  const code = await tryQuery(maintenance.href, `CREATE DATABASE ${superuser}`)
  if (code !== undefined) throw new Error(`it cannot create its database (${code})`)
}

/** Connects and runs the query; returns the error's code, `undefined` when all went well. */
async function tryQuery(url: string, query = 'SELECT 1'): Promise<string | undefined> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 })
  client.on('error', () => undefined)
  try {
    await client.connect()
    await client.query(query)
    return undefined
  } catch (error) {
    return (error as { code?: string }).code ?? 'no code'
  } finally {
    await client.end().catch(() => undefined)
  }
}
