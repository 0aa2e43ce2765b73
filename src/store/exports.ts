import { and, asc, desc, eq, inArray, isNotNull, isNull, lte, or, sql } from 'drizzle-orm'
import type { ExportState } from '../domain/export.ts'
import { openExportStates } from '../domain/export.ts'
import type { Database, Queries } from './database.ts'
import { exportJob } from './tables/exports.ts'

export type ExportRow = typeof exportJob.$inferSelect

export async function insertExport({ db }: Queries, row: typeof exportJob.$inferInsert): Promise<void> {
  await db.insert(exportJob).values(row)
}

export async function readExport({ db }: Queries, id: string, lock = false): Promise<ExportRow | undefined> {
  const query = db.select().from(exportJob).where(eq(exportJob.id, id))
  const [row] = await (lock ? query.for('update') : query)
  return row
}

/** Of these requests, the newest first. */
export async function exportsOf({ db }: Queries, requests: readonly string[], limit: number): Promise<ExportRow[]> {
  if (requests.length === 0) return []
  return await db
    .select()
    .from(exportJob)
    .where(inArray(exportJob.request, [...requests]))
    .orderBy(desc(exportJob.createdAt), desc(exportJob.id))
    .limit(limit)
}

/** How many exports of an account are open. */
export async function openExports({ db }: Queries, account: string): Promise<number> {
  const [row] = await db
    .select({ count: sql<number>`count(*)::int` })
    .from(exportJob)
    .where(and(eq(exportJob.account, account), inArray(exportJob.state, [...openExportStates])))
  return row?.count ?? 0
}

export async function updateExport({ db }: Queries, id: string, change: Partial<ExportRow>): Promise<void> {
  await db.update(exportJob).set(change).where(eq(exportJob.id, id))
}

/** Changes one that is still in this state and still held until then. @returns whether it was */
export async function updateHeldExport({ db }: Queries, held: ExportRow, change: Partial<ExportRow>): Promise<boolean> {
  const changed = await db
    .update(exportJob)
    .set(change)
    .where(
      and(
        eq(exportJob.id, held.id),
        eq(exportJob.state, held.state),
        held.heldUntil === null ? isNull(exportJob.heldUntil) : eq(exportJob.heldUntil, held.heldUntil),
      ),
    )
    .returning({ id: exportJob.id })
  return changed.length === 1
}

/** Takes the oldest that no process works on. */
export async function takeExport(database: Database, now: Date, until: Date): Promise<ExportRow | undefined> {
  return await database.transaction(async ({ db }) => {
    const [row] = await db
      .select()
      .from(exportJob)
      .where(
        and(
          inArray(exportJob.state, ['queued', 'running', 'sealing'] satisfies ExportState[]),
          or(isNull(exportJob.heldUntil), lte(exportJob.heldUntil, now)),
        ),
      )
      .orderBy(asc(exportJob.createdAt))
      .limit(1)
      .for('update', { skipLocked: true })
    if (row === undefined) return undefined
    await db.update(exportJob).set({ heldUntil: until }).where(eq(exportJob.id, row.id))
    return { ...row, heldUntil: until }
  })
}

/** The export of the same manifest whose disclosure is on the log already. */
export async function disclosedAs({ db }: Queries, manifestDigest: Buffer): Promise<ExportRow | undefined> {
  const [row] = await db
    .select()
    .from(exportJob)
    .where(and(eq(exportJob.manifestDigest, manifestDigest), sql`${exportJob.proof} is not null`))
    .orderBy(asc(exportJob.createdAt))
    .limit(1)
  return row
}

/** Packages that nobody fetched in time. */
export async function unfetchedExports({ db }: Queries, before: Date, limit: number): Promise<ExportRow[]> {
  return await db
    .select()
    .from(exportJob)
    .where(and(eq(exportJob.state, 'ready'), lte(exportJob.readyAt, before)))
    .limit(limit)
}

/** Packages that were fetched before then and whose content is still there. */
export async function leftoverExports({ db }: Queries, before: Date, limit: number): Promise<ExportRow[]> {
  return await db
    .select()
    .from(exportJob)
    .where(and(eq(exportJob.state, 'downloaded'), lte(exportJob.downloadedAt, before), isNotNull(exportJob.manifest)))
    .limit(limit)
}

/** A package that was fetched, as far as it is one originator's. */
export interface DisclosedRow {
  readonly export: string
  readonly request: string
  readonly account: string
  readonly requestingJurisdiction: string
  readonly instrument: string
  readonly offence: string
  readonly downloadedAt: Date
  readonly items: number
  readonly recalled: number
}

/** What of an originator's was fetched under requests that are no secret at `at`, the newest first. */
export async function disclosuresOf(
  { client }: Queries,
  originator: string,
  at: Date,
  limit: number,
): Promise<DisclosedRow[]> {
  const { rows } = await client.query<DisclosedRow>(
    `select e.id as export, e.request, e.account, r.requesting_jurisdiction as "requestingJurisdiction", r.instrument, r.offence,
       e.downloaded_at as "downloadedAt", o.items, o.recalled
     from export e join legal_request r on r.id = e.request
     cross join lateral (
       select count(*)::int as items, (count(*) filter (where i.recalled))::int as recalled
       from export_item x left join indicator i on i.stix_id = x.stix_id and i.originator = x.originator
       where x.originator = $1 and x.export = e.id) o
     where e.state = 'downloaded' and o.items > 0 and (r.confidential_until is null or r.confidential_until <= $2)
     order by e.downloaded_at desc, e.id limit $3`,
    [originator, at, limit],
  )
  return rows
}
