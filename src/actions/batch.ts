import { createHash } from 'node:crypto'
import type { Caller } from '../domain/caller.ts'
import type { Draft } from '../domain/draft.ts'
import { Fault, type FaultCode, type RecordFault } from '../domain/errors.ts'
import { type Handling, type HandlingInput, handlingText, strictestInput } from '../domain/handling.ts'
import { limits } from '../domain/limits.ts'
import { narrows } from '../policy/narrowing.ts'
import { mergeIndicators, type Outcome } from '../store/merge.ts'
import { existingByIds } from '../store/reads.ts'
import { touchReceipt } from '../store/receipts.ts'
import type { Context, Standing } from './context.ts'
import { resolveHandling } from './handling.ts'
import { type Identified, identify, prepare } from './prepare.ts'
import { recallOne } from './recall.ts'
import { typeFactsOf } from './type-facts.ts'
import { record, stillMay } from './verb.ts'

/** Drafts of one push, gathered until they make a transaction of their own. */
export class Batch {
  readonly #context: Context
  readonly #caller: Caller
  readonly #standing: Standing
  readonly #defaults: HandlingInput
  readonly #receipt: string
  readonly #handlings = new Map<string, Handling>()
  #items = new Map<string, Identified>()
  #bytes = 0
  accepted = 0
  unchanged = 0

  constructor(context: Context, caller: Caller, standing: Standing, defaults: HandlingInput, receipt: string) {
    this.#context = context
    this.#caller = caller
    this.#standing = standing
    this.#defaults = defaults
    this.#receipt = receipt
  }

  /** Takes a draft; commits what was gathered when it is enough. @returns what was refused */
  async add(draft: Draft): Promise<RecordFault[]> {
    let item: Identified
    try {
      refuseImpossibleTimes(draft, this.#context.clock())
      item = identify(draft, this.#handlingOf(draft), this.#context.node.idKey)
    } catch (error) {
      if (error instanceof Fault) return [error.asRecordFault(draft.position)]
      throw error
    }
    const same = this.#items.get(item.uuid)
    if (same?.digest === item.digest) {
      this.unchanged++
      return []
    }
    // Two versions of one id cannot be written by one statement: the first goes ahead.
    const refused = same === undefined ? [] : await this.flush()
    this.#items.set(item.uuid, item)
    this.#bytes += draft.received.length
    const full = this.#items.size >= limits.batchRecords || this.#bytes >= limits.batchBytes
    return full ? [...refused, ...(await this.flush())] : refused
  }

  /** Commits what was gathered. @returns what was refused */
  async flush(): Promise<RecordFault[]> {
    const items = [...this.#items.values()]
    this.#items = new Map()
    this.#bytes = 0
    if (items.length === 0) return []
    const originator = this.#caller.reader.organisation?.id ?? ''
    const existing = await existingByIds(
      this.#context.database,
      originator,
      items.map(({ uuid }) => uuid),
    )
    const fresh = items.filter(({ uuid, digest, draft }) => {
      const known = existing.get(uuid)
      return known === undefined || known.recalled || draft.revoked === true || known.digest !== digest
    })
    this.unchanged += items.length - fresh.length
    const revoked = fresh.filter(({ draft }) => draft.revoked === true)
    const written = await this.#write(
      originator,
      fresh.filter(({ draft }) => draft.revoked !== true),
      (uuid) => existing.get(uuid)?.created,
    )
    return [...written, ...(await this.#recall(revoked, (uuid) => existing.get(uuid)?.recalled))]
  }

  async #write(
    originator: string,
    items: readonly Identified[],
    createdOf: (uuid: string) => string | undefined,
  ): Promise<RecordFault[]> {
    if (items.length === 0) return []
    await stillMay(this.#context, this.#caller, 'publish')
    const { database, policy, networks, clock } = this.#context
    const handlings = [...new Map(items.map(({ handling }) => [handlingText(handling), handling])).entries()]
    const ids = await policy.intern(handlings.map(([, handling]) => handling))
    const idOf = new Map(handlings.map(([text], i) => [text, ids[i] ?? 0]))
    const byId = new Map(handlings.map(([, handling], i) => [ids[i] ?? 0, handling]))
    const at = clock()
    const rows = items.map((item) =>
      prepare(item, idOf.get(handlingText(item.handling)) ?? 0, at, createdOf(item.uuid), networks),
    )
    const { visibility } = this.#standing
    const { outcomes } = await database.transaction(async (transaction) => {
      const merged = await mergeIndicators(transaction, originator, rows, at, (before, after) => {
        const [from, to] = [visibility.handling(before) ?? byId.get(before), byId.get(after)]
        return from !== undefined && to !== undefined && narrows(from, to)
      })
      await touchReceipt(transaction, this.#receipt, at)
      if (merged.written > 0) {
        await record(transaction, this.#context, this.#caller, this.#standing, {
          action: 'publish',
          decision: 'permit',
          rules: ['role.publisher'],
          receipt: this.#receipt,
          subject: JSON.stringify({
            receipt: this.#receipt,
            written: merged.written,
            digest: digestOf(items, merged.outcomes),
          }),
        })
      }
      return merged
    })
    return this.#count(items, outcomes)
  }

  #count(items: readonly Identified[], outcomes: readonly Outcome[]): RecordFault[] {
    const refused: RecordFault[] = []
    for (const [i, outcome] of outcomes.entries()) {
      if (outcome === 'published' || outcome === 'revised' || outcome === 'narrowed') this.accepted++
      else if (outcome === 'unchanged') this.unchanged++
      else refused.push({ position: items[i]?.draft.position ?? {}, code: outcome, message: refusals[outcome] })
    }
    return refused
  }

  /** STIX `revoked: true`: a recall of what is known; of what never was, there is nothing to recall. */
  async #recall(items: readonly Identified[], recalled: (uuid: string) => boolean | undefined): Promise<RecordFault[]> {
    const refused: RecordFault[] = []
    for (const { uuid, draft } of items) {
      const state = recalled(uuid)
      if (state === undefined) {
        const code: FaultCode = 'object_not_kept'
        refused.push({ position: draft.position, code, message: 'It is revoked, and was never published here.' })
      } else if (state) {
        this.unchanged++
      } else {
        await recallOne(this.#context, this.#caller, this.#standing, uuid, 'revoked by its publisher')
        this.accepted++
      }
    }
    return refused
  }

  #handlingOf(draft: Draft): Handling {
    const said = strictestInput(this.#defaults, draft.handling)
    const type = typeFactsOf(draft)
    const key = JSON.stringify([said, type])
    const known = this.#handlings.get(key)
    if (known !== undefined) return known
    const handling = resolveHandling(this.#standing.directory, this.#caller, said, type)
    this.#handlings.set(key, handling)
    return handling
  }
}

/** Clocks of publishers may be ahead by this much; a version from later could never be followed by another. */
const aheadMs = 24 * 60 * 60 * 1000

/** @throws {Fault} `invalid_record` */
function refuseImpossibleTimes({ created, modified, validFrom, validUntil }: Draft, now: Date): void {
  const refuse = (pointer: string, sentence: string) => {
    throw new Fault('invalid_record', sentence, { position: { pointer } })
  }
  const before = (a: string | undefined, b: string | undefined) =>
    a !== undefined && b !== undefined && Date.parse(a) < Date.parse(b)
  if (modified !== undefined && Date.parse(modified) > now.getTime() + aheadMs)
    refuse('/modified', 'It was modified in the future.')
  if (before(modified, created)) refuse('/modified', 'It was modified before it was created.')
  if (before(validUntil, validFrom)) refuse('/validUntil', 'It ends before it begins.')
}

const refusals = {
  version_conflict: 'It is known with other content, or a narrower handling: raise `modified`, or revise it.',
  version_outdated: 'A later version is known.',
  already_recalled: 'It was recalled; publish it under a new id.',
} as const

/** Commits the audit leaf to exactly what was written. */
function digestOf(items: readonly Identified[], outcomes: readonly Outcome[]): string {
  const hash = createHash('sha256')
  for (const [i, item] of items.entries()) {
    if (outcomes[i] === 'published' || outcomes[i] === 'revised' || outcomes[i] === 'narrowed') {
      hash.update(item.uuid).update(item.digest)
    }
  }
  return hash.digest('hex')
}
