import { createHash } from 'node:crypto'
import type { SigningKey } from '../auth/jwk.ts'
import { signSeal } from '../auth/seals.ts'
import { homeOf } from '../domain/directory.ts'
import type { Envelope } from '../domain/envelope.ts'
import { canonicalHandling } from '../domain/handling.ts'
import { limits } from '../domain/limits.ts'
import type { SightingType } from '../domain/sighting.ts'
import { writeEnvelope } from '../formats/envelope.ts'
import { sightingHandling } from '../policy/reports.ts'
import { mayLeave } from '../policy/travelling.ts'
import { batchOf } from '../seal/batches.ts'
import type { Transaction } from '../store/database.ts'
import { keepSeals } from '../store/envelopes.ts'
import { keepNotices, lockNotices, noticesNamed } from '../store/notices.ts'
import { lockSealing } from '../store/sealing.ts'
import {
  anyUnsealed,
  type Departure,
  sightingsSealed,
  takeDepartures,
  type UnsealedSighting,
  unsealedSightings,
} from '../store/unsealed-notices.ts'
import type { Context, Standing } from './context.ts'

/** What is to be said, before it has a version. */
interface Said extends Pick<Envelope, 'id' | 'originator' | 'handling' | 'content'> {
  readonly of?: { readonly originator: string; readonly stixId: string }
}

/**
 * Seals what organisations at home here said of indicators, added up, and who left a community that this node keeps. On the clock, and
 * before a page for a peer. A node without peers, or that nobody operates, seals nothing.
 */
export async function sealNotices(context: Context): Promise<void> {
  const standing = await context.policy.current()
  const { peers, operator } = standing.directory
  if (peers.size === 0 || operator === undefined || !(await anyUnsealed(context.database))) return
  const at = context.clock()
  const signer = await context.federationKeys.signer(standing, at)
  // What is interned, is before the transaction begins; what comes meanwhile waits for the next time.
  const peeked = await unsealedSightings(context.database, limits.sealEntries)
  const wanted = peeked.flatMap((row) => sightingOf(context, standing, row)?.handling ?? [])
  const ids = wanted.length === 0 ? [] : await context.policy.intern(wanted)
  const interned = new Map(wanted.map((handling, n) => [JSON.stringify(handling), ids[n] ?? 0]))
  await context.database.transaction(async (transaction) => {
    await lockSealing(transaction)
    const departures = await takeDepartures(transaction, limits.sealEntries)
    const sightings = await unsealedSightings(transaction, limits.sealEntries)
    const said: Said[] = departures.map((each) => departureOf(context, operator, each))
    const done: UnsealedSighting[] = []
    const waiting = new Set<string>()
    for (const row of sightings) {
      const sighting = sightingOf(context, standing, row)
      if (sighting !== undefined && !interned.has(JSON.stringify(sighting.handling))) waiting.add(keyOf(row))
      else if (sighting !== undefined) said.push(sighting)
      done.push(row)
    }
    await sightingsSealed(
      transaction,
      done.filter((row) => !waiting.has(keyOf(row))),
    )
    await lockNotices(transaction)
    for (const batch of batchesOf(said)) await seal(context, transaction, batch, interned, signer, at)
  })
}

const keyOf = ({ stixId, originator, reporter }: UnsealedSighting): string => `${stixId} ${originator} ${reporter}`

/** An id that what it is about determines. */
function idOf(prefix: 'sighting' | 'membership', about: readonly string[]): string {
  const hex = createHash('sha256')
    .update(JSON.stringify([prefix, ...about]))
    .digest('hex')
  return `${prefix}--${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

function departureOf({ node }: Context, operator: string, { community, organisation, leftAt }: Departure): Said {
  const content = { kind: 'membership', community, organisation, leftAt: leftAt.toISOString() } as const
  return { id: idOf('membership', [node.id, community, organisation]), originator: operator, handling: null, content }
}

/** Undefined for what is not this node's to say, or never leaves it. */
function sightingOf({ node }: Context, { directory, visibility }: Standing, row: UnsealedSighting): Said | undefined {
  if (homeOf(directory, row.reporter) !== undefined || row.indicator === null) return undefined
  const indicator = visibility.handling(row.indicator)
  const own = row.own === null ? undefined : visibility.handling(row.own)
  if (indicator === undefined || (row.own !== null && own === undefined)) return undefined
  if (!mayLeave(indicator) || (own !== undefined && !mayLeave(own))) return undefined
  const handling = canonicalHandling(sightingHandling(indicator, row.reporter, own))
  if (!mayLeave(handling)) return undefined
  const ownText = own === undefined ? '' : JSON.stringify(own)
  return {
    id: idOf('sighting', [node.id, row.originator, row.stixId, row.reporter, row.type, ownText]),
    originator: row.reporter,
    handling,
    of: { originator: row.originator, stixId: row.stixId },
    content: {
      kind: 'sighted',
      of: { originator: row.originator, id: `indicator--${row.stixId}` },
      type: row.type as SightingType,
      count: Math.min(row.times, limits.sightingCount),
      firstSeen: row.firstSeen.toISOString(),
      lastSeen: row.lastSeen.toISOString(),
    },
  }
}

/** One handling in a batch, so that its size tells nothing else. */
function batchesOf(said: readonly Said[]): Said[][] {
  const batches = new Map<string, Said[]>()
  for (const one of said) {
    const key = JSON.stringify(one.handling)
    batches.set(key, [...(batches.get(key) ?? []), one])
  }
  return [...batches.values()]
}

async function seal(
  context: Context,
  transaction: Transaction,
  batch: readonly Said[],
  interned: ReadonlyMap<string, number>,
  signer: SigningKey,
  at: Date,
): Promise<void> {
  const { id: node, feedEpoch: epoch } = context.node
  const issuedAt = at.toISOString()
  const before = new Map(
    (
      await noticesNamed(
        transaction,
        batch.map(({ id }) => id),
      )
    ).map(({ item, version }) => [item, version]),
  )
  const envelopes = batch.map(({ of: _, ...said }): Envelope => {
    const previousVersion = before.get(said.id) ?? 0
    return { v: 1, ...said, version: previousVersion + 1, previousVersion, node, epoch, issuedAt }
  })
  const texts = envelopes.map(writeEnvelope)
  const tree = batchOf(texts)
  const jws = await signSeal({ node, epoch, root: tree.root, size: tree.size, issuedAt }, signer)
  const digest = createHash('sha256').update(jws).digest()
  const [sealId = 0n] = await keepSeals(transaction, [
    { jws, digest, node, thumbprint: signer.kid, sealedAt: issuedAt },
  ])
  await keepNotices(
    transaction,
    envelopes.map(({ id: item, originator, version, handling }, leaf) => ({
      ...{ item, originator, version, node, epoch, leaf, hops: [], body: texts[leaf] ?? '', seal: sealId },
      ...(handling === null ? {} : { handlingId: interned.get(JSON.stringify(handling)) ?? 0 }),
      ...(batch[leaf]?.of === undefined ? {} : { of: batch[leaf].of }),
      ...{ digest: tree.digestOf(leaf), path: tree.pathOf(leaf) },
    })),
    at,
  )
}
