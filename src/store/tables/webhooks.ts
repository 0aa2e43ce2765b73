import { bigint, boolean, integer, pgTable, text, uuid } from 'drizzle-orm/pg-core'
import { bytea, instant } from './directory.ts'

export const webhookSubscription = pgTable('webhook_subscription', {
  id: uuid('id').primaryKey(),
  account: text('account').notNull(),
  credentialKind: text('credential_kind').notNull(),
  credential: text('credential').notNull(),
  purpose: text('purpose').notNull(),
  name: text('name').notNull(),
  url: text('url').notNull(),
  filter: text('filter').notNull(),
  ownSystem: boolean('own_system').notNull(),
  batch: integer('batch').notNull(),
  secret: bytea('secret').notNull(),
  oldSecret: bytea('old_secret'),
  oldSecretUntil: instant('old_secret_until'),
  createdAt: instant('created_at').notNull(),
  pausedReason: text('paused_reason'),
  pausedAt: instant('paused_at'),
  cursor: text('cursor'),
  checkedPosition: bigint('checked_position', { mode: 'bigint' }).notNull().default(-1n),
  checkedEpoch: bigint('checked_epoch', { mode: 'bigint' }).notNull().default(-1n),
  checkAt: instant('check_at'),
  nextNumber: bigint('next_number', { mode: 'bigint' }).notNull().default(1n),
  notBefore: instant('not_before'),
  failingSince: instant('failing_since'),
  lastAttemptAt: instant('last_attempt_at'),
  lastDeliveredAt: instant('last_delivered_at'),
  lastOutcome: text('last_outcome'),
  holder: uuid('holder'),
  fence: bigint('fence', { mode: 'bigint' }).notNull().default(0n),
  servedAt: instant('served_at').notNull().default(new Date(0)),
})

export const webhookDelivery = pgTable('webhook_delivery', {
  id: text('id').primaryKey(),
  subscription: uuid('subscription').notNull(),
  number: bigint('number', { mode: 'bigint' }).notNull(),
  steps: text('steps').notNull(),
  feedEpoch: uuid('feed_epoch').notNull(),
  cursor: text('cursor').notNull(),
  createdAt: instant('created_at').notNull(),
  attempts: integer('attempts').notNull().default(0),
  deadAt: instant('dead_at'),
  deadReason: text('dead_reason'),
})

export const webhookSender = pgTable('webhook_sender', {
  id: uuid('id').primaryKey(),
  aliveUntil: instant('alive_until').notNull(),
})
