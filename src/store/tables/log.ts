import { bigint, integer, pgTable, text, uuid } from 'drizzle-orm/pg-core'
import { bytea, instant } from './directory.ts'

export const auditLeaf = pgTable('audit_leaf', {
  id: bigint('id', { mode: 'bigint' }).primaryKey().generatedAlwaysAsIdentity(),
  at: instant('at').notNull(),
  action: text('action').notNull(),
  actor: text('actor'),
  organisation: text('organisation'),
  decision: text('decision').notNull(),
  leaf: text('leaf').notNull(),
})

export const auditSubject = pgTable('audit_subject', {
  leaf: bigint('leaf', { mode: 'bigint' }).primaryKey(),
  salt: bytea('salt').notNull(),
  subject: text('subject').notNull(),
})

export const receipt = pgTable('receipt', {
  id: uuid('id').primaryKey(),
  account: text('account').notNull(),
  at: instant('at').notNull(),
  idempotencyKey: text('idempotency_key'),
  requestDigest: bytea('request_digest'),
  status: integer('status'),
  answer: text('answer'),
})
