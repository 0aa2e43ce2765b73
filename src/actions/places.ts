import { Fault } from '../domain/errors.ts'

/** How many of something there may be at once in this process, and of one account among them. */
export interface PlaceLimits {
  readonly most: number
  readonly mostOfAccount: number
  /** Said to whoever finds none. */
  readonly sentence: string
}

/** What is under way in this process and holds memory or connections, by account: one leaves places to others. */
export class Places {
  readonly #of = new Map<string, number>()
  readonly #limits: PlaceLimits
  #all = 0

  constructor(limits: PlaceLimits) {
    this.#limits = limits
  }

  /** @throws {Fault} `unavailable` when there are too many */
  refuseBeyond(account: string): void {
    const { most, mostOfAccount, sentence } = this.#limits
    if (this.#all < most && (this.#of.get(account) ?? 0) < mostOfAccount) return
    throw new Fault('unavailable', sentence, { retryAfterSeconds: 5 })
  }

  /** Holds a place while a stream runs. @throws {Fault} `unavailable` */
  async *during<Step, Result>(
    account: string,
    stream: () => AsyncGenerator<Step, Result>,
  ): AsyncGenerator<Step, Result> {
    this.refuseBeyond(account)
    this.#all++
    this.#of.set(account, (this.#of.get(account) ?? 0) + 1)
    try {
      return yield* stream()
    } finally {
      this.#leave(account)
    }
  }

  #leave(account: string): void {
    const own = (this.#of.get(account) ?? 1) - 1
    this.#all--
    if (own === 0) this.#of.delete(account)
    else this.#of.set(account, own)
  }
}
