import type { Caller } from '../domain/caller.ts'
import { limits } from '../domain/limits.ts'
import type { Permitted } from '../policy/visibility.ts'
import { extendViews } from '../store/feed-views.ts'
import { PolicyMoved } from '../store/visible.ts'
import type { Context, Standing } from './context.ts'
import { changesOf } from './follow-changes.ts'
import { type FollowFilter, keepOf } from './follow-filter.ts'
import { beginRun, type CursorKind, isFinished, keeping, type Run, reachedRun, type View } from './follow-run.ts'
import { stepsOf } from './follow-steps.ts'
import { agree, handlingsOf } from './follower.ts'
import { type Member, Members } from './live-members.ts'
import { SharedPage } from './live-page.ts'
import type { Seat } from './live-seat.ts'
import { territoryFor, territoryMark } from './territory.ts'
import { permittedFor, recordReading } from './visible.ts'

/**
 * Streams whose readers may have exactly the same, in the same form, by the same filter, and who stand at the same place of the feed: a
 * page is read, decided and written once for all of them. Whoever is not of one mind with the group any more (another class, another
 * view, a territory that changed) is let go and asks for itself.
 */
export class Group {
  readonly key: string
  readonly #context: Context
  readonly #filter: FollowFilter
  readonly #members = new Members()
  /** Streams that are further on than the group: it goes to each of their places first. */
  #arriving: Seat[] = []
  /** Generations are each follower's own: here they are 0. */
  #run: Run = reachedRun({ upto: 0, to: 0, knows: 0 })
  #view: View = new Uint8Array()
  /** The view narrowed to the filter, as long as the view is this one. */
  #kept: { readonly of: View; readonly view: View } | undefined
  /** How much of the view is on disk for every member. */
  #durable = 0
  /** The view as it was decided last, and by what. */
  #judged: { readonly by: Permitted; readonly view: View } | undefined
  #lookedAt = 0
  #kind: CursorKind = { communities: false, territory: undefined }

  constructor(context: Context, key: string, filter: FollowFilter) {
    this.#context = context
    this.key = key
    this.#filter = filter
  }

  get isEmpty(): boolean {
    this.#sweep()
    return this.#members.size === 0 && this.#arriving.length === 0
  }

  get seats(): Seat[] {
    return [...this.#members.seats, ...this.#arriving]
  }

  arrive(seat: Seat): void {
    this.#arriving.push(seat)
  }

  /** Asks everybody again by what is known now: whoever is nobody any more, or of another group, is let go. */
  recognise(known: (seat: Seat) => Caller | undefined): void {
    for (const seat of this.seats) {
      const caller = known(seat)
      if (caller === undefined) seat.giveUp()
      else seat.caller = caller
    }
    this.#sweep()
    for (const member of this.#members) for (const { caller } of member.seats) member.caller = caller
  }

  /** Brings the group to a place of the feed. @returns false when the policy moved meanwhile: it is to be asked again */
  async advance(standing: Standing, target: number): Promise<boolean> {
    try {
      for (;;) {
        if (isFinished(this.#run)) this.#admit(standing)
        if (!this.#isOfOneMind(standing) || !(await this.#isThere(target))) return true
        if (isFinished(this.#run)) {
          const { upto } = this.#run
          const stop = this.#arriving.reduce((nearest, seat) => Math.min(nearest, placeIn(seat).reached.upto), target)
          if (stop <= upto) return true
          this.#run = beginRun(this.#run, { ...this.#run, upto: stop })
        }
        await this.#page(standing)
      }
    } catch (error) {
      if (error instanceof PolicyMoved) return false
      throw error
    }
  }

  /** Those who stand where the group stands are served with it; those it has passed ask for themselves. */
  #admit({ visibility }: Standing): void {
    if (this.#members.size === 0) this.#settle()
    const waiting: Seat[] = []
    for (const seat of this.#arriving) {
      const { reached, view, kind } = placeIn(seat)
      if (!seat.isOpen) continue
      if (reached.upto > this.#run.upto) waiting.push(seat)
      else if (
        reached.upto < this.#run.upto ||
        !agree(this.#view, view.handlings) ||
        kind.territory !== this.#kind.territory
      ) {
        seat.giveUp()
      } else {
        if (view.handlings.length > this.#view.length) this.#view = view.handlings
        this.#durable = Math.min(this.#durable, view.handlings.length)
        this.#members.add(seat, view.generation, visibility.classOf(seat.caller.reader, seat.caller.purpose))
      }
    }
    this.#arriving = waiting
  }

  /** Where nobody is yet, the group stands where the first of those who come stands. */
  #settle(): void {
    const [nearest] = this.#arriving.map(placeIn).sort((a, b) => a.reached.upto - b.reached.upto)
    if (nearest === undefined) return
    this.#run = reachedRun({ ...nearest.reached, to: 0 })
    this.#view = nearest.view.handlings
    this.#durable = nearest.view.handlings.length
    this.#kind = nearest.kind
  }

  /** Whether somebody is left whom the group can be asked for. Nobody is served by a decision that was taken for others. */
  #isOfOneMind(standing: Standing): boolean {
    const { visibility } = standing
    const { first } = this.#members
    if (first === undefined) return false
    this.#members.letGo((member) => {
      const now = visibility.classOf(member.caller.reader, member.caller.purpose)
      return now !== first.class || member.class !== first.class
    })
    const view = this.#viewNow(standing, first)
    if (!agree(this.#view, view)) this.#members.letGo(() => true)
    if (view.length > this.#view.length) this.#view = view
    return this.#members.size > 0
  }

  /** Made again only when something was decided anew: it is asked for at every tick. */
  #viewNow(standing: Standing, { caller }: Member): View {
    const permitted = permittedFor(this.#context, caller, standing)
    const { size } = standing.visibility
    if (this.#judged?.by !== permitted || this.#judged.view.length !== size) {
      this.#judged = { by: permitted, view: handlingsOf(this.#context, caller, standing) }
    }
    return this.#judged.view
  }

  /** Whether the organisation still answers for what it did. Nothing tells of that: it is asked before a page, and now and then. */
  async #isThere(target: number): Promise<boolean> {
    const { first } = this.#members
    if (first === undefined || this.#kind.territory === undefined) return first !== undefined
    const now = performance.now()
    if (isFinished(this.#run) && target <= this.#run.upto && now - this.#lookedAt < limits.credentialsLookMs)
      return true
    this.#lookedAt = now
    const territory = await territoryFor(this.#context, first.caller, this.#filter)
    if (territory !== undefined && territoryMark(territory) === this.#kind.territory) return true
    this.#members.letGo(() => true)
    return false
  }

  async #page(standing: Standing): Promise<void> {
    const context = this.#context
    const { first } = this.#members
    if (first === undefined) return
    const filter = this.#filter
    const before = this.#run
    const kept = this.#keptView(standing, first)
    const found = await stepsOf(context, before, { from: kept, to: kept }, limits.streamPage)
    if (found.steps.length > 0) {
      const territory = await territoryFor(context, first.caller, filter)
      const told = await changesOf(context, first.caller, standing, { filter, territory }, found.steps)
      const members = [...this.#members]
      await this.#keepView(
        members,
        told.indicators.some(({ handlingId }) => handlingId >= this.#durable),
      )
      // The log has it, or the reader has not.
      await Promise.all(
        members.map((member) =>
          recordReading(context, member.caller, standing, 'follow', told.indicators).catch(() =>
            this.#members.letGo((each) => each === member),
          ),
        ),
      )
      if (told.items.length > 0) for (const member of members) this.#give(member, told, { before, after: found.run })
    }
    this.#run = found.run
    this.#sweep()
  }

  #keptView(standing: Standing, { caller }: Member): View {
    if (this.#kept?.of !== this.#view) {
      const keep = keepOf(standing, caller, { filter: this.#filter }, this.#run.knows)
      this.#kept = { of: this.#view, view: keeping(this.#view, keep) }
    }
    return this.#kept.view
  }

  /** What is given must be known to have been seen, before any cursor says that it was given. */
  async #keepView(members: readonly Member[], needed: boolean): Promise<void> {
    if (!needed) return
    await extendViews(this.#context.database, members, this.#view)
    this.#durable = this.#view.length
  }

  #give(
    { seats, generation, bound }: Member,
    told: ConstructorParameters<typeof SharedPage>[1],
    runs: ConstructorParameters<typeof SharedPage>[2],
  ): void {
    const page = new SharedPage(this.#context, told, runs, { bound, generation, kind: this.#kind })
    for (const seat of seats) if (!seat.push(page)) seat.giveUp()
  }

  #sweep(): void {
    this.#members.sweep()
    if (this.#arriving.some(({ isOpen }) => !isOpen)) this.#arriving = this.#arriving.filter(({ isOpen }) => isOpen)
  }
}

function placeIn({ place }: Seat): NonNullable<Seat['place']> {
  if (place === undefined) throw new Error('a stream that was let in arrives again')
  return place
}
