import { createHash } from 'node:crypto'
import { keyedUuid } from '../auth/digests.ts'
import type { Position, RecordFault } from '../domain/errors.ts'
import type { Handling } from '../domain/handling.ts'
import type { Kept, KeptOf } from '../domain/misp-event.ts'
import type { Transaction } from '../store/database.ts'
import { indicatorsUnder, withoutEvent } from '../store/misp-removals.ts'
import {
  changedSince,
  type EventRow,
  holdEvent,
  type KeptOutcome,
  type PartRow,
  partKey,
  removeContext,
  writeEvents,
  writeParts,
} from '../store/misp-writes.ts'
import type { PushOrigin } from './batch.ts'
import type { Context } from './context.ts'
import { eventGone } from './keep-parts.ts'
import { recallIn } from './recall.ts'
import { record, stillMay } from './verb.ts'

/** What is kept beside indicators, with its handling settled. */
export interface KeptItem {
  readonly kept: Kept
  readonly handling: Handling
}

/**
 * Writes events, frames of objects and context, with the audit leaf of what changed by them.
 * @returns what was not written, since something else is there: of the same time under another handling, or later
 */
export async function keepItems(origin: PushOrigin, items: readonly KeptItem[]): Promise<RecordFault[]> {
  if (items.length === 0) return []
  const { context, caller } = origin
  await stillMay(context, caller, 'publish')
  const ids = await context.policy.intern(items.map(({ handling }) => handling))
  const originator = caller.reader.organisation?.id ?? ''
  const events = new Map<string, EventRow & { readonly position: Position }>()
  const parts = new Map<string, PartRow & { readonly position: Position }>()
  const gone: { event: string; uuid: string }[] = []
  // Of several under one key the last: one statement cannot write two.
  for (const [n, { kept }] of items.entries()) {
    const { position } = kept
    const handlingId = ids[n] ?? 0
    if (kept.kind === 'event') {
      const { uuid, modified, body } = kept
      events.set(uuid, { uuid, handlingId, modified, body: JSON.stringify(body), position })
    } else {
      const row = partRow(context, kept, handlingId)
      if (kept.kind === 'context' && kept.deleted) gone.push(row)
      else parts.set(partKey(row), { ...row, position })
    }
  }
  return await context.database.transaction(async (transaction) => {
    if (origin.event !== undefined && !(await holdEvent(transaction, originator, origin.event)))
      return items.map(({ kept }) => eventGone(kept.position))
    const outdated = await outdatedOf(transaction, origin, originator, events, parts)
    const left = outdated.flatMap((key) => conflict(events.get(key) ?? parts.get(key)))
    for (const key of outdated) {
      events.delete(key)
      parts.delete(key)
    }
    const ofEvents = await writeEvents(transaction, originator, [...events.values()], context.clock())
    const ofParts = await turning(transaction, origin, originator, [...parts.values()])
    const removed = await removeContext(transaction, originator, gone)
    const written = ofEvents.written + ofParts.written + removed
    if (written > 0) await recordKept(origin, transaction, [[...events.values()], [...parts.values()], gone], written)
    return [
      ...left,
      ...[...ofEvents.conflicts].flatMap((uuid) => conflict(events.get(uuid))),
      ...[...ofParts.conflicts].flatMap((key) => conflict(parts.get(key))),
    ]
  })
}

/** Writes parts; what is a comment now must not stay an indicator at every other door, and is recalled. */
async function turning(
  transaction: Transaction,
  { context, caller, standing }: PushOrigin,
  originator: string,
  rows: readonly PartRow[],
): Promise<KeptOutcome> {
  const comments = rows.filter(({ kind }) => kind === 'context')
  const before = await indicatorsUnder(transaction, originator, comments)
  const outcome = await writeParts(transaction, originator, rows)
  for (const uuid of await withoutEvent(transaction, originator, before))
    await recallIn(transaction, context, caller, standing, uuid, 'its attribute is no indicator any more')
  return outcome
}

/** UUIDs of events and keys of parts that an edit may not write over: they changed since it was made. */
async function outdatedOf(
  transaction: Transaction,
  { readBefore }: PushOrigin,
  originator: string,
  events: ReadonlyMap<string, EventRow>,
  parts: ReadonlyMap<string, PartRow>,
): Promise<readonly string[]> {
  if (readBefore === undefined) return []
  const read = new Map([...readBefore.events].filter(([uuid]) => events.has(uuid)))
  const context = [...parts].flatMap(([key, { event, uuid }]) => {
    const revision = readBefore.parts.get(key)
    return revision === undefined ? [] : [{ event, uuid, revision }]
  })
  const changed = await changedSince(transaction, originator, read, context)
  return [...changed.events, ...changed.parts]
}

const conflict = (row: { readonly position: Position } | undefined): RecordFault[] =>
  row === undefined
    ? []
    : [
        {
          position: row.position,
          code: 'version_conflict',
          message: 'It is known under another handling, or in a later version: raise `timestamp`.',
        },
      ]

async function recordKept(
  { context, caller, standing, receipt }: PushOrigin,
  transaction: Transaction,
  what: unknown,
  kept: number,
): Promise<void> {
  const digest = createHash('sha256').update(JSON.stringify(what)).digest('hex')
  await record(transaction, context, caller, standing, {
    action: 'publish',
    decision: 'permit',
    rules: ['role.publisher'],
    receipt,
    subject: JSON.stringify({ receipt, kept, digest }),
  })
}

function partRow({ node }: Context, kept: KeptOf<'context' | 'object'>, handlingId: number): PartRow {
  const { kind, event, object, ordinal } = kept
  const body = JSON.stringify(kept.body)
  const uuid = kept.uuid ?? keyedUuid(node.idKey, JSON.stringify(['misp', event, object ?? null, body]))
  return { kind, event, object, ordinal, uuid, handlingId, body }
}
