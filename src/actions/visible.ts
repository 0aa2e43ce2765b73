import { keyedDigest } from '../auth/digests.ts'
import type { ActionName } from '../domain/action-names.ts'
import type { Caller } from '../domain/caller.ts'
import type { Handling } from '../domain/handling.ts'
import type { Indicator } from '../domain/indicator.ts'
import type { Released } from '../domain/released.ts'
import { type ReleaseFacts, releaserOf } from '../policy/release.ts'
import type { Permitted } from '../policy/visibility.ts'
import type { VisibleTo } from '../store/visible.ts'
import type { Context, Standing } from './context.ts'
import { type Read, readingOf } from './reading.ts'

/** What this caller may have, now. */
export const permittedFor = (context: Context, caller: Caller, { visibility }: Standing): Permitted =>
  visibility.permitted(caller.reader, caller.purpose, context.clock())

/**
 * The permission as the store checks it.
 * @param findBy `content` where the query looks at the value's parts: what is masked must then not be found, or the
 * search itself would tell the value bit by bit
 * @param keep narrows further by handling (labels, originators, communities)
 */
export function visibleTo(
  { permit, redact }: Permitted,
  { directory, visibility }: Standing,
  caller: Caller,
  findBy: 'content' | 'whole',
  keep?: (handling: Handling) => boolean,
): VisibleTo {
  const all = findBy === 'content' ? permit : permit.union(redact)
  const kept =
    keep === undefined
      ? all
      : all.filter((id) => {
          const handling = visibility.handling(id)
          return handling !== undefined && keep(handling)
        })
  return {
    epoch: directory.epoch,
    handlings: visibility.size,
    bitmap: kept.bytes,
    organisation: caller.reader.organisation?.id,
  }
}

/** What the policy needs to say who published something, and to mask it. */
export const releaseFacts = (context: Context, { directory }: Standing): ReleaseFacts => ({
  organisation: (id) => directory.organisations.get(id),
  digest: (text) => keyedDigest(context.node.maskKey, text),
})

/** Releases what a query found; what the sets do not hold throws. `present`: what they are versions of; where it is stricter
 * (masked, or its source anonymous) that holds for all. */
export function releaseAll(
  context: Context,
  caller: Caller,
  standing: Standing,
  permitted: Permitted,
  indicators: readonly Indicator[],
  present?: Indicator,
): Released[] {
  const facts = releaseFacts(context, standing)
  const now = present === undefined ? undefined : standing.visibility.handling(present.handlingId)
  const maskAll = present !== undefined && permitted.redact.has(present.handlingId)
  const releasers = new Map<number, (indicator: Indicator) => Released>()
  const releaserFor = (handlingId: number) => {
    const handling = standing.visibility.handling(handlingId)
    if (handling === undefined) throw new Error('an indicator has a handling that is not known')
    const effect = permitted.permit.has(handlingId) ? 'permit' : permitted.redact.has(handlingId) ? 'redact' : 'deny'
    // One source, one attribution: an earlier version must not name what the present one keeps anonymous.
    const shown = now === undefined ? handling : { ...handling, attribution: now.attribution }
    const made = releaserOf(shown, maskAll && effect === 'permit' ? 'redact' : effect, caller.reader, facts)
    releasers.set(handlingId, made)
    return made
  }
  return indicators.map((each) => (releasers.get(each.handlingId) ?? releaserFor(each.handlingId))(each))
}

/**
 * Puts an answer that holds something above CLEAR on the audit log, as one leaf. Audit or refuse: where the policy wants the
 * reading on the log first, the answer waits until it is durable; the others are written soon after.
 * @throws {Fault} `unavailable` when the log cannot take it
 */
export async function recordReading(
  context: Context,
  caller: Caller,
  standing: Standing,
  action: ActionName,
  indicators: readonly Read[],
): Promise<void> {
  const permitted = permittedFor(context, caller, standing)
  const reading = readingOf(context, caller, standing, permitted, action, indicators)
  if (reading === undefined) return
  await (reading.first ? context.audit.durable(reading) : context.audit.add(reading))
}
