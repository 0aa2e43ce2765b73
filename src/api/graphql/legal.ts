import type { ConfirmClawBacksInput, ListClawBacksInput } from '../../actions/claw-backs.ts'
import type { StartExportInput } from '../../actions/exports.ts'
import { actions } from '../../actions/index.ts'
import type { DecisionInput, StepInput } from '../../actions/legal-decisions.ts'
import type { ListRequestsInput } from '../../actions/legal-requests.ts'
import type { LegalRequestInput } from '../../actions/legal-text.ts'
import type { ListPreservationsInput, RenewInput } from '../../actions/preservations.ts'
import type { SetRetentionInput } from '../../actions/retention.ts'
import { limits } from '../../domain/limits.ts'
import { Fields } from '../../formats/fields.ts'
import { type Asked, changing, orNull, reading } from './asked.ts'
import { uuidIn } from './global-id.ts'

interface Drafted {
  readonly input: LegalRequestInput
}

/** The fields of `Query` about legal requests. */
export const legalQueries = {
  legalRequests: reading(({ context, caller }: Asked, input: ListRequestsInput) =>
    actions['list-requests'](context, caller, checked(input)),
  ),
  legalRequest: reading(({ context, caller }: Asked, { id }: { id: string }) =>
    orNull(actions['read-request'](context, caller, { id: uuidIn(id) })),
  ),
  disclosures: reading(({ context, caller }: Asked, { limit = limits.pageRecordsDefault }: { limit?: number }) => {
    new Fields({ limit }, '', 'invalid_request').integer('limit', 1, limits.pageRecords)
    return actions['list-disclosures'](context, caller, { limit })
  }),
  preservations: reading(({ context, caller }: Asked, input: ListPreservationsInput) =>
    actions['list-preservations'](context, caller, limited(input)),
  ),
  clawBacks: reading(({ context, caller }: Asked, input: ListClawBacksInput) =>
    actions['list-claw-backs'](context, caller, limited(input)),
  ),
  figures: reading(({ context, caller }: Asked, { year }: { year: number }) =>
    orNull(actions['read-figures'](context, caller, { year })),
  ),
  retention: reading(({ context, caller }: Asked) => actions['list-retention'](context, caller, {})),
  retentionDue: reading(({ context, caller }: Asked) => actions['preview-retention'](context, caller, {})),
  exports: reading(({ context, caller }: Asked, { request }: { request: string }) =>
    orNull(actions['list-exports'](context, caller, { request: uuidIn(request) })),
  ),
  export: reading(({ context, caller }: Asked, { id }: { id: string }) =>
    orNull(actions['read-export'](context, caller, { id: uuidIn(id) })),
  ),
}

/** The fields of `Mutation` about legal requests: each a verb, nothing decided here. */
export const legalMutations = {
  draftLegalRequest: changing(({ context, caller }: Asked, { input }: Drafted) =>
    actions['draft-request'](context, caller, input),
  ),
  amendLegalRequest: changing(({ context, caller }: Asked, { id, input }: Drafted & { readonly id: string }) =>
    actions['amend-request'](context, caller, { ...input, id: uuidIn(id) }),
  ),
  fileLegalRequest: changing(({ context, caller }: Asked, input: StepInput) =>
    actions['file-request'](context, caller, step(input)),
  ),
  reviewLegalRequest: changing(({ context, caller }: Asked, input: DecisionInput) =>
    actions['review-request'](context, caller, step(input)),
  ),
  approveLegalRequest: changing(({ context, caller }: Asked, input: DecisionInput) =>
    actions['approve-request'](context, caller, step(input)),
  ),
  refuseLegalRequest: changing(({ context, caller }: Asked, input: DecisionInput) =>
    actions['refuse-request'](context, caller, step(input)),
  ),
  withdrawLegalRequest: changing(({ context, caller }: Asked, input: StepInput) =>
    actions['withdraw-request'](context, caller, step(input)),
  ),
  closeLegalRequest: changing(({ context, caller }: Asked, input: StepInput) =>
    actions['close-request'](context, caller, step(input)),
  ),
  clawBackLegalRequest: changing(({ context, caller }: Asked, input: StepInput) =>
    actions['claw-back-request'](context, caller, step(input)),
  ),
  confirmLegalRequest: changing(({ context, caller }: Asked, input: StepInput) =>
    actions['confirm-request'](context, caller, step(input)),
  ),
  renewLegalRequest: changing(({ context, caller }: Asked, input: RenewInput) =>
    actions['renew-request'](context, caller, step(input)),
  ),
  confirmClawBacks: changing(
    (
      { context, caller }: Asked,
      { export: id, ...input }: Omit<ConfirmClawBacksInput, 'id'> & { readonly export: string },
    ) => actions['confirm-claw-backs'](context, caller, { ...input, id: uuidIn(id) }),
  ),
  setRetention: changing(({ context, caller }: Asked, input: SetRetentionInput) =>
    actions['set-retention'](context, caller, input),
  ),
  startExport: changing(({ context, caller }: Asked, { request, again, ...input }: StartExportInput) =>
    actions['start-export'](context, caller, {
      ...input,
      request: uuidIn(request),
      ...(again === undefined ? {} : { again: uuidIn(again) }),
    }),
  ),
  cancelExport: changing(({ context, caller }: Asked, { id }: { id: string }) =>
    actions['cancel-export'](context, caller, { id: uuidIn(id) }),
  ),
  annotateLegalRequest: changing(({ context, caller }: Asked, input: StepInput) =>
    actions['annotate-request'](context, caller, step(input)),
  ),
}

const step = <Input extends StepInput>(input: Input): Input => ({ ...input, id: uuidIn(input.id) })

function limited<Input extends { readonly limit?: number }>(input: Input): Input {
  new Fields({ ...input }, '', 'invalid_request').integer('limit', 1, limits.pageRecords)
  return input
}

function checked(input: ListRequestsInput): ListRequestsInput {
  new Fields({ ...input }, '', 'invalid_request').integer('limit', 1, limits.pageRecords)
  return input.before === undefined ? input : { ...input, before: uuidIn(input.before) }
}
