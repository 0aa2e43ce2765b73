/**
 * What is under way of the actions. Whoever asked may have hung up, and a server that stops waits for connections alone: before the
 * database goes, they have their end.
 */
export class UnderWay {
  #count = 0
  #told: (() => void)[] = []

  async run<T>(work: () => Promise<T>): Promise<T> {
    this.#count++
    try {
      return await work()
    } finally {
      this.#count--
      if (this.#count === 0) for (const tell of this.#told.splice(0)) tell()
    }
  }

  /** Resolves when nothing is under way, or after so many milliseconds. @returns what still is */
  async ended(mostMs: number): Promise<number> {
    if (this.#count > 0) {
      await new Promise<void>((resolve) => {
        const patience = setTimeout(resolve, mostMs)
        this.#told.push(() => {
          clearTimeout(patience)
          resolve()
        })
      })
    }
    return this.#count
  }
}
