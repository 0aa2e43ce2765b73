import { randomUUID } from 'node:crypto'
import type { AttributionRequest, AttributionStep } from '../domain/attribution-request.ts'
import type { Caller } from '../domain/caller.ts'
import { limits } from '../domain/limits.ts'
import { insertAttributionRequest, readAttributionRequest } from '../store/attribution-requests.ts'
import { type AttributionView, attributionView, takeAttributionStep } from './attribution-view.ts'
import type { Context } from './context.ts'
import { invalid, prose } from './legal-text.ts'
import { type Keyed, once } from './once.ts'
import { refuseMoreAttribution } from './open-askings.ts'
import { absent } from './read.ts'
import { findSource, type SourceInput } from './sources.ts'
import { verb } from './verb.ts'

export interface AskAttributionInput extends SourceInput, Keyed {
  readonly reason: string
}

/**
 * Asks to be told who the source of an indicator is.
 * @throws {Fault} `not_found`, `invalid_request` where it is named, `rate_limited`, `idempotency_key_reused`
 */
export const askAttribution = verb(
  'ask-attribution',
  async (context: Context, caller: Caller, input: AskAttributionInput, standing): Promise<AttributionView> => {
    const reason = prose(input.reason, '/reason')
    const { indicator, uuid, alias } = await findSource(context, caller, standing, input)
    if (alias === undefined) throw invalid('/indicator', 'Its source is named.')
    const now = context.clock()
    const account = caller.reader.account ?? ''
    const step: AttributionStep = { step: 'ask', side: 'requester', account, note: '', at: now.toISOString() }
    const request: AttributionRequest = {
      ...{ id: randomUUID(), account, organisation: caller.reader.organisation?.id ?? '' },
      ...{ originator: indicator.originator, indicator: indicator.id, alias, reason, state: 'asked' },
      createdAt: now.toISOString(),
      expiresAt: new Date(now.getTime() + limits.attributionDays * 86_400_000).toISOString(),
      steps: [step],
    }
    return await context.database.transaction((transaction) =>
      once(
        transaction,
        context,
        caller,
        input,
        ['attribution', input.indicator, input.source, input.reason],
        async () => {
          await refuseMoreAttribution(transaction, request.organisation, now)
          await insertAttributionRequest(transaction, uuid, request)
          await takeAttributionStep(transaction, context, caller, standing, 'ask-attribution', request)
          return request.id
        },
        async (id) => {
          const known = await readAttributionRequest(transaction, id)
          if (known === undefined) throw absent()
          return attributionView(caller, standing, known)
        },
      ),
    )
  },
)
