import { bigint, pgTable, text } from 'drizzle-orm/pg-core'
import { bytea, instant } from './directory.ts'

export const blocklist = pgTable('blocklist', {
  id: text('id').primaryKey(),
  account: text('account').notNull(),
  name: text('name').notNull(),
  filter: text('filter').notNull(),
  createdAt: instant('created_at').notNull().defaultNow(),
  removedAt: instant('removed_at'),
})

export const blocklistKey = pgTable('blocklist_key', {
  id: text('id').primaryKey(),
  blocklist: text('blocklist').notNull(),
  digest: bytea('digest').notNull(),
  createdAt: instant('created_at').notNull().defaultNow(),
  expiresAt: instant('expires_at'),
  revokedAt: instant('revoked_at'),
  lastUsedAt: instant('last_used_at'),
})

export const warninglist = pgTable('warninglist', {
  name: text('name').primaryKey(),
  version: bigint('version', { mode: 'number' }).notNull(),
  description: text('description').notNull(),
  category: text('category').notNull(),
  kind: text('kind').notNull(),
  types: text('types').array().notNull(),
  entries: text('entries').array().notNull(),
  loadedAt: instant('loaded_at').notNull().defaultNow(),
})
