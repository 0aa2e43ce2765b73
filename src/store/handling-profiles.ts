import { and, eq } from 'drizzle-orm'
import type { Queries } from './database.ts'
import { handlingProfile } from './tables/handling-profiles.ts'

export type HandlingProfileRow = typeof handlingProfile.$inferSelect

/** By name. */
export async function profilesOf({ db }: Queries, organisation: string): Promise<HandlingProfileRow[]> {
  const own = eq(handlingProfile.organisation, organisation)
  return await db.select().from(handlingProfile).where(own).orderBy(handlingProfile.name)
}

export async function readProfile(
  { db }: Queries,
  organisation: string,
  name: string,
): Promise<HandlingProfileRow | undefined> {
  const [row] = await db.select().from(handlingProfile).where(isProfile(organisation, name))
  return row
}

/** Writes a profile, in place of what was under its name. */
export async function writeProfile({ db }: Queries, row: HandlingProfileRow): Promise<void> {
  const { handling, amendedAt } = row
  await db
    .insert(handlingProfile)
    .values(row)
    .onConflictDoUpdate({
      target: [handlingProfile.organisation, handlingProfile.name],
      set: { handling, amendedAt },
    })
}

/** @returns whether there was one */
export async function removeProfileRow({ db }: Queries, organisation: string, name: string): Promise<boolean> {
  const { rowCount } = await db.delete(handlingProfile).where(isProfile(organisation, name))
  return (rowCount ?? 0) > 0
}

const isProfile = (organisation: string, name: string) =>
  and(eq(handlingProfile.organisation, organisation), eq(handlingProfile.name, name))
