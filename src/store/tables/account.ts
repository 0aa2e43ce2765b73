import { pgTable, text } from 'drizzle-orm/pg-core'
import { bytea, instant } from './directory.ts'

export const account = pgTable('account', {
  id: text('id').primaryKey(),
  organisation: text('organisation').notNull(),
  name: text('name').notNull(),
  roles: text('roles').array().notNull(),
  disabledAt: instant('disabled_at'),
  stixMarkings: text('stix_markings').notNull().default('tlp2'),
  createdAt: instant('created_at').notNull().defaultNow(),
})

export const apiKey = pgTable('api_key', {
  id: text('id').primaryKey(),
  account: text('account').notNull(),
  name: text('name').notNull(),
  digest: bytea('digest').notNull(),
  scopes: text('scopes').array().notNull(),
  expiresAt: instant('expires_at'),
  revokedAt: instant('revoked_at'),
  lastUsedAt: instant('last_used_at'),
  createdAt: instant('created_at').notNull().defaultNow(),
})
