import type { AskAssistanceInput } from '../../actions/ask-assistance.ts'
import type { ListAssistanceInput } from '../../actions/assistance.ts'
import type { AssistanceStepInput } from '../../actions/assistance-steps.ts'
import { actions } from '../../actions/index.ts'
import type { Keyed } from '../../actions/once.ts'
import { limits } from '../../domain/limits.ts'
import { Fields } from '../../formats/fields.ts'
import { type Asked, changing, orNull, reading } from './asked.ts'
import { idOrNobody } from './ids.ts'
import { keyOf } from './publishing.ts'

/** The fields of `Query` about assistance between partners. */
export const assistanceQueries = {
  assistanceList: reading(({ context, caller }: Asked, { before, ...input }: ListAssistanceInput) => {
    new Fields({ ...input }, '', 'invalid_request').integer('limit', 1, limits.pageRecords)
    const page = { ...input, ...(before === undefined ? {} : { before: idOrNobody(before) }) }
    return actions['list-assistance'](context, caller, page)
  }),
  assistance: reading(({ context, caller }: Asked, { id }: { id: string }) =>
    orNull(actions['read-assistance'](context, caller, { id: idOrNobody(id) })),
  ),
}

interface AskAssistanceArgs extends Keyed {
  readonly input: AskAssistanceInput
}

/** The fields of `Mutation` about assistance between partners: each a verb, nothing decided here. */
export const assistanceMutations = {
  askAssistance: changing(({ context, caller }: Asked, { input, ...key }: AskAssistanceArgs) =>
    actions['ask-assistance'](context, caller, { ...input, ...keyOf(key) }),
  ),
  acceptAssistance: changing(({ context, caller }: Asked, input: AssistanceStepInput) =>
    actions['accept-assistance'](context, caller, step(input)),
  ),
  declineAssistance: changing(({ context, caller }: Asked, input: AssistanceStepInput) =>
    actions['decline-assistance'](context, caller, step(input)),
  ),
  answerAssistance: changing(({ context, caller }: Asked, input: AssistanceStepInput) =>
    actions['answer-assistance'](context, caller, step(input)),
  ),
  closeAssistance: changing(({ context, caller }: Asked, input: AssistanceStepInput) =>
    actions['close-assistance'](context, caller, step(input)),
  ),
  withdrawAssistance: changing(({ context, caller }: Asked, input: AssistanceStepInput) =>
    actions['withdraw-assistance'](context, caller, step(input)),
  ),
  annotateAssistance: changing(({ context, caller }: Asked, input: AssistanceStepInput) =>
    actions['annotate-assistance'](context, caller, step(input)),
  ),
}

const step = (input: AssistanceStepInput): AssistanceStepInput => ({ ...input, id: idOrNobody(input.id) })
