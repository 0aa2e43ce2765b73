import type { Caller } from '../domain/caller.ts'
import { limits } from '../domain/limits.ts'
import type { Tally } from '../domain/observations/tally.ts'
import type { Transaction } from '../store/database.ts'
import { appendObservations, confirmMatches, type NewObservation } from '../store/observations.ts'
import { touchReceipt } from '../store/receipts.ts'
import type { Context, Standing } from './context.ts'
import { decidedAnew } from './decided-anew.ts'
import { record } from './verb.ts'
import { permittedFor, visibleTo } from './visible.ts'

/** Matches asked for in one query. */
const together = 5_000

/** What of a tally holds: how many observations matched, and the rows to append. */
interface Confirmed {
  readonly matched: number
  readonly observations: readonly NewObservation[]
}

/** Writes tallies of one stream, one after the other, while the next one fills. */
export class ObservationWriter {
  readonly #context: Context
  readonly #receipt: string | undefined
  #writing: Promise<void> = Promise.resolve()
  /** Different indicators seen. */
  readonly #indicators = new Set<string>()
  matched = 0

  constructor(context: Context, receipt: string | undefined) {
    this.#context = context
    this.#receipt = receipt
  }

  get indicators(): number {
    return this.#indicators.size
  }

  /** Begins to write a tally once the one before is written. @throws what that one failed with */
  async write(caller: Caller, tally: Tally): Promise<void> {
    await this.#writing
    this.#writing = this.#write(caller, tally)
    // Whoever waits next is told; until then it is no unhandled rejection.
    this.#writing.catch(() => undefined)
  }

  /** Waits until everything is committed. */
  async done(): Promise<void> {
    await this.#writing
  }

  async #write(caller: Caller, tally: Tally): Promise<void> {
    const { matched, observations } = await decidedAnew(this.#context, caller, 'observe', (standing, known) =>
      this.#context.database.transaction(async (transaction) => {
        const confirmed = await this.#confirmed(transaction, known, standing, tally)
        if (confirmed.observations.length > 0) await this.#append(transaction, known, standing, confirmed)
        return confirmed
      }),
    )
    this.matched += matched
    for (const { originator, stixId } of observations) {
      if (this.#indicators.size >= limits.observationIndicators) break
      this.#indicators.add(`${originator} ${stixId}`)
    }
  }

  /** Asks which matches hold for the caller now, and counts anew by those. */
  async #confirmed(transaction: Transaction, caller: Caller, standing: Standing, tally: Tally): Promise<Confirmed> {
    const holds = await this.#holding(transaction, caller, standing, tally)
    const observations = new Map<string, NewObservation & { times: number }>()
    let matched = 0
    for (let row = 0; row < tally.rows; row++) {
      const times = tally.times(row)
      const hour = tally.hour(row)
      // One indicator counts once, though several of its values may have matched.
      const seen = new Map<string, { readonly originator: string; readonly stixId: string }>()
      for (const n of tally.matchesOf(row)) {
        const match = holds[n]
        if (match !== undefined) seen.set(`${match.originator} ${match.stixId}`, match)
      }
      if (seen.size > 0) matched += times
      for (const [key, { originator, stixId }] of seen) {
        const known = observations.get(`${key} ${hour}`)
        if (known === undefined) observations.set(`${key} ${hour}`, { originator, stixId, hour, times })
        else known.times += times
      }
    }
    return { matched, observations: [...observations.values()] }
  }

  /** For each match of the tally the indicator, if it holds. */
  async #holding(transaction: Transaction, caller: Caller, standing: Standing, tally: Tally) {
    const permitted = permittedFor(this.#context, caller, standing)
    const at = this.#context.clock()
    const holds: ({ readonly originator: string; readonly stixId: string } | undefined)[] = []
    for (const exact of [true, false]) {
      // What contains a value is found through parts of it: not for what is masked.
      const visible = visibleTo(permitted, standing, caller, exact ? 'whole' : 'content')
      const asked: number[] = []
      for (let n = 0; n < tally.matches; n++) if (tally.match(n).exact === exact) asked.push(n)
      for (let from = 0; from < asked.length; from += together) {
        const some = asked.slice(from, from + together)
        const possible = some.map((n) => tally.match(n))
        for (const { n, originator, stixId } of await confirmMatches(transaction, visible, possible, at)) {
          const index = some[n]
          if (index !== undefined) holds[index] = { originator, stixId }
        }
      }
    }
    return holds
  }

  async #append(transaction: Transaction, caller: Caller, standing: Standing, { matched, observations }: Confirmed) {
    const reporter = caller.reader.organisation?.id ?? ''
    await appendObservations(transaction, reporter, observations, this.#receipt)
    if (this.#receipt !== undefined) await touchReceipt(transaction, this.#receipt, this.#context.clock())
    await record(transaction, this.#context, caller, standing, {
      action: 'observe',
      decision: 'permit',
      rules: ['role.reader|publisher'],
      subject: JSON.stringify({ receipt: this.#receipt ?? null, matched, rows: observations.length }),
    })
  }
}
