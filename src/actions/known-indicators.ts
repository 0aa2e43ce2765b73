import { randomBytes } from 'node:crypto'
import { correlationKey } from '../domain/observables/keys.ts'
import { hashKeyBytes } from '../domain/observations/keyed-hash.ts'
import { ValueIndex } from '../domain/observations/value-index.ts'
import type { Database } from '../store/database.ts'
import { feedHead, type KnownIndicator, readKnownChanges, readKnownIndicators } from '../store/known-indicators.ts'
import type { Log } from './context.ts'

/**
 * The values of all active indicators in the memory of this process, for streams of observations. Loaded at the first use, and
 * brought up with the feed from then on: position order is commit order (ADR 4), so nothing is missed.
 */
export class KnownIndicators {
  readonly #database: Database
  readonly #clock: () => Date
  readonly #log: Log
  #index: ValueIndex | undefined
  #position = 0
  #turn: Promise<unknown> = Promise.resolve()

  constructor(database: Database, clock: () => Date, log: Log) {
    this.#database = database
    this.#clock = clock
    this.#log = log
  }

  /** The index, with everything that was committed before this was asked. */
  async current(): Promise<ValueIndex> {
    const turn = this.#turn.then(() => this.#bringUp())
    // One at a time; who fails is told, and the next one tries again.
    this.#turn = turn.catch(() => undefined)
    return await turn
  }

  async #bringUp(): Promise<ValueIndex> {
    const index = this.#index
    if (index === undefined) return await this.#load()
    const head = await feedHead(this.#database)
    // A feed that went back is another database's: a backup was restored.
    if (head < this.#position) return await this.#load()
    while (this.#position < head) {
      const changes = await readKnownChanges(this.#database, this.#position, head)
      for (const { position, previousPosition, indicator } of changes) {
        if (previousPosition !== undefined) index.values.remove(previousPosition)
        if (indicator !== undefined) addTo(index, indicator)
        this.#position = position
      }
      if (changes.length === 0) this.#position = head
    }
    return index
  }

  async #load(): Promise<ValueIndex> {
    const began = performance.now()
    this.#index = undefined
    const index = new ValueIndex(randomBytes(hashKeyBytes))
    this.#position = await readKnownIndicators(this.#database, this.#clock(), (indicator) => addTo(index, indicator))
    this.#index = index
    const facts = { values: index.values.size, bytes: index.bytes, ms: Math.round(performance.now() - began) }
    this.#log.info(facts, 'indicators are in memory for observations')
    return index
  }
}

function addTo(index: ValueIndex, { position, handlingId, until, observables }: KnownIndicator): void {
  if (observables.length === 1) {
    const [only] = observables
    if (only !== undefined) index.add(correlationKey(only), position, handlingId, until)
    return
  }
  for (const key of new Set(observables.map(correlationKey))) index.add(key, position, handlingId, until)
}
