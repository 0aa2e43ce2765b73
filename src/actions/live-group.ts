import type { Caller } from '../domain/caller.ts'
import { limits } from '../domain/limits.ts'
import { extendViews } from '../store/feed-views.ts'
import { PolicyMoved } from '../store/visible.ts'
import type { Context, Standing } from './context.ts'
import { changesOf } from './follow-changes.ts'
import { type FollowFilter, keepOf } from './follow-filter.ts'
import { beginRun, type CursorKind, isFinished, keeping, type Run, reachedRun, type View } from './follow-run.ts'
import { stepsOf } from './follow-steps.ts'
import { agree, followerOf, handlingsOf } from './follower.ts'
import { SharedPage } from './live-page.ts'
import type { Seat } from './live-seat.ts'
import { territoryFor, territoryMark } from './territory.ts'
import { recordReading } from './visible.ts'

/** The streams of one follower in a group: they get the same cursors. */
interface Member {
  readonly follower: Buffer
  readonly generation: number
  /** What its cursors are bound to. */
  readonly bound: string
  /** The class of the reader when it was let in. */
  readonly class: string
  caller: Caller
  readonly seats: Set<Seat>
}

/**
 * Streams whose readers may have exactly the same, in the same form, by the same filter, and who stand at the same place of the feed: a
 * page is read, decided and written once for all of them. Whoever is not of one mind with the group any more (another class, another
 * view, a territory that changed) is let go and asks for itself.
 */
export class Group {
  readonly key: string
  readonly #context: Context
  readonly #filter: FollowFilter
  readonly #members = new Map<string, Member>()
  /** Streams that are further on than the group: it goes to each of their places first. */
  #arriving: Seat[] = []
  /** Generations are each follower's own: here they are 0. */
  #run: Run = reachedRun({ upto: 0, to: 0, knows: 0 })
  #view: View = new Uint8Array()
  /** The view narrowed to the filter, as long as the view is this one. */
  #kept: { readonly of: View; readonly view: View } | undefined
  /** How much of the view is on disk for every member. */
  #durable = 0
  #kind: CursorKind = { communities: false, territory: undefined }

  constructor(context: Context, key: string, filter: FollowFilter) {
    this.#context = context
    this.key = key
    this.#filter = filter
  }

  get isEmpty(): boolean {
    return this.#members.size === 0 && this.#arriving.length === 0
  }

  get seats(): Seat[] {
    return [...[...this.#members.values()].flatMap(({ seats }) => [...seats]), ...this.#arriving]
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
    for (const member of this.#members.values()) for (const { caller } of member.seats) member.caller = caller
  }

  /** Brings the group to a place of the feed. @returns false when the policy moved meanwhile: it is to be asked again */
  async advance(standing: Standing, target: number): Promise<boolean> {
    try {
      for (;;) {
        if (isFinished(this.#run)) this.#admit(standing)
        if (!(await this.#isOfOneMind(standing))) return true
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
        this.#seat(seat, view.generation, visibility.classOf(seat.caller.reader, seat.caller.purpose))
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

  #seat(seat: Seat, generation: number, readerClass: string): void {
    const follower = followerOf(seat.caller)
    const id = `${follower.toString('base64')} ${generation}`
    const member = this.#members.get(id)
    if (member !== undefined) member.seats.add(seat)
    else {
      const { caller, bound } = seat
      this.#members.set(id, { follower, generation, bound, class: readerClass, caller, seats: new Set([seat]) })
    }
    seat.place = undefined
  }

  /** Whether somebody is left whom the group can be asked for. Nobody is served by a decision that was taken for others. */
  async #isOfOneMind(standing: Standing): Promise<boolean> {
    const { visibility } = standing
    const [first] = this.#members.values()
    if (first === undefined) return false
    for (const member of this.#members.values()) {
      const now = visibility.classOf(member.caller.reader, member.caller.purpose)
      if (now !== first.class || member.class !== first.class) this.#letGo(member)
    }
    const territory = await territoryFor(this.#context, first.caller, this.#filter)
    const view = handlingsOf(this.#context, first.caller, standing)
    if (!agree(this.#view, view) || (territory && territoryMark(territory)) !== this.#kind.territory) {
      for (const member of this.#members.values()) this.#letGo(member)
    }
    this.#sweep()
    if (view.length > this.#view.length) this.#view = view
    return this.#members.size > 0
  }

  async #page(standing: Standing): Promise<void> {
    const context = this.#context
    const [first] = this.#members.values()
    if (first === undefined) return
    const filter = this.#filter
    const before = this.#run
    const kept = this.#keptView(standing, first)
    const found = await stepsOf(context, before, { from: kept, to: kept }, limits.streamPage)
    if (found.steps.length > 0) {
      const territory = await territoryFor(context, first.caller, filter)
      const told = await changesOf(context, first.caller, standing, { filter, territory }, found.steps)
      const members = [...this.#members.values()]
      await this.#keepView(
        members,
        told.indicators.some(({ handlingId }) => handlingId >= this.#durable),
      )
      // The log has it, or the reader has not.
      await Promise.all(
        members.map((member) =>
          recordReading(context, member.caller, standing, 'follow', told.indicators).catch(() => this.#letGo(member)),
        ),
      )
      if (told.items.length > 0) for (const member of members) this.#give(member, told, { before, after: found.run })
    }
    this.#run = found.run
    this.#sweep()
  }

  #keptView(standing: Standing, { caller }: Member): View {
    if (this.#kept?.of !== this.#view) {
      const keep = keepOf(standing, caller, this.#filter, this.#run.knows)
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

  #letGo({ seats }: Member): void {
    for (const seat of seats) seat.giveUp()
  }

  #sweep(): void {
    for (const [id, { seats }] of this.#members) {
      for (const seat of seats) if (!seat.isOpen) seats.delete(seat)
      if (seats.size === 0) this.#members.delete(id)
    }
    if (this.#arriving.some(({ isOpen }) => !isOpen)) this.#arriving = this.#arriving.filter(({ isOpen }) => isOpen)
  }
}

function placeIn({ place }: Seat): NonNullable<Seat['place']> {
  if (place === undefined) throw new Error('a stream that was let in arrives again')
  return place
}
