import type { Caller } from '../domain/caller.ts'
import { Fault } from '../domain/errors.ts'
import { ownEventHandling } from '../store/misp-parts.ts'
import { attributesElsewhere, type EventThing, type OwnPart, ownParts, removeParts } from '../store/misp-removals.ts'
import type { Context, Standing } from './context.ts'
import { absent } from './read.ts'
import { recalledTogether, recallIn } from './recall.ts'
import { record, stillMay, verb } from './verb.ts'

export interface RecallEventInput extends EventThing {
  /** Kept with the audit leaves; not shown to readers. */
  readonly reason: string
}

export interface RecalledEvent {
  /** Indicators. */
  readonly recalled: number
  /** Attributes, context and frames of objects that were taken out of the event. */
  readonly removed: number
}

/**
 * Withdraws one's own event of MISP, an object or an attribute of one: its indicators are recalled, but for those that are attributes of
 * another event of one's own as well; what has no indicator is gone. What a process that died left of it is done by doing it again.
 * @throws {Fault} `not_found`, `invalid_request` for one of several attributes of an indicator
 */
export const recallEvent = verb(
  'recall-event',
  async (context: Context, caller: Caller, input: RecallEventInput, standing): Promise<RecalledEvent> => {
    const originator = caller.reader.organisation?.id ?? ''
    const { database } = context
    const parts = await ownParts(database, originator, input)
    if (parts.length === 0 && !(await isEvent(context, originator, input))) throw absent()
    const indicators = [...new Set(parts.flatMap(({ stixId }) => stixId ?? []))]
    const elsewhere = await attributesElsewhere(database, originator, input, indicators)
    if (input.kind === 'attribute') refuseHalves(parts, elsewhere)
    const kept = new Set(elsewhere.map(({ stixId }) => stixId))
    const going = indicators.filter((uuid) => !kept.has(uuid))
    let recalled = 0
    for (let from = 0; from < going.length; from += recalledTogether) {
      await stillMay(context, caller, 'recall-event')
      const together = going.slice(from, from + recalledTogether)
      recalled += await recallTogether(context, caller, standing, together, input.reason)
    }
    const removed = await database.transaction(async (transaction) => {
      const { kind, uuid, reason } = input
      const gone = await removeParts(transaction, originator, input, parts)
      await record(transaction, context, caller, standing, {
        action: 'recall-event',
        decision: 'permit',
        rules: ['own'],
        subject: JSON.stringify({ kind, uuid, recalled, removed: gone, reason }),
      })
      return gone
    })
    return { recalled, removed }
  },
)

const isEvent = async ({ database }: Context, originator: string, { kind, uuid }: EventThing): Promise<boolean> =>
  kind === 'event' && (await ownEventHandling(database, originator, uuid)) !== undefined

/** Of an indicator with several values one cannot be recalled: it would still be there at every other door. */
function refuseHalves(
  parts: readonly OwnPart[],
  elsewhere: readonly { readonly event: string; readonly stixId: string }[],
) {
  const half = elsewhere.some(({ event, stixId }) =>
    parts.some((part) => part.event === event && part.stixId === stixId),
  )
  if (half)
    throw new Fault(
      'invalid_request',
      'This attribute is one value of an indicator with several: delete the object that it is in.',
    )
}

/** In one transaction, but for those that were recalled before. @returns how many */
async function recallTogether(
  context: Context,
  caller: Caller,
  standing: Standing,
  uuids: readonly string[],
  reason: string,
): Promise<number> {
  return await context.database.transaction(async (transaction) => {
    let recalled = 0
    for (const uuid of uuids)
      if ((await recallIn(transaction, context, caller, standing, uuid, reason)) !== undefined) recalled++
    return recalled
  })
}
