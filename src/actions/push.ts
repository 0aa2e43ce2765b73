import type { Draft } from '../domain/draft.ts'
import { Fault, type RecordFault } from '../domain/errors.ts'
import { type Handling, type HandlingInput, strictestInput } from '../domain/handling.ts'
import { limits } from '../domain/limits.ts'
import type { Kept } from '../domain/misp-event.ts'
import { type Begun, beginBatch, nothingBefore, type PushOrigin } from './batch.ts'
import { resolveHandling, type TypeFacts } from './handling.ts'
import { type Identified, identify, refuseLarge } from './identify.ts'
import { refuseFuture, refuseImpossibleTimes } from './impossible-times.ts'
import { type KeptItem, keepItems } from './keep.ts'
import type { Release } from './turns.ts'
import { typeFactsOf } from './type-facts.ts'

/** A batch is prepared while the one before it is written, at about the same pace: were it twice as large, the database would wait for it. */
const batchGrowth = 1.5

/** Handlings of one push that are remembered; a list may give every record its own. */
const handlingsKept = 10_000

/**
 * Drafts of one push on their way into transactions: one batch is gathered and prepared while the one before it is merged,
 * never more. Batches commit in the order of their drafts.
 */
export class Push {
  readonly #origin: PushOrigin
  readonly #handlings = new Map<string, Handling>()
  readonly #rejected: RecordFault[] = []
  #items = new Map<string, Identified>()
  #kept: KeptItem[] = []
  #keptCharacters = 0
  #characters = 0
  #batchRecords: number = limits.firstBatchRecords
  #turn: Release | undefined
  #patience: NodeJS.Timeout | undefined
  #last: Begun = nothingBefore()
  /** Settles when no batch but the last is under way. */
  #room: Promise<unknown> = Promise.resolve()
  #unchanged = 0
  #rejectedTotal = 0

  constructor(origin: PushOrigin) {
    this.#origin = origin
  }

  /** Takes a draft. @returns something to wait for before the next one, where there is anything */
  add(draft: Draft): Promise<void> | undefined {
    let item: Identified
    try {
      refuseLarge(draft.received)
      refuseImpossibleTimes(draft, this.#origin.context.clock)
      item = identify(draft, this.#handlingOf(draft.handling, typeFactsOf(draft)), this.#origin.context.node.idKey)
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      this.reject([error.asRecordFault(draft.position)])
      return undefined
    }
    const same = this.#items.get(item.uuid)
    if (same?.digest === item.digest) {
      if (draft.parts !== undefined) this.#items.set(item.uuid, withParts(same, draft))
      this.#unchanged++
      return undefined
    }
    if (same !== undefined && overtakes(same, item)) {
      // A feed has an address a hundred times a day: a version for each would be nobody's history.
      if (isLater(item, same)) this.#items.set(item.uuid, item)
      this.#unchanged++
      return undefined
    }
    // Two versions of one id cannot be written by one statement: the first goes ahead.
    if (same !== undefined) return this.#handOver().then(() => this.#begin(item))
    if (this.#turn === undefined) return this.#begin(item)
    return this.#put(item)
  }

  /** Takes what is kept beside indicators. @returns something to wait for, where there is anything */
  keep(kept: Kept): Promise<void> | undefined {
    try {
      if (kept.kind === 'event') refuseFuture(kept.modified, '/timestamp', this.#origin.context.clock)
      this.#keptCharacters += sizeOf(kept)
      const personalData = kept.kind === 'context' && kept.personalData
      this.#kept.push({ kept, handling: this.#handlingOf(kept.handling, { personalData, maskable: false }) })
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      this.reject([error.asRecordFault(kept.position)])
    }
    const full = this.#kept.length >= limits.batchRecords || this.#keptCharacters >= limits.batchBytes
    return full ? this.#writeKept() : undefined
  }

  async #writeKept(): Promise<void> {
    const items = this.#kept
    this.#kept = []
    this.#keptCharacters = 0
    this.reject(await keepItems(this.#origin, items))
  }

  reject(faults: readonly RecordFault[]): void {
    this.#rejectedTotal += faults.length
    for (const fault of faults) if (this.#rejected.length < limits.faultsListed) this.#rejected.push(fault)
  }

  /** Commits what was gathered so far. */
  async settle(): Promise<void> {
    if (this.#items.size > 0) await this.#handOver()
    await this.#last.done
  }

  /** Commits what is left. @returns what became of all drafts */
  async finish() {
    await this.settle()
    await this.#writeKept()
    this.#rejected.sort((a, b) => (a.position.record ?? 0) - (b.position.record ?? 0))
    return {
      accepted: this.#accepted,
      unchanged: this.#unchanged,
      rejected: this.#rejected,
      rejectedTotal: this.#rejectedTotal,
    }
  }

  /** Drops what was gathered, and resolves when nothing of the push is under way any more, however it ended. */
  async leave(): Promise<void> {
    clearTimeout(this.#patience)
    this.#items.clear()
    this.#turn?.()
    await Promise.allSettled([this.#last.done])
  }

  #accepted = 0

  /** Starts a batch with its first draft, once it is this push's turn. */
  async #begin(item: Identified): Promise<void> {
    await this.#room
    this.#turn = await this.#origin.context.turns.take()
    // A sender that pauses must not hold a turn, nor wait for what it has sent. What fails is thrown by the batch that follows.
    this.#patience = setTimeout(() => void this.#handOver().catch(() => {}), limits.gatherMs)
    await this.#put(item)
  }

  #put(item: Identified): Promise<void> | undefined {
    this.#items.set(item.uuid, item)
    this.#characters += item.draft.received.length
    const full = this.#items.size >= this.#batchRecords || this.#characters >= limits.batchBytes
    return full ? this.#handOver() : undefined
  }

  /**
   * Begins to commit what was gathered. Resolves when it is prepared, which more drafts would only delay, and the batch before it is
   * committed; throws what that one threw.
   */
  async #handOver(): Promise<void> {
    clearTimeout(this.#patience)
    this.#batchRecords = Math.min(Math.ceil(batchGrowth * this.#batchRecords), limits.batchRecords)
    const [before, items, turn] = [this.#last, this.#items, this.#turn]
    this.#items = new Map()
    this.#characters = 0
    this.#turn = undefined
    const begun = beginBatch(this.#origin, items, before)
    this.#last = begun
    this.#room = before.done
    begun.done.then(
      ({ accepted, unchanged, refused }) => {
        this.#accepted += accepted
        this.#unchanged += unchanged
        this.reject(refused)
        turn?.()
      },
      () => turn?.(),
    )
    await Promise.all([before.done, begun.prepared])
  }

  #handlingOf(stated: HandlingInput, type: TypeFacts): Handling {
    const key = `${type.personalData} ${type.maskable} ${JSON.stringify(stated)}`
    const known = this.#handlings.get(key)
    if (known !== undefined) return known
    const { standing, caller, defaults } = this.#origin
    const said = strictestInput(defaults, stated)
    const handling = resolveHandling(standing.directory, caller, said, type)
    if (this.#handlings.size >= handlingsKept) this.#handlings.clear()
    this.#handlings.set(key, handling)
    return handling
  }
}

/** The same once more, as an attribute of another event. */
const withParts = (same: Identified, { parts = [] }: Draft): Identified => ({
  ...same,
  draft: { ...same.draft, parts: [...(same.draft.parts ?? []), ...parts] },
})

/** Whether two drafts are events of one finding at different times, for the same readers: the later one says it all. */
const overtakes = (a: Identified, b: Identified): boolean =>
  a.draft.finding !== undefined &&
  b.draft.finding !== undefined &&
  a.handling === b.handling &&
  a.draft.modified !== undefined &&
  b.draft.modified !== undefined &&
  a.draft.modified !== b.draft.modified

const isLater = (a: Identified, b: Identified): boolean =>
  Date.parse(a.draft.modified ?? '') > Date.parse(b.draft.modified ?? '')

/** Characters of what is kept beside indicators, about as many as it takes in memory until it is written. */
const sizeOf = ({ body }: Kept): number => JSON.stringify(body).length
