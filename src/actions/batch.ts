import type { Caller } from '../domain/caller.ts'
import type { FaultCode, RecordFault } from '../domain/errors.ts'
import type { HandlingInput } from '../domain/handling.ts'
import { type Existing, existingByIds } from '../store/reads.ts'
import type { Context, Standing } from './context.ts'
import { keepParts } from './keep.ts'
import type { Identified } from './prepare.ts'
import { recallOne } from './recall.ts'
import { writeBatch, writeNew } from './write-batch.ts'

/** Who pushes what, as its batches must know it. */
export interface PushOrigin {
  readonly context: Context
  readonly caller: Caller
  readonly standing: Standing
  readonly defaults: HandlingInput
  /** UUID of the receipt. */
  readonly receipt: string
}

/** What became of the drafts of a batch. */
export interface Committed {
  readonly accepted: number
  readonly unchanged: number
  readonly refused: readonly RecordFault[]
}

/** A batch under way. */
export interface Begun {
  /** What it is about: a later batch about one of them waits for its commit before it looks at what is known. */
  readonly uuids: ReadonlySet<string>
  readonly done: Promise<Committed>
  readonly outlook: Outlook
}

/**
 * What the batches of one push found so far. Where the first looks and finds nothing, the others are written without a look, until one of
 * them meets something: who sends what is new pays for no look at what is known, and who does not pays for one batch too many.
 */
interface Outlook {
  found: 'not asked yet' | 'nothing' | 'something'
}

const nothing: Committed = { accepted: 0, unchanged: 0, refused: [] }

/** What comes before a push's first batch. */
export const nothingBefore = (): Begun => ({
  uuids: new Set(),
  done: Promise.resolve(nothing),
  outlook: { found: 'not asked yet' },
})

/**
 * Starts to commit drafts of one push, of which no two have the same id: rows, feed entries and audit leaf in one transaction. It is
 * prepared while the batch before it is written, and written once that one is committed.
 */
export function beginBatch(origin: PushOrigin, items: ReadonlyMap<string, Identified>, before: Begun): Begun {
  const { outlook } = before
  return { uuids: new Set(items.keys()), done: commit(origin, [...items.values()], before), outlook }
}

async function commit(origin: PushOrigin, items: readonly Identified[], before: Begun): Promise<Committed> {
  const { outlook } = before
  const again = items.some(({ uuid }) => before.uuids.has(uuid))
  if (outlook.found === 'nothing' && !again && items.every(({ draft }) => draft.revoked !== true)) {
    const written = await writeNew(origin, items, before)
    if (written !== undefined) {
      await keepParts(origin, items)
      return written
    }
    outlook.found = 'something'
  }
  if (again) await before.done
  const known = await existingByIds(
    origin.context.database,
    origin.caller.reader.organisation?.id ?? '',
    items.map(({ uuid }) => uuid),
  )
  if (outlook.found !== 'something') outlook.found = known.size === 0 ? 'nothing' : 'something'
  const fresh = items.filter(({ uuid, digest, draft }) => {
    const there = known.get(uuid)
    return there === undefined || there.recalled || draft.revoked === true || there.digest !== digest
  })
  const toWrite = fresh.filter(({ draft }) => draft.revoked !== true)
  const written = toWrite.length === 0 ? nothing : await writeBatch(origin, toWrite, { known, before })
  await before.done
  const recalled = await recall(
    origin,
    fresh.filter(({ draft }) => draft.revoked === true),
    known,
  )
  const refused = new Set([...written.refused, ...recalled.refused].map(({ position }) => position))
  await keepParts(
    origin,
    items.filter(({ draft }) => !refused.has(draft.position)),
  )
  return {
    accepted: written.accepted + recalled.accepted,
    unchanged: items.length - fresh.length + written.unchanged + recalled.unchanged,
    refused: [...written.refused, ...recalled.refused],
  }
}

/** STIX `revoked: true`: a recall of what is known; of what never was, there is nothing to recall. */
async function recall(
  { context, caller, standing }: PushOrigin,
  items: readonly Identified[],
  known: ReadonlyMap<string, Existing>,
): Promise<Committed> {
  const refused: RecordFault[] = []
  let [accepted, unchanged] = [0, 0]
  for (const { uuid, draft } of items) {
    const there = known.get(uuid)
    if (there === undefined) {
      const code: FaultCode = 'object_not_kept'
      refused.push({ position: draft.position, code, message: 'It is revoked, and was never published here.' })
    } else if (there.recalled) unchanged++
    else {
      await recallOne(context, caller, standing, uuid, 'revoked by its publisher')
      accepted++
    }
  }
  return { accepted, unchanged, refused }
}
