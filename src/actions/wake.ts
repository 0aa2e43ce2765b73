/**
 * Wakes whoever waits for something to change: the feed has grown, or the policy has moved. A convenience: what must be right is asked
 * of the database, and whoever waits also wakes by the clock, since a signal can be lost.
 *
 * Whoever goes on in rounds takes {@link turn} before it reads, and waits {@link after} that turn: what changes while it reads ends
 * the wait at once, so that nothing is slept through.
 */
export class Wake {
  #turn = 0
  readonly #waiting = new Set<() => void>()

  /** How often something changed since the process began. */
  get turn(): number {
    return this.#turn
  }

  /** Something changed, and can be read now: the column and the policy of this process are up to date with it. */
  tell(): void {
    this.#turn++
    // Who waits again while told waits for the next one.
    for (const wake of [...this.#waiting]) wake()
  }

  /**
   * Resolves when something changed after `turn`, after `ms` milliseconds, or when the signal is aborted; never rejects. The wait
   * alone keeps no process alive.
   * @returns whether something changed
   */
  after(turn: number, ms: number, signal?: AbortSignal): Promise<boolean> {
    if (this.#turn !== turn) return Promise.resolve(true)
    if (signal?.aborted === true) return Promise.resolve(false)
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', end)
        this.#waiting.delete(end)
        resolve(this.#turn !== turn)
      }
      const timer = setTimeout(end, ms).unref()
      signal?.addEventListener('abort', end)
      this.#waiting.add(end)
    })
  }
}
