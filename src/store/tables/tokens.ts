import { pgTable, primaryKey, text } from 'drizzle-orm/pg-core'
import { bytea, instant } from './directory.ts'

export const clientKey = pgTable('client_key', {
  id: text('id').primaryKey(),
  account: text('account').notNull(),
  name: text('name').notNull(),
  thumbprint: text('thumbprint').notNull(),
  jwk: text('jwk').notNull(),
  scopes: text('scopes').array().notNull(),
  createdAt: instant('created_at').notNull().defaultNow(),
  removedAt: instant('removed_at'),
  lastUsedAt: instant('last_used_at'),
})

export const usedAssertion = pgTable(
  'used_assertion',
  {
    client: text('client').notNull(),
    jti: bytea('jti').notNull(),
    expiresAt: instant('expires_at').notNull(),
  },
  (table) => [primaryKey({ columns: [table.client, table.jti] })],
)

export const revokedToken = pgTable('revoked_token', {
  jti: text('jti').primaryKey(),
  client: text('client').notNull(),
  expiresAt: instant('expires_at').notNull(),
})

export const signingKey = pgTable('signing_key', {
  kid: text('kid').primaryKey(),
  jwk: text('jwk').notNull(),
  createdAt: instant('created_at').notNull(),
  signsFrom: instant('signs_from').notNull(),
  retiresAt: instant('retires_at'),
  removedAt: instant('removed_at'),
})

export const externalIdentity = pgTable('external_identity', {
  id: text('id').primaryKey(),
  issuer: text('issuer').notNull(),
  subject: text('subject').notNull(),
  account: text('account').notNull(),
  scopes: text('scopes').array().notNull(),
  createdAt: instant('created_at').notNull().defaultNow(),
})
