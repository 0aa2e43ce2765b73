import { eq } from 'drizzle-orm'
import type { Account } from '../domain/account.ts'
import type { Queries } from './database.ts'
import { account } from './tables/account.ts'

export async function insertAccount({ db }: Queries, row: Omit<Account, 'disabled'>): Promise<void> {
  await db.insert(account).values({ ...row, roles: [...row.roles] })
}

export async function updateAccount(
  { db }: Queries,
  id: string,
  change: { readonly name?: string; readonly roles?: string[]; readonly disabledAt?: Date | null },
): Promise<void> {
  await db.update(account).set(change).where(eq(account.id, id))
}
