import { openCursor, sealCursor } from '../auth/cursors.ts'
import type { Caller } from '../domain/caller.ts'
import { Fault } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import type { RecallsOf } from '../domain/peer.ts'
import { mayListRecalls } from '../policy/knowing.ts'
import { type OutstandingFilter, outstandingRecalls, type RecallPlace } from '../store/outstanding-recalls.ts'
import type { Context, Standing } from './context.ts'
import type { Page } from './newest-first.ts'
import { dueBy, type OutstandingRecall, shownRecalls } from './outstanding-view.ts'
import { record, verb } from './verb.ts'

export interface ListOutstandingInput {
  /** `organisation` when absent. */
  readonly of?: RecallsOf
  /** Node id: only what this one has not confirmed. */
  readonly peer?: string
  /** Only what is overdue. */
  readonly overdue?: boolean
  /** `next` of the page before. */
  readonly before?: string
  /** 1–1,000; 100 when absent. */
  readonly limit?: number
}

/**
 * What was taken back and is not confirmed by other nodes, the newest first: of the caller's organisation, or of all for whoever keeps the
 * node in order. A page may have fewer than asked for, and more after it.
 * @throws {Fault} `not_yours`, `cursor_invalid`, `cursor_outdated`
 */
export const listOutstandingRecalls = verb(
  'list-outstanding-recalls',
  async (
    context: Context,
    caller: Caller,
    input: ListOutstandingInput,
    standing: Standing,
  ): Promise<Page<OutstandingRecall>> => {
    const { of = 'organisation', peer, overdue, limit = limits.pageRecordsDefault } = input
    await refuseOthers(context, caller, standing, of)
    const home = caller.reader.organisation?.id ?? ''
    const bound = JSON.stringify(['outstanding', home, of, peer ?? '', overdue === true])
    const { feedEpoch, cursorKey } = context.node
    const filter: OutstandingFilter = {
      ...(of === 'node' ? {} : { originator: home }),
      ...(peer === undefined ? {} : { peer }),
      ...(overdue === true ? { until: dueBy(context) } : {}),
      ...(input.before === undefined
        ? {}
        : { before: placeIn(openCursor(cursorKey, input.before, feedEpoch, bound, 3)) }),
      looked: limits.recallsLooked,
      limit: limit + 1,
    }
    const { rows, reached } = await outstandingRecalls(context.database, filter)
    const last = rows.length > limit ? rows[limit - 1] : undefined
    const page = last === undefined ? rows : rows.filter((row) => !comesAfter(row, last))
    const next = last ?? reached
    return {
      items: shownRecalls(context, caller, standing, page),
      ...(next === undefined ? {} : { next: sealCursor(cursorKey, placeOf(next), feedEpoch, bound) }),
    }
  },
)

/** What of one indicator is not confirmed; undefined for nothing. */
export async function outstandingOf(
  context: Context,
  caller: Caller,
  standing: Standing,
  key: { readonly originator: string; readonly stixId: string },
): Promise<OutstandingRecall | undefined> {
  const { rows } = await outstandingRecalls(context.database, { ...key, looked: 1, limit: 1 })
  return shownRecalls(context, caller, standing, rows)[0]
}

async function refuseOthers(context: Context, caller: Caller, standing: Standing, of: RecallsOf): Promise<void> {
  if (mayListRecalls(caller, of)) return
  const [rule, subject] = [`recalls.${of}`, JSON.stringify({ of })]
  await context.database.transaction((transaction) =>
    record(transaction, context, caller, standing, {
      ...{ action: 'list-outstanding-recalls', decision: 'deny', rules: [rule], subject },
    }),
  )
  throw new Fault('not_yours', refusals[of], { rule })
}

const refusals: Record<RecallsOf, string> = {
  organisation: 'What an organisation took back is for whoever reads there.',
  node: "What all took back is for the operator's administrators and policy officers, with the scope admin.",
}

/** A place as three numbers: an instant in ms, and the halves of a UUID. */
function placeOf({ at, stixId }: RecallPlace): bigint[] {
  const hex = stixId.replaceAll('-', '')
  const half = (from: number) => BigInt.asIntN(64, BigInt(`0x${hex.slice(from, from + 16)}`))
  return [BigInt(at.getTime()), half(0), half(16)]
}

function placeIn([at = 0n, ...halves]: readonly bigint[]): RecallPlace {
  const hex = halves.map((half) => BigInt.asUintN(64, half).toString(16).padStart(16, '0')).join('')
  return { at: new Date(Number(at)), stixId: hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5') }
}

/** Whether a row stands after a place: those that share it stand on one page. */
const comesAfter = (row: RecallPlace, { at, stixId }: RecallPlace): boolean =>
  row.at.getTime() < at.getTime() || (row.at.getTime() === at.getTime() && row.stixId < stixId)
