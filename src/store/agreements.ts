import { eq } from 'drizzle-orm'
import type { Agreement } from '../domain/agreement.ts'
import type { Queries } from './database.ts'
import { agreement } from './tables/directory.ts'

export async function insertAgreement({ db }: Queries, row: Agreement): Promise<void> {
  await db.insert(agreement).values({
    ...row,
    parties: [...row.parties],
    purposes: [...row.purposes],
    validFrom: new Date(row.validFrom),
    validTo: row.validTo === undefined ? null : new Date(row.validTo),
  })
}

/** Sets the end; the database refuses any other change, and any later end than one set before. */
export async function updateAgreementEnd({ db }: Queries, id: string, validTo: Date): Promise<void> {
  await db.update(agreement).set({ validTo }).where(eq(agreement.id, id))
}
