import { and, eq } from 'drizzle-orm'
import type { Queries } from './database.ts'
import { community, communityMember } from './tables/directory.ts'

export async function insertCommunity(
  { db }: Queries,
  row: { readonly id: string; readonly name: string; readonly description: string },
): Promise<void> {
  await db.insert(community).values(row)
}

export async function insertMember({ db }: Queries, communityId: string, organisation: string): Promise<void> {
  await db.insert(communityMember).values({ community: communityId, organisation }).onConflictDoNothing()
}

export async function deleteMember({ db }: Queries, communityId: string, organisation: string): Promise<void> {
  await db
    .delete(communityMember)
    .where(and(eq(communityMember.community, communityId), eq(communityMember.organisation, organisation)))
}
