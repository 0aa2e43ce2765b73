import { createHash } from 'node:crypto'
import type { Caller } from '../domain/caller.ts'
import { Fault } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import { csvLine } from '../formats/csv-out.ts'
import { type Grounds, handlingLine } from '../formats/export-handling.ts'
import { databaseFault } from '../store/database-faults.ts'
import {
  copyItems,
  type ExportItemRow,
  type ItemLines,
  inOrder,
  itemsFrom,
  keyOf,
  presentOf,
  replaceItems,
  selectForExport,
  writeLines,
} from '../store/export-items.ts'
import { type ExportRow, readExport, takeExport, updateHeldExport } from '../store/exports.ts'
import { PolicyMoved } from '../store/visible.ts'
import type { Context, Standing } from './context.ts'
import { releaseFromEscrow, selectFromEscrow } from './export-escrow.ts'
import { sealExport } from './export-seal.ts'
import { ContentMoved, groundsOf, type Work, workOf } from './export-work.ts'
import { scopeQuery } from './legal-filter.ts'
import { permittedFor, releaseAll } from './visible.ts'

/**
 * Makes exports; on the clock. Each step is a transaction that leaves the export where another process can go on with it: the selection, a
 * batch of items, the seal. A process that takes one holds it for a while; whoever cancels it changes its state, and the next step finds that.
 * @param steps at most; all there are when absent
 * @returns how many steps were taken
 */
export async function runExports(context: Context, steps = Number.POSITIVE_INFINITY): Promise<number> {
  for (let taken = 0; taken < steps; taken++) {
    const now = context.clock()
    const row = await takeExport(context.database, now, new Date(now.getTime() + limits.exportLeaseMs))
    if (row === undefined) return taken
    if (!(await oneStep(context, row))) return taken
  }
  return steps
}

/** @returns false when it has to wait for something */
async function oneStep(context: Context, row: ExportRow): Promise<boolean> {
  try {
    const work = await workOf(context, row)
    switch (row.state) {
      case 'queued':
        await select(context, work)
        return true
      case 'running':
        await writeBatch(context, work)
        return true
      case 'sealing':
        return await sealExport(context, work)
      default:
        throw new Error(`an export that is ${row.state} was taken`)
    }
  } catch (error) {
    if (error instanceof ContentMoved || error instanceof PolicyMoved) await beginAnew(context, row)
    else if (error instanceof Fault && error.code !== 'unavailable') await fail(context, row, error.message)
    else {
      await putOff(context, row, error)
      throw error
    }
    return true
  }
}

async function select(context: Context, work: Work): Promise<void> {
  const { row, request, caller, standing } = work
  if (row.again !== null) return await selectAgain(context, row, row.again)
  const { visible, filter } = scopeQuery(context, caller, standing, request.scope)
  const limit = limits.exportItems + 1
  const { items: standingNow, position } = await selectForExport(context.database, visible, filter, limit)
  const items = inOrder([...standingNow, ...(await selectFromEscrow(context, work, limit))])
  if (items.length > limits.exportItems)
    throw new Fault('too_many_values', `The scope covers more than ${limits.exportItems} indicators: make it narrower.`)
  await context.database.transaction(async (transaction) => {
    const state = items.length === 0 ? ('sealing' as const) : ('running' as const)
    const change = { state, position, items: items.length, done: 0, masked: 0, heldUntil: null }
    if (await updateHeldExport(transaction, row, change)) await replaceItems(transaction, row.id, items)
  })
}

/** The content of an earlier export, at its position; whether it can still be had is found when it is written. */
async function selectAgain(context: Context, row: ExportRow, again: string): Promise<void> {
  const earlier = await readExport(context.database, again)
  if (earlier === undefined || earlier.position === null)
    throw new Fault('request_state', 'The earlier export was never made.')
  const { position, items } = earlier
  await context.database.transaction(async (transaction) => {
    const state = items === 0 ? ('sealing' as const) : ('running' as const)
    const change = { state, position, items, done: 0, masked: 0, heldUntil: null }
    if (await updateHeldExport(transaction, row, change)) await copyItems(transaction, again, row.id)
  })
}

/** Decides again about a batch of what was selected, releases it and keeps its lines. */
async function writeBatch(context: Context, { row, caller, standing }: Work): Promise<void> {
  const items = await itemsFrom(context.database, row.id, row.done, limits.exportBatch)
  const lines = await linesOf(context, caller, standing, items)
  const done = row.done + items.length
  await context.database.transaction(async (transaction) => {
    const masked = row.masked + lines.filter((each) => each.masked).length
    const state = done >= row.items ? ('sealing' as const) : row.state
    if (await updateHeldExport(transaction, row, { done, masked, state, heldUntil: null }))
      await writeLines(transaction, row.id, lines)
  })
}

/** @throws {ContentMoved} when an item is not any more what was selected, or not the liaison's to have */
async function linesOf(
  context: Context,
  caller: Caller,
  standing: Standing,
  items: readonly ExportItemRow[],
): Promise<ItemLines[]> {
  const permitted = permittedFor(context, caller, standing)
  const held = await releaseFromEscrow(context, { caller, standing }, items)
  const whole = items.filter(({ hold }) => hold === null)
  const present = await presentOf(context.database, whole)
  const indicators = whole.map((item) => {
    const indicator = present.get(keyOf(item))
    const may = permitted.permit.has(item.handlingId) || permitted.redact.has(item.handlingId)
    if (indicator === undefined || indicator.version !== item.version || indicator.recalled || !may)
      throw new ContentMoved('an item of an export changed')
    return indicator
  })
  const released = new Map(
    releaseAll(context, caller, standing, permitted, indicators).map((one, n) => [whole[n]?.ordinal ?? -1, one]),
  )
  const grounds = new Map<string, Grounds>()
  return items.map((item) => {
    const { ordinal, handlingId, hold } = item
    const one = released.get(ordinal) ?? held.get(keyOf(item))
    if (one === undefined) throw new Error('an item of an export was not released')
    const known = grounds.get(`${handlingId} ${hold}`) ?? groundsOf(context, caller, standing, handlingId, hold)
    grounds.set(`${handlingId} ${hold}`, known)
    return {
      ordinal,
      stix: one.stix,
      csv: csvLine(one),
      handling: handlingLine(one, known),
      digest: createHash('sha256').update(one.stix).digest(),
      masked: one.masked,
    }
  })
}

async function beginAnew(context: Context, row: ExportRow): Promise<void> {
  if (row.again !== null) {
    const change = { state: 'outdated', endedAt: context.clock(), heldUntil: null } as const
    await updateHeldExport(context.database, row, change)
    return
  }
  if (row.attempts + 1 >= limits.exportAttempts) {
    await fail(context, row, 'What it is about keeps changing; try again.')
    return
  }
  await updateHeldExport(context.database, row, { state: 'queued', attempts: row.attempts + 1, heldUntil: null })
}

/** After something that nobody foresaw: others have their turn until its lease is over, and after some attempts it has had its own. */
async function putOff(context: Context, row: ExportRow, error: unknown): Promise<void> {
  const known = error instanceof Fault ? error : databaseFault(error)
  if (known?.code === 'unavailable') await updateHeldExport(context.database, row, { heldUntil: null })
  else if (row.attempts + 1 >= limits.exportAttempts) await fail(context, row, 'It could not be made.')
  else await updateHeldExport(context.database, row, { attempts: row.attempts + 1 })
}

const fail = (context: Context, row: ExportRow, fault: string): Promise<boolean> =>
  updateHeldExport(context.database, row, {
    state: 'failed',
    fault,
    endedAt: context.clock(),
    heldUntil: null,
  })
