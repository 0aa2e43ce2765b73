import type { Caller } from '../domain/caller.ts'
import { followerOf } from './follower.ts'
import type { Seat } from './live-seat.ts'

/** The streams of one follower in a group: they get the same cursors. */
export interface Member {
  readonly follower: Buffer
  readonly generation: number
  /** What its cursors are bound to. */
  readonly bound: string
  /** The class of the reader when it was let in. */
  readonly class: string
  caller: Caller
  readonly seats: Set<Seat>
}

/** Who is served by a group, by follower and generation; whoever has no open stream any more is none of them. */
export class Members implements Iterable<Member> {
  readonly #members = new Map<string, Member>()

  get size(): number {
    return this.#members.size
  }

  /** Whom the group is asked for. */
  get first(): Member | undefined {
    const [first] = this.#members.values()
    return first
  }

  get seats(): Seat[] {
    return [...this].flatMap(({ seats }) => [...seats])
  }

  [Symbol.iterator](): Iterator<Member> {
    return this.#members.values()
  }

  add(seat: Seat, generation: number, readerClass: string): void {
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

  /** Lets those go of whom it is true; they ask for themselves. */
  letGo(of: (member: Member) => boolean): void {
    for (const member of this) if (of(member)) for (const seat of member.seats) seat.giveUp()
    this.sweep()
  }

  /** Forgets streams that are closed. */
  sweep(): void {
    for (const [id, { seats }] of this.#members) {
      for (const seat of seats) if (!seat.isOpen) seats.delete(seat)
      if (seats.size === 0) this.#members.delete(id)
    }
  }
}
