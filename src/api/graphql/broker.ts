import type { AskAttributionInput } from '../../actions/ask-attribution.ts'
import type { ListAttributionInput } from '../../actions/attribution-requests.ts'
import type { AttributionStepInput } from '../../actions/attribution-steps.ts'
import { actions } from '../../actions/index.ts'
import type { AnswerReplyInput, SendReplyInput } from '../../actions/replies.ts'
import { limits } from '../../domain/limits.ts'
import { Fields } from '../../formats/fields.ts'
import { type Asked, changing, orNull, reading } from './asked.ts'
import { idOrNobody } from './ids.ts'
import { keyOf } from './publishing.ts'

type Page = ListAttributionInput

/** The fields of `Query` about sources: what was said to them, and who asked who they are. */
export const brokerQueries = {
  replies: reading(({ context, caller }: Asked, input: Page) =>
    actions['list-replies'](context, caller, checked(input)),
  ),
  reply: reading(({ context, caller }: Asked, { id }: { id: string }) =>
    orNull(actions['read-reply'](context, caller, { id: idOrNobody(id) })),
  ),
  attributionRequests: reading(({ context, caller }: Asked, input: Page) =>
    actions['list-attribution'](context, caller, checked(input)),
  ),
  attributionRequest: reading(({ context, caller }: Asked, { id }: { id: string }) =>
    orNull(actions['read-attribution'](context, caller, { id: idOrNobody(id) })),
  ),
}

/** The fields of `Mutation` about sources: each a verb, nothing decided here. */
export const brokerMutations = {
  sendReply: changing(({ context, caller }: Asked, input: SendReplyInput) =>
    actions['send-reply'](context, caller, { ...input, ...keyOf(input) }),
  ),
  answerReply: changing(({ context, caller }: Asked, input: AnswerReplyInput) =>
    actions['answer-reply'](context, caller, { ...input, ...keyOf(input), id: idOrNobody(input.id) }),
  ),
  askAttribution: changing(({ context, caller }: Asked, input: AskAttributionInput) =>
    actions['ask-attribution'](context, caller, { ...input, ...keyOf(input) }),
  ),
  approveAttribution: changing(({ context, caller }: Asked, input: AttributionStepInput) =>
    actions['approve-attribution'](context, caller, step(input)),
  ),
  refuseAttribution: changing(({ context, caller }: Asked, input: AttributionStepInput) =>
    actions['refuse-attribution'](context, caller, step(input)),
  ),
  withdrawAttribution: changing(({ context, caller }: Asked, input: AttributionStepInput) =>
    actions['withdraw-attribution'](context, caller, step(input)),
  ),
}

const step = (input: AttributionStepInput): AttributionStepInput => ({ ...input, id: idOrNobody(input.id) })

function checked({ before, ...input }: Page): Page {
  new Fields({ ...input }, '', 'invalid_request').integer('limit', 1, limits.pageRecords)
  return { ...input, ...(before === undefined ? {} : { before: idOrNobody(before) }) }
}
