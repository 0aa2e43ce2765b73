import { finished } from 'node:stream/promises'
import { from as copyFrom } from 'pg-copy-streams'
import type { CopyChunk } from './binary-rows.ts'
import type { Transaction } from './database.ts'

/** COPY's binary form before the first row: its signature, no flags, no extension (PostgreSQL manual, COPY, "Binary Format"). */
const copyHeader = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1')
/** And behind the last one. */
const copyTrailer = Buffer.from([0xff, 0xff])

/**
 * Sends rows in COPY's binary form, all that is there at once: in parts, each would wait for this process to have a turn, and the database
 * for each. @param target the table and its columns
 */
export async function copyBinary(
  client: Transaction['client'],
  target: string,
  chunks: readonly CopyChunk[],
): Promise<void> {
  const parts = [copyHeader, ...chunks.map(({ bytes }) => bytes), copyTrailer]
  const sink = client.query(copyFrom(`copy ${target} from stdin (format binary)`))
  sink.end(Buffer.concat(parts))
  await finished(sink)
}
