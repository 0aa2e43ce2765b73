import { bigint, boolean, customType, integer, pgTable, primaryKey, text, uuid } from 'drizzle-orm/pg-core'
import { instant } from './directory.ts'

/** Ranges of numbers, as PostgreSQL writes them. */
const multirange = customType<{ data: string }>({ dataType: () => 'int8multirange' })

export const peerState = pgTable('peer_state', {
  peer: uuid('peer').primaryKey(),
  cursor: text('cursor'),
  more: boolean('more').notNull().default(false),
  rewind: boolean('rewind').notNull().default(false),
  rewindCursor: text('rewind_cursor'),
  rewindEpoch: bigint('rewind_epoch', { mode: 'bigint' }),
  rewoundAt: instant('rewound_at'),
  notBefore: instant('not_before'),
  failures: integer('failures').notNull().default(0),
  failingSince: instant('failing_since'),
  lastAttemptAt: instant('last_attempt_at'),
  lastPageAt: instant('last_page_at'),
  lastOutcome: text('last_outcome'),
  hourBegan: instant('hour_began'),
  hourItems: bigint('hour_items', { mode: 'number' }).notNull().default(0),
  hourBytes: bigint('hour_bytes', { mode: 'number' }).notNull().default(0),
  holder: uuid('holder'),
  heldUntil: instant('held_until'),
  givenPages: bigint('given_pages', { mode: 'bigint' }).notNull().default(0n),
  storedPages: bigint('stored_pages', { mode: 'bigint' }).notNull().default(0n),
  lastAskedAt: instant('last_asked_at'),
  headsAskedAt: instant('heads_asked_at'),
  witnessedSize: bigint('witnessed_size', { mode: 'number' }),
  witnessedAt: instant('witnessed_at'),
  keysAskedAt: instant('keys_asked_at'),
  rangAt: instant('rang_at'),
  rungAt: instant('rung_at'),
  lostPages: multirange('lost_pages').notNull().default('{}'),
})

export const peerCount = pgTable(
  'peer_count',
  {
    peer: uuid('peer').notNull(),
    outcome: text('outcome').notNull(),
    code: text('code').notNull(),
    items: bigint('items', { mode: 'number' }).notNull(),
    lastAt: instant('last_at').notNull(),
  },
  (table) => [primaryKey({ columns: [table.peer, table.outcome, table.code] })],
)

export const quarantine = pgTable('quarantine', {
  id: bigint('id', { mode: 'bigint' }).primaryKey().generatedAlwaysAsIdentity(),
  peer: uuid('peer').notNull(),
  originator: text('originator'),
  item: text('item'),
  version: bigint('version', { mode: 'number' }),
  code: text('code').notNull(),
  detail: text('detail').notNull(),
  entry: text('entry'),
  bytes: integer('bytes').notNull(),
  retryAt: instant('retry_at'),
  retryVersion: boolean('retry_version').notNull().default(false),
  at: instant('at').notNull(),
  reported: boolean('reported').notNull().default(false),
})
