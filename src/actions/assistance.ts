import type { AssistanceState } from '../domain/assistance.ts'
import type { Caller } from '../domain/caller.ts'
import { assistanceOf } from '../store/assistance.ts'
import { type AssistanceSummary, type AssistanceView, summaryOf, viewOf, wordsVisibleTo } from './assistance-view.ts'
import type { Context } from './context.ts'
import { newestFirst, type Page, type PageInput } from './newest-first.ts'
import { absent } from './read.ts'
import { record, verb } from './verb.ts'

export interface ListAssistanceInput extends PageInput {
  readonly state?: readonly AssistanceState[]
  /** Only what waits for the caller's organisation: what it was asked and has not answered, and what it asked and was answered. */
  readonly queue?: boolean
  /** Only what was due and is not answered. */
  readonly overdue?: boolean
}

export type AssistancePage = Page<AssistanceSummary>

/** What the caller's organisation asked and was asked, the newest first; as far as the policy lets the caller have it. */
export const listAssistance = verb(
  'list-assistance',
  async (context: Context, caller: Caller, input: ListAssistanceInput, standing): Promise<AssistancePage> => {
    const visible = wordsVisibleTo(context, caller, standing)
    const { state, queue, overdue } = input
    const { items, ...more } = await newestFirst(
      input,
      async (id) => (await assistanceOf(context.database, visible, { id, limit: 1 }))[0],
      (last, limit) =>
        assistanceOf(context.database, visible, {
          limit,
          ...(state === undefined ? {} : { states: state }),
          ...(queue === undefined ? {} : { queue }),
          ...(overdue === true ? { overdueAt: context.clock() } : {}),
          ...(last === undefined ? {} : { before: last }),
        }),
    )
    if (items.length > 0)
      await context.database.transaction((transaction) =>
        record(transaction, context, caller, standing, {
          action: 'list-assistance',
          decision: 'permit',
          rules: ['assistance.two'],
          subject: JSON.stringify({ assistance: items.map(({ id }) => id) }),
        }),
      )
    return { items: items.map((each) => summaryOf(context, standing, each)), ...more }
  },
)

/** One, with what was said. @throws {Fault} `not_found` alike for what does not exist and for what is not the caller's to know */
export const readAssistance = verb(
  'read-assistance',
  async (context: Context, caller: Caller, { id }: { readonly id: string }, standing): Promise<AssistanceView> => {
    const visible = wordsVisibleTo(context, caller, standing)
    const [found] = await assistanceOf(context.database, visible, { id, limit: 1 })
    if (found === undefined) throw absent()
    const view = await viewOf(context.database, context, caller, standing, found)
    // Above CLEAR, all of it: on the log before it is answered.
    await context.database.transaction((transaction) =>
      record(transaction, context, caller, standing, {
        action: 'read-assistance',
        decision: 'permit',
        rules: ['assistance.two'],
        subject: JSON.stringify({ assistance: id, version: view.version, indicators: view.indicators }),
      }),
    )
    return view
  },
)
