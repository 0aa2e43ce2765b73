import { createHash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import type { OpenedSeal, SealFault } from '../auth/seals.ts'
import { worldOf } from '../domain/directory.ts'
import { type Envelope, isWhole } from '../domain/envelope.ts'
import { Fault } from '../domain/errors.ts'
import type { Handling } from '../domain/handling.ts'
import { limits } from '../domain/limits.ts'
import type { Peer } from '../domain/peer.ts'
import type { Applied, Quarantined, Refused } from '../domain/verdict.ts'
import { draftOfEnvelope } from '../formats/envelope-draft.ts'
import type { FeedEntry } from '../formats/feed-page.ts'
import { narrows } from '../policy/narrowing.ts'
import type { KnownVersion } from '../policy/version-rules.ts'
import { envelopeDigest } from '../seal/batches.ts'
import type { Transaction } from '../store/database.ts'
import {
  type EnvelopeRow,
  type IndicatorKey,
  keepEnvelopes,
  keepSeals,
  knownEnvelopes,
  lockApplying,
  type SealRow,
} from '../store/envelopes.ts'
import type { Tally } from '../store/peer-states.ts'
import type { NewQuarantined } from '../store/quarantine.ts'
import { type LetGo, letGo, type ReceivedIndicator, writeReceived } from '../store/received.ts'
import type { Context, Standing } from './context.ts'
import { ownReaders } from './peer-view.ts'
import { identify, prepare } from './prepare.ts'
import { type NodeFacts, type ReceiverFacts, receiveEnvelope } from './receive-envelope.ts'

/** An entry as it came, with its seal opened. */
export interface OpenedEntry extends FeedEntry {
  readonly opened: OpenedSeal | SealFault
  /** Text of the seal. */
  readonly jws: string
}

/** An entry that is to have an effect. */
interface Effective {
  readonly entry: OpenedEntry
  readonly envelope: Envelope
  readonly stixId: string
  readonly digest: Buffer
  readonly handling: Handling | null
  /** Undefined where only its bytes are kept, to be passed on. */
  readonly effect: Applied['effect'] | undefined
}

/** What is to become of a page: judged, and not applied yet. */
export interface Judged {
  readonly effective: readonly Effective[]
  readonly aside: readonly NewQuarantined[]
  readonly tallies: readonly Tally[]
  /** Whether something was for nobody here: it is asked for again when the own directory changes. */
  readonly notForUs: boolean
}

/** Entries judged before others have their turn. */
const stretchEntries = 25

/** Judges the entries of a page, one after the other, each by what those before it left. */
export async function judgePage(
  context: Context,
  { directory }: Standing,
  sender: Peer,
  entries: readonly (OpenedEntry | { readonly fault: string })[],
): Promise<Judged> {
  const now = context.clock()
  const known = await knownOf(context, entries)
  const facts: ReceiverFacts = {
    self: context.node.id,
    node: (id) => {
      const peer = directory.peers.get(id)
      return peer && factsOf(peer)
    },
    readers: ownReaders(directory),
    world: worldOf(directory),
    targetOf: () => undefined,
  }
  const effective: Effective[] = []
  const aside: NewQuarantined[] = []
  const counts = new Map<string, Tally>()
  const count = (outcome: Tally['outcome'], code: string) => {
    const key = `${outcome} ${code}`
    counts.set(key, { outcome, code, items: (counts.get(key)?.items ?? 0) + 1 })
  }
  let notForUs = false
  for (const [n, entry] of entries.entries()) {
    if (n % stretchEntries === stretchEntries - 1) await setImmediate()
    if ('fault' in entry) {
      count('refused', 'malformed')
      aside.push(setAside(undefined, { outcome: 'refused', code: 'malformed', detail: entry.fault }))
      continue
    }
    const verdict = judged(entry, facts, sender, known, now)
    switch (verdict.outcome) {
      case 'known': {
        count('known', '')
        const bare = passedOn(entry)
        if (bare !== undefined) effective.push(bare)
        break
      }
      case 'applied':
      case 'narrowed': {
        count(verdict.outcome, '')
        const { envelope, digest, handling, effect } = verdict
        const stixId = envelope.id.slice('indicator--'.length)
        if (!envelope.id.startsWith('indicator--')) break
        effective.push({ entry, envelope, stixId, digest, handling, effect })
        known.set(keyOf({ stixId, originator: envelope.originator }), {
          ...{ version: envelope.version, digest, epoch: envelope.epoch },
          held: isWhole(envelope),
          bare: !isWhole(envelope),
          recalled: effect === 'tombstone',
        })
        break
      }
      case 'quarantined':
      case 'refused':
        count(verdict.outcome, verdict.code)
        notForUs ||= verdict.code === 'destination'
        // Of what is for nobody here nothing is kept but what it was called.
        aside.push(setAside(entry, verdict))
        break
    }
  }
  return { effective, aside, tallies: [...counts.values()], notForUs }
}

const factsOf = (peer: Peer): NodeFacts => ({
  state: peer.state,
  homes: new Set(peer.organisations),
  communities: new Set(),
  keys: peer.keys,
})

function judged(
  entry: OpenedEntry,
  facts: ReceiverFacts,
  sender: Peer,
  known: ReadonlyMap<string, KnownVersion>,
  now: Date,
): ReturnType<typeof receiveEnvelope> {
  const { envelope: text, index, path, opened: seal, hops, gap } = entry
  const received = { text, index, path, seal, hops, sender: sender.id, ...(gap === undefined ? {} : { gap }) }
  const verdict = receiveEnvelope(
    received,
    facts,
    ({ id, originator }) => known.get(keyOf({ stixId: id.slice('indicator--'.length), originator })),
    now,
  )
  if (verdict.outcome !== 'applied' && verdict.outcome !== 'narrowed') return verdict
  try {
    if (isWhole(verdict.envelope)) draftOfEnvelope(verdict.envelope)
    return verdict
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    return { outcome: 'refused', code: 'malformed', detail: error.message }
  }
}

/** A withdrawal that takes nothing away here may do so at those to whom it is passed on: it was proven like all others. */
function passedOn(entry: OpenedEntry): Effective | undefined {
  const envelope = JSON.parse(entry.envelope) as Envelope
  if (envelope.content.kind !== 'narrowed' || isWhole(envelope)) return undefined
  const digest = envelopeDigest(entry.envelope)
  const stixId = envelope.id.slice('indicator--'.length)
  return { entry, envelope, stixId, digest, handling: null, effect: undefined }
}

const keyOf = ({ stixId, originator }: IndicatorKey): string => `${stixId} ${originator}`

/** What is known of all that a page is about, by its own word: whether that word is good is judged with it. */
async function knownOf(
  context: Context,
  entries: readonly (OpenedEntry | { readonly fault: string })[],
): Promise<Map<string, KnownVersion>> {
  const keys = entries.flatMap((entry): IndicatorKey[] => {
    const named = 'fault' in entry ? undefined : nameOf(entry)
    return named === undefined ? [] : [named]
  })
  const rows = await knownEnvelopes(context.database, keys)
  return new Map(rows.map((row) => [keyOf(row), row]))
}

/** What an entry says it is about; undefined where that cannot be. */
function nameOf({ envelope: text }: OpenedEntry): (IndicatorKey & { readonly version: number }) | undefined {
  if (text.length > limits.envelopeBytes) return undefined
  try {
    const { id, originator, version } = JSON.parse(text) as Readonly<Record<string, unknown>>
    if (typeof id !== 'string' || typeof originator !== 'string' || !Number.isSafeInteger(version)) return undefined
    if (!indicatorId.test(id) || !slug.test(originator)) return undefined
    return { stixId: id.slice('indicator--'.length), originator, version: version as number }
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

const indicatorId = /^indicator--[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const slug = /^[a-z0-9][a-z0-9-]{0,62}$/

function setAside(entry: OpenedEntry | undefined, verdict: Quarantined | Refused): NewQuarantined {
  const named = entry && nameOf(entry)
  const retry = verdict.outcome === 'quarantined' ? verdict.retry : undefined
  return {
    originator: named?.originator ?? null,
    item: named === undefined ? null : `indicator--${named.stixId}`,
    version: named?.version ?? null,
    code: verdict.code,
    detail: verdict.detail,
    entry: retry === undefined || entry === undefined ? null : writeAside(entry),
    retryAt: typeof retry === 'object' ? retry.at : null,
    retryVersion: retry === 'version',
  }
}

/** An entry as quarantine keeps it. */
const writeAside = ({ envelope, index, path, hops, gap, jws }: OpenedEntry): string =>
  JSON.stringify({ envelope, index, path: path.map((hash) => hash.toString('base64url')), hops, gap, jws })

/** The entry of {@link writeAside}; its seal is still to be opened. */
export function readAside(text: string): Omit<OpenedEntry, 'opened'> {
  const { path, ...rest } = JSON.parse(text) as Omit<OpenedEntry, 'opened' | 'path'> & { readonly path: string[] }
  return { ...rest, seal: 0, path: path.map((hash) => Buffer.from(hash, 'base64url')) }
}

/**
 * Applies what was judged, in the caller's transaction: rows, feed entries, envelopes. Entries about one indicator are applied one after
 * the other.
 */
export async function applyJudged(
  context: Context,
  transaction: Transaction,
  { visibility }: Standing,
  sender: Peer,
  effective: readonly Effective[],
  handlings: ReadonlyMap<Handling, number>,
): Promise<void> {
  const at = context.clock()
  const narrower = (before: number, after: number): boolean => {
    const [earlier, later] = [before, after].map((id) => visibility.handling(id))
    return earlier === undefined || later === undefined || narrows(earlier, later)
  }
  await lockApplying(transaction)
  const fresh = await notOvertaken(transaction, effective)
  for (const layer of layersOf(fresh)) {
    await keep(transaction, sender, layer, at)
    const wholes = layer.filter(({ effect }) => effect === 'indicator')
    const rows = wholes.map((one) => rowOf(context, one, handlings, at))
    await writeReceived(transaction, rows, at, narrower)
    const gone = layer.filter(({ effect }) => effect === 'withdrawal' || effect === 'tombstone')
    await letGo(
      transaction,
      gone.map(({ stixId, envelope, effect }): LetGo => {
        const { originator, version } = envelope
        const handlingId = handlings.get(endedHandling(originator)) ?? 0
        return { stixId, originator, version, recalled: effect === 'tombstone', handlingId }
      }),
      at,
    )
  }
}

/** Without what another peer brought since it was judged, and what that overtook. */
async function notOvertaken(transaction: Transaction, effective: readonly Effective[]): Promise<Effective[]> {
  const keys = effective.map(({ stixId, envelope: { originator } }) => ({ stixId, originator }))
  const known = new Map((await knownEnvelopes(transaction, keys)).map((row) => [keyOf(row), row]))
  return effective.filter(({ stixId, envelope, digest, effect }) => {
    const there = known.get(keyOf({ stixId, originator: envelope.originator }))
    if (there === undefined) return true
    if (there.recalled) return false
    if (effect === 'tombstone') return true
    if (there.version !== envelope.version) return there.version < envelope.version
    // The other form of the same version, or content that was let go of and may be had again.
    return !there.digest.equals(digest) || (isWhole(envelope) && !there.held)
  })
}

/** The handlings that applying needs, interned before its transaction begins. */
export async function internHandlings(
  context: Context,
  effective: readonly Effective[],
): Promise<Map<Handling, number>> {
  const wanted = new Set<Handling>()
  for (const { handling, effect, envelope } of effective) {
    if (effect === 'indicator' && handling !== null) wanted.add(handling)
    if (effect === 'withdrawal' || effect === 'tombstone') wanted.add(endedHandling(envelope.originator))
  }
  const handlings = [...wanted]
  const ids = handlings.length === 0 ? [] : await context.policy.intern(handlings)
  return new Map(handlings.map((handling, n) => [handling, ids[n] ?? 0]))
}

const ended = new Map<string, Handling>()

/** What nobody sees but its originator, who is elsewhere: what was let go of stands under it. */
export function endedHandling(originator: string): Handling {
  const known = ended.get(originator) ?? {
    ...{
      originator,
      tlp: 'amber+strict' as const,
      pap: 'red' as const,
      organisations: [],
      communities: [],
      people: [],
    },
    ...{ lawEnforcement: 'never' as const, personalData: true, maskable: false, attribution: 'named' as const },
    expiresAt: '1970-01-01T00:00:00.000Z',
  }
  ended.set(originator, known)
  return known
}

/** Entries in layers: what is about one indicator is in one after the other, and no layer has two of them. */
function layersOf(effective: readonly Effective[]): Effective[][] {
  const layers: Effective[][] = []
  const heights = new Map<string, number>()
  for (const one of effective) {
    const key = keyOf({ stixId: one.stixId, originator: one.envelope.originator })
    const height = heights.get(key) ?? 0
    heights.set(key, height + 1)
    const layer = layers[height] ?? []
    layers[height] = layer
    layer.push(one)
  }
  return layers
}

async function keep(transaction: Transaction, sender: Peer, layer: readonly Effective[], at: Date): Promise<void> {
  const seals = new Map<string, SealRow>()
  for (const { entry } of layer) {
    const { opened, jws } = entry
    if ('fault' in opened) throw new Error('what has no seal was about to be kept')
    seals.set(jws, {
      ...{ jws, node: opened.node, thumbprint: opened.thumbprint, sealedAt: opened.issuedAt },
      digest: createHash('sha256').update(jws).digest(),
    })
  }
  const ids = await keepSeals(transaction, [...seals.values()])
  const idOf = new Map([...seals.keys()].map((jws, n) => [jws, ids[n] ?? 0n]))
  const rows = layer.map(({ entry, envelope, stixId, digest }): EnvelopeRow & { readonly seal: bigint } => ({
    ...{ stixId, digest, leaf: entry.index, path: entry.path, hops: entry.hops, body: entry.envelope },
    originator: envelope.originator,
    bare: !isWhole(envelope),
    version: envelope.version,
    recalled: envelope.content.kind === 'recalled',
    node: envelope.node,
    epoch: envelope.epoch,
    receivedFrom: sender.id,
    seal: idOf.get(entry.jws) ?? 0n,
  }))
  await keepEnvelopes(transaction, rows, at)
}

function rowOf(
  context: Context,
  { envelope, handling, stixId }: Effective,
  handlings: ReadonlyMap<Handling, number>,
  at: Date,
): ReceivedIndicator {
  if (!isWhole(envelope) || handling === null) throw new Error('what has no content was about to be written')
  const identified = { ...identify(draftOfEnvelope(envelope), handling, context.node.idKey), uuid: stixId }
  const row = prepare(identified, handlings.get(handling) ?? 0, at, undefined, context.networks)
  return { originator: envelope.originator, version: envelope.version, row }
}
