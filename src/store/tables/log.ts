import { bigint, integer, pgTable, primaryKey, smallint, text, uuid } from 'drizzle-orm/pg-core'
import { bytea, instant } from './directory.ts'

export const auditLeaf = pgTable('audit_leaf', {
  id: bigint('id', { mode: 'bigint' }).primaryKey().generatedAlwaysAsIdentity(),
  at: instant('at').notNull(),
  action: text('action').notNull(),
  actor: text('actor'),
  organisation: text('organisation'),
  decision: text('decision').notNull(),
  leaf: text('leaf').notNull(),
  receipt: uuid('receipt'),
})

export const auditSubject = pgTable('audit_subject', {
  leaf: bigint('leaf', { mode: 'bigint' }).primaryKey(),
  salt: bytea('salt').notNull(),
  subject: text('subject').notNull(),
})

export const auditPending = pgTable('audit_pending', {
  leaf: bigint('leaf', { mode: 'bigint' }).primaryKey(),
})

export const auditTree = pgTable('audit_tree', {
  index: bigint('index', { mode: 'number' }).primaryKey(),
  leaf: bigint('leaf', { mode: 'bigint' }).notNull().unique(),
  hash: bytea('hash').notNull(),
})

export const auditNode = pgTable(
  'audit_node',
  {
    level: smallint('level').notNull(),
    index: bigint('index', { mode: 'number' }).notNull(),
    hash: bytea('hash').notNull(),
  },
  (table) => [primaryKey({ columns: [table.level, table.index] })],
)

export const auditCheckpoint = pgTable('audit_checkpoint', {
  size: bigint('size', { mode: 'number' }).primaryKey(),
  root: bytea('root').notNull(),
  note: text('note').notNull(),
  at: instant('at').notNull(),
})

export const auditBasis = pgTable('audit_basis', {
  digest: bytea('digest').primaryKey(),
  body: text('body').notNull(),
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
