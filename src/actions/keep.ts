import { createHash } from 'node:crypto'
import { keyedUuid } from '../auth/digests.ts'
import type { Handling } from '../domain/handling.ts'
import type { Kept } from '../domain/misp-event.ts'
import type { Transaction } from '../store/database.ts'
import { type EventRow, type PartRow, removeContext, writeEvents, writeParts } from '../store/misp-writes.ts'
import type { PushOrigin } from './batch.ts'
import type { Identified } from './prepare.ts'
import { record, stillMay } from './verb.ts'

/** What is kept beside indicators, with its handling settled. */
export interface KeptItem {
  readonly kept: Kept
  readonly handling: Handling
}

/** Writes events, frames of objects and context, with the audit leaf of what changed by them. */
export async function keepItems(origin: PushOrigin, items: readonly KeptItem[]): Promise<void> {
  if (items.length === 0) return
  const { context, caller } = origin
  await stillMay(context, caller, 'publish')
  const ids = await context.policy.intern(items.map(({ handling }) => handling))
  const rows = items.map(({ kept }, n) => ({ kept, handlingId: ids[n] ?? 0 }))
  const events = lastOf(
    rows.flatMap(({ kept, handlingId }): EventRow[] =>
      kept.kind === 'event'
        ? [{ uuid: kept.uuid, handlingId, modified: kept.modified, body: JSON.stringify(kept.body) }]
        : [],
    ),
    ({ uuid }) => uuid,
  )
  const parts = rows.flatMap(({ kept, handlingId }) => partRow(origin, kept, handlingId) ?? [])
  const originator = caller.reader.organisation?.id ?? ''
  const gone = items.flatMap(({ kept }) =>
    kept.kind === 'context' && kept.deleted && kept.uuid !== undefined ? [{ event: kept.event, uuid: kept.uuid }] : [],
  )
  const there = lastOf(parts, ({ event, kind, uuid }) => `${event} ${kind} ${uuid}`)
  await context.database.transaction(async (transaction) => {
    const written =
      (await writeEvents(transaction, originator, events, context.clock())) +
      (await writeParts(transaction, originator, there)) +
      (await removeContext(transaction, originator, gone))
    if (written > 0) await recordKept(origin, transaction, [events, there, gone], written)
  })
}

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

function partRow({ context }: PushOrigin, kept: Kept, handlingId: number): PartRow | undefined {
  if (kept.kind === 'event' || (kept.kind === 'context' && kept.deleted)) return undefined
  const { kind, event, object, ordinal } = kept
  const body = JSON.stringify(kept.body)
  const uuid = kept.uuid ?? keyedUuid(context.node.idKey, JSON.stringify(['misp', event, object ?? null, body]))
  return { kind, event, object, ordinal, uuid, handlingId, body }
}

/** Writes which attributes of which events the indicators are, once they are there. */
export async function keepParts({ context, caller }: PushOrigin, items: readonly Identified[]): Promise<void> {
  const rows = items.flatMap(({ uuid, draft }) =>
    (draft.parts ?? []).map(({ event, object, ordinal, facts, uuid: own }, n, { length }): PartRow => {
      const derived = length === 1 ? uuid : keyedUuid(context.node.idKey, JSON.stringify(['misp', event, uuid, n]))
      return {
        kind: 'attribute',
        event,
        object,
        ordinal,
        uuid: own ?? derived,
        stixId: uuid,
        body: JSON.stringify(facts),
      }
    }),
  )
  if (rows.length === 0) return
  const originator = caller.reader.organisation?.id ?? ''
  const there = lastOf(rows, ({ event, uuid }) => `${event} ${uuid}`)
  await context.database.transaction((transaction) => writeParts(transaction, originator, there))
}

/** Of several rows under one key the last: one statement cannot write two. */
const lastOf = <T>(rows: readonly T[], keyOf: (row: T) => string): T[] => [
  ...new Map(rows.map((row) => [keyOf(row), row])).values(),
]
