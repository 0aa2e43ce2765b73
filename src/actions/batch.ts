import type { Caller } from '../domain/caller.ts'
import type { FaultCode, RecordFault } from '../domain/errors.ts'
import type { HandlingInput } from '../domain/handling.ts'
import { type Existing, existingByIds } from '../store/reads.ts'
import type { Context, Standing } from './context.ts'
import { keepParts } from './keep.ts'
import type { Identified } from './prepare.ts'
import { recallOne } from './recall.ts'
import { writeBatch } from './write-batch.ts'

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
}

const nothing: Committed = { accepted: 0, unchanged: 0, refused: [] }

/** What comes before a push's first batch. */
export const nothingBefore: Begun = {
  uuids: new Set(),
  done: Promise.resolve(nothing),
}

/**
 * Starts to commit drafts of one push, of which no two have the same id: rows, feed entries and audit leaf in one transaction. It is
 * prepared while the batch before it is written, and written once that one is committed.
 */
export function beginBatch(origin: PushOrigin, items: ReadonlyMap<string, Identified>, before: Begun): Begun {
  return { uuids: new Set(items.keys()), done: commit(origin, [...items.values()], before) }
}

async function commit(origin: PushOrigin, items: readonly Identified[], before: Begun): Promise<Committed> {
  if (items.some(({ uuid }) => before.uuids.has(uuid))) await before.done
  const { database } = origin.context
  const originator = origin.caller.reader.organisation?.id ?? ''
  const known = await existingByIds(
    database,
    originator,
    items.map(({ uuid }) => uuid),
  )
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
