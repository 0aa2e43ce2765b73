import { createHash } from 'node:crypto'
import { publicCaller } from '../domain/caller.ts'
import { homeOf } from '../domain/directory.ts'
import { limits } from '../domain/limits.ts'
import { type RetentionDuty, wordsOf, wordTypes } from '../domain/retention.ts'
import type { Transaction } from '../store/database.ts'
import { lockFeed } from '../store/feed.ts'
import { holdsWait } from '../store/holds.ts'
import { letGo } from '../store/let-go.ts'
import {
  type DueIndicator,
  dueIndicators,
  dueObjects,
  markPurged,
  purgeEvents,
  purgeIndicators,
  purgeObjects,
  readRetention,
} from '../store/retention.ts'
import { deleteWords, endWords, endWordsAbout, forgetTold } from '../store/words.ts'
import { endedHandling } from './apply-page.ts'
import type { Context, Standing } from './context.ts'
import { administrative } from './organisations.ts'
import { recallForGood } from './recall-object.ts'
import { duties } from './retention.ts'
import { record } from './verb.ts'

/**
 * Purges what the rules of retention say is over; on the clock, a batch a transaction: what is interrupted was done or was not begun. What
 * stands is taken back first, so that whoever follows hears of it. Nothing is purged while an approved hold waits to be filled.
 * @param batches at most; all there are when absent
 * @returns how many indicators, objects, events and parts of them, and exchanges of words
 */
export async function purge(context: Context, batches = Number.POSITIVE_INFINITY): Promise<number> {
  const at = context.clock()
  const standing = await context.policy.current()
  let purged = 0
  let done = 0
  for (const duty of duties(await readRetention(context.database), standing, at))
    for (;;) {
      if (done++ >= batches) return purged
      const found = await purgeBatch(context, standing, duty, at)
      purged += found
      if (found === 0) break
    }
  await deleteEnded(context)
  return purged
}

async function purgeBatch(context: Context, standing: Standing, duty: RetentionDuty, at: Date): Promise<number> {
  const ended = await endedIds(context, standing)
  return await context.database.transaction(async (transaction) => {
    // Before rows, as whoever publishes does.
    await lockFeed(transaction)
    if (await holdsWait(transaction)) return 0
    const indicators = await dueIndicators(transaction, duty, at, limits.purgeBatch)
    if (indicators.length > 0) await purgeThese(transaction, standing, indicators, ended, at)
    const objects = await dueObjects(transaction, duty, at, limits.purgeBatch)
    for (const { originator, id, recalled } of objects)
      if (!recalled) await recallForGood(transaction, originator, id, at)
    if (objects.length > 0)
      await purgeObjects(transaction, [objects.map(({ id }) => id), objects.map(({ originator }) => originator)], at)
    const takesEvents = duty.types === undefined || duty.types.includes('misp-event')
    const events =
      takesEvents && !duty.notTypes.includes('misp-event')
        ? await purgeEvents(transaction, duty.over, limits.purgeBatch)
        : 0
    const words = await purgeWords(transaction, duty, at)
    const count = indicators.length + objects.length + events + words.length
    if (count === 0) return 0
    // Which ones is said by a digest: the log must not keep what was purged.
    const keys = [
      ...indicators.map(({ originator, stixId }) => `${originator} ${stixId}`),
      ...objects.map(({ id }) => id),
      ...words,
    ]
    const digest = createHash('sha256').update(keys.sort().join('\n')).digest('hex')
    const subject = {
      rule: duty.rule,
      indicators: indicators.length,
      objects: objects.length,
      events,
      words: words.length,
      digest,
    }
    await record(transaction, context, publicCaller, standing, administrative('set-retention', { purged: subject }))
    return count
  })
}

async function purgeThese(
  transaction: Transaction,
  { directory }: Standing,
  indicators: readonly DueIndicator[],
  ended: ReadonlyMap<string, number>,
  at: Date,
): Promise<void> {
  const keys = [indicators.map(({ stixId }) => stixId), indicators.map(({ originator }) => originator)] as const
  await markPurged(transaction, keys, at)
  const standing = indicators.filter(({ recalled }) => !recalled)
  await letGo(
    transaction,
    standing.map(({ originator, stixId, version, handlingId }) =>
      // Only its own node takes back what an organisation said; here it is let go of.
      homeOf(directory, originator) === undefined
        ? { originator, stixId, version: version + 1, recalled: true, why: 'ended', handlingId }
        : { originator, stixId, recalled: false, why: 'ended', handlingId: ended.get(originator) ?? handlingId },
    ),
    at,
  )
  await purgeIndicators(transaction, keys)
  await forgetTold(transaction, await endWordsAbout(transaction, keys, at))
}

/** What people wrote and is over is there for nobody from now on, whether a hold keeps it or not. @returns ids */
async function purgeWords(transaction: Transaction, duty: RetentionDuty, at: Date): Promise<string[]> {
  const ended: string[] = []
  for (const type of wordsOf(duty)) ended.push(...(await endWords(transaction, type, duty, at, limits.purgeBatch)))
  if (ended.length > 0) await forgetTold(transaction, ended)
  return ended
}

/** Deletes what is over and no hold keeps: at once, or when the hold has ended. */
async function deleteEnded({ database }: Context): Promise<void> {
  for (const type of wordTypes)
    while (
      (await database.transaction(async (transaction) =>
        (await holdsWait(transaction)) ? 0 : await deleteWords(transaction, type, limits.purgeBatch),
      )) > 0
    );
}

/** Under what nobody has what is let go of, for each organisation at home elsewhere. */
async function endedIds({ policy }: Context, { directory }: Standing): Promise<ReadonlyMap<string, number>> {
  const elsewhere = [...directory.organisations.keys()].filter((id) => homeOf(directory, id) !== undefined)
  if (elsewhere.length === 0) return new Map()
  const ids = await policy.intern(elsewhere.map(endedHandling))
  return new Map(elsewhere.map((id, n) => [id, ids[n] ?? 0]))
}
