import { createHash } from 'node:crypto'
import { gte } from 'drizzle-orm'
import { canonicalHandling, type Handling, handlingText } from '../domain/handling.ts'
import type { Database, Queries } from './database.ts'
import { handling } from './tables/directory.ts'

/** Lock under which ids are given out, so that they stay dense: they index bitsets. */
const lockKey = 7_834_684

export interface InternedHandling {
  readonly id: number
  readonly handling: Handling
}

/** Handlings with an id of at least `from`, in order of id. */
export async function handlingsFrom({ db }: Queries, from: number): Promise<InternedHandling[]> {
  const rows = await db.select().from(handling).where(gte(handling.id, from)).orderBy(handling.id)
  return rows.map((row) => ({ id: row.id, handling: JSON.parse(row.body) as Handling }))
}

/**
 * Gives each handling its id, in a transaction of its own: equal handlings share one row for ever.
 * @returns ids in the order asked
 */
export async function internHandlings(database: Database, wanted: readonly Handling[]): Promise<number[]> {
  const texts = wanted.map(handlingText)
  const digests = texts.map((text) => createHash('sha256').update(text).digest())
  return database.transaction(async ({ client }) => {
    await client.query('select pg_advisory_xact_lock($1)', [lockKey])
    const { rows } = await client.query<{ id: number; digest: Buffer }>(
      'select id, digest from handling where digest = any($1::bytea[])',
      [digests],
    )
    const known = new Map(rows.map((row) => [row.digest.toString('hex'), row.id]))
    const head = await client.query<{ head: number }>('select coalesce(max(id), 0) as head from handling')
    let next = (head.rows[0]?.head ?? 0) + 1
    const ids: number[] = []
    for (const [i, item] of wanted.entries()) {
      const digest = digests[i] as Buffer
      let id = known.get(digest.toString('hex'))
      if (id === undefined) {
        id = next++
        known.set(digest.toString('hex'), id)
        await client.query('insert into handling (id, digest, originator, body) values ($1, $2, $3, $4)', [
          id,
          digest,
          canonicalHandling(item).originator,
          texts[i],
        ])
      }
      ids.push(id)
    }
    return ids
  })
}
