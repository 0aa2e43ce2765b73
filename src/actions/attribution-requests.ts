import type { Caller } from '../domain/caller.ts'
import { knowsAttribution } from '../policy/broker.ts'
import { type AttributionPart, attributionRequestsOf, readAttributionRequest } from '../store/attribution-requests.ts'
import { type AttributionView, attributionView, leaveAttribution } from './attribution-view.ts'
import type { Context } from './context.ts'
import { newestFirst, type Page, type PageInput } from './newest-first.ts'
import { absent } from './read.ts'
import { verb } from './verb.ts'

export interface ListAttributionInput extends PageInput {
  /** Only what waits for the caller's decision. */
  readonly queue?: boolean
}

export type AttributionPage = Page<AttributionView>

/** Those in which the caller has a part, the newest first. None of them says who a source is: reading one does. */
export const listAttribution = verb(
  'list-attribution',
  async (context: Context, caller: Caller, input: ListAttributionInput, standing): Promise<AttributionPage> => {
    const { items, ...more } = await newestFirst(
      input,
      async (id) => {
        const one = await readAttributionRequest(context.database, id)
        return one !== undefined && knowsAttribution(caller, one) ? one : undefined
      },
      (last, limit) => attributionRequestsOf(context.database, partsOf(caller, input.queue === true), last, limit),
    )
    return {
      items: items.map((each) => {
        const { originator: _, ...listed } = attributionView(caller, standing, each)
        return listed
      }),
      ...more,
    }
  },
)

/** One; who the source is, if that is the caller's to know. @throws {Fault} `not_found` */
export const readAttribution = verb(
  'read-attribution',
  async (context: Context, caller: Caller, { id }: { readonly id: string }, standing): Promise<AttributionView> => {
    const request = await readAttributionRequest(context.database, id)
    if (request === undefined || !knowsAttribution(caller, request)) throw absent()
    const view = attributionView(caller, standing, request)
    // On the log before anybody is told.
    await context.database.transaction((transaction) =>
      leaveAttribution(transaction, context, caller, standing, 'read-attribution', {
        request: id,
        told: view.originator !== undefined,
      }),
    )
    return view
  },
)

/** What the caller may have by each of its parts. */
function partsOf({ reader, operator }: Caller, queue: boolean): AttributionPart[] {
  const parts: AttributionPart[] = queue ? [] : [{ account: reader.account ?? '' }]
  if (operator && reader.roles.includes('policy-officer')) parts.push(queue ? { undecidedBy: 'node' } : {})
  if (reader.roles.includes('approver'))
    parts.push({ originator: reader.organisation?.id ?? '', ...(queue ? { undecidedBy: 'source' as const } : {}) })
  return parts
}
