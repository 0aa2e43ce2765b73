import { type Words, wordsWhere } from '../store/column.ts'

/**
 * One stretch of following, from where the follower was to where the feed reached when the stretch began. What lay behind the
 * follower is gone through first, if what it may see has changed; then what is new. A stretch keeps its two views and its two ends
 * over all its pages, so that at its end the follower has exactly what stood at `upto` under the view `to` (ADR 11).
 */
export interface Run {
  /** What was given up to here, under the view `from`, before the stretch began. */
  readonly since: number
  /** Where the feed reached when it began. */
  readonly upto: number
  /** Generations of the follower's views. */
  readonly from: number
  readonly to: number
  /** Which of the filter's communities were known with each view, as bits. */
  readonly knew: number
  readonly knows: number
  /** `behind`: going through what lies at or before `since`; `ahead`: through what came after. */
  readonly part: 'behind' | 'ahead'
  /** The last position gone through in this part. */
  readonly at: number
}

/** The end of what was given: how far, under which view, and what of the filter's communities was known. */
export type Reached = Pick<Run, 'upto' | 'to' | 'knows'>

/** The stretch that goes on from what was reached, or from the beginning of the feed, to how things stand now. */
export function beginRun(reached: Reached, now: Reached): Run {
  const changed = (reached.to !== now.to || reached.knows !== now.knows) && reached.upto > 0
  return {
    since: reached.upto,
    upto: now.upto,
    from: reached.to,
    to: now.to,
    knew: reached.knows,
    knows: now.knows,
    part: changed ? 'behind' : 'ahead',
    at: changed ? 0 : reached.upto,
  }
}

/** The stretch whose end was reached, as the last cursor of it says it. */
export const reachedRun = ({ upto, to, knows }: Reached): Run => ({
  since: upto,
  upto,
  from: to,
  to,
  knew: knows,
  knows,
  part: 'ahead',
  at: upto,
})

export const isFinished = ({ part, at, upto }: Run): boolean => part === 'ahead' && at >= upto

/** What a cursor holds beside the stretch: whether communities are asked for, and the mark of a territory. */
export interface CursorKind {
  readonly communities: boolean
  readonly territory: bigint | undefined
}

/** As a cursor holds it. */
export const placeOf = (run: Run, { communities, territory }: CursorKind): bigint[] => [
  ...[run.since, run.upto, run.from, run.to, run.part === 'behind' ? 0 : 1, run.at].map(BigInt),
  ...(communities ? [BigInt(run.knew), BigInt(run.knows)] : []),
  ...(territory === undefined ? [] : [territory]),
]

export const placeNumbers = ({ communities, territory }: CursorKind): number =>
  6 + (communities ? 2 : 0) + (territory === undefined ? 0 : 1)

/** @returns the stretch, and the mark of the territory that it was given for */
export function runOf(place: readonly bigint[], { communities }: CursorKind): { run: Run; mark: bigint | undefined } {
  const [since = 0, upto = 0, from = 0, to = 0, part = 0, at = 0] = place.map(Number)
  const [knew = 0, knows = 0] = communities ? place.slice(6, 8).map(Number) : []
  return {
    run: { since, upto, from, to, knew, knows, part: part === 0 ? 'behind' : 'ahead', at },
    mark: place[communities ? 8 : 6],
  }
}

/** A byte for each handling; beyond its end nothing. */
export type View = Uint8Array

export const sees = (view: View, handling: number): boolean => (view[handling] ?? 0) !== 0

/** Handlings that two views show differently. */
export const differing = (a: View, b: View): Words =>
  wordsWhere(Math.max(a.length, b.length), (id) => (a[id] ?? 0) !== (b[id] ?? 0))

/** Handlings that a view shows. */
export const shownBy = (view: View): Words => wordsWhere(view.length, (id) => sees(view, id))

/** What either shows. */
export const either = (a: View, b: View): View =>
  Uint8Array.from({ length: Math.max(a.length, b.length) }, (_, id) => (sees(a, id) || sees(b, id) ? 1 : 0))

/** A view without the handlings that fail a test. */
export const keeping = (view: View, keep: (handling: number) => boolean): View =>
  view.map((state, id) => (state !== 0 && keep(id) ? state : 0))
