import { eq } from 'drizzle-orm'
import type { Account } from '../domain/account.ts'
import type { StixMarkings } from '../domain/stix-markings.ts'
import type { Queries, Transaction } from './database.ts'
import { account } from './tables/account.ts'

/** Without `stixMarkings`: TLP 2.0. */
type NewAccount = Omit<Account, 'disabled' | 'stixMarkings'> & { readonly stixMarkings?: StixMarkings }

export async function insertAccount({ db }: Queries, row: NewAccount): Promise<void> {
  await db.insert(account).values({ ...row, roles: [...row.roles] })
}

export async function updateAccount(
  { db }: Queries,
  id: string,
  change: {
    readonly name?: string
    readonly roles?: string[]
    readonly disabledAt?: Date | null
    readonly stixMarkings?: StixMarkings
  },
): Promise<void> {
  await db.update(account).set(change).where(eq(account.id, id))
}

/** Of acts of one account that count what it has, one at a time: two that come at once are counted one after the other. */
export async function lockAccount({ client }: Transaction, id: string): Promise<void> {
  await client.query('select from account where id = $1 for update', [id])
}
