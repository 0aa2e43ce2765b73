import { createHash } from 'node:crypto'
import { publicCaller } from '../domain/caller.ts'
import type { MembershipContent, SightedContent } from '../domain/envelope.ts'
import type { Handling } from '../domain/handling.ts'
import type { Peer } from '../domain/peer.ts'
import { deleteMember } from '../store/communities.ts'
import type { Transaction } from '../store/database.ts'
import { keepSeals } from '../store/envelopes.ts'
import { type KnownNotice, keepNotices, lockNotices, noticesNamed, writeSighting } from '../store/notices.ts'
import type { Context, Standing } from './context.ts'
import type { EffectiveNotice } from './judge-notices.ts'
import { administrative } from './organisations.ts'
import { noteHolder } from './shown-holders.ts'
import { record } from './verb.ts'

/** The handlings that sightings need, interned before their transaction begins. */
export async function internNoticeHandlings(
  context: Context,
  notices: readonly EffectiveNotice[],
): Promise<Map<Handling, number>> {
  const wanted = notices.flatMap(({ handling }) => handling ?? [])
  const ids = wanted.length === 0 ? [] : await context.policy.intern(wanted)
  return new Map(wanted.map((handling, n) => [handling, ids[n] ?? 0]))
}

/**
 * Applies sightings and departures that were judged, in the caller's transaction, one after the other: sightings in the place of what was
 * said before, departures in the directory, where they narrow at once what everybody of that community may have.
 */
export async function applyNotices(
  context: Context,
  transaction: Transaction,
  standing: Standing,
  sender: Peer,
  notices: readonly EffectiveNotice[],
  handlings: ReadonlyMap<Handling, number>,
): Promise<void> {
  if (notices.length === 0) return
  await lockNotices(transaction)
  const items = notices.map(({ envelope }) => envelope.id)
  const known = new Map((await noticesNamed(transaction, items)).map((row) => [`${row.item} ${row.originator}`, row]))
  for (const notice of notices) {
    const { envelope, handling } = notice
    const key = `${envelope.id} ${envelope.originator}`
    const before = known.get(key)
    // Another peer may have brought it since it was judged.
    if (before !== undefined && before.version >= envelope.version) continue
    const handlingId = handling === null ? undefined : handlings.get(handling)
    await keep(context, transaction, sender, notice, handlingId)
    await takeEffect(context, transaction, standing, notice, handlingId, before)
    const { id: item, originator, version, epoch } = envelope
    known.set(key, { item, originator, version, epoch, digest: notice.digest, handlingId: handlingId ?? null })
  }
}

async function takeEffect(
  context: Context,
  transaction: Transaction,
  standing: Standing,
  { envelope }: EffectiveNotice,
  handlingId: number | undefined,
  before: KnownNotice | undefined,
): Promise<void> {
  const { content, originator: reporter } = envelope
  if (content.kind === 'membership') return await leave(context, transaction, standing, content)
  if (handlingId === undefined) throw new Error('a sighting without a handling was about to be written')
  const { type, count: times, firstSeen, lastSeen } = content
  const of = { stixId: content.of.id.slice('indicator--'.length), originator: content.of.originator }
  await noteHolder(context, transaction, standing, envelope.node, of)
  const said = { ...of, reporter, type, handlingId, before: before?.handlingId ?? null, times, firstSeen, lastSeen }
  await writeSighting(transaction, said)
}

async function leave(
  context: Context,
  transaction: Transaction,
  standing: Standing,
  { community, organisation, leftAt }: MembershipContent,
): Promise<void> {
  await deleteMember(transaction, community, organisation)
  const subject = { community, organisation, leftAt }
  await record(transaction, context, publicCaller, standing, administrative('remove-member', subject))
  context.policy.suspect()
}

async function keep(
  { clock }: Context,
  transaction: Transaction,
  sender: Peer,
  { entry, envelope, digest }: EffectiveNotice,
  handlingId: number | undefined,
): Promise<void> {
  const { opened, jws } = entry
  if ('fault' in opened) throw new Error('what has no seal was about to be kept')
  const sealDigest = createHash('sha256').update(jws).digest()
  const { node, thumbprint, issuedAt: sealedAt } = opened
  const [seal = 0n] = await keepSeals(transaction, [{ jws, digest: sealDigest, node, thumbprint, sealedAt }])
  const { id: item, originator, version, epoch, content } = envelope
  await keepNotices(
    transaction,
    [
      {
        ...{ item, originator, version, node: envelope.node, epoch, digest, body: entry.envelope, seal },
        ...{ leaf: entry.index, path: entry.path, hops: entry.hops, receivedFrom: sender.id },
        ...(handlingId === undefined ? {} : { handlingId, of: ofOf(content as SightedContent) }),
      },
    ],
    clock(),
  )
}

const ofOf = ({ of }: SightedContent) => ({ originator: of.originator, stixId: of.id.slice('indicator--'.length) })
