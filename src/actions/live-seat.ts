import type { Caller } from '../domain/caller.ts'
import { limits } from '../domain/limits.ts'
import type { Page } from './follow.ts'
import type { FollowFilter } from './follow-filter.ts'
import type { LivePage } from './live-page.ts'

/** Takes a page. @returns something to wait for before the next one, where there is anything */
export type Take = (page: LivePage) => Promise<void> | undefined

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
  /** Who waits for the next page, or is to hear that the seat was given up. */
  #taker: ((page: LivePage | undefined) => void) | undefined

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
    if (this.#taker !== undefined) {
      this.#taker(page)
      return true
    }
    if (this.#pages.length > 0 && this.#changes + page.items.length > limits.streamQueue) return false
    this.#pages.push(page)
    this.#changes += page.items.length
    return true
  }

  /** What waits is not given any more: it was decided for somebody who may be somebody else now. */
  giveUp(): void {
    this.#open = false
    this.#pages = []
    this.#taker?.(undefined)
  }

  /** The next page; undefined when the seat was given up. One at a time. */
  next(): Promise<LivePage | undefined> {
    return new Promise((resolve) => {
      this.#taker = (page) => {
        this.#taker = undefined
        resolve(page)
      }
      this.#handWaiting()
    })
  }

  /**
   * Hands over every page as it comes, in the loop that gives it to all: ten thousand that wait cost no promise for each page. Resolves when the
   * seat was given up, or what `take` waited for has come; throws what `take` did.
   */
  serve(take: Take): Promise<void> {
    return new Promise((resolve) => {
      const leave = (waiting: Promise<void> | undefined) => {
        this.#taker = undefined
        resolve(waiting)
      }
      this.#taker = (page) => {
        try {
          const waiting = page && take(page)
          if (page === undefined || waiting !== undefined) leave(waiting)
        } catch (error) {
          leave(Promise.reject(error))
        }
      }
      this.#handWaiting()
    })
  }

  #handWaiting(): void {
    while (this.#taker !== undefined) {
      const page = this.#pages.shift()
      if (page === undefined) break
      this.#changes -= page.items.length
      this.#taker(page)
    }
    if (!this.#open) this.#taker?.(undefined)
  }
}
