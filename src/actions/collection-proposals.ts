import type { Words } from '../store/column.ts'
import type { Micros, Shuffles } from './collection-order.ts'
import type { Kind, StixSource } from './collection-sources.ts'
import type { PresentView } from './collection-view.ts'
import type { Context } from './context.ts'

/** What is asked of a collection, and by what memory proposes it. */
export interface Asking {
  readonly context: Context
  readonly shuffles: Shuffles
  readonly sources: readonly StixSource[]
  readonly kinds: readonly Kind[]
  readonly present: PresentView
  /** Handlings of the collection that are shown, by the arrival they came by (0: none). */
  readonly wordsOf: (came: (arrival: number) => boolean) => Words
  /** As far as the column had read the feed when it began. */
  readonly head: number
}

/** Something that may be in the collection, as memory has it: of a millisecond of the feed, or of an arrival. */
export interface Proposal {
  readonly position: number
  readonly source: StixSource
  readonly kind: Kind
  /** The first position of its millisecond. */
  readonly start: number
  /** Its place in the order of the millisecond, or of the arrival. */
  readonly code: number
  readonly arrival?: { readonly at: Micros; readonly reserved: number }
}

/** A stretch of the feed, in which one set of handlings counts up to a position, and then another. */
export type Section = readonly { readonly upto: number; readonly words: Words }[]

type Found = Omit<Proposal, 'code'>

/** What is proposed next behind a position, so many and to the end of a millisecond; in the order of positions. */
export function nextMilliseconds(asking: Asking, section: Section, above: number, room: number): readonly Found[] {
  // Where one source has more, what others have beyond its last is not next yet.
  const some = proposedIn(asking, section, above, Number.POSITIVE_INFINITY, room).slice(0, room)
  const last = some.at(-1)
  if (last === undefined) return []
  const rest = proposedIn(asking, section, last.position, last.start + 999, 1_000)
  return [...some, ...rest.filter(({ start }) => start === last.start)]
}

/** Milliseconds in their own order, each in the order that its readers are given. */
export const inOrder = (shuffles: Shuffles, found: readonly Found[]): readonly Proposal[] =>
  found
    .map(({ position, source, kind, start }) => ({
      position,
      source,
      kind,
      start,
      code: shuffles.codeOf(start, position - start),
    }))
    .sort((a, b) => a.start - b.start || a.code - b.code)

/** What stands, or stood, at the positions of a stretch. What is recalled stands where it was recalled, which is no place of an arrival. */
export function standingIn(asking: Asking, words: Words, above: number, upto: number): ReadonlyMap<number, Found> {
  const kinds = asking.kinds.filter((kind) => kind !== 'recalled')
  const found = proposedIn({ ...asking, kinds }, [{ upto, words }], above, upto, Number.POSITIVE_INFINITY)
  return new Map(found.map((each) => [each.position, each]))
}

function proposedIn(
  { context, sources, kinds, present, head }: Asking,
  section: Section,
  above: number,
  end: number,
  limit: number,
): Found[] {
  const { slots } = context.column
  const found: Found[] = []
  let before = above
  for (const { upto, words } of section) {
    for (const source of sources) {
      for (const kind of kinds) {
        // Who was not there yet had nothing of what was recalled before.
        const stretch = {
          above: kind === 'recalled' ? Math.max(before, present.view.began) : before,
          upto: Math.min(upto, end, head),
        }
        for (const position of source.proposed(words, stretch, limit, kind)) {
          found.push({ position, source, kind, start: position - slots.at(position) })
        }
      }
    }
    before = Math.max(before, upto)
  }
  return found.sort((a, b) => a.position - b.position)
}
