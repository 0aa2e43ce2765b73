import { openCursor, sealCursor } from '../auth/cursors.ts'
import type { Caller } from '../domain/caller.ts'
import { Fault } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import type { FeedView } from '../store/feed-views.ts'
import type { Context, Standing } from './context.ts'
import { type Change, changesOf } from './follow-changes.ts'
import { type Asked, boundTo, type FollowFilter, keepOf, knownAmong } from './follow-filter.ts'
import {
  beginRun,
  type CursorKind,
  isFinished,
  keeping,
  placeNumbers,
  placeOf,
  type Reached,
  type Run,
  runOf,
} from './follow-run.ts'
import { type Step, stepsOf } from './follow-steps.ts'
import { presentView, viewsNamed } from './follower.ts'
import { territoryFor, territoryMark } from './territory.ts'
import { verb } from './verb.ts'
import { recordReading } from './visible.ts'

export type { Change } from './follow-changes.ts'
export type { FollowFilter } from './follow-filter.ts'

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

export interface Changes {
  readonly items: readonly Change[]
  /** The cursor after an item, by its index: for who takes them one by one. */
  readonly cursorAfter: (index: number) => string
  /** Where to go on; there always is one. */
  readonly cursor: string
  /** Whether more is there already. */
  readonly more: boolean
}

/** A page as whoever stays needs it: also what was reached, the steps of its items, and the view that is known to be on disk. */
export interface Page extends Changes {
  readonly steps: readonly Step[]
  readonly reached: Reached
  readonly view: FeedView
  readonly kind: CursorKind
}

/** @throws {Fault} `cursor_invalid`, `cursor_outdated`, `cursor_from_future`, `invalid_request` */
export async function pageOf(context: Context, caller: Caller, input: FollowInput, standing: Standing): Promise<Page> {
  const { filter } = input
  const bound = boundTo(caller, input)
  const territory = await territoryFor(context, caller, filter)
  const kind: CursorKind = {
    communities: filter.community !== undefined,
    territory: territory && territoryMark(territory),
  }
  const knows = knownAmong(caller, filter)
  const present = await presentView(context, caller, standing)
  const now: Reached = { upto: context.column.now.head, to: present.generation, knows }
  const run = startOf(context, input, bound, kind, now)
  const named = await viewsNamed(context, caller, present, [run.from, run.to])
  const views = {
    from: keeping(named(run.from).handlings, keepOf(standing, caller, input, run.knew)),
    to: keeping(named(run.to).handlings, keepOf(standing, caller, input, run.knows)),
  }
  const limit = Math.min(input.limit ?? limits.pageRecordsDefault, limits.pageRecords)
  const found = await stepsOf(context, run, views, limit)
  const told = await changesOf(context, caller, standing, { ...input, territory }, found.steps)
  await recordReading(context, caller, standing, 'follow', told.indicators)
  const seal = (place: Run): string =>
    sealCursor(context.node.cursorKey, placeOf(place, kind), context.node.feedEpoch, bound)
  const more = !isFinished(found.run) || found.run.to !== present.generation || found.run.knows !== knows
  return {
    items: told.items,
    steps: told.steps,
    cursorAfter: (index) => seal(index === told.steps.length - 1 ? found.run : runAfter(run, told.steps[index])),
    cursor: seal(found.run),
    more,
    reached: found.run,
    view: present,
    kind,
  }
}

/** The stretch as it stands when one of its steps was given. */
export function runAfter(run: Run, step: Step | undefined): Run {
  if (step === undefined) throw new Error('a cursor was asked for beyond the page')
  return { ...run, part: step.part, at: step.position }
}

/**
 * What changed for this caller after a cursor, the oldest first. Whoever keeps following has, after each page that says there is no
 * more, exactly what it may see: newly permitted indicators come as published, lost ones are withdrawn by id.
 * @throws {Fault} `cursor_invalid`, `cursor_outdated`, `cursor_from_future`, `invalid_request`
 */
export const follow = verb(
  'follow',
  async (context: Context, caller: Caller, input: FollowInput, standing): Promise<Changes> => {
    const { items, cursorAfter, cursor, more } = await pageOf(context, caller, input, standing)
    return { items, cursorAfter, cursor, more }
  },
  { checkedWithRows: true },
)

/** The same for whoever goes on in this process (`live.ts`). */
export const followHere = verb('follow', pageOf, { checkedWithRows: true })

/** Whether a cursor was given to this follower for this filter, and for this way out. @throws {Fault} `cursor_invalid`, `cursor_outdated` */
export async function checkCursor(context: Context, caller: Caller, asked: Asked, cursor: string): Promise<void> {
  const { filter } = asked
  const territory = await territoryFor(context, caller, filter)
  const kind = { communities: filter.community !== undefined, territory: territory && territoryMark(territory) }
  openCursor(context.node.cursorKey, cursor, context.node.feedEpoch, boundTo(caller, asked), placeNumbers(kind))
}

/** Where this page begins: in the stretch of the cursor, or in a new one when that is finished. */
function startOf(
  context: Context,
  { cursor, fromNow }: FollowInput,
  bound: string,
  kind: CursorKind,
  now: Reached,
): Run {
  if (cursor === undefined) return beginRun({ ...now, upto: fromNow === true ? now.upto : 0 }, now)
  const place = openCursor(context.node.cursorKey, cursor, context.node.feedEpoch, bound, placeNumbers(kind))
  const { run, mark } = runOf(place, kind)
  if (mark !== kind.territory) {
    throw new Fault(
      'cursor_outdated',
      'What your organisation answers for has changed; start again without the cursor.',
    )
  }
  if (run.upto > context.column.now.head)
    throw new Fault('cursor_from_future', 'This cursor lies beyond the end of the feed; start again without it.')
  return isFinished(run) ? beginRun(run, now) : run
}
