import { openCheckpoint } from '../seal/checkpoint.ts'
import type { Frontier } from '../seal/merkle.ts'
import { NoteError, type NoteKey } from '../seal/note.ts'
import { checkpointsAfter, type StoredCheckpoint } from '../store/audit-tree.ts'
import type { Queries } from '../store/database.ts'
import type { Findings } from './audit-findings.ts'

/** Signed heads are read this many at a time. */
const headsPerPage = 1_000

/** A head of the tree that somebody kept outside the node. */
export interface OutsideHead {
  readonly size: number
  readonly root: Buffer
}

/** Compares every signed head with the tree as it is built anew from the rows, in the order of sizes. */
export class HeadAudit {
  readonly #queries: Queries
  readonly #findings: Findings
  readonly #key: NoteKey
  readonly #outside: readonly OutsideHead[]
  #page: StoredCheckpoint[] = []
  #after = 0
  #exhausted = false
  /** After the first root that does not fit no later one can: that is said once. */
  #broken = false
  #largest = 0
  /** Size of the last head whose root is that of the rows. */
  #fits = 0
  heads = 0

  constructor(queries: Queries, findings: Findings, key: NoteKey, outside: readonly OutsideHead[]) {
    this.#queries = queries
    this.#findings = findings
    this.#key = key
    this.#outside = outside
  }

  /** To be called at every size of the tree. */
  async reached(frontier: Frontier): Promise<void> {
    for (const head of this.#outside) {
      if (head.size === frontier.size && !head.root.equals(frontier.root())) this.#refuseOutside(head)
    }
    for (let head = await this.#next(); head !== undefined && head.size <= frontier.size; head = await this.#next()) {
      this.#page.shift()
      this.#checkNote(head)
      if (!this.#broken && head.size === frontier.size && !head.root.equals(frontier.root())) {
        this.#broken = true
        const since = `the last that fits is of size ${this.#fits}`
        this.#findings.add('root', `from size ${head.size} on, signed roots are not those of the rows; ${since}`, {
          size: head.size,
        })
      }
      if (!this.#broken) this.#fits = head.size
    }
  }

  /** The tree has a hole: from here on no root can be told. */
  lost(): void {
    this.#broken = true
  }

  /** At the end: heads of larger trees, and leaves that no head covers. */
  async finish(size: number): Promise<void> {
    for (let head = await this.#next(); head !== undefined; head = await this.#next()) {
      this.#page.shift()
      this.#checkNote(head)
      if (head.size <= size) continue
      this.#findings.add('unsigned', `a head of size ${head.size} was signed, and the tree has ${size} leaves`, {
        size: head.size,
      })
    }
    if (size > this.#largest) {
      this.#findings.add('unsigned', `the tree has ${size} leaves, and the newest signed head ${this.#largest}`, {
        size,
      })
    }
    for (const head of this.#outside) if (head.size > size) this.#refuseOutside(head)
  }

  async #next(): Promise<StoredCheckpoint | undefined> {
    if (this.#page.length === 0 && !this.#exhausted) {
      this.#page = await checkpointsAfter(this.#queries, this.#after, headsPerPage)
      this.#after = this.#page.at(-1)?.size ?? this.#after
      this.#exhausted = this.#page.length < headsPerPage
    }
    return this.#page[0]
  }

  #checkNote({ size, root, note }: StoredCheckpoint): void {
    this.heads++
    this.#largest = Math.max(this.#largest, size)
    try {
      const opened = openCheckpoint(note, this.#key)
      if (opened.size === size && opened.root.equals(root)) return
      this.#findings.add('checkpoint', 'the columns say something else than the note', { size })
    } catch (error) {
      if (!(error instanceof NoteError)) throw error
      this.#findings.add('checkpoint', error.message, { size })
    }
  }

  #refuseOutside({ size }: OutsideHead): void {
    this.#findings.add('extension', `the log does not extend the checkpoint of size ${size} that was kept outside`, {
      size,
    })
  }
}
