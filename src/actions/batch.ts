import type { Caller } from '../domain/caller.ts'
import type { RecordFault } from '../domain/errors.ts'
import type { HandlingInput } from '../domain/handling.ts'
import { type Existing, existingByIds } from '../store/reads.ts'
import type { Context, Standing } from './context.ts'
import type { Identified } from './identify.ts'
import { keepParts } from './keep-parts.ts'
import type { ReadBefore } from './read-before.ts'
import { recallPushed } from './recall-pushed.ts'
import { type Ready, ready, writeBatch, writeNew } from './write-batch.ts'

/** Who pushes what, as its batches must know it. */
export interface PushOrigin {
  readonly context: Context
  readonly caller: Caller
  readonly standing: Standing
  readonly defaults: HandlingInput
  /** UUID of the receipt. */
  readonly receipt: string
  /** UUID of the event of MISP that all of it belongs to, and that is there. */
  readonly event?: string
  readonly readBefore?: ReadBefore
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
  /** Settles when it only waits to be written. */
  readonly prepared: Promise<unknown>
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
  prepared: Promise.resolve(),
  done: Promise.resolve(nothing),
  outlook: { found: 'not asked yet' },
})

/**
 * Starts to commit drafts of one push, of which no two have the same id: rows, feed entries and audit leaf in one transaction. It is
 * prepared while the batch before it is written, and written once that one is committed.
 */
export function beginBatch(origin: PushOrigin, items: ReadonlyMap<string, Identified>, before: Begun): Begun {
  const { outlook } = before
  const prepared = prepareBatch(origin, [...items.values()], before)
  const done = prepared.then(async (batch) => {
    await before.done
    return await commit(origin, batch, outlook)
  })
  return { uuids: new Set(items.keys()), prepared, done, outlook }
}

/** Drafts of a batch, with what was found out about them. */
interface Batch {
  readonly items: readonly Identified[]
  /** What is there of them; nothing where nobody looked. */
  readonly known?: ReadonlyMap<string, Existing>
  /** Those of them that are new, changed or recalled. */
  readonly fresh: readonly Identified[]
  /** What is to be written of the fresh ones. */
  readonly rows?: Ready
}

async function prepareBatch(origin: PushOrigin, items: readonly Identified[], before: Begun): Promise<Batch> {
  const { outlook } = before
  const again = items.some(({ uuid }) => before.uuids.has(uuid))
  if (outlook.found === 'nothing' && !again && items.every(({ draft }) => draft.revoked !== true))
    return { items, fresh: items, rows: await ready(origin, items, new Map()) }
  if (again) await before.done
  return await lookAt(origin, items, outlook)
}

/** Finds out what is known of drafts, and prepares what has to be written. */
async function lookAt(origin: PushOrigin, items: readonly Identified[], outlook: Outlook): Promise<Batch> {
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
  return { items, known, fresh, ...(toWrite.length === 0 ? {} : { rows: await ready(origin, toWrite, known) }) }
}

async function commit(origin: PushOrigin, batch: Batch, outlook: Outlook): Promise<Committed> {
  const { items, known, fresh, rows } = batch
  if (known === undefined) {
    const written = rows === undefined ? nothing : await writeNew(origin, rows)
    if (written === undefined) {
      outlook.found = 'something'
      return await commit(origin, await lookAt(origin, items, outlook), outlook)
    }
    return orLost(written, await keepParts(origin, items, new Set()))
  }
  const written = rows === undefined ? nothing : await writeBatch(origin, rows)
  const recalled = await recallPushed(
    origin,
    fresh.filter(({ draft }) => draft.revoked === true),
    known,
  )
  const refused = new Set([...written.refused, ...recalled.refused].map(({ position }) => position))
  const lost = await keepParts(
    origin,
    items.filter(({ draft }) => !refused.has(draft.position)),
    new Set([...known].flatMap(([uuid, { recalled }]) => (recalled ? [] : [uuid]))),
  )
  const committed = {
    accepted: written.accepted + recalled.accepted,
    unchanged: items.length - fresh.length + written.unchanged + recalled.unchanged,
    refused: [...written.refused, ...recalled.refused],
  }
  return orLost(committed, lost)
}

/** Where the event that all belongs to is gone, all is refused. */
const orLost = (committed: Committed, lost: readonly RecordFault[]): Committed =>
  lost.length === 0 ? committed : { accepted: 0, unchanged: 0, refused: [...committed.refused, ...lost] }
