import type { Caller } from '../domain/caller.ts'
import type { Directory } from '../domain/directory.ts'
import { limits } from '../domain/limits.ts'
import type { Context, Standing } from './context.ts'
import { type FollowInput, followHere, type Page } from './follow.ts'
import { type FollowFilter, knownAmong } from './follow-filter.ts'
import { Group } from './live-group.ts'
import type { Seat } from './live-seat.ts'
import { recogniseTogether } from './recognise-together.ts'
import { stillMay } from './verb.ts'

const arrived = 'somebody arrived'

/** Groups brought forward at once: they share a look at the policy, and others have their turn before the next ones write. */
const groupsAtOnce = 5

/**
 * The streams of one process that have caught up, in groups that share pages. It goes in rounds: at each signal, and by the clock, the
 * feed and the policy are read once, and every group is brought to the feed's end. As long as nobody is here nothing runs.
 */
export class Fanout {
  readonly #context: Context
  readonly #groups = new Map<string, Group>()
  #arrivals: Seat[] = []
  readonly #reading = new Map<string, Promise<Page>>()
  #running = false
  #failing = false
  #directory: Directory | undefined
  #lookedAt = 0
  #kick = new AbortController()

  constructor(context: Context) {
    this.#context = context
  }

  /**
   * A page for a stream that is behind. Streams of one credential that ask for the same at once are given the same, and stand on the log once.
   * @param prove whether the credential is asked about first
   * @throws {Fault} as `follow`; `credentials_invalid`
   */
  read(caller: Caller, input: FollowInput, prove: boolean): Promise<Page> {
    const { reader, purpose, key, token } = caller
    const same = JSON.stringify([reader.account, purpose, key, token, input, prove])
    const asked = this.#reading.get(same)
    if (asked !== undefined) return asked
    const page = this.#read(caller, input, prove).finally(() => this.#reading.delete(same))
    this.#reading.set(same, page)
    return page
  }

  async #read(caller: Caller, input: FollowInput, prove: boolean): Promise<Page> {
    if (prove) await stillMay(this.#context, caller, 'follow')
    return await followHere(this.#context, caller, input)
  }

  /** From where its page reached on, the seat is served with others, until it is given up. */
  join(seat: Seat): void {
    this.#arrivals.push(seat)
    // A reason of its own would be made, with a stack, for each.
    this.#kick.abort(arrived)
    if (!this.#running) void this.#run()
  }

  async #run(): Promise<void> {
    const { wake } = this.#context
    this.#running = true
    try {
      while (this.#isAttended()) {
        const { turn } = wake
        this.#kick = new AbortController()
        const outcome = await this.#round().catch((error: unknown) => this.#failed(error))
        // Whoever comes while the database does not answer waits as well.
        if (outcome === 'failed') await wake.after(wake.turn, limits.followTickMs)
        else if (outcome === 'settled' && this.#arrivals.length === 0) {
          await wake.after(turn, limits.followTickMs, this.#kick.signal)
        }
        if (outcome !== 'failed') this.#failing = false
      }
    } finally {
      this.#running = false
    }
  }

  #isAttended(): boolean {
    this.#arrivals = this.#arrivals.filter(({ isOpen }) => isOpen)
    for (const group of this.#groups.values()) if (group.isEmpty) this.#groups.delete(group.key)
    return this.#groups.size > 0 || this.#arrivals.length > 0
  }

  /** Said once, and not at every tick until the database answers again. */
  #failed(error: unknown): 'failed' {
    const { log } = this.#context
    if (!this.#failing) log.warn({ error }, 'streams cannot be served now; they are again when the database answers')
    this.#failing = true
    return 'failed'
  }

  /** @returns `again` when another one is to follow at once */
  async #round(): Promise<'settled' | 'again' | 'failed'> {
    const { column, policy } = this.#context
    await column.catchUp()
    const target = column.now.head
    // After the column: every handling that it names is judged.
    const standing = await policy.current()
    await this.#look(standing)
    await this.#welcome(standing)
    const groups = [...this.#groups.values()]
    let outcome: 'settled' | 'again' | 'failed' = 'settled'
    const advance = async (group: Group | undefined) => {
      // No group is left at work when the round is over.
      const reached = await group?.advance(standing, target).catch((error: unknown) => this.#failed(error))
      if (reached === 'failed') outcome = reached
      else if (reached === false && outcome === 'settled') outcome = 'again'
    }
    // The rows that the first one reads are known to the others.
    await advance(groups.pop())
    for (let some = groups.splice(0, groupsAtOnce); some.length > 0; some = groups.splice(0, groupsAtOnce)) {
      await Promise.all(some.map(advance))
    }
    return outcome
  }

  /** Everybody is asked about again when the directory moved, and from time to time: keys and tokens end by themselves. */
  async #look(standing: Standing): Promise<void> {
    const now = performance.now()
    if (standing.directory === this.#directory && now - this.#lookedAt < limits.credentialsLookMs) return
    const seats = [...this.#groups.values()].flatMap((group) => group.seats)
    const known = await recogniseTogether(
      this.#context,
      standing,
      seats.map(({ caller }) => caller),
    )
    for (const group of this.#groups.values()) {
      group.recognise((seat) => {
        const caller = known.get(seat.caller)
        // Whoever came meanwhile is not asked about: it is let go, and comes again.
        return caller !== undefined && keyOf(standing, caller, seat.filter) === group.key ? caller : undefined
      })
    }
    this.#directory = standing.directory
    this.#lookedAt = now
  }

  async #welcome(standing: Standing): Promise<void> {
    const arrivals = [...this.#arrivals]
    if (arrivals.length === 0) return
    const known = await recogniseTogether(
      this.#context,
      standing,
      arrivals.map(({ caller }) => caller),
    )
    // Only now: nobody is lost when the database does not answer.
    this.#arrivals.splice(0, arrivals.length)
    for (const seat of arrivals) {
      const caller = known.get(seat.caller)
      const knows = caller === undefined ? undefined : knownAmong(caller, seat.filter)
      if (caller === undefined || knows !== seat.place?.reached.knows) {
        seat.giveUp()
        continue
      }
      seat.caller = caller
      const key = keyOf(standing, caller, seat.filter)
      const group = this.#groups.get(key) ?? new Group(this.#context, key, seat.filter)
      this.#groups.set(key, group)
      group.arrive(seat)
    }
  }
}

/** Everything that decides what is given and how it is shown: whoever shares this text shares pages. */
const keyOf = ({ visibility }: Standing, caller: Caller, filter: FollowFilter): string =>
  JSON.stringify([visibility.classOf(caller.reader, caller.purpose), filter, knownAmong(caller, filter)])
