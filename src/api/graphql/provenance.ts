import { actions } from '../../actions/index.ts'
import type { ReadInput } from '../../actions/named-source.ts'
import type { ListOutstandingInput } from '../../actions/outstanding-recalls.ts'
import type { OutstandingRecall } from '../../actions/outstanding-view.ts'
import type { Provenance } from '../../actions/provenance.ts'
import { limits } from '../../domain/limits.ts'
import { type Asked, orNull, reading } from './asked.ts'
import { uuidIn } from './global-id.ts'
import { readInput, within } from './indicators.ts'

/** The fields of `Query` about where indicators came from, and where they went. */
export const provenanceQueries = {
  provenance: reading((asked: Asked, input: ReadInput) =>
    orNull(actions['read-provenance'](asked.context, asked.caller, readInput(input))),
  ),
  holders: reading((asked: Asked, input: ReadInput) =>
    orNull(actions['read-holders'](asked.context, asked.caller, { id: readInput(input).id })),
  ),
  outstandingRecalls: reading(({ context, caller }: Asked, { limit, peer, ...input }: ListOutstandingInput) =>
    actions['list-outstanding-recalls'](context, caller, {
      ...input,
      limit: within('/limit', limit ?? limits.pageRecordsDefault, limits.pageRecords),
      ...(peer === undefined ? {} : { peer: uuidIn(peer) }),
    }),
  ),
}

/** Fields of types that are not simply members of what the actions return. */
export const provenanceTypes = {
  Provenance: { stixId: ({ id }: Provenance) => id },
  OutstandingRecall: { stixId: ({ id }: OutstandingRecall) => id },
  Holders: { stixId: ({ id }: { readonly id: string }) => id },
}
