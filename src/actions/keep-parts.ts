import { keyedUuid } from '../auth/digests.ts'
import type { Position, RecordFault } from '../domain/errors.ts'
import { withoutEvent } from '../store/misp-removals.ts'
import { holdEvent, type PartRow, partKey, writeParts } from '../store/misp-writes.ts'
import type { PushOrigin } from './batch.ts'
import type { Identified } from './identify.ts'
import { recalledTogether, recallIn } from './recall.ts'

/**
 * Writes which attributes of which events the indicators are, once they are there. Where they belong to an event that was deleted meanwhile,
 * those that this push made are recalled, unless they are in another one.
 * @param stood UUIDs of those that stood before it
 * @returns a fault for each that the event does not have
 */
export async function keepParts(
  origin: PushOrigin,
  items: readonly Identified[],
  stood: ReadonlySet<string>,
): Promise<RecordFault[]> {
  const { context, caller, standing, event } = origin
  const rows = items.flatMap((item) => partsOf(origin, item))
  if (rows.length === 0) return []
  const originator = caller.reader.organisation?.id ?? ''
  const there = new Map(rows.map((row) => [partKey(row), row]))
  const isThere = await context.database.transaction(async (transaction) => {
    if (event !== undefined && !(await holdEvent(transaction, originator, event))) return false
    await writeParts(transaction, originator, [...there.values()])
    return true
  })
  if (isThere) return []
  const made = items.flatMap(({ uuid }) => (stood.has(uuid) ? [] : [uuid]))
  for (let from = 0; from < made.length; from += recalledTogether) {
    const together = made.slice(from, from + recalledTogether)
    await context.database.transaction(async (transaction) => {
      for (const uuid of await withoutEvent(transaction, originator, together))
        await recallIn(transaction, context, caller, standing, uuid, 'its event was deleted while it was added')
    })
  }
  return items.map(({ draft }) => eventGone(draft.position))
}

function partsOf({ context: { node } }: PushOrigin, { uuid, draft }: Identified): PartRow[] {
  return (draft.parts ?? []).map(({ event, object, ordinal, facts, uuid: own }, n, { length }) => {
    const derived = length === 1 ? uuid : keyedUuid(node.idKey, JSON.stringify(['misp', event, uuid, n]))
    return {
      kind: 'attribute',
      event,
      object,
      ordinal,
      uuid: own ?? derived,
      stixId: uuid,
      body: JSON.stringify(facts),
    }
  })
}

export const eventGone = (position: Position): RecordFault => ({
  position,
  code: 'not_found',
  message: 'The event is not there any more.',
})
