import { actions } from '../../actions/index.ts'
import type { Provenance } from '../../actions/provenance.ts'
import type { ReadInput } from '../../actions/read.ts'
import { type Asked, orNull, reading } from './asked.ts'
import { readInput } from './indicators.ts'

/** The fields of `Query` about where indicators came from, and where they went. */
export const provenanceQueries = {
  provenance: reading((asked: Asked, input: ReadInput) =>
    orNull(actions['read-provenance'](asked.context, asked.caller, readInput(input))),
  ),
  holders: reading((asked: Asked, input: ReadInput) =>
    orNull(actions['read-holders'](asked.context, asked.caller, { id: readInput(input).id })),
  ),
}

/** Fields of types that are not simply members of what the actions return. */
export const provenanceTypes = {
  Provenance: { stixId: ({ id }: Provenance) => id },
  Holders: { stixId: ({ id }: { readonly id: string }) => id },
}
