import { bigint, boolean, integer, pgTable, primaryKey, text, uuid } from 'drizzle-orm/pg-core'
import { bytea, instant } from './directory.ts'

export const exportJob = pgTable('export', {
  id: uuid('id').primaryKey(),
  request: uuid('request').notNull(),
  account: text('account').notNull(),
  position: bigint('position', { mode: 'bigint' }),
  manifest: text('manifest'),
  state: text('state').notNull(),
  createdAt: instant('created_at').notNull(),
  language: text('language').notNull(),
  items: integer('items').notNull().default(0),
  done: integer('done').notNull().default(0),
  masked: integer('masked').notNull().default(0),
  attempts: integer('attempts').notNull().default(0),
  fault: text('fault'),
  again: uuid('again'),
  manifestDigest: bytea('manifest_digest'),
  digest: bytea('digest'),
  bytes: bigint('bytes', { mode: 'bigint' }),
  signature: text('signature'),
  leaf: bigint('leaf', { mode: 'bigint' }),
  proof: text('proof'),
  readyAt: instant('ready_at'),
  downloadedAt: instant('downloaded_at'),
  endedAt: instant('ended_at'),
  heldUntil: instant('held_until'),
})

export const exportItem = pgTable(
  'export_item',
  {
    export: uuid('export').notNull(),
    ordinal: integer('ordinal').notNull(),
    originator: text('originator').notNull(),
    stixId: uuid('stix_id').notNull(),
    version: integer('version').notNull(),
    handlingId: integer('handling_id').notNull(),
    stix: text('stix'),
    csv: text('csv'),
    handling: text('handling'),
    digest: bytea('digest'),
    masked: boolean('masked').notNull().default(false),
    hold: uuid('hold'),
  },
  (table) => [primaryKey({ columns: [table.export, table.ordinal] })],
)
