import { bigint, integer, pgTable, text, uuid } from 'drizzle-orm/pg-core'
import { instant } from './directory.ts'

export const federationKey = pgTable('federation_key', {
  thumbprint: text('thumbprint').primaryKey(),
  jwk: text('jwk').notNull(),
  createdAt: instant('created_at').notNull(),
  signsFrom: instant('signs_from').notNull(),
  endorsement: text('endorsement'),
  removedAt: instant('removed_at'),
})

export const peer = pgTable('peer', {
  id: uuid('id').primaryKey(),
  name: text('name').notNull(),
  url: text('url').notNull(),
  direction: text('direction').notNull(),
  state: text('state').notNull(),
  stateSince: instant('state_since').notNull(),
  itemsPerHour: integer('items_per_hour').notNull(),
  bytesPerHour: bigint('bytes_per_hour', { mode: 'number' }).notNull(),
  enrolledAt: instant('enrolled_at').notNull(),
})

export const peerKey = pgTable('peer_key', {
  thumbprint: text('thumbprint').primaryKey(),
  peer: uuid('peer').notNull(),
  jwk: text('jwk').notNull(),
  pinnedAt: instant('pinned_at').notNull(),
  validFrom: instant('valid_from').notNull(),
  endorsedBy: text('endorsed_by'),
  revokedAt: instant('revoked_at'),
  revokedFrom: instant('revoked_from'),
})

export const peerOrganisation = pgTable('peer_organisation', {
  organisation: text('organisation').primaryKey(),
  peer: uuid('peer').notNull(),
})

export const peerCommunity = pgTable('peer_community', {
  community: text('community').primaryKey(),
  peer: uuid('peer').notNull(),
})
