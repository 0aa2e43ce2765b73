import { createHash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { isWhole } from '../domain/envelope.ts'
import type { Handling } from '../domain/handling.ts'
import type { Peer } from '../domain/peer.ts'
import { draftOfEnvelope } from '../formats/envelope-draft.ts'
import { narrows } from '../policy/narrowing.ts'
import type { Transaction } from '../store/database.ts'
import { copyEnvelopes, type SealedRow } from '../store/envelope-copy.ts'
import {
  type KnownEnvelope,
  keepEnvelopes,
  keepSeals,
  keyOf,
  knownEnvelopes,
  lockApplying,
  type SealRow,
} from '../store/envelopes.ts'
import { type LetGo, letGo } from '../store/let-go.ts'
import { type ReceivedIndicator, writeReceived } from '../store/received.ts'
import type { Context, Standing } from './context.ts'
import { identify } from './identify.ts'
import type { Effective } from './judge-page.ts'
import { prepare } from './prepare.ts'

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
  const known = await knownOf(transaction, effective)
  const fresh = effective.filter((one) => !isOvertaken(one, known.get(keyOfOne(one))))
  for (const [height, layer] of layersOf(fresh).entries()) {
    const isNew = (one: Effective) => height === 0 && !known.has(keyOfOne(one))
    const kept = keep(transaction, sender, layer, isNew, at)
    const wholes = layer.filter(({ effect }) => effect === 'indicator')
    await writeReceived(transaction, await meanwhile(kept, rowsOf(context, wholes, handlings, at)), at, narrower)
    const gone = layer.filter(({ effect }) => effect === 'withdrawal' || effect === 'tombstone')
    await letGo(
      transaction,
      gone.map(({ stixId, envelope, effect }): LetGo => {
        const { originator, version } = envelope
        const handlingId = handlings.get(endedHandling(originator)) ?? 0
        const recalled = effect === 'tombstone'
        return { stixId, originator, version, recalled, why: recalled ? 'recalled' : 'narrowed', handlingId }
      }),
      at,
    )
  }
}

async function knownOf(
  transaction: Transaction,
  effective: readonly Effective[],
): Promise<ReadonlyMap<string, KnownEnvelope>> {
  const keys = effective.map(({ stixId, envelope: { originator } }) => ({ stixId, originator }))
  return new Map((await knownEnvelopes(transaction, keys)).map((row) => [keyOf(row), row]))
}

const keyOfOne = ({ stixId, envelope: { originator } }: Effective): string => keyOf({ stixId, originator })

/** Whether another peer brought it since it was judged, or what overtook it. */
function isOvertaken({ envelope, digest, effect }: Effective, there: KnownEnvelope | undefined): boolean {
  if (there === undefined) return false
  if (there.recalled) return true
  if (effect === 'tombstone') return false
  if (there.version !== envelope.version) return there.version > envelope.version
  // Not the other form of the same version, nor content that was let go of and may be had again.
  return there.digest.equals(digest) && (!isWhole(envelope) || there.held)
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
    const key = keyOfOne(one)
    const height = heights.get(key) ?? 0
    heights.set(key, height + 1)
    const layer = layers[height] ?? []
    layers[height] = layer
    layer.push(one)
  }
  return layers
}

async function keep(
  transaction: Transaction,
  sender: Peer,
  layer: readonly Effective[],
  isNew: (one: Effective) => boolean,
  at: Date,
): Promise<void> {
  const seals = new Map<string, SealRow>()
  for (const { entry } of layer) {
    const { opened, jws } = entry
    if ('fault' in opened) throw new Error('what has no seal was about to be kept')
    if (seals.has(jws)) continue
    seals.set(jws, {
      ...{ jws, node: opened.node, thumbprint: opened.thumbprint, sealedAt: opened.issuedAt },
      digest: createHash('sha256').update(jws).digest(),
    })
  }
  const ids = await keepSeals(transaction, [...seals.values()])
  const idOf = new Map([...seals.keys()].map((jws, n) => [jws, ids[n] ?? 0n]))
  // Member by member: spreading parts together costs as much as writing the line of it.
  const sealedRow = ({ entry, envelope, stixId, digest }: Effective): SealedRow => ({
    originator: envelope.originator,
    stixId,
    bare: !isWhole(envelope),
    version: envelope.version,
    recalled: envelope.content.kind === 'recalled',
    node: envelope.node,
    epoch: envelope.epoch,
    digest,
    body: entry.envelope,
    leaf: entry.index,
    path: entry.path,
    hops: entry.hops,
    receivedFrom: sender.id,
    seal: idOf.get(entry.jws) ?? 0n,
  })
  await copyEnvelopes(transaction, layer.filter(isNew).map(sealedRow), at)
  const others = layer.filter((one) => !isNew(one))
  await keepEnvelopes(transaction, others.map(sealedRow), at)
}

/** Rows made before the connection that they are for has its turn. */
const stretchRows = 25

async function rowsOf(
  context: Context,
  wholes: readonly Effective[],
  handlings: ReadonlyMap<Handling, number>,
  at: Date,
): Promise<ReceivedIndicator[]> {
  const rows: ReceivedIndicator[] = []
  const now = at.toISOString()
  for (const one of wholes) {
    rows.push(rowOf(context, one, handlings, now))
    if (rows.length % stretchRows === 0) await setImmediate()
  }
  return rows
}

/** What is made while the database is at work; nothing goes on before both have ended. */
async function meanwhile<T>(writing: Promise<void>, making: Promise<T>): Promise<T> {
  const [written, made] = await Promise.allSettled([writing, making])
  if (written.status === 'rejected') throw written.reason
  if (made.status === 'rejected') throw made.reason
  return made.value
}

function rowOf(
  context: Context,
  { envelope, handling, stixId }: Effective,
  handlings: ReadonlyMap<Handling, number>,
  now: string,
): ReceivedIndicator {
  if (!isWhole(envelope) || handling === null) throw new Error('what has no content was about to be written')
  const identified = { ...identify(draftOfEnvelope(envelope), handling, context.node.idKey), uuid: stixId }
  const row = prepare(identified, handlings.get(handling) ?? 0, now, undefined, context.networks)
  return { originator: envelope.originator, version: envelope.version, row }
}
