import { pgTable, primaryKey, text } from 'drizzle-orm/pg-core'
import { instant } from './directory.ts'

export const handlingProfile = pgTable(
  'handling_profile',
  {
    organisation: text('organisation').notNull(),
    name: text('name').notNull(),
    /** A {@link HandlingInput} as JSON. */
    handling: text('handling').notNull(),
    amendedAt: instant('amended_at').notNull(),
  },
  (table) => [primaryKey({ columns: [table.organisation, table.name] })],
)
