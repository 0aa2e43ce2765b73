import { limits } from '../domain/limits.ts'
import type { From } from './collection-gather.ts'
import { type Micros, microsOf, wholeMilliseconds } from './collection-order.ts'
import type { Asking, Proposal } from './collection-proposals.ts'
import type { Shown, StixSource } from './collection-sources.ts'

/** An object with the time at which this reader finds it in its collections; unique among all that it may see. */
export interface Dated {
  readonly shown: Shown
  readonly added: Micros
  /** Where a page after it begins. */
  readonly after: From
}

/** A page that is filled with what of the proposals may be shown, in their order. */
export class PageOfCollection {
  readonly items: Dated[] = []
  /** How far the feed reached when something was read. */
  head: number
  readonly #asking: Asking
  readonly #need: number
  /** How many proposals are looked at together where most are not there; 0 where most are. */
  #together = 0

  constructor(asking: Asking, need: number) {
    this.#asking = asking
    this.#need = need
    this.head = asking.head
  }

  /** How many are still needed. */
  get room(): number {
    return this.#need - this.items.length
  }

  /**
   * Reads what is proposed until there is enough. Mostly what is proposed is there, and is read at once; where most is not, as of what it is
   * made of something is hidden, that is found out of many together before any is read.
   * @throws {PolicyMoved}
   */
  async fill(proposals: readonly Proposal[]): Promise<void> {
    for (let at = 0; at < proposals.length && this.room > 0; ) {
      const some = proposals.slice(at, at + Math.max(this.room, this.#together))
      at += some.length
      const before = this.items.length
      const likely = this.#together === 0 ? some : await this.#among(some)
      for (let n = 0; n < likely.length && this.room > 0; ) n += await this.#read(likely.slice(n, n + this.room))
      const mostAreThere = (this.items.length - before) * 2 >= some.length
      this.#together = mostAreThere ? 0 : Math.min(Math.max(this.#together, this.room) * 2, limits.pageRecords)
    }
  }

  async #among(proposals: readonly Proposal[]): Promise<readonly Proposal[]> {
    const there = new Set<number>()
    for (const source of this.#asking.sources) {
      const positions = positionsOf(proposals, source)
      if (positions.length > 0) for (const position of await source.among(positions)) there.add(position)
    }
    return proposals.filter(({ position }) => there.has(position))
  }

  /** @returns how many were looked at */
  async #read(proposals: readonly Proposal[]): Promise<number> {
    const { sources, present } = this.#asking
    const found = new Map<number, Shown>()
    for (const source of sources) {
      const positions = positionsOf(proposals, source)
      if (positions.length === 0) continue
      const { shown, head } = await source.read(positions, present.head)
      for (const one of shown.values()) found.set(one.position, one)
      this.head = Math.max(this.head, head)
    }
    for (const proposal of proposals) {
      const shown = found.get(proposal.position)
      if (shown !== undefined && this.#isAsked(proposal, shown)) this.items.push(dated(proposal, shown))
    }
    return proposals.length
  }

  /** It may have been replaced since it was proposed. */
  #isAsked({ kind }: Proposal, shown: Shown): boolean {
    return shown.kind === kind || (shown.kind === 'replaced' && this.#asking.kinds.includes('replaced'))
  }
}

const positionsOf = (proposals: readonly Proposal[], source: StixSource): number[] =>
  proposals.flatMap((each) => (each.source === source ? [each.position] : []))

function dated({ start, code, arrival }: Proposal, shown: Shown): Dated {
  if (arrival !== undefined) {
    const added = arrival.at + code
    return { shown, added, after: { micros: added, before: arrival.reserved, start: 0 } }
  }
  const added = wholeMilliseconds(microsOf(shown.dateAdded)) + code
  return { shown, added, after: { micros: added, before: start - 1, start } }
}
