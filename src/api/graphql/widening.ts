import { actions } from '../../actions/index.ts'
import type { ReadInput } from '../../actions/named-source.ts'
import type { ListWideningInput } from '../../actions/widening.ts'
import type { HandlingInput } from '../../domain/handling.ts'
import { limits } from '../../domain/limits.ts'
import type { Wanted } from '../../domain/widening.ts'
import { handlingFromRecord } from '../../formats/handling-fields.ts'
import { type Asked, changing, orNull, reading } from './asked.ts'
import { localIdOf, uuidIn } from './global-id.ts'
import { readInput, within } from './indicators.ts'

interface ById {
  readonly id: string
}

/** The fields of `Query` about requests to widen. */
export const wideningQueries = {
  wideningRequests: reading(({ context, caller }: Asked, { limit, indicator, before, ...input }: ListWideningInput) =>
    actions['list-widening'](context, caller, {
      ...input,
      limit: within('/limit', limit ?? limits.pageRecordsDefault, limits.pageRecords),
      ...(indicator === undefined ? {} : { indicator: localIdOf('Indicator', indicator) }),
      ...(before === undefined ? {} : { before: uuidIn(before) }),
    }),
  ),
  wideningRequest: reading(({ context, caller }: Asked, { id }: ById) =>
    orNull(actions['read-widening'](context, caller, { id: uuidIn(id) })),
  ),
}

/** The fields of `Mutation` about them: each a verb, nothing decided here. */
export const wideningMutations = {
  askWidening: changing(
    ({ context, caller }: Asked, { wanted, reason, ...input }: ReadInput & { wanted: Wanted; reason: string }) =>
      actions['ask-widening'](context, caller, { ...readInput(input), wanted: { ...wanted }, reason }),
  ),
  acceptWidening: changing(
    ({ context, caller }: Asked, { id, handling, note }: ById & { handling?: HandlingInput; note?: string }) =>
      actions['accept-widening'](context, caller, {
        id: uuidIn(id),
        ...(handling === undefined ? {} : { handling: handlingFromRecord({ ...handling }, '/handling') }),
        ...(note === undefined ? {} : { note }),
      }),
  ),
  refuseWidening: changing(({ context, caller }: Asked, { id, reason }: ById & { readonly reason: string }) =>
    actions['refuse-widening'](context, caller, { id: uuidIn(id), reason }),
  ),
  withdrawWidening: changing(({ context, caller }: Asked, { id }: ById) =>
    actions['withdraw-widening'](context, caller, { id: uuidIn(id) }),
  ),
}
