import type { Caller } from '../domain/caller.ts'
import { Fault } from '../domain/errors.ts'
import { amendStix } from '../formats/stix-out.ts'
import type { Transaction } from '../store/database.ts'
import { lockFeed } from '../store/feed.ts'
import { ownById } from '../store/reads.ts'
import { recallIndicator } from '../store/recalls.ts'
import type { Context, Standing } from './context.ts'
import { uuidOf } from './ids.ts'
import { findOwn } from './own.ts'
import { record, verb } from './verb.ts'

export interface RecallInput {
  readonly id: string
  /** Kept with the audit leaf; not shown to readers. */
  readonly reason: string
}

export interface Recalled {
  readonly id: string
  readonly version: number
  readonly recalled: true
}

/**
 * Withdraws one's own indicator: from now on nobody but the originator sees it.
 * @throws {Fault} `not_found`, `originator_only`, `already_recalled`
 */
export const recall = verb(
  'recall',
  async (context: Context, caller: Caller, input: RecallInput, standing): Promise<Recalled> => {
    const { id } = await findOwn(context, caller, standing, input.id, 'recall')
    const version = await recallOne(context, caller, standing, uuidOf(id) ?? '', input.reason)
    return { id, version, recalled: true }
  },
)

/** Recalls an indicator of the caller's organisation, with its audit leaf. */
export async function recallOne(
  context: Context,
  caller: Caller,
  standing: Standing,
  uuid: string,
  reason: string,
): Promise<number> {
  return await context.database.transaction(async (transaction) => {
    const version = await recallIn(transaction, context, caller, standing, uuid, reason)
    if (version === undefined) throw new Fault('already_recalled', 'It was recalled before.')
    return version
  })
}

/** Indicators recalled in one transaction, which keeps other writers waiting for a quarter of a second. */
export const recalledTogether = 100

/** Likewise, within a transaction. @returns undefined when it was recalled before @throws {Fault} `not_found` */
export async function recallIn(
  transaction: Transaction,
  context: Context,
  caller: Caller,
  standing: Standing,
  uuid: string,
  reason: string,
): Promise<number | undefined> {
  const originator = caller.reader.organisation?.id ?? ''
  const at = context.clock()
  // Nobody revises it between what is read of it and what is made of that.
  await lockFeed(transaction)
  const known = await ownById(transaction, originator, uuid)
  if (known === undefined) throw new Fault('not_found', 'There is no such thing here.')
  const stix = amendStix(known.stix, { revoked: true, modified: at.toISOString() })
  const version = await recallIndicator(transaction, originator, uuid, stix, at)
  if (version === undefined) return undefined
  await record(transaction, context, caller, standing, {
    action: 'recall',
    decision: 'permit',
    rules: ['own'],
    subject: JSON.stringify({ id: `indicator--${uuid}`, version, reason }),
  })
  return version
}
