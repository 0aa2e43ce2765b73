import { to as copyTo } from 'pg-copy-streams'
import { Column } from './column.ts'
import type { Database, Transaction } from './database.ts'
import { Entries, type Entry, entriesAfter } from './feed-entries.ts'
import type { FeedNews } from './feed-news.ts'
import { HotRows } from './hot-rows.ts'
import { ObjectColumn } from './object-column.ts'
import { Slots } from './slots.ts'

/** About 30,000 indicators of usual size. */
const hotBytes = 64 * 1024 * 1024

/**
 * The column of a database, kept up with its feed: loading is following from the beginning. What is read through it is checked
 * again in SQL, so a column that lags can miss what was published a moment ago and can never show what is not visible.
 */
export class LiveColumn {
  readonly #database: Database
  readonly #column = new Column()
  /** What was recalled, at the position of its recall. */
  readonly recalled = new Column()
  /** What was replaced by a later version, at the position that it had. */
  readonly replaced = new Column()
  /** STIX objects that are no indicators. */
  readonly objects = new ObjectColumn()
  readonly slots = new Slots()
  /** Everything up to this position has a time to which nothing can be added any more (ADR 22). */
  settled = 0
  /** Rows that the column named lately. */
  readonly hot = new HotRows(hotBytes)
  /** The read under way, and the one after it, where somebody waits for that. */
  #reading: Promise<void> | undefined
  #next: Promise<void> | undefined
  #wanted = false

  constructor(database: Database) {
    this.#database = database
  }

  /** As of the last {@link catchUp}. */
  get now(): Column {
    return this.#column
  }

  /**
   * Reads the feed up to where it reaches now. Whoever calls while it is read waits for the next read, which begins after the call, and for no
   * further one, however much is written meanwhile.
   */
  catchUp(): Promise<void> {
    this.#wanted = true
    if (this.#reading === undefined) return this.#read()
    this.#next ??= this.#reading
      // Whoever waited for that one was told.
      .catch(() => undefined)
      .then(() => {
        this.#next = undefined
        return this.#reading ?? this.#read()
      })
    return this.#next
  }

  /**
   * Catches up if anybody has asked for the column yet: until then it is not worth its loading. News that follow on what is known are all
   * there is to read.
   */
  hurry(news?: FeedNews): Promise<void> {
    if (!this.#wanted || (news !== undefined && this.#hasEntered(news))) return Promise.resolve()
    return this.catchUp()
  }

  #hasEntered({ first, slot, handlings }: FeedNews): boolean {
    if (this.#column.head !== first - 1) return false
    let position = first
    for (const { handling, count } of handlings) {
      for (const end = position + count; position < end; position++) {
        this.slots.set(position, (slot + position - first) % 1_000)
        this.#column.enter(position, handling, false, undefined)
      }
    }
    return true
  }

  #read(): Promise<void> {
    const read = this.#database
      .borrow((queries) => this.#take(queries))
      .finally(() => {
        this.#reading = undefined
      })
    this.#reading = read
    return read
  }

  async #take({ client }: Transaction): Promise<void> {
    const source = client.query(copyTo(entriesAfter(Math.trunc(this.#column.head))))
    const entries = new Entries((entry) => this.#enter(entry))
    for await (const chunk of source) entries.take(chunk as Buffer)
  }

  #enter({ position, handling, recalled, slot, previous, type }: Readonly<Entry>): void {
    // News of it came while it was read, and perhaps of what followed: what is later must stand.
    if (position <= this.#column.head) return
    if (handling !== 0) this.slots.set(position, slot)
    if (type !== 0) {
      this.objects.enter(position, handling, type, recalled, previous)
      // No indicator stands there, and positions go so far.
      this.#column.enter(position, 0, true, undefined)
      return
    }
    if (recalled && handling !== 0) this.recalled.enter(position, handling, false, undefined)
    const left = previous === undefined ? 0 : this.#column.at(previous)
    if (previous !== undefined && left !== 0) this.replaced.enter(previous, left, false, undefined)
    this.#column.enter(position, handling, recalled, previous)
    if (previous !== undefined) this.hot.forget(previous)
  }
}
