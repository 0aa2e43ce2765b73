import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { from as copyFrom, to as copyTo } from 'pg-copy-streams'
import type { Database } from '../src/store/database.ts'

/**
 * Rows a second that COPY alone writes into a table with the same columns, indexes and rows: the newest rows as they stand, already in
 * COPY's form, into a copy that has all the others.
 */
export async function copyLimit(database: Database, rows: number): Promise<number> {
  return await database.transaction(async ({ client }) => {
    const newest = `position > (select max(position) - ${Math.trunc(rows)} from indicator)`
    const source = client.query(copyTo(`copy (select * from indicator where ${newest} order by position) to stdout`))
    const chunks: Buffer[] = []
    for await (const chunk of source) chunks.push(chunk as Buffer)
    await client.query('create table copy_limit (like indicator including all)')
    const {
      rows: [counted],
    } = await client.query<{ n: number }>(
      `with old as (insert into copy_limit select * from indicator where not ${newest} returning 1)
       select (select count(*) from indicator where ${newest})::integer as n, (select count(*) from old)`,
    )
    const began = performance.now()
    await pipeline(Readable.from(chunks), client.query(copyFrom('copy copy_limit from stdin')))
    const seconds = (performance.now() - began) / 1_000
    await client.query('drop table copy_limit')
    return (counted?.n ?? 0) / seconds
  })
}
