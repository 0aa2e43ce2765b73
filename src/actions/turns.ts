import { Fault } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'

/** Gives back what was taken; calling it again does nothing. */
export type Release = () => void

/**
 * What all pushes of this process hold together. A push holds a turn for each batch from its first draft to its commit; those who wait
 * get theirs in the order in which they asked, and read nothing of their body meanwhile: TCP slows the sender down, and memory
 * stays bounded whoever pushes.
 */
export class Turns {
  #free: number
  #pushes = 0
  readonly #ofAccount = new Map<string, number>()
  readonly #waiting: (() => void)[] = []

  constructor(batchesAtOnce: number = limits.batchesAtOnce) {
    this.#free = batchesAtOnce
  }

  /**
   * Lets a push in, before anything of it is read or written.
   * @throws {Fault} `unavailable` when too many are open, of this account or of all
   */
  enter(account: string): Release {
    const own = this.#ofAccount.get(account) ?? 0
    if (this.#pushes >= limits.pushesAtOnce || own >= limits.pushesAtOnceOfAccount) {
      throw new Fault('unavailable', 'Too many pushes are under way; try again.', { retryAfterSeconds: 2 })
    }
    this.#pushes++
    this.#ofAccount.set(account, own + 1)
    return once(() => {
      this.#pushes--
      const left = (this.#ofAccount.get(account) ?? 1) - 1
      if (left === 0) this.#ofAccount.delete(account)
      else this.#ofAccount.set(account, left)
    })
  }

  /** Pushes under way. */
  get pushes(): number {
    return this.#pushes
  }

  /** Waits for a turn. */
  async take(): Promise<Release> {
    if (this.#free > 0) this.#free--
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
    return once(() => {
      const next = this.#waiting.shift()
      if (next === undefined) this.#free++
      else next()
    })
  }
}

function once(run: () => void): Release {
  let done = false
  return () => {
    if (!done) run()
    done = true
  }
}
