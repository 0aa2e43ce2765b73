import { publicCaller } from '../domain/caller.ts'
import { worldOf } from '../domain/directory.ts'
import type { LegalRequest } from '../domain/legal-request.ts'
import { limits } from '../domain/limits.ts'
import { heldEffect } from '../policy/escrow.ts'
import { originatorShown } from '../policy/release.ts'
import type { Transaction } from '../store/database.ts'
import {
  carryHold,
  closeFilling,
  copyIntoHold,
  dropFromHold,
  endHolds,
  handlingsHeld,
  openHolds,
  takeHold,
  unfilledHolds,
} from '../store/holds.ts'
import { readLegalRequest } from '../store/legal-requests.ts'
import { confirmVisible, PolicyMoved } from '../store/visible.ts'
import type { Context, Standing } from './context.ts'
import { gives } from './export-work.ts'
import { callerUnder, scopeQuery } from './legal-filter.ts'
import { administrative } from './organisations.ts'
import { record } from './verb.ts'

/**
 * Keeps holds as their requests are; on the clock, and when a request of preservation was decided. What an approved one covers at that
 * moment is copied; those that are over lose their copies. Each is a transaction with its leaf.
 * @returns how many were filled or ended
 */
export async function tendHolds(context: Context): Promise<number> {
  await openHolds(context.database)
  let done = 0
  for (const request of await unfilledHolds(context.database)) if (await fillHold(context, request)) done++
  return done + (await endOver(context))
}

/** @returns false when another process has it, or the policy moved: then the next turn does it */
async function fillHold(context: Context, id: string): Promise<boolean> {
  const standing = await context.policy.current()
  const request = await readLegalRequest(context.database, id)
  const caller = request === undefined ? undefined : callerUnder(standing, request)
  if (request === undefined || !gives(request, context.clock())) return false
  if (caller === undefined) return await failHold(context, standing, request)
  const { visible, filter } = scopeQuery(context, caller, standing, request.scope)
  try {
    // One snapshot: what is copied is what the permission that was confirmed lets through.
    return await context.database.transaction(async (transaction) => {
      const hold = await takeHold(transaction, id)
      if (hold === undefined) return false
      await confirmVisible(transaction, visible)
      const keeps = keeperOf(context, standing, request)
      await dropFromHold(
        transaction,
        id,
        (await handlingsHeld(transaction, id)).filter((each) => !consented(standing, request, each)),
      )
      if (request.renews !== undefined) await carry(transaction, request.renews, id, keeps)
      const copied = await copyIntoHold(transaction, id, visible, filter, hold.beganAt, limits.holdItems)
      const fault = copied > limits.holdItems ? `It covers more than ${limits.holdItems} indicators.` : undefined
      const items = await closeFilling(transaction, id, request.consents, context.clock(), fault)
      const subject = {
        preserved: id,
        items,
        until: hold.endsAt.toISOString(),
        ...(fault === undefined ? {} : { fault }),
      }
      await record(transaction, context, publicCaller, standing, {
        ...administrative('approve-request', subject),
        requests: [id],
      })
      return true
    }, 'isolation level repeatable read')
  } catch (error) {
    if (error instanceof PolicyMoved) return false
    throw error
  }
}

/** Whoever asked is nobody here any more: nothing can be decided for it, and nothing waits for it. */
async function failHold(context: Context, standing: Standing, { id, consents }: LegalRequest): Promise<boolean> {
  const fault = 'The account of its liaison is no more.'
  return await context.database.transaction(async (transaction) => {
    if ((await takeHold(transaction, id)) === undefined) return false
    const items = await closeFilling(transaction, id, consents, context.clock(), fault)
    await record(transaction, context, publicCaller, standing, {
      ...administrative('approve-request', { preserved: id, items, fault }),
      requests: [id],
    })
    return true
  })
}

/** Whether what stands under a handling goes on into a hold that renews another. */
function keeperOf(context: Context, standing: Standing, request: LegalRequest): (handlingId: number) => boolean {
  const caller = callerUnder(standing, request)
  const world = worldOf(standing.directory)
  return (id) => {
    const handling = standing.visibility.handling(id)
    if (caller === undefined || handling === undefined || !originatorShown(caller.reader, handling)) return false
    const effect = heldEffect(caller.reader, [handling, handling], caller.purpose, context.clock(), world)
    return effect !== 'deny' && request.scope.originators.includes(handling.originator)
  }
}

/** What an originator took its consent back from is held no more. */
function consented({ visibility }: Standing, { consents }: LegalRequest, id: number): boolean {
  const handling = visibility.handling(id)
  return handling !== undefined && (handling.lawEnforcement === 'allowed' || consents.includes(handling.originator))
}

async function carry(
  transaction: Transaction,
  from: string,
  to: string,
  keeps: (handlingId: number) => boolean,
): Promise<void> {
  await carryHold(transaction, from, to, (await handlingsHeld(transaction, from)).filter(keeps))
}

async function endOver(context: Context): Promise<number> {
  const standing = await context.policy.current()
  return await context.database.transaction(async (transaction) => {
    const ended = await endHolds(transaction, context.clock(), limits.holdsEndedTogether)
    for (const { request, items } of ended) {
      const subject = { preserved: request, items, ended: true }
      await record(transaction, context, publicCaller, standing, {
        ...administrative('close-request', subject),
        requests: [request],
      })
    }
    return ended.length
  })
}
