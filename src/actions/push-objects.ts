import type { ObjectDraft } from '../domain/draft.ts'
import { Fault, type RecordFault } from '../domain/errors.ts'
import { type Handling, strictestInput } from '../domain/handling.ts'
import { limits } from '../domain/limits.ts'
import { composedTypes } from '../domain/stix-object.ts'
import type { PushOrigin } from './batch.ts'
import { resolveHandling } from './handling.ts'
import { refuseImpossibleTimes } from './impossible-times.ts'
import { type PreparedObject, prepareObject, writeObjectBatch } from './object-batch.ts'

/**
 * STIX objects of one push on their way into transactions, one batch after the other. What refers to something that is not known waits for
 * the rest of the push, as far as there is room, and is refused at its end.
 */
export class ObjectPush {
  readonly #origin: PushOrigin
  readonly #reject: (faults: readonly RecordFault[]) => void
  readonly #settle: () => Promise<void>
  #items = new Map<string, PreparedObject>()
  #characters = 0
  #waiting: PreparedObject[] = []
  #waitingCharacters = 0
  #accepted = 0
  #unchanged = 0

  /** @param settle commits the indicators of the push that were gathered before: objects may refer to them */
  constructor(origin: PushOrigin, settle: () => Promise<void>, reject: (faults: readonly RecordFault[]) => void) {
    this.#origin = origin
    this.#settle = settle
    this.#reject = reject
  }

  /** Takes an object. @returns something to wait for before the next one, where there is anything */
  add(draft: ObjectDraft): Promise<void> | undefined {
    let item: PreparedObject | undefined
    try {
      refuseImpossibleTimes(draft, this.#origin.context.clock)
      const handling = this.#handlingOf(draft)
      if (handling === undefined) return undefined
      item = prepareObject(draft, handling)
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      // What stands beside a draft is of the same record and marking: its draft was refused for the same.
      if (draft.beside !== true) this.#reject([error.asRecordFault(draft.position)])
      return undefined
    }
    const same = this.#items.get(draft.id)
    if (same?.digest === item.digest) {
      if (draft.beside !== true) this.#unchanged++
      return undefined
    }
    // Two versions of one id cannot be written by one statement: the first goes ahead.
    if (same !== undefined) return this.#commit().then(() => this.#put(item))
    return this.#put(item)
  }

  /** Commits what is left. @returns how many objects were written, and how many were there already */
  async finish(): Promise<{ readonly accepted: number; readonly unchanged: number }> {
    await this.#commit()
    // Each round lets in what the one before it was waited for; the last one finds nothing more.
    for (let before = -1; this.#waiting.length > 0 && this.#waiting.length !== before; ) {
      before = this.#waiting.length
      const again = this.#waiting
      this.#waiting = []
      this.#waitingCharacters = 0
      for (const item of again) await this.add(item.draft)
      await this.#commit()
    }
    this.#reject(this.#waiting.map(unknownReference))
    return { accepted: this.#accepted, unchanged: this.#unchanged }
  }

  #put(item: PreparedObject): Promise<void> | undefined {
    this.#items.set(item.draft.id, item)
    this.#characters += item.stix.length
    const full = this.#items.size >= limits.objectBatch || this.#characters >= limits.objectBatchCharacters
    return full ? this.#commit() : undefined
  }

  async #commit(): Promise<void> {
    const items = [...this.#items.values()]
    this.#items = new Map()
    this.#characters = 0
    if (items.length === 0) return
    if (items.some(({ draft }) => composedTypes.has(draft.type))) await this.#settle()
    const leave = await this.#origin.context.turns.take()
    try {
      const { accepted, unchanged, refused, waiting } = await writeObjectBatch(this.#origin, items)
      this.#accepted += accepted
      this.#unchanged += unchanged
      this.#reject(refused)
      for (const item of waiting) this.#wait(item)
    } finally {
      leave()
    }
  }

  #wait(item: PreparedObject): void {
    this.#waitingCharacters += item.draft.received.length
    if (this.#waitingCharacters > limits.objectsWaitingCharacters) this.#reject([unknownReference(item)])
    else this.#waiting.push(item)
  }

  /** Undefined for what is only there for others to refer to and has no label of its own: it is not kept. */
  #handlingOf(draft: ObjectDraft): Handling | undefined {
    const { standing, caller, defaults } = this.#origin
    const said = strictestInput(defaults, draft.handling)
    if (draft.background === true && said.tlp === undefined) return undefined
    return resolveHandling(standing.directory, caller, said, { personalData: draft.personalData, maskable: false })
  }
}

const unknownReference = ({ draft }: PreparedObject): RecordFault => ({
  position: draft.position,
  code: 'reference_unknown',
  message: 'What it refers to is not known here, or not to you: publish that first, or together with it.',
})
