import type { Caller } from '../domain/caller.ts'
import type { Fault } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import type { Context } from './context.ts'
import type { FollowInput } from './follow.ts'
import { boundTo } from './follow-filter.ts'
import { Fanout } from './live-fanout.ts'
import type { LivePage } from './live-page.ts'
import { Seat, type Take } from './live-seat.ts'

export type { LivePage } from './live-page.ts'

type Result = IteratorResult<LivePage, undefined>

const fanouts = new WeakMap<Context, Fanout>()

function fanoutOf(context: Context): Fanout {
  const fanout = fanouts.get(context) ?? new Fanout(context)
  fanouts.set(context, fanout)
  return fanout
}

/**
 * The feed from a cursor on, without end: what every live door hands on. What is there already is read page by page, as fast as the reader
 * takes it; then it is served with all who may have the same. It is decided anew for every page, by the caller as now known: what a policy
 * gives or takes comes as changes, and who may follow no more is told by the fault that ends it.
 *
 * Pages come one at a time, by `next`; the first may be empty, and says where the stream begins. What a reader does not take is not kept:
 * beyond `limits.streamQueue` changes it is read again from its cursor.
 * @throws {Fault} from `next`: as `follow`; `credentials_invalid`; what {@link Live.end} was given
 */
export class Live implements AsyncIterableIterator<LivePage> {
  readonly #context: Context
  readonly #caller: Caller
  readonly #input: FollowInput
  /** What was given last: what comes after it is asked for next. */
  #last: { readonly cursor: string } | undefined
  #seat: Seat | undefined
  /** A credential may have ended by itself since its socket was opened: the first page proves it. */
  #provenAt = Number.NEGATIVE_INFINITY
  #over = false
  #fault: Fault | undefined

  constructor(context: Context, caller: Caller, input: FollowInput) {
    this.#context = context
    this.#caller = caller
    this.#input = input
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  /** Where whoever goes on later begins: after what was given last. */
  get cursor(): string | undefined {
    return this.#last?.cursor ?? this.#input.cursor
  }

  next(): Promise<Result> {
    if (this.#seat !== undefined && !this.#over) return this.#seat.next().then(this.#served)
    return this.#goOn()
  }

  /**
   * Hands over all that is left, page by page, until it ends: for who is one of ten thousand, where a promise for each page would be the
   * larger part of it. @throws {Fault} as `next`; whatever `take` does
   */
  async pour(take: Take): Promise<void> {
    const give: Take = (page) => {
      this.#last = page
      return take(page)
    }
    while (!this.#over) {
      if (this.#seat === undefined) {
        const page = await this.#readOn()
        if (page !== undefined) await take(page)
      } else {
        await this.#seat.serve(give)
        if (!this.#seat.isOpen) this.#stand()
      }
    }
    this.#tell()
  }

  /** Ends it for a reason that `next` then throws. */
  end(fault: Fault): void {
    this.#fault ??= fault
    this.#stop()
  }

  async return(): Promise<Result> {
    this.#stop()
    return { done: true, value: undefined }
  }

  #stop(): void {
    this.#over = true
    this.#seat?.giveUp()
  }

  readonly #served = (page: LivePage | undefined): Result | Promise<Result> => {
    if (page !== undefined && !this.#over) {
      // Its cursor is sealed when somebody asks for it.
      this.#last = page
      return { done: false, value: page }
    }
    this.#stand()
    return this.#goOn()
  }

  /** Who was let go is asked about before anything else is read. */
  #stand(): void {
    this.#seat = undefined
    this.#provenAt = Number.NEGATIVE_INFINITY
  }

  async #goOn(): Promise<Result> {
    const page = await this.#readOn()
    if (page !== undefined) return { done: false, value: page }
    if (!this.#over) return await this.next()
    this.#tell()
    return { done: true, value: undefined }
  }

  /** Reads until there is something to give; undefined when a seat was taken before, or it is over. */
  async #readOn(): Promise<LivePage | undefined> {
    while (!this.#over && this.#seat === undefined) {
      const page = await this.#read()
      if (this.#over) return undefined
      if (page !== undefined) return page
    }
    return undefined
  }

  /** Why it ended, once. */
  #tell(): void {
    const fault = this.#fault
    this.#fault = undefined
    if (fault !== undefined) throw fault
  }

  /** A page of what is there already; undefined when there is nothing in it, and it is not the first. */
  async #read(): Promise<LivePage | undefined> {
    const { filter, fromNow } = this.#input
    const { cursor } = this
    const now = performance.now()
    const prove = now - this.#provenAt > limits.credentialsLookMs
    const start = cursor === undefined ? { fromNow: fromNow === true } : { cursor }
    const fanout = fanoutOf(this.#context)
    const page = await fanout.read(this.#caller, { filter, ...start, limit: limits.streamPage }, prove)
    if (prove) this.#provenAt = now
    if (!page.more && !this.#over) {
      this.#seat = new Seat(this.#caller, filter, boundTo(this.#caller, { filter }), page)
      fanout.join(this.#seat)
    }
    const first = this.#last === undefined
    this.#last = { cursor: page.cursor }
    return page.items.length > 0 || first ? page : undefined
  }
}
