import { createHash } from 'node:crypto'
import { openCursor, sealCursor } from '../auth/cursors.ts'
import type { Caller } from '../domain/caller.ts'
import { Fault } from '../domain/errors.ts'
import type { Handling } from '../domain/handling.ts'
import { limits } from '../domain/limits.ts'
import type { Released } from '../domain/released.ts'
import { mayBeFollowed } from '../policy/feed.ts'
import { mayLeaveOwnSystems } from '../policy/pap.ts'
import { idsAt, type Replacement, replacementsBetween, visibleAt } from '../store/changes.ts'
import { exactlyAt } from '../store/newest.ts'
import type { VisibleTo } from '../store/visible.ts'
import type { Context, Standing } from './context.ts'
import {
  beginRun,
  differing,
  either,
  isFinished,
  keeping,
  placeNumbers,
  placeOf,
  type Run,
  runOf,
  sees,
  shownBy,
  type View,
} from './follow-run.ts'
import { presentView, viewsNamed } from './follower.ts'
import { handlingFilter, looksInside, pageFilter, type SearchFilter } from './search-filter.ts'
import { verb } from './verb.ts'
import { permittedFor, recordReading, releaseAll, visibleTo } from './visible.ts'

/** What of a filter can be followed: nothing that changes by itself. */
export type FollowFilter = Omit<SearchFilter, 'community' | 'since' | 'until' | 'status' | 'value' | 'q'>

export interface FollowInput {
  readonly filter: FollowFilter
  /** Absent: from the beginning. */
  readonly cursor?: string
  /** Without a cursor: begin with what comes from now on. */
  readonly fromNow?: boolean
  /** 1–1,000; 100 when absent. */
  readonly limit?: number
  /** It goes to a system that is not the reader's own: only what PAP lets out. */
  readonly leaves?: boolean
}

/**
 * What a follower does with it: `published`, `revised` and `narrowed` bring the indicator as it is now; `withdrawn` (it may not be
 * seen any more, or is outside the filter) and `recalled` (its originator took it back) bring its id alone.
 */
export type Change =
  | { readonly change: 'published' | 'revised' | 'narrowed'; readonly id: string; readonly indicator: Released }
  | { readonly change: 'withdrawn' | 'recalled'; readonly id: string }

export interface Changes {
  readonly items: readonly Change[]
  /** Where to go on; there always is one. */
  readonly cursor: string
  /** Whether more is there already. */
  readonly more: boolean
}

/** Positions that one statement goes through, so that none takes long. */
const piecePositions = 200_000

/**
 * What changed for this caller after a cursor, the oldest first. Whoever keeps following has, after each page that says there is no
 * more, exactly what it may see: newly permitted indicators come as published, lost ones are withdrawn by id.
 * @throws {Fault} `cursor_invalid`, `cursor_outdated`, `cursor_from_future`
 */
export const follow = verb(
  'follow',
  async (context: Context, caller: Caller, input: FollowInput, standing): Promise<Changes> => {
    const { told, cursor, more } = await pageOf(context, caller, input, standing)
    return { items: told.map(({ change }) => change), cursor, more }
  },
  { checkedWithRows: true },
)

/** A change, and where in the feed it stands, which is told to nobody. */
export interface Told {
  readonly position: number
  readonly change: Change
}

export interface FollowPage {
  readonly told: readonly Told[]
  readonly cursor: string
  readonly more: boolean
  /** How far the feed was gone through, when there is no more. */
  readonly upto: number
}

/** What {@link follow} answers, for actions that keep track of it. */
export async function pageOf(
  context: Context,
  caller: Caller,
  input: FollowInput,
  standing: Standing,
): Promise<FollowPage> {
  const bound = boundTo(caller, input.filter)
  const present = await presentView(context, caller, standing)
  const run = startOf(context, input, bound, present.generation)
  const named = await viewsNamed(context, caller, present, [run.from, run.to])
  const keep = keepOf(standing, caller, input)
  const views = { from: keeping(named(run.from).handlings, keep), to: keeping(named(run.to).handlings, keep) }
  const limit = Math.min(input.limit ?? limits.pageRecordsDefault, limits.pageRecords)
  const steps = await stepsOf(context, run, views, limit)
  const told = await changesOf(context, caller, standing, input, steps.steps)
  const cursor = sealCursor(context.node.cursorKey, placeOf(steps.run), context.node.feedEpoch, bound)
  const more = !isFinished(steps.run) || steps.run.to !== present.generation
  return { told, cursor, more, upto: steps.run.upto }
}

/** Whether a cursor was given to this follower for this filter. @throws {Fault} `cursor_invalid`, `cursor_outdated` */
export function checkCursor(context: Context, caller: Caller, filter: FollowFilter, cursor: string): void {
  openCursor(context.node.cursorKey, cursor, context.node.feedEpoch, boundTo(caller, filter), placeNumbers)
}

/**
 * A cursor is good for the follower and the filter it was given for, whichever door it came by and in whatever order the filter's
 * members are written; the page size may change between pages.
 */
const boundTo = (caller: Caller, filter: FollowFilter): string =>
  createHash('sha256')
    .update(JSON.stringify(['follow', caller.reader.account ?? null, caller.purpose, inOrder(filter)]))
    .digest('base64')

const inOrder = (filter: FollowFilter): object =>
  Object.fromEntries(Object.entries(filter).sort(([a], [b]) => (a < b ? -1 : 1)))

/** What is asked of the handling: by the filter, and by PAP where it goes on to others. */
function keptBy(caller: Caller, { filter, leaves }: FollowInput): (handling: Handling) => boolean {
  const keep = handlingFilter(caller, filter)
  return (handling) =>
    mayBeFollowed(handling) &&
    (leaves !== true || mayLeaveOwnSystems(handling)) &&
    (keep === undefined || keep(handling))
}

/** The same, by id. */
function keepOf({ visibility }: Standing, caller: Caller, input: FollowInput): (id: number) => boolean {
  const keep = keptBy(caller, input)
  return (id) => {
    const handling = visibility.handling(id)
    return handling !== undefined && keep(handling)
  }
}

interface Views {
  readonly from: View
  readonly to: View
}

/** Where this page begins: in the stretch of the cursor, or in a new one when that is finished. */
function startOf(context: Context, { cursor, fromNow }: FollowInput, bound: string, present: number): Run {
  const { head } = context.column.now
  if (cursor === undefined) return beginRun(fromNow === true ? head : 0, present, present, head)
  const run = runOf(openCursor(context.node.cursorKey, cursor, context.node.feedEpoch, bound, placeNumbers))
  if (run.upto > head)
    throw new Fault('cursor_from_future', 'This cursor lies beyond the end of the feed; start again without it.')
  return isFinished(run) ? beginRun(run.upto, run.to, present, head) : run
}

/** One entry as the follower is told of it: an indicator at a position, or an id that it loses. */
export type Step =
  | { readonly position: number; readonly give: 'published' | 'revised' | 'narrowed'; readonly had: boolean }
  | { readonly position: number; readonly lose: 'withdrawn' | 'recalled'; readonly id?: string }

/**
 * The next steps of a stretch, and the stretch after them. One more than asked is looked for: that there is more must not be told
 * by what the follower may not see.
 */
async function stepsOf(context: Context, run: Run, views: Views, limit: number): Promise<{ steps: Step[]; run: Run }> {
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
    run.since === 0
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
    if (!sees(views.to, handling)) return { position, lose: 'withdrawn' }
    const masked = views.to[handling] === 2 && sees(views.from, handling)
    return { position, give: masked ? 'narrowed' : 'published', had: sees(views.from, handling) }
  })
}

function merged(given: readonly number[], replaced: readonly Replacement[], views: Views): Step[] {
  const entries = new Map(replaced.map((entry) => [entry.position, entry]))
  const gives = given.map((position): Step => {
    const entry = entries.get(position)
    const had = entry !== undefined && sees(views.from, entry.handlingBefore)
    return { position, give: had && entry.kind !== 'recalled' ? entry.kind : 'published', had }
  })
  const losses = replaced
    .filter(({ handlingBefore }) => sees(views.from, handlingBefore))
    .filter(({ kind, handlingId }) => kind === 'recalled' || !sees(views.to, handlingId))
    .map(({ position, id, kind }): Step => ({ position, lose: kind === 'recalled' ? 'recalled' : 'withdrawn', id }))
  return [...gives, ...losses].sort((a, b) => a.position - b.position)
}

/** What the caller may have of what is followed, as the store checks it. */
export function followable(context: Context, caller: Caller, standing: Standing, input: FollowInput): VisibleTo {
  const permitted = permittedFor(context, caller, standing)
  const findBy = looksInside(input.filter) ? 'content' : 'whole'
  return visibleTo(permitted, standing, caller, findBy, keptBy(caller, input))
}

/** Steps as the caller may have them. */
export async function changesOf(
  context: Context,
  caller: Caller,
  standing: Standing,
  input: FollowInput,
  steps: readonly Step[],
): Promise<Told[]> {
  const { filter } = input
  const permitted = permittedFor(context, caller, standing)
  const visible = followable(context, caller, standing, input)
  // What the follower had may not fit a filter of its content any more.
  const mayLeave = asksContent(filter)
  const positions = steps.filter((step) => 'give' in step).map(({ position }) => position)
  // Asked even for none: the answer is good only if the policy is still the one it was decided by.
  const exact = mayLeave ? undefined : await exactlyAt(context.database, context.column, visible, positions)
  const found = exact ?? (await visibleAt(context.database, visible, positions, pageFilter(context, filter)))
  const indicators = positions.flatMap((position) => found.get(position) ?? [])
  const released = new Map(
    releaseAll(context, caller, standing, permitted, indicators).map((each, n) => [indicators[n]?.position, each]),
  )
  await recordReading(context, caller, standing, 'follow', indicators)
  const lost = steps.filter((step) =>
    'lose' in step ? step.id === undefined : mayLeave && step.had && !found.has(step.position),
  )
  const ids =
    lost.length === 0
      ? new Map<number, string>()
      : await idsAt(
          context.database,
          lost.map(({ position }) => position),
        )
  return steps.flatMap((step): Told[] => {
    const { position } = step
    const id = ('id' in step ? step.id : undefined) ?? ids.get(position)
    if ('lose' in step) return id === undefined ? [] : [{ position, change: { change: step.lose, id } }]
    const indicator = released.get(BigInt(position))
    if (indicator !== undefined) return [{ position, change: { change: step.give, id: indicator.id, indicator } }]
    // It fits the filter no more; or it moved on, and comes again where it stands now.
    return id === undefined ? [] : [{ position, change: { change: 'withdrawn', id } }]
  })
}

/** Whether the filter asks something of the indicators themselves, and not only of their handling. */
const asksContent = ({ tlp: _, originator: __, ...content }: FollowFilter): boolean =>
  Object.values(content).some((each) => each !== undefined)
