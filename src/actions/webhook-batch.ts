import type { Caller } from '../domain/caller.ts'
import { idsStanding } from '../store/changes.ts'
import type { Context } from './context.ts'
import { type Change, changesOf, type FollowInput, type FollowPage, followable, pageOf, type Step } from './follow.ts'
import { pageFilter } from './search-filter.ts'
import { verb } from './verb.ts'
import { permittedFor } from './visible.ts'

/** Changes that are to be delivered together, and how far was looked for them. */
export interface Batch extends FollowPage {
  readonly epoch: bigint
  /** Epoch milliseconds from which time alone may change what may be seen; Infinity: never. */
  readonly freshUntil: number
}

/** What comes next for a subscription. @throws {Fault} as `follow` */
export const takeBatch = verb(
  'follow',
  async (context: Context, caller: Caller, input: FollowInput, standing): Promise<Batch> => ({
    ...(await pageOf(context, caller, input, standing)),
    epoch: standing.directory.epoch,
    freshUntil: permittedFor(context, caller, standing).freshUntil,
  }),
  { checkedWithRows: true },
)

/** A change as a delivery keeps it: never what was in it. */
export type KeptStep = readonly [change: Change['change'], position: number, id: string]

export interface RemakeInput extends FollowInput {
  readonly steps: readonly KeptStep[]
}

export interface Remade {
  readonly changes: readonly Change[]
  readonly epoch: bigint
}

/**
 * The changes of a delivery that was made before, as they may be told now. What stands where it stood and may still be seen is told
 * again; what moved on or was lost is left out, since the feed tells it further on: the cursor is behind all of them. A loss is left out
 * when it has been undone meanwhile, so that a delivery that comes late takes nothing away.
 * @throws {Fault} as `follow`
 */
export const remakeBatch = verb(
  'follow',
  async (context: Context, caller: Caller, { steps, ...input }: RemakeInput, standing): Promise<Remade> => {
    const gives = steps.flatMap(([change, position]): Step[] =>
      change === 'withdrawn' || change === 'recalled' ? [] : [{ position, give: change, had: false }],
    )
    const told = await changesOf(context, caller, standing, input, gives)
    const given = new Map(told.map(({ position, change }) => [position, change]))
    const losses = steps.filter(([change]) => change === 'withdrawn' || change === 'recalled').map(([, , id]) => id)
    const back =
      losses.length === 0
        ? new Set<string>()
        : await idsStanding(
            context.database,
            followable(context, caller, standing, input),
            losses,
            pageFilter(context, input.filter),
          )
    const changes = steps.flatMap(([change, position, id]): Change[] => {
      if (change === 'withdrawn' || change === 'recalled') return back.has(id) ? [] : [{ change, id }]
      const again = given.get(position)
      return again === undefined ? [] : [again]
    })
    return { changes, epoch: standing.directory.epoch }
  },
  { checkedWithRows: true },
)
