import { type Replacement, replacementsBetween } from '../store/changes.ts'
import type { Context } from './context.ts'
import { differing, either, type Run, sees, shownBy, type View } from './follow-run.ts'

/** Positions that one statement goes through, so that none takes long. */
const piecePositions = 200_000

/** What the follower could see when the stretch began, and what it is to have at its end; narrowed to its filter. */
export interface Views {
  readonly from: View
  readonly to: View
}

/** One entry as the follower is told of it: an indicator at a position, or an id that it loses. */
export type Step = { readonly position: number; readonly part: Run['part'] } & (
  | { readonly give: 'published' | 'revised' | 'narrowed'; readonly had: boolean }
  | { readonly lose: 'withdrawn' | 'recalled'; readonly id?: string }
)

/**
 * The next steps of a stretch, and the stretch after them. One more than asked is looked for: that there is more must not be told
 * by what the follower may not see.
 */
export async function stepsOf(
  context: Context,
  run: Run,
  views: Views,
  limit: number,
): Promise<{ steps: Step[]; run: Run }> {
  const behind = run.part === 'behind' ? stepsBehind(context, run, views, limit + 1) : []
  if (behind.length > limit)
    return { steps: behind.slice(0, limit), run: { ...run, at: behind[limit - 1]?.position ?? run.at } }
  const ahead: Run = run.part === 'ahead' ? run : { ...run, part: 'ahead', at: run.since }
  const steps: Step[] = [...behind]
  let { at } = ahead
  while (at < ahead.upto && steps.length <= limit) {
    const piece = await stepsAhead(context, { ...ahead, at }, views, limit + 1 - steps.length)
    steps.push(...piece.steps)
    at = piece.at
  }
  if (steps.length > limit) {
    const last = steps[limit - 1]
    // What lay behind filled the page: the next one begins with what lies ahead.
    const stopped = behind.length === limit ? ahead.at : (last?.position ?? ahead.at)
    return { steps: steps.slice(0, limit), run: { ...ahead, at: stopped } }
  }
  return { steps, run: { ...ahead, at } }
}

/** The steps of one piece of what came after, and how far it reaches. */
async function stepsAhead(
  context: Context,
  run: Run,
  views: Views,
  room: number,
): Promise<{ steps: Step[]; at: number }> {
  const upto = Math.min(run.upto, run.at + piecePositions)
  const given = context.column.now.oldestAbove(shownBy(views.to), run.at, upto, room)
  const reached = given.length === room ? (given.at(-1) ?? upto) : upto
  // A follower that began with this stretch has nothing to lose.
  const replaced =
    run.since === 0 || !context.column.now.replacedAfter(run.at)
      ? []
      : await replacementsBetween(
          context.database,
          { above: run.at, upto: reached, since: run.since },
          either(views.from, views.to),
          room + 1,
        )
  // Beyond the last replacement read it is not known what was replaced.
  const end = replaced.length > room ? (replaced.at(-1)?.position ?? reached) - 1 : reached
  const steps = merged(given, replaced, views).filter(({ position }) => position <= end)
  return { steps, at: end }
}

/** What lay behind the follower and is shown differently now. What moved on meanwhile comes later, where it stands now. */
function stepsBehind(context: Context, run: Run, views: Views, limit: number): Step[] {
  const column = context.column.now
  return column.oldestAbove(differing(views.from, views.to), run.at, run.since, limit).map((position): Step => {
    const handling = column.at(position)
    if (!sees(views.to, handling)) return { position, part: 'behind', lose: 'withdrawn' }
    const masked = views.to[handling] === 2 && sees(views.from, handling)
    return { position, part: 'behind', give: masked ? 'narrowed' : 'published', had: sees(views.from, handling) }
  })
}

function merged(given: readonly number[], replaced: readonly Replacement[], views: Views): Step[] {
  const entries = new Map(replaced.map((entry) => [entry.position, entry]))
  const gives = given.map((position): Step => {
    const entry = entries.get(position)
    const had = entry !== undefined && sees(views.from, entry.handlingBefore)
    return { position, part: 'ahead', give: had && entry.kind !== 'recalled' ? entry.kind : 'published', had }
  })
  const losses = replaced
    .filter(({ handlingBefore }) => sees(views.from, handlingBefore))
    .filter(({ kind, handlingId }) => kind === 'recalled' || !sees(views.to, handlingId))
    .map(
      ({ position, id, kind }): Step => ({
        position,
        part: 'ahead',
        lose: kind === 'recalled' ? 'recalled' : 'withdrawn',
        id,
      }),
    )
  return [...gives, ...losses].sort((a, b) => a.position - b.position)
}
