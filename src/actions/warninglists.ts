import type { Caller } from '../domain/caller.ts'
import { Fault } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import { detectType } from '../domain/observables/detect.ts'
import type { Observable } from '../domain/observables/observable.ts'
import { parseObservable } from '../domain/observables/parse.ts'
import type { Released } from '../domain/released.ts'
import type { Warning } from '../domain/warninglist.ts'
import { WarninglistMatcher } from '../domain/warninglist-matcher.ts'
import { readWarninglist } from '../formats/warninglist.ts'
import type { Database } from '../store/database.ts'
import {
  listWarninglists as factsOfLists,
  putWarninglist,
  readWarninglists,
  removeWarninglistRow,
  type WarninglistFacts,
  warninglistVersion,
} from '../store/warninglists.ts'
import type { Context } from './context.ts'
import { verb } from './verb.ts'

const latelyMs = 1_000

/** Warninglists in the memory of this process, as of the version that the database has when they are asked for. */
export class Warninglists {
  readonly #database: Database
  #loaded: { readonly version: bigint; readonly matcher: WarninglistMatcher } | undefined
  #loading: Promise<void> | undefined
  #lookedAt = 0

  constructor(database: Database) {
    this.#database = database
  }

  /** What holds now: whatever process changed a list, the next to ask here knows. */
  async current(): Promise<{ readonly version: bigint; readonly matcher: WarninglistMatcher }> {
    for (;;) {
      const version = await warninglistVersion(this.#database)
      if (this.#loaded !== undefined && this.#loaded.version >= version) return this.#loaded
      this.#loading ??= this.#load().finally(() => {
        this.#loading = undefined
      })
      await this.#loading
    }
  }

  /** What held not longer than a second ago: for what is shown beside indicators, and costs no statement of its own. */
  async lately(at: Date): Promise<WarninglistMatcher> {
    if (this.#loaded !== undefined && Math.abs(at.getTime() - this.#lookedAt) < latelyMs) return this.#loaded.matcher
    const { matcher } = await this.current()
    this.#lookedAt = at.getTime()
    return matcher
  }

  async #load(): Promise<void> {
    // The version first: lists that change meanwhile are read again.
    const version = await warninglistVersion(this.#database)
    this.#loaded = { version, matcher: new WarninglistMatcher(await readWarninglists(this.#database)) }
  }
}

export type { WarninglistFacts }

/** The lists of this node, without their entries. */
export const listWarninglists = verb(
  'list-warninglists',
  (context: Context, _caller: Caller, _input: undefined): Promise<WarninglistFacts[]> => factsOfLists(context.database),
)

export interface CheckInput {
  /** The type of each is told from it when it is not named. */
  readonly values: readonly { readonly value: string; readonly type?: string }[]
}

/**
 * Which warninglists each value is on. Nothing of it depends on indicators: it may be asked about any value.
 * @throws {Fault} `too_many_values`, `invalid_value`, `unknown_type`
 */
export const checkWarninglists = verb(
  'check-warninglists',
  async (context: Context, _caller: Caller, { values }: CheckInput): Promise<Warning[][]> => {
    if (values.length > limits.warninglistValues)
      throw new Fault('too_many_values', `At most ${limits.warninglistValues} values at once.`)
    const { matcher } = await context.warninglists.current()
    return values.map((value) => matcher.warningsOf(typed(value)))
  },
)

function typed({ value, type = detectType(value) }: CheckInput['values'][number]): Observable {
  if (type === undefined)
    throw new Fault('invalid_value', 'What type of value this is cannot be told; name it with `type`.')
  return parseObservable(type, value)
}

/** The warninglists that each of these indicators, which the caller has, is on. */
export const readWarnings = verb(
  'check-warninglists',
  (context: Context, _caller: Caller, { indicators }: { readonly indicators: readonly Released[] }) =>
    warningsOf(context, indicators),
)

/** The warninglists that each of these indicators is on, with any of its values. What is masked has none to look at. */
export async function warningsOf(context: Context, indicators: readonly Released[]): Promise<Warning[][]> {
  const matcher = await context.warninglists.lately(context.clock())
  if (matcher.empty) return indicators.map(() => [])
  return indicators.map(({ masked, observables }) => {
    if (masked) return []
    const found = new Map(observables.flatMap((each) => matcher.warningsOf(each)).map((each) => [each.list, each]))
    return [...found.values()]
  })
}

/** What came of one document. */
export interface LoadedWarninglist {
  readonly name: string
  readonly entries: number
  /** False when the same was there already. */
  readonly changed: boolean
}

/**
 * Takes a warninglist in MISP's format in the place of the one of its name. Called at the machine, as `setUp` is: no door leads here.
 * @throws {Fault} `invalid_request`, `invalid_json`, `too_many_values`
 */
export async function loadWarninglist(context: Context, bytes: Buffer): Promise<LoadedWarninglist> {
  const list = readWarninglist(bytes)
  return await context.database.transaction(async (transaction) => {
    const others = (await factsOfLists(transaction)).filter(({ name }) => name !== list.name)
    const total = others.reduce((sum, { entries }) => sum + entries, list.entries.length)
    if (total > limits.warninglistEntries)
      throw new Fault('too_many_values', `All warninglists together have at most ${limits.warninglistEntries} entries.`)
    const changed = await putWarninglist(transaction, list, context.clock())
    if (changed) context.log.info({ warninglist: list.name, entries: list.entries.length }, 'a warninglist was loaded')
    return { name: list.name, entries: list.entries.length, changed }
  })
}

/** @returns whether there was one of this name */
export async function removeWarninglist(context: Context, name: string): Promise<boolean> {
  const removed = await removeWarninglistRow(context.database, name)
  if (removed) context.log.info({ warninglist: name }, 'a warninglist was removed')
  return removed
}
