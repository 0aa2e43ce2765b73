import { and, asc, eq, inArray } from 'drizzle-orm'
import type { ConstituencyEntry, ConstituencyKind, Organisation } from '../domain/organisation.ts'
import type { Queries } from './database.ts'
import { client, constituency, organisation } from './tables/directory.ts'

export async function insertOrganisation({ db }: Queries, row: Omit<Organisation, 'disabled'>): Promise<void> {
  await db.insert(organisation).values(row)
}

/** Changes the name, or disables and re-enables; kind and jurisdiction stay, since past decisions rested on them. */
export async function updateOrganisation(
  { db }: Queries,
  id: string,
  change: { readonly name?: string; readonly disabledAt?: Date | null },
): Promise<void> {
  await db.update(organisation).set(change).where(eq(organisation.id, id))
}

export async function insertClient({ db }: Queries, provider: string, served: string): Promise<void> {
  await db.insert(client).values({ provider, client: served }).onConflictDoNothing()
}

export async function deleteClient({ db }: Queries, provider: string, served: string): Promise<void> {
  await db.delete(client).where(and(eq(client.provider, provider), eq(client.client, served)))
}

export async function constituencyOf({ db }: Queries, id: string): Promise<ConstituencyEntry[]> {
  const rows = await db
    .select({ kind: constituency.kind, value: constituency.value })
    .from(constituency)
    .where(eq(constituency.organisation, id))
    .orderBy(asc(constituency.kind), asc(constituency.value))
  return rows.map((row) => ({ kind: row.kind as ConstituencyKind, value: row.value }))
}

export async function replaceConstituency(
  { db }: Queries,
  id: string,
  entries: readonly ConstituencyEntry[],
): Promise<void> {
  await db.delete(constituency).where(eq(constituency.organisation, id))
  if (entries.length > 0) await db.insert(constituency).values(entries.map((entry) => ({ organisation: id, ...entry })))
}

/** What several organisations answer for, by organisation: one statement however many are asked. */
export async function constituenciesOf(
  { db }: Queries,
  ids: readonly string[],
): Promise<Map<string, ConstituencyEntry[]>> {
  const found = new Map(ids.map((id): [string, ConstituencyEntry[]] => [id, []]))
  const rows = await db
    .select()
    .from(constituency)
    .where(inArray(constituency.organisation, [...ids]))
    .orderBy(asc(constituency.kind), asc(constituency.value))
  for (const row of rows) found.get(row.organisation)?.push({ kind: row.kind as ConstituencyKind, value: row.value })
  return found
}
