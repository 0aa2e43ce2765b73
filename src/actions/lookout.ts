import type { FeedNews } from '../store/feed-news.ts'
import type { LiveColumn } from '../store/live-column.ts'
import type { Signal } from '../store/signals.ts'
import type { CurrentPolicy } from './current-policy.ts'
import type { Wake } from './wake.ts'

/**
 * Keeps what this process knows up with what all processes commit: brings the column and the policy up to date, and wakes whoever
 * follows when there is anything new. Signals make it prompt, the clock makes it certain: a signal that is lost costs a second.
 */
export class Lookout {
  readonly #policy: CurrentPolicy
  readonly #column: LiveColumn
  readonly #wake: Wake
  #told = ''

  constructor(policy: CurrentPolicy, column: LiveColumn, wake: Wake) {
    this.#policy = policy
    this.#column = column
    this.#wake = wake
  }

  /** @param signal what to look for; everything when absent @param news of the feed, where it is known what they are */
  async look(signal?: Signal, news?: FeedNews): Promise<void> {
    if (signal !== 'feed') await this.#policy.moved()
    if (signal !== 'policy') await this.#column.hurry(news)
    // Compared with what was told last, and not with what was known before: a page may have read it first.
    const state = `${this.#policy.state} ${this.#column.now.head}`
    if (state === this.#told) return
    this.#told = state
    this.#wake.tell()
  }
}
