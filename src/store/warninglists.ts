import { asc, eq } from 'drizzle-orm'
import type { Warninglist, WarninglistKind } from '../domain/warninglist.ts'
import type { Queries, Transaction } from './database.ts'
import { warninglist } from './tables/blocklists.ts'

/** Raised by every change of a warninglist. */
export async function warninglistVersion({ client }: Queries): Promise<bigint> {
  const { rows } = await client.query<{ version: bigint }>('select version from warninglist_version')
  const [row] = rows
  if (row === undefined) throw new Error('the version of the warninglists is missing')
  return row.version
}

export async function readWarninglists({ db }: Queries): Promise<Warninglist[]> {
  const rows = await db.select().from(warninglist).orderBy(asc(warninglist.name))
  return rows.map(({ loadedAt: _, kind, ...row }) => ({ ...row, kind: kind as WarninglistKind }))
}

/** A warninglist without its entries. */
export interface WarninglistFacts {
  readonly name: string
  readonly version: number
  readonly description: string
  readonly category: string
  readonly kind: string
  readonly types: readonly string[]
  readonly entries: number
  readonly loadedAt: string
}

export async function listWarninglists({ client }: Queries): Promise<WarninglistFacts[]> {
  const { rows } = await client.query<
    Omit<WarninglistFacts, 'loadedAt' | 'version'> & { version: bigint; loaded_at: Date }
  >(
    `select name, version, description, category, kind, types, cardinality(entries) as entries, loaded_at
     from warninglist order by name`,
  )
  return rows.map(({ loaded_at, version, ...row }) => ({
    ...row,
    version: Number(version),
    loadedAt: loaded_at.toISOString(),
  }))
}

/** Puts a list in the place of the one of its name. @returns false when that one is the same already */
export async function putWarninglist({ client }: Transaction, list: Warninglist, at: Date): Promise<boolean> {
  const { name, version, description, category, kind, types, entries } = list
  const { rowCount } = await client.query(
    `insert into warninglist (name, version, description, category, kind, types, entries, loaded_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8)
     on conflict (name) do update set version = excluded.version, description = excluded.description,
       category = excluded.category, kind = excluded.kind, types = excluded.types, entries = excluded.entries,
       loaded_at = excluded.loaded_at
     where (warninglist.version, warninglist.description, warninglist.category, warninglist.kind, warninglist.types, warninglist.entries)
       is distinct from (excluded.version, excluded.description, excluded.category, excluded.kind, excluded.types, excluded.entries)`,
    [name, version, description, category, kind, types, entries, at],
  )
  return rowCount === 1
}

/** @returns whether there was one */
export async function removeWarninglistRow({ db }: Queries, name: string): Promise<boolean> {
  const { rowCount } = await db.delete(warninglist).where(eq(warninglist.name, name))
  return rowCount === 1
}
