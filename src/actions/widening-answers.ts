import type { Caller } from '../domain/caller.ts'
import { Fault } from '../domain/errors.ts'
import type { HandlingInput } from '../domain/handling.ts'
import type { ShownWidening } from '../domain/widening.ts'
import { sideOf, widenedBy, widens } from '../policy/widening.ts'
import type { Transaction } from '../store/database.ts'
import { closeWidening, type KeptWidening, wideningById } from '../store/widening.ts'
import type { Context } from './context.ts'
import { inputOf } from './handling.ts'
import { findOwn } from './own.ts'
import { absent } from './read.ts'
import { writeRevision } from './revise.ts'
import { record, verb } from './verb.ts'
import { refuseClosed, wideningNow } from './widening.ts'
import { checkReason } from './widening-reason.ts'

export interface AcceptWideningInput {
  readonly id: string
  /** What of the handling is to be otherwise; what was asked for when absent. */
  readonly handling?: HandlingInput
  /** For who asked. */
  readonly note?: string
}

/**
 * Widens an indicator of the caller's organisation as it was asked to, or in its own way: a revision, in one transaction with the answer.
 * @throws {Fault} `not_found`, `request_state`, `already_recalled`, `invalid_handling`, `version_conflict`, and what handling may lack
 */
export const acceptWidening = verb(
  'accept-widening',
  async (context: Context, caller: Caller, input: AcceptWideningInput, standing): Promise<ShownWidening> => {
    const { id } = input
    const note = input.note === undefined ? '' : checkReason(input.note, '/note')
    const asked = await receivedBy(context, caller, id)
    refuseClosed(asked)
    const known = await findOwn(context, caller, standing, asked.indicator, 'accept-widening')
    if (known.recalled) throw new Fault('already_recalled', 'It was recalled: refuse the request.')
    const before = standing.visibility.handling(known.handlingId)
    if (before === undefined) throw new Error('an indicator has a handling that is not known')
    const handling = input.handling ?? widenedBy(inputOf(before), asked.wanted)
    await writeRevision(context, caller, standing, known, before, { handling }, async (transaction, after, version) => {
      if (!widens(before, after))
        throw new Fault(
          'invalid_handling',
          'That lets nobody have it who has it not, or takes something away: to do so, revise it.',
        )
      refuseClosed(await openNow(transaction, caller, id))
      const answer = { state: 'accepted', at: context.clock(), note, widenedVersion: version } as const
      await closeWidening(transaction, id, { ...answer, tell: asked.receivedFrom !== undefined })
      await record(transaction, context, caller, standing, {
        action: 'accept-widening',
        decision: 'permit',
        rules: ['own'],
        subject: JSON.stringify({ request: id, id: asked.indicator, asker: asked.asker, version, note }),
      })
    })
    return await wideningNow(context, caller, standing, id)
  },
)

export interface RefuseWideningInput {
  readonly id: string
  /** Why, for who asked. */
  readonly reason: string
}

/** @throws {Fault} `not_found`, `invalid_request`, `request_state` */
export const refuseWidening = verb(
  'refuse-widening',
  async (context: Context, caller: Caller, input: RefuseWideningInput, standing): Promise<ShownWidening> => {
    const { id } = input
    const note = checkReason(input.reason)
    await context.database.transaction(async (transaction) => {
      const asked = await openNow(transaction, caller, id)
      refuseClosed(asked)
      const tell = asked.receivedFrom !== undefined
      await closeWidening(transaction, id, { state: 'refused', at: context.clock(), note, tell })
      await record(transaction, context, caller, standing, {
        action: 'refuse-widening',
        decision: 'permit',
        rules: ['own'],
        subject: JSON.stringify({ request: id, id: asked.indicator, asker: asked.asker, note }),
      })
    })
    return await wideningNow(context, caller, standing, id)
  },
)

/** @throws {Fault} `not_found` alike for what does not exist and for what somebody else is asked */
async function receivedBy({ database }: Pick<Context, 'database'>, caller: Caller, id: string): Promise<KeptWidening> {
  const request = await wideningById(database, id)
  if (request === undefined || sideOf(caller, request) !== 'received') throw absent()
  return request
}

/** The same, and nobody else answers until the transaction ends. */
async function openNow(transaction: Transaction, caller: Caller, id: string): Promise<KeptWidening> {
  const request = await wideningById(transaction, id, true)
  if (request === undefined || sideOf(caller, request) !== 'received') throw absent()
  return request
}
