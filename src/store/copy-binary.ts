import { type Connection, Query } from 'pg'
import type { CopyChunk } from './binary-rows.ts'
import type { Transaction } from './database.ts'

/** COPY's binary form before the first row: its signature, no flags, no extension (PostgreSQL manual, COPY, "Binary Format"). */
const copyHeader = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1')
/** And behind the last one. */
const copyTrailer = Buffer.from([0xff, 0xff])

/** Frames of the protocol (PostgreSQL manual, "Message Formats"): CopyData before its length, and CopyDone. */
const copyData = 0x64
const copyDone = Buffer.from([0x63, 0, 0, 0, 4])

/**
 * Sends rows in COPY's binary form, all at once and right behind the statement: where each waited for an answer, or for this process to
 * have a turn, the database would wait too. More queries may be sent behind it in a pipeline.
 * @param target the table and its columns
 */
export async function copyBinary(
  client: Transaction['client'],
  target: string,
  chunks: readonly CopyChunk[],
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const done = (error: Error | undefined) => (error ? reject(error) : resolve())
    client.query(new CopyIn(`copy ${target} from stdin (format binary)`, chunks, done))
  })
}

/** A query that brings what it copies. Should the statement fail, the database passes over the data. */
class CopyIn extends Query {
  constructor(statement: string, chunks: readonly CopyChunk[], done: (error: Error | undefined) => void) {
    super(statement, done)
    const parts = [copyHeader, ...chunks.map(({ bytes }) => bytes), copyTrailer]
    const head = Buffer.allocUnsafe(5)
    head[0] = copyData
    head.writeUInt32BE(
      parts.reduce((length, part) => length + part.length, 4),
      1,
    )
    this.submit = (connection: Connection) => {
      connection.stream.cork()
      connection.query(statement)
      for (const part of [head, ...parts, copyDone]) connection.stream.write(part)
      connection.stream.uncork()
    }
  }

  /** The database is ready for what is already under way. */
  handleCopyInResponse(): void {}
}
