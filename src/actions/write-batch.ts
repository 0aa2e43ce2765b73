import { hash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import type { RecordFault } from '../domain/errors.ts'
import { type Handling, handlingText } from '../domain/handling.ts'
import { narrows } from '../policy/narrowing.ts'
import type { Transaction } from '../store/database.ts'
import { databaseFault } from '../store/database-faults.ts'
import { takePositions } from '../store/feed.ts'
import { runsText } from '../store/feed-news.ts'
import { insertPrepared } from '../store/insert-new.ts'
import { mergePrepared, type Outcome } from '../store/merge.ts'
import type { Existing } from '../store/reads.ts'
import { touchReceipt } from '../store/receipts.ts'
import { CopyRows, type PreparedBatch } from '../store/staging.ts'
import type { Committed, PushOrigin } from './batch.ts'
import type { Identified } from './identify.ts'
import { prepare } from './prepare.ts'
import { record, stillMay } from './verb.ts'

/** Drafts as rows that are ready to be written. */
export interface Ready {
  readonly items: readonly Identified[]
  readonly known: ReadonlyMap<string, Existing>
  readonly batch: PreparedBatch
  readonly handlingOf: ReadonlyMap<number, Handling>
  readonly at: Date
}

/** What can be done while the batch before is written. @param known what is there of the drafts, as far as anybody looked */
export async function ready(
  origin: PushOrigin,
  items: readonly Identified[],
  known: ReadonlyMap<string, Existing>,
): Promise<Ready> {
  const { context, caller } = origin
  await stillMay(context, caller, 'publish')
  const { idOf, handlingOf } = await intern(origin, items)
  const at = context.clock()
  return { items, known, batch: await prepared(origin, items, idOf, at, known), handlingOf, at }
}

/** Writes drafts that are new or changed, each with its feed entry, and the audit leaf of them all. */
export async function writeBatch(origin: PushOrigin, batch: Ready): Promise<Committed> {
  const { items, known } = batch
  const written = items.some(({ uuid }) => known.has(uuid)) ? undefined : await writeNew(origin, batch)
  return written ?? countOf(items, await merge(origin, batch))
}

/** Writes drafts as new, though nobody may have looked. @returns nothing when one of them was there: then none was written */
export async function writeNew(origin: PushOrigin, batch: Ready): Promise<Committed | undefined> {
  const isWritten = await insert(origin, batch)
  return isWritten ? { accepted: batch.items.length, unchanged: 0, refused: [] } : undefined
}

/** Writes a batch of which nothing was known. @returns false when something came in between: then nothing was written */
async function insert(origin: PushOrigin, { items, batch, at }: Ready): Promise<boolean> {
  const { context, caller, receipt } = origin
  const originator = caller.reader.organisation?.id ?? ''
  try {
    await context.database.sendTogether(
      (transaction) => takePositions(transaction, batch.rows.length, at, runsText(batch.rows)),
      (transaction, run) => [
        ...insertPrepared(transaction, originator, batch, run),
        touchReceipt(transaction, receipt, at),
        recordWritten(origin, transaction, items),
      ],
    )
    return true
  } catch (error) {
    if (databaseFault(error)?.code !== 'already_exists') throw error
    return false
  }
}

/** Writes a batch of which something is known. */
async function merge(origin: PushOrigin, { items, batch, at, handlingOf }: Ready): Promise<readonly Outcome[]> {
  const { context, caller, standing, receipt } = origin
  const { visibility } = standing
  const narrower = (from: number, to: number): boolean => {
    // Either may be the one that is kept, and not of this batch.
    const [earlier, later] = [from, to].map((id) => visibility.handling(id) ?? handlingOf.get(id))
    return earlier !== undefined && later !== undefined && narrows(earlier, later)
  }
  return await context.database.transaction(async (transaction) => {
    const originator = caller.reader.organisation?.id ?? ''
    const { outcomes } = await mergePrepared(transaction, originator, batch, at, narrower)
    await touchReceipt(transaction, receipt, at)
    const written = items.filter((_, i) => isWritten(outcomes[i]))
    if (written.length > 0) await recordWritten(origin, transaction, written)
    return outcomes
  })
}

/** The audit leaf of a batch; its subject commits to exactly what was written. */
async function recordWritten(
  { context, caller, standing, receipt }: PushOrigin,
  transaction: Transaction,
  written: readonly Identified[],
): Promise<void> {
  const digest = hash('sha256', written.map((item) => item.uuid + item.digest).join(''))
  await record(transaction, context, caller, standing, {
    action: 'publish',
    decision: 'permit',
    rules: ['role.publisher'],
    receipt,
    subject: JSON.stringify({ receipt, written: written.length, digest }),
  })
}

const isWritten = (outcome: Outcome | undefined): boolean =>
  outcome === 'published' || outcome === 'revised' || outcome === 'narrowed'

/** Ids of the batch's handlings, both ways. */
async function intern({ context }: PushOrigin, items: readonly Identified[]) {
  const handlings = new Map<string, Handling>()
  for (const { handling } of items) handlings.set(handlingText(handling), handling)
  const ids = await context.policy.intern([...handlings.values()])
  const idOf = new Map([...handlings.keys()].map((text, i) => [text, ids[i] ?? 0]))
  const handlingOf = new Map([...handlings.values()].map((handling, i) => [ids[i] ?? 0, handling]))
  return { idOf, handlingOf }
}

/** Rows prepared at a stretch, in a quarter of a millisecond: others have their turn in between, the batch that is being sent among them. */
const stretchRows = 25

async function prepared(
  { context, caller, readBefore }: PushOrigin,
  items: readonly Identified[],
  idOf: ReadonlyMap<string, number>,
  at: Date,
  known: ReadonlyMap<string, Existing>,
): Promise<PreparedBatch> {
  const gathered = new CopyRows(caller.reader.organisation?.id ?? '')
  const now = at.toISOString()
  for (const [i, item] of items.entries()) {
    const handlingId = idOf.get(handlingText(item.handling)) ?? 0
    const row = prepare(item, handlingId, now, known.get(item.uuid)?.created, context.networks)
    const replaces = readBefore?.indicators.get(item.uuid)
    gathered.add(replaces === undefined ? row : { ...row, replaces })
    if (i % stretchRows === stretchRows - 1) await setImmediate()
  }
  return gathered.end()
}

function countOf(items: readonly Identified[], outcomes: readonly Outcome[]): Committed {
  const refused: RecordFault[] = []
  let [accepted, unchanged] = [0, 0]
  for (const [i, outcome] of outcomes.entries()) {
    if (outcome === 'published' || outcome === 'revised' || outcome === 'narrowed') accepted++
    else if (outcome === 'unchanged' || (outcome === 'version_outdated' && isEvent(items[i]))) unchanged++
    else refused.push({ position: items[i]?.draft.position ?? {}, code: outcome, message: refusals[outcome] })
  }
  return { accepted, unchanged, refused }
}

/** Feeds bring events in any order, and again: one that a later one of its finding has overtaken is no fault. */
const isEvent = (item: Identified | undefined): boolean => item?.draft.finding !== undefined

const refusals = {
  version_conflict: 'It is known with other content, or a narrower handling: raise `modified`, or revise it.',
  version_outdated: 'A later version is known.',
  already_recalled: 'It was recalled; publish it under a new id.',
} as const
