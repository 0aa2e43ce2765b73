import type { Fault } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import { type AuditEntry, type Basis, unwritten } from '../store/audit.ts'
import type { Log } from './context.ts'

/** A reading that is to stand on the log, with the texts its decision rested on. */
export interface Reading {
  readonly entry: AuditEntry
  readonly bases: readonly Basis[]
}

/** Writes leaves in one transaction of its own: all of them or none. */
export type WriteLeaves = (entries: readonly AuditEntry[], bases: readonly Basis[]) => Promise<void>

interface Waiting extends Reading {
  readonly bytes: number
  /** Told when the leaf is durable, or that it cannot be written. */
  readonly settle?: (failure?: Fault) => void
}

/** Which limits bound a queue; those of the node unless a test has its own. */
export type QueueBounds = Readonly<
  Record<
    'auditQueueLeaves' | 'auditQueueBytes' | 'auditBatchLeaves' | 'auditBatchBytes' | 'auditFlushMs' | 'auditWaitMs',
    number
  >
>

/** Digests of texts known to be in the database; those forgotten are sent once more, and the database has them already. */
const digestsKept = 65_536
const retryMs = 500

/**
 * Readings on their way to the log, written many at a time: a page costs the reader microseconds and the database a part of a
 * statement. Bounded: when it is full readers wait, and are refused when waiting does not help. What is in it when the process is
 * killed is lost (ADR 13); readings that must be durable first are waited for, and never lost.
 */
export class AuditQueue {
  readonly #write: WriteLeaves
  readonly #log: Pick<Log, 'warn' | 'error'>
  readonly #bounds: QueueBounds
  /** Readings that somebody waits for; they go first. */
  #urgent: Waiting[] = []
  #ordinary: Waiting[] = []
  #bytes = 0
  #timer: NodeJS.Timeout | undefined
  #flushing: Promise<void> | undefined
  #failing = false
  #forRoom: (() => void)[] = []
  readonly #stored = new Set<string>()

  constructor(write: WriteLeaves, log: Pick<Log, 'warn' | 'error'>, bounds: QueueBounds = limits) {
    this.#write = write
    this.#log = log
    this.#bounds = bounds
  }

  /** Leaves not yet written. */
  get length(): number {
    return this.#urgent.length + this.#ordinary.length
  }

  /** Puts an ordinary reading on its way. @throws {Fault} `unavailable` when the queue stays full */
  async add(reading: Reading): Promise<void> {
    if (this.#isFull()) await this.#room()
    this.#ordinary.push(this.#waiting(reading))
    if (this.#ordinary.length >= this.#bounds.auditBatchLeaves && !this.#failing) this.#flushNow()
    else this.#flushIn(this.#failing ? retryMs : this.#bounds.auditFlushMs)
  }

  /** Resolves when the reading is durable. @throws {Fault} `unavailable` when it cannot be made so */
  async durable(reading: Reading): Promise<void> {
    if (this.#isFull()) await this.#room()
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => settle(unwritten()), this.#bounds.auditWaitMs)
      const settle = (failure?: Fault) => {
        clearTimeout(timer)
        this.#forget(waiting)
        if (failure === undefined) resolve()
        else reject(failure)
      }
      const waiting: Waiting = { ...this.#waiting(reading), settle }
      this.#urgent.push(waiting)
      this.#flushNow()
    })
  }

  /** Writes all that is there, or gives up at the third failure. @returns how many leaves are left */
  async flush(): Promise<number> {
    for (let failures = 0; this.length > 0 && failures < 3; ) {
      this.#flushNow()
      await this.#flushing
      if (this.#failing) failures++
    }
    return this.length
  }

  /** The last flush; what cannot be written now is lost, and said to be. */
  async close(): Promise<void> {
    const lost = await this.flush()
    clearTimeout(this.#timer)
    if (lost > 0)
      this.#log.error({ leaves: lost }, 'readings could not be put on the audit log before the node stopped')
  }

  #waiting({ entry, bases }: Reading): Waiting {
    const bytes = entry.subject.length + 1_000
    this.#bytes += bytes
    return { entry, bases, bytes }
  }

  #isFull(): boolean {
    return this.length >= this.#bounds.auditQueueLeaves || this.#bytes >= this.#bounds.auditQueueBytes
  }

  async #room(): Promise<void> {
    const until = performance.now() + this.#bounds.auditWaitMs
    while (this.#isFull()) {
      const left = until - performance.now()
      if (left <= 0) throw unwritten()
      this.#flushIn(this.#failing ? retryMs : 0)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left)
        this.#forRoom.push(() => {
          clearTimeout(timer)
          resolve()
        })
      })
    }
  }

  #flushIn(delayMs: number): void {
    if (this.#flushing !== undefined) return
    this.#timer ??= setTimeout(() => this.#flushNow(), delayMs).unref()
  }

  #flushNow(): void {
    if (this.#flushing !== undefined) return
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#flushing = this.#run().finally(() => {
      this.#flushing = undefined
      if (this.#urgent.length > 0) this.#flushNow()
      else if (this.#ordinary.length > 0) this.#flushIn(this.#failing ? retryMs : this.#bounds.auditFlushMs)
    })
  }

  /** Batch after batch while there is enough for one, or somebody waits; ends at the first that fails. */
  async #run(): Promise<void> {
    do {
      if (!(await this.#writeBatch())) return
    } while (this.#urgent.length > 0 || this.#ordinary.length >= this.#bounds.auditBatchLeaves)
  }

  async #writeBatch(): Promise<boolean> {
    const batch = this.#nextBatch()
    const bases = new Map(batch.flatMap((each) => each.bases.map((basis) => [basis.digest, basis] as const)))
    const fresh = [...bases.values()].filter(({ digest }) => !this.#stored.has(digest))
    try {
      await this.#write(
        batch.map(({ entry }) => entry),
        fresh,
      )
    } catch (error) {
      if (!this.#failing) this.#log.warn({ error }, 'the audit log cannot be written; sensitive readings are refused')
      this.#failing = true
      for (const { settle } of batch) settle?.(unwritten(error))
      return false
    }
    this.#failing = false
    if (this.#stored.size + fresh.length > digestsKept) this.#stored.clear()
    for (const { digest } of fresh) this.#stored.add(digest)
    const written = new Set(batch)
    this.#ordinary = this.#ordinary.filter((each) => !written.has(each) || !this.#released(each))
    for (const { settle } of batch) settle?.()
    for (const wake of this.#forRoom.splice(0)) wake()
    return true
  }

  #nextBatch(): Waiting[] {
    const batch: Waiting[] = []
    let bytes = 0
    for (const each of [...this.#urgent, ...this.#ordinary]) {
      if (
        batch.length >= this.#bounds.auditBatchLeaves ||
        (bytes > 0 && bytes + each.bytes > this.#bounds.auditBatchBytes)
      )
        break
      batch.push(each)
      bytes += each.bytes
    }
    return batch
  }

  #released({ bytes }: Waiting): true {
    this.#bytes -= bytes
    return true
  }

  #forget(waiting: Waiting): void {
    const at = this.#urgent.indexOf(waiting)
    if (at >= 0 && this.#released(waiting)) this.#urgent.splice(at, 1)
  }
}
