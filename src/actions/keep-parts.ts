import { keyedUuid } from '../auth/digests.ts'
import type { Position, RecordFault } from '../domain/errors.ts'
import { withoutEvent } from '../store/misp-removals.ts'
import { holdEvent, type PartRow, partKey, writeParts } from '../store/misp-writes.ts'
import type { PushOrigin } from './batch.ts'
import type { Identified } from './identify.ts'
import { recalledTogether, recallTogether } from './recall.ts'

/**
 * Writes which attributes of which events the indicators are, once they are there. Where they were added to an event that was deleted
 * meanwhile, they are what they would be if they had been in it then: recalled, but for those that are in another one.
 * @returns a fault for each that no event has
 */
export async function keepParts(origin: PushOrigin, items: readonly Identified[]): Promise<RecordFault[]> {
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
  const uuids = items.map(({ uuid }) => uuid)
  const lost = await withoutEvent(context.database, originator, uuids)
  for (let from = 0; from < lost.length; from += recalledTogether) {
    const together = lost.slice(from, from + recalledTogether)
    await recallTogether(context, caller, standing, together, 'its event was deleted while it was added')
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
