import { hash } from 'node:crypto'
import type { Caller } from '../domain/caller.ts'
import { Fault } from '../domain/errors.ts'
import { revokedObject } from '../formats/stix-other-out.ts'
import type { Transaction } from '../store/database.ts'
import { lockFeed } from '../store/feed.ts'
import { type OwnObject, ownObject, writeObjects } from '../store/objects.ts'
import type { Context, Standing } from './context.ts'
import { readObject } from './objects.ts'
import { record, verb } from './verb.ts'

export interface RecallObjectInput {
  /** `<type>--<uuid>`. */
  readonly id: string
  /** Kept with the audit leaf; not shown to readers. */
  readonly reason: string
}

export interface RecalledObject {
  readonly id: string
  readonly version: number
  readonly recalled: true
}

/**
 * Withdraws one's own STIX object: from now on nobody but the originator sees it, nor what cannot be without it.
 * @throws {Fault} `not_found`, `originator_only`, `already_recalled`
 */
export const recallObject = verb(
  'recall-object',
  async (context: Context, caller: Caller, { id, reason }: RecallObjectInput, standing): Promise<RecalledObject> => {
    const originator = caller.reader.organisation?.id ?? ''
    const at = context.clock()
    const version = await context.database.transaction(async (transaction) => {
      // Nobody writes it between what is read of it and what is made of that.
      await lockFeed(transaction)
      const known = await ownObject(transaction, originator, id)
      if (known === undefined) return undefined
      if (known.recalled) throw new Fault('already_recalled', 'It was recalled before.')
      await takeBack(transaction, originator, id, known, at)
      const now = known.version + 1
      await record(transaction, context, caller, standing, {
        action: 'recall-object',
        decision: 'permit',
        rules: ['own'],
        subject: JSON.stringify({ id, version: now, reason }),
      })
      return now
    })
    if (version === undefined) return await refuse(context, caller, standing, id)
    return { id, version, recalled: true }
  },
)

async function takeBack(
  transaction: Transaction,
  originator: string,
  id: string,
  { type, handlingId, parts, created, modified, stix: said }: OwnObject,
  at: Date,
): Promise<void> {
  const later = modified === undefined ? undefined : laterOf(at, modified)
  const stix = revokedObject(said, type, later)
  const digest = hash('sha256', stix)
  const taken = { id, type, handlingId, created, modified: later, ...parts, stix, digest, revoked: true } as const
  await writeObjects(transaction, originator, [taken], at, () => false)
}

/** Takes an object back whose time is over; the leaf is the caller's. */
export async function recallForGood(transaction: Transaction, originator: string, id: string, at: Date): Promise<void> {
  await lockFeed(transaction)
  const known = await ownObject(transaction, originator, id)
  if (known !== undefined && !known.recalled) await takeBack(transaction, originator, id, known, at)
}

/** Somebody else's that the caller can see is refused and recorded; one that it cannot see is not there. */
async function refuse(context: Context, caller: Caller, standing: Standing, id: string): Promise<never> {
  await readObject(context, caller, { id })
  await context.database.transaction((transaction) =>
    record(transaction, context, caller, standing, {
      action: 'recall-object',
      decision: 'deny',
      rules: ['own'],
      subject: id,
    }),
  )
  throw new Fault('originator_only', 'Only the originator may change or recall it.', { rule: 'own' })
}

/** Now, or a millisecond after the version before it. */
const laterOf = (at: Date, before: string): string =>
  new Date(Math.max(at.getTime(), Date.parse(before) + 1)).toISOString()
