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
  /** `behind`: going through what lies at or before `since`; `ahead`: through what came after. */
  readonly part: 'behind' | 'ahead'
  /** The last position gone through in this part. */
  readonly at: number
}

/** The stretch that begins where a finished one ended, or at the beginning of the feed. */
export function beginRun(since: number, from: number, to: number, upto: number): Run {
  const changed = from !== to && since > 0
  return { since, upto, from, to, part: changed ? 'behind' : 'ahead', at: changed ? 0 : since }
}

export const isFinished = ({ part, at, upto }: Run): boolean => part === 'ahead' && at >= upto

/** As a cursor holds it. */
export const placeOf = ({ since, upto, from, to, part, at }: Run): bigint[] =>
  [since, upto, from, to, part === 'behind' ? 0 : 1, at].map(BigInt)

export const placeNumbers = 6

export function runOf(place: readonly bigint[]): Run {
  const [since = 0, upto = 0, from = 0, to = 0, part = 0, at = 0] = place.map(Number)
  return { since, upto, from, to, part: part === 0 ? 'behind' : 'ahead', at }
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
