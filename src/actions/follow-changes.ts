import type { Caller } from '../domain/caller.ts'
import type { Indicator } from '../domain/indicator.ts'
import type { Released } from '../domain/released.ts'
import { mayBeFollowed } from '../policy/feed.ts'
import { idsAt, visibleAt } from '../store/changes.ts'
import { exactlyAt } from '../store/newest.ts'
import type { Context, Standing } from './context.ts'
import type { FollowFilter } from './follow-filter.ts'
import type { Step } from './follow-steps.ts'
import { handlingFilter, looksInside, pageFilter } from './search-filter.ts'
import type { Territory } from './territory.ts'
import { permittedFor, releaseAll, visibleTo } from './visible.ts'

/**
 * What a follower does with it: `published`, `revised` and `narrowed` bring the indicator as it is now; `withdrawn` (it may not be
 * seen any more, or is outside the filter) and `recalled` (its originator took it back) bring its id alone.
 */
export type Change =
  | { readonly change: 'published' | 'revised' | 'narrowed'; readonly id: string; readonly indicator: Released }
  | { readonly change: 'withdrawn' | 'recalled'; readonly id: string }

/** Changes as readers of one class may have them, each with the step that it comes from, and what was read for them. */
export interface Told {
  readonly items: readonly Change[]
  readonly steps: readonly Step[]
  readonly indicators: readonly Indicator[]
}

/** Steps as the caller may have them: what it may not see now is not among them. @throws {PolicyMoved} */
export async function changesOf(
  context: Context,
  caller: Caller,
  standing: Standing,
  asked: { readonly filter: FollowFilter; readonly territory: Territory | undefined },
  steps: readonly Step[],
): Promise<Told> {
  const { filter, territory } = asked
  const permitted = permittedFor(context, caller, standing)
  const visible = visibleTo(
    permitted,
    standing,
    caller,
    looksInside(filter) ? 'content' : 'whole',
    (handling) => mayBeFollowed(handling) && (handlingFilter(caller, filter)?.(handling) ?? true),
  )
  // What the follower had may not fit a filter of its content any more.
  const mayLeave = asksContent(filter)
  const positions = steps.filter((step) => 'give' in step).map(({ position }) => position)
  // Asked even for none: the answer is good only if the policy is still the one it was decided by.
  const exact = mayLeave ? undefined : await exactlyAt(context.database, context.column, visible, positions)
  const found = exact ?? (await visibleAt(context.database, visible, positions, pageFilter(context, filter, territory)))
  const indicators = positions.flatMap((position) => found.get(position) ?? [])
  const released = new Map(
    releaseAll(context, caller, standing, permitted, indicators).map((each, n) => [indicators[n]?.position, each]),
  )
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
  const told = steps.flatMap((step) => {
    const item = changeOf(step, ids.get(step.position), released.get(BigInt(step.position)))
    return item === undefined ? [] : [{ item, step }]
  })
  return { items: told.map(({ item }) => item), steps: told.map(({ step }) => step), indicators }
}

function changeOf(step: Step, lostId: string | undefined, indicator: Released | undefined): Change | undefined {
  if ('lose' in step) {
    const id = step.id ?? lostId
    return id === undefined ? undefined : { change: step.lose, id }
  }
  if (indicator !== undefined) return { change: step.give, id: indicator.id, indicator }
  // It fits the filter no more; or it moved on, and comes again where it stands now.
  return lostId === undefined ? undefined : { change: 'withdrawn', id: lostId }
}

/** Whether the filter asks something of the indicators themselves, and not only of their handling. */
const asksContent = ({ tlp: _, originator: __, community: ___, ...content }: FollowFilter): boolean =>
  Object.values(content).some((each) => each !== undefined)
