import type { Caller } from '../domain/caller.ts'
import { idsStanding } from '../store/changes.ts'
import type { Context } from './context.ts'
import { type Change, type FollowInput, pageOf } from './follow.ts'
import { changesOf, followable } from './follow-changes.ts'
import type { Step } from './follow-steps.ts'
import { pageFilter } from './search-filter.ts'
import { territoryFor } from './territory.ts'
import { verb } from './verb.ts'
import { permittedFor, recordReading } from './visible.ts'

/** A change, and where in the feed it stands, which is told to nobody. */
export interface Told {
  readonly position: number
  readonly change: Change
}

/** Changes that are to be delivered together, and how far was looked for them. */
export interface Batch {
  readonly told: readonly Told[]
  readonly cursor: string
  readonly more: boolean
  /** How far the feed was gone through, when there is no more. */
  readonly upto: number
  readonly epoch: bigint
  /** Epoch milliseconds from which time alone may change what may be seen; Infinity: never. */
  readonly freshUntil: number
}

/** What comes next for a subscription. @throws {Fault} as `follow` */
export const takeBatch = verb(
  'follow',
  async (context: Context, caller: Caller, input: FollowInput, standing): Promise<Batch> => {
    const { items, steps, cursor, more, reached } = await pageOf(context, caller, input, standing)
    return {
      told: items.map((change, n) => ({ position: steps[n]?.position ?? 0, change })),
      cursor,
      more,
      upto: reached.upto,
      epoch: standing.directory.epoch,
      freshUntil: permittedFor(context, caller, standing).freshUntil,
    }
  },
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
      change === 'withdrawn' || change === 'recalled' ? [] : [{ part: 'ahead', position, give: change, had: false }],
    )
    const territory = await territoryFor(context, caller, input.filter)
    const asked = { ...input, territory }
    const told = await changesOf(context, caller, standing, asked, gives)
    await recordReading(context, caller, standing, 'follow', told.indicators)
    const given = new Map(told.items.map((change, n) => [told.steps[n]?.position ?? 0, change]))
    const losses = steps.filter(([change]) => change === 'withdrawn' || change === 'recalled').map(([, , id]) => id)
    const back =
      losses.length === 0
        ? new Set<string>()
        : await idsStanding(
            context.database,
            followable(context, caller, standing, asked),
            losses,
            pageFilter(context, input.filter, territory),
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
