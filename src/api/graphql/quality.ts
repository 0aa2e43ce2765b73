import { actions } from '../../actions/index.ts'
import type { ReadInput } from '../../actions/named-source.ts'
import type { SightingReport, SightingSum, Sightings } from '../../actions/read-sightings.ts'
import type { Sighted } from '../../actions/sight.ts'
import type { HandlingInput } from '../../domain/handling.ts'
import { limits } from '../../domain/limits.ts'
import type { SightingInput } from '../../domain/sighting.ts'
import { handlingFromRecord } from '../../formats/handling-fields.ts'
import { type Asked, changing, orNull, reading } from './asked.ts'
import { readInput, within } from './indicators.ts'
import { asInt } from './observing.ts'
import { keyOf } from './publishing.ts'

interface SightArgs extends ReadInput {
  readonly sighting?: SightingInput
  readonly handling?: HandlingInput
  readonly idempotencyKey?: string
}

/** The fields of `Query` about what is said of indicators, and what they have to do with each other. */
export const qualityQueries = {
  sightings: reading((asked: Asked, input: ReadInput) =>
    orNull(actions['read-sightings'](asked.context, asked.caller, readInput(input))),
  ),
  related: reading((asked: Asked, { limit, ...input }: ReadInput & { limit?: number }) =>
    orNull(
      actions['list-related'](asked.context, asked.caller, {
        ...readInput(input),
        limit: within('/limit', limit ?? limits.relatedOfKindDefault, limits.relatedOfKind),
      }),
    ),
  ),
}

export const qualityMutations = {
  sight: changing(({ context, caller }: Asked, { sighting, handling, idempotencyKey, ...input }: SightArgs) =>
    actions.sight(context, caller, {
      ...readInput(input),
      sighting: { ...sighting },
      handling: handlingFromRecord({ ...handling }, '/handling'),
      ...keyOf({ idempotencyKey }),
    }),
  ),
}

/** Fields of types that are not simply members of what the actions return. */
export const qualityTypes = {
  Sightings: { stixId: ({ id }: Sightings) => id },
  SightingReport: { count: ({ count }: SightingReport) => asInt(count) },
  SightingSum: { count: ({ count }: SightingSum) => asInt(count) },
  Sighted: { stixId: ({ id }: Sighted) => id },
}
