import { sealCursor } from '../auth/cursors.ts'
import type { Context } from './context.ts'
import { runAfter } from './follow.ts'
import type { Change } from './follow-changes.ts'
import { type CursorKind, placeOf, type Run } from './follow-run.ts'
import type { Step } from './follow-steps.ts'

/** Changes on their way to the streams of one follower, the oldest first. What is to be written of it is written once. */
export interface LivePage {
  /** The same list for all readers that get the same: what is made of it may be kept by it. */
  readonly items: readonly Change[]
  /** The cursor after an item, by its index. */
  readonly cursorAfter: (index: number) => string
  /** Where to go on after the page. */
  readonly cursor: string
}

/** Whose cursors: sealed for one follower and filter, and for the generation of its view. */
export interface Sealer {
  readonly bound: string
  readonly generation: number
  readonly kind: CursorKind
}

/** A page that many followers get, with the cursors of one of them. Cursors are sealed when they are asked for. */
export class SharedPage implements LivePage {
  readonly items: readonly Change[]
  readonly #context: Context
  readonly #steps: readonly Step[]
  readonly #before: Run
  readonly #after: Run
  readonly #sealer: Sealer
  #cursor: string | undefined

  constructor(
    context: Context,
    told: { readonly items: readonly Change[]; readonly steps: readonly Step[] },
    runs: { readonly before: Run; readonly after: Run },
    sealer: Sealer,
  ) {
    this.#context = context
    this.items = told.items
    this.#steps = told.steps
    this.#before = runs.before
    this.#after = runs.after
    this.#sealer = sealer
  }

  get cursor(): string {
    this.#cursor ??= this.#seal(this.#after)
    return this.#cursor
  }

  cursorAfter = (index: number): string =>
    index === this.items.length - 1 ? this.cursor : this.#seal(runAfter(this.#before, this.#steps[index]))

  #seal(run: Run): string {
    const { bound, generation, kind } = this.#sealer
    const { cursorKey, feedEpoch } = this.#context.node
    return sealCursor(cursorKey, placeOf({ ...run, from: generation, to: generation }, kind), feedEpoch, bound)
  }
}
