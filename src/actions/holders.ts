import type { Caller } from '../domain/caller.ts'
import { holdersOf } from '../store/peer-holdings.ts'
import type { Context } from './context.ts'
import { uuidOf } from './ids.ts'
import { outstandingOf } from './outstanding-recalls.ts'
import { findOwn } from './own.ts'
import { type NamedNode, nodeNames } from './provenance.ts'
import { verb } from './verb.ts'

/** Another node that was given an indicator of the caller's organisation. */
export interface Holder {
  readonly node: NamedNode
  /** The last version that it was given, 0 where it showed that it has it from another node; with `withdrawn` it was told to let go. */
  readonly version: number
  readonly withdrawn: boolean
  readonly givenAt: string
  /** The last version that it said it stored; 0 for none. */
  readonly storedVersion: number
  /** Why it did not apply what it was given, where it said so. */
  readonly refused?: string
  /** Whether it said that it let go, as it was told to. */
  readonly acknowledged: boolean
  /** Whether it should have confirmed a recall or withdrawal by now, and has not. */
  readonly overdue: boolean
}

/**
 * Which other nodes hold an indicator of the caller's organisation, and how far each confirmed what it was told.
 * @throws {Fault} `not_found`, `originator_only`
 */
export const readHolders = verb(
  'read-holders',
  async (
    context: Context,
    caller: Caller,
    input: { readonly id: string },
    standing,
  ): Promise<{ readonly id: string; readonly holders: readonly Holder[] }> => {
    const { id, originator } = await findOwn(context, caller, standing, input.id, 'read-holders')
    const named = nodeNames(context, caller, standing)
    const key = { stixId: uuidOf(id) ?? '', originator }
    const rows = await holdersOf(context.database, key)
    const outstanding = await outstandingOf(context, caller, standing, key)
    const late = outstanding?.overdue === true ? outstanding.nodes.map(({ node }) => node.id) : []
    const holders = rows.map(
      (row): Holder => ({
        node: named(row.peer),
        version: row.version,
        withdrawn: row.bare,
        givenAt: row.at.toISOString(),
        storedVersion: row.stored,
        ...(row.refused === null ? {} : { refused: row.refused }),
        acknowledged: row.bare && row.stored >= row.version,
        overdue: late.includes(row.peer),
      }),
    )
    return { id, holders }
  },
)
