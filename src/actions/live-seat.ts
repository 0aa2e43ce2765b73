import type { Caller } from '../domain/caller.ts'
import { limits } from '../domain/limits.ts'
import type { Page } from './follow.ts'
import type { FollowFilter } from './follow-filter.ts'
import type { LivePage } from './live-page.ts'

/**
 * The place of one stream among those that are served together. Pages wait in it for a reader that is at work; with more than it holds, or
 * when the reader is not of the group any more, the seat is given up, and the stream reads on from its cursor.
 */
export class Seat {
  readonly filter: FollowFilter
  readonly bound: string
  /** Where the stream stood when it came, and what its follower is known to see; until it is let in. */
  place: Pick<Page, 'reached' | 'view' | 'kind'> | undefined
  /** As last known. */
  caller: Caller
  #pages: LivePage[] = []
  #changes = 0
  #open = true
  #wake: (() => void) | undefined

  constructor(caller: Caller, filter: FollowFilter, bound: string, { reached, view, kind }: Page) {
    this.caller = caller
    this.filter = filter
    this.bound = bound
    this.place = { reached, view, kind }
  }

  get isOpen(): boolean {
    return this.#open
  }

  /** @returns false when it did not fit */
  push(page: LivePage): boolean {
    if (!this.#open) return false
    if (this.#pages.length > 0 && this.#changes + page.items.length > limits.streamQueue) return false
    this.#pages.push(page)
    this.#changes += page.items.length
    this.#told()
    return true
  }

  /** What waits is not given any more: it was decided for somebody who may be somebody else now. */
  giveUp(): void {
    this.#open = false
    this.#pages = []
    this.#told()
  }

  /** The next page; undefined when the seat was given up. One at a time. */
  async next(): Promise<LivePage | undefined> {
    while (this.#open) {
      const page = this.#pages.shift()
      if (page !== undefined) {
        this.#changes -= page.items.length
        return page
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    return undefined
  }

  #told(): void {
    this.#wake?.()
    this.#wake = undefined
  }
}
