import { integer, pgTable, primaryKey, text, uuid } from 'drizzle-orm/pg-core'
import { instant } from './directory.ts'

export const legalRequest = pgTable('legal_request', {
  id: uuid('id').primaryKey(),
  liaison: text('liaison').notNull(),
  instrument: text('instrument').notNull(),
  citation: text('citation').notNull(),
  authority: text('authority').notNull(),
  caseReference: text('case_reference').notNull(),
  offence: text('offence').notNull(),
  requestingJurisdiction: text('requesting_jurisdiction').notNull(),
  facts: text('facts').notNull(),
  necessity: text('necessity').notNull(),
  /** JSON of a `LegalScope`. */
  scope: text('scope').notNull(),
  /** Organisations in the scope. */
  named: text('named').array().notNull(),
  /** Those of them that consented. */
  originators: text('originators').array().notNull(),
  handlingCode: text('handling_code'),
  urgency: text('urgency').notNull(),
  confidentialUntil: instant('confidential_until'),
  state: text('state').notNull(),
  approvedAt: instant('approved_at'),
  expiresAt: instant('expires_at').notNull(),
  createdAt: instant('created_at').notNull(),
  filedAt: instant('filed_at'),
  updatedAt: instant('updated_at').notNull(),
  renews: uuid('renews'),
})

export const legalRequestStep = pgTable(
  'legal_request_step',
  {
    request: uuid('request').notNull(),
    ordinal: integer('ordinal').notNull(),
    account: text('account'),
    step: text('step').notNull(),
    note: text('note').notNull().default(''),
    at: instant('at').notNull(),
    side: text('side').notNull(),
  },
  (table) => [primaryKey({ columns: [table.request, table.ordinal] })],
)
