import { createHash } from 'node:crypto'
import { worldOf } from '../domain/directory.ts'
import { type Handling, handlingText } from '../domain/handling.ts'
import { Visibility } from '../policy/visibility.ts'
import type { Database } from '../store/database.ts'
import { loadDirectory } from '../store/directory.ts'
import { handlingsFrom, internHandlings } from '../store/handlings.ts'
import { readPolicyHead } from '../store/node.ts'
import type { Standing } from './context.ts'

/** Handling texts whose ids are remembered. */
const textsKept = 65_536

/**
 * The policy as this process knows it: the directory of one epoch and the decisions taken in it. Whether that epoch still
 * holds is asked of the database with every query for rows, so a stale copy here can refuse or retry, never leak.
 */
export class CurrentPolicy {
  readonly #database: Database
  #standing: Standing | undefined
  #loading: Promise<Standing> | undefined
  /** Reasons to doubt what is known, so far; and of them those that a look since has answered. */
  #doubts = 0
  #answered = 0
  readonly #ids = new Map<string, number>()

  constructor(database: Database) {
    this.#database = database
  }

  /**
   * The policy as last known, without asking: for answers whose rows are read together with the epoch, which then either confirm
   * it or have it decided again.
   */
  async known(): Promise<Standing> {
    if (this.#standing === undefined || this.#doubts > this.#answered) return await this.current()
    return this.#standing
  }

  /** What tells two states of it apart. */
  get state(): string {
    return `${this.#standing?.directory.epoch} ${this.#standing?.visibility.size}`
  }

  /** The epoch may have moved: the next to ask what is known looks. */
  suspect(): void {
    this.#doubts++
  }

  /** Told that the epoch moved: what is known is brought up to date before anybody asks. */
  async moved(): Promise<void> {
    if (this.#standing !== undefined) await this.current()
  }

  /** The policy as of now: loaded anew when the epoch moved, extended when handlings were interned. */
  async current(): Promise<Standing> {
    const now = await this.#head()
    let standing = this.#standing
    // A load that was under way may be of an earlier epoch.
    while (standing === undefined || standing.directory.epoch < now.epoch) standing = await this.#load()
    if (standing.visibility.size <= now.handlings) await this.#extend(standing.visibility)
    return standing
  }

  async #head(): Promise<{ readonly epoch: bigint; readonly handlings: number }> {
    // What comes up while this look is under way is not answered by it, and nothing is until it has.
    const doubts = this.#doubts
    try {
      const head = await readPolicyHead(this.#database)
      this.#answered = Math.max(this.#answered, doubts)
      return head
    } catch (error) {
      this.#doubts++
      throw error
    }
  }

  /** Ids of handlings, interning those that are new. */
  async intern(wanted: readonly Handling[]): Promise<number[]> {
    const texts = wanted.map((handling) => createHash('sha256').update(handlingText(handling)).digest('base64'))
    const missing = wanted.filter((_, i) => !this.#ids.has(texts[i] ?? ''))
    const ids = missing.length === 0 ? [] : await internHandlings(this.#database, missing)
    if (this.#ids.size + missing.length > textsKept) this.#ids.clear()
    for (const [i, handling] of missing.entries()) {
      const id = ids[i]
      if (id === undefined) continue
      this.#ids.set(createHash('sha256').update(handlingText(handling)).digest('base64'), id)
    }
    if (missing.length > 0 && this.#standing !== undefined) await this.#extend(this.#standing.visibility)
    return await Promise.all(
      wanted.map(async (handling, i) => this.#ids.get(texts[i] ?? '') ?? this.#internOne(handling)),
    )
  }

  async #internOne(handling: Handling): Promise<number> {
    const [id] = await internHandlings(this.#database, [handling])
    if (id === undefined) throw new Error('a handling was not interned')
    return id
  }

  /** One load at a time: those who come while it runs share it, if it began after they asked. */
  #load(): Promise<Standing> {
    this.#loading ??= this.#loadNow().finally(() => {
      this.#loading = undefined
    })
    return this.#loading
  }

  async #loadNow(): Promise<Standing> {
    const directory = await loadDirectory(this.#database)
    const visibility = new Visibility(worldOf(directory))
    await this.#extend(visibility)
    this.#standing = { directory, visibility }
    return this.#standing
  }

  async #extend(visibility: Visibility): Promise<void> {
    for (const { id, handling } of await handlingsFrom(this.#database, visibility.size)) visibility.add(id, handling)
  }
}
