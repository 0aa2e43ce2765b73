import { Fault } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'

/** Lists being sent, by account. */
export class OpenBlocklists {
  readonly #of = new Map<string, number>()
  #all = 0

  /** @throws {Fault} `unavailable` when there are too many */
  enter(account: string): void {
    const own = this.#of.get(account) ?? 0
    if (this.#all >= limits.blocklistsAtOnce || own >= limits.blocklistsAtOnceOfAccount)
      throw new Fault('unavailable', 'Too many blocklists are being sent; try again.', { retryAfterSeconds: 5 })
    this.#all++
    this.#of.set(account, own + 1)
  }

  leave(account: string): void {
    const own = (this.#of.get(account) ?? 1) - 1
    this.#all--
    if (own === 0) this.#of.delete(account)
    else this.#of.set(account, own)
  }
}
