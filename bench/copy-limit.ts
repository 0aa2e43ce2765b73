import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { from as copyFrom, to as copyTo } from 'pg-copy-streams'
import type { Database } from '../src/store/database.ts'

/** Rows a second that COPY alone writes into a table with the same columns and indexes, from rows already in COPY's form. */
export async function copyLimit(database: Database, rows: number): Promise<number> {
  return await database.transaction(async ({ client }) => {
    const source = client.query(copyTo(`copy (select * from indicator limit ${Math.trunc(rows)}) to stdout`))
    const chunks: Buffer[] = []
    for await (const chunk of source) chunks.push(chunk as Buffer)
    await client.query('create table copy_limit (like indicator including all)')
    const began = performance.now()
    await pipeline(Readable.from(chunks), client.query(copyFrom('copy copy_limit from stdin')))
    const seconds = (performance.now() - began) / 1_000
    await client.query('drop table copy_limit')
    return rows / seconds
  })
}
