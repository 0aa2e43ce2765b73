import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { from as copyFrom, to as copyTo } from 'pg-copy-streams'
import type { Database } from '../src/store/database.ts'
import { secondsOf } from './report.ts'

/** As what COPY sends rows: `text` if nothing is said to it. */
export type CopyForm = 'text' | 'binary'

/** A table with the columns, indexes and rows of `indicator`, into which COPY alone writes what was written there since. */
export class CopyTwin {
  readonly #database: Database
  readonly #form: CopyForm
  readonly #table: string

  private constructor(database: Database, form: CopyForm) {
    this.#database = database
    this.#form = form
    this.#table = `copy_limit_${form}`
  }

  static async create(database: Database, form: CopyForm): Promise<CopyTwin> {
    const twin = new CopyTwin(database, form)
    await database.transaction(async ({ client }) => {
      await client.query(`create table ${twin.#table} (like indicator including all)`)
      await client.query(`insert into ${twin.#table} select * from indicator`)
    })
    return twin
  }

  /** Copies the rows that `indicator` has and the twin has not, already in COPY's form. @returns rows a second, without the commit */
  async catchUp(): Promise<number> {
    return await this.#database.transaction(async ({ client }) => {
      const { rows } = await client.query<{ last: string }>(
        `select coalesce(max(position), 0) as last from ${this.#table}`,
      )
      const newest = `select * from indicator where position > ${rows[0]?.last ?? 0}`
      const counted = await client.query<{ n: number }>(`select count(*)::integer as n from (${newest}) i`)
      const source = client.query(copyTo(`copy (${newest} order by position) to stdout (format ${this.#form})`))
      const chunks: Buffer[] = []
      for await (const chunk of source) chunks.push(chunk as Buffer)
      const seconds = await secondsOf(() =>
        pipeline(
          Readable.from(chunks),
          client.query(copyFrom(`copy ${this.#table} from stdin (format ${this.#form})`)),
        ),
      )
      return (counted.rows[0]?.n ?? 0) / seconds
    })
  }

  async drop(): Promise<void> {
    await this.#database.transaction(({ client }) => client.query(`drop table ${this.#table}`))
  }
}
