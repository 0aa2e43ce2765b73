import { bigint, boolean, customType, integer, pgTable, primaryKey, text, timestamp, uuid } from 'drizzle-orm/pg-core'

/** Raw bytes. */
export const bytea = customType<{ data: Buffer; driverData: Buffer }>({ dataType: () => 'bytea' })
export const instant = (name: string) => timestamp(name, { withTimezone: true, mode: 'date' })

export const organisation = pgTable('organisation', {
  id: text('id').primaryKey(),
  name: text('name').notNull(),
  kind: text('kind').notNull(),
  jurisdiction: text('jurisdiction').notNull(),
  disabledAt: instant('disabled_at'),
  createdAt: instant('created_at').notNull().defaultNow(),
})

export const community = pgTable('community', {
  id: text('id').primaryKey(),
  name: text('name').notNull(),
  description: text('description').notNull().default(''),
  createdAt: instant('created_at').notNull().defaultNow(),
})

export const communityMember = pgTable(
  'community_member',
  {
    community: text('community').notNull(),
    organisation: text('organisation').notNull(),
    since: instant('since').notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.community, table.organisation] })],
)

export const node = pgTable('node', {
  singleton: boolean('singleton').primaryKey().default(true),
  id: uuid('id').notNull(),
  operator: text('operator'),
  greenCommunity: text('green_community'),
  feedEpoch: uuid('feed_epoch').notNull(),
  cursorKey: bytea('cursor_key').notNull(),
  maskKey: bytea('mask_key').notNull(),
  idKey: bytea('id_key').notNull(),
  databaseIdentity: text('database_identity'),
  signingKey: bytea('signing_key'),
  createdAt: instant('created_at').notNull().defaultNow(),
})

export const policyState = pgTable('policy_state', {
  singleton: boolean('singleton').primaryKey().default(true),
  epoch: bigint('epoch', { mode: 'bigint' }).notNull(),
})

export const client = pgTable(
  'client',
  {
    provider: text('provider').notNull(),
    client: text('client').notNull(),
    since: instant('since').notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.provider, table.client] })],
)

export const constituency = pgTable(
  'constituency',
  {
    organisation: text('organisation').notNull(),
    kind: text('kind').notNull(),
    value: text('value').notNull(),
  },
  (table) => [primaryKey({ columns: [table.organisation, table.kind, table.value] })],
)

export const agreement = pgTable('agreement', {
  id: text('id').primaryKey(),
  name: text('name').notNull(),
  parties: text('parties').array().notNull(),
  maxTlp: text('max_tlp').notNull(),
  purposes: text('purposes').array().notNull(),
  personalData: boolean('personal_data').notNull(),
  validFrom: instant('valid_from').notNull(),
  validTo: instant('valid_to'),
  citation: text('citation').notNull(),
  example: boolean('example').notNull().default(false),
  createdAt: instant('created_at').notNull().defaultNow(),
})

export const handling = pgTable('handling', {
  id: integer('id').primaryKey(),
  digest: bytea('digest').notNull(),
  originator: text('originator').notNull(),
  body: text('body').notNull(),
  createdAt: instant('created_at').notNull().defaultNow(),
})
