import { actions } from '../../actions/index.ts'
import { listRelatedOf, type Related } from '../../actions/list-related.ts'
import type { ReadInput } from '../../actions/named-source.ts'
import { readConstituencies } from '../../actions/organisations.ts'
import { type Observations, readObservationsOf } from '../../actions/read-observations.ts'
import { readSightingsOf, type Sightings } from '../../actions/read-sightings.ts'
import { readWarnings } from '../../actions/warninglists.ts'
import type { Account } from '../../domain/account.ts'
import { limits } from '../../domain/limits.ts'
import type { ConstituencyEntry, Organisation } from '../../domain/organisation.ts'
import type { Released } from '../../domain/released.ts'
import type { Warning } from '../../domain/warninglist.ts'
import type { Asked } from './asked.ts'
import { within } from './indicators.ts'

type Of<T> = readonly { readonly obj: T; readonly params: { readonly limit?: number | null } }[]
type Queries = readonly { readonly obj: Pick<Organisation, 'id'> }[]

/**
 * Edges that ask the node: mercurius gathers them over a page, so that each organisation is asked about once. Not cached beyond
 * that: a mutation between two fields of one request may change the answer.
 */
export const loaders = {
  Indicator: {
    observations: {
      loader: (queries: Of<Released>, { context, caller }: Asked): Promise<(Observations | undefined)[]> =>
        readObservationsOf(
          context,
          caller,
          queries.map(({ obj }) => wanted(obj)),
        ),
      opts: { cache: false },
    },
    sightings: {
      loader: (queries: Of<Released>, { context, caller }: Asked): Promise<(Sightings | undefined)[]> =>
        readSightingsOf(context, caller, { of: queries.map(({ obj }) => wanted(obj)) }),
      opts: { cache: false },
    },
    related: { loader: relatedOf, opts: { cache: false } },
    warnings: {
      loader: (queries: readonly { readonly obj: Released }[], { context, caller }: Asked): Promise<Warning[][]> =>
        readWarnings(context, caller, { indicators: queries.map(({ obj }) => obj) }),
      opts: { cache: false },
    },
  },
  Organisation: {
    constituency: {
      loader: (queries: Queries, { context, caller }: Asked): Promise<ConstituencyEntry[][]> =>
        readConstituencies(context, caller, { organisations: queries.map(({ obj }) => obj.id) }),
      opts: { cache: false },
    },
    accounts: {
      loader: (queries: Queries, { context, caller }: Asked): Promise<(Account[] | Error)[]> =>
        each(queries, (organisation) => actions['list-accounts'](context, caller, { organisation })),
      opts: { cache: false },
    },
  },
} as const

/** By which source the indicator is known, since several may have published under its id. */
const wanted = ({ id, originator, alias }: Released): ReadInput => ({
  id,
  ...(originator === undefined ? {} : { originator: originator.id }),
  ...(alias === undefined ? {} : { alias }),
})

/** Aliases of one field may ask for different numbers: each number is asked for once. */
async function relatedOf(
  queries: Of<Released>,
  { context, caller }: Asked,
): Promise<(readonly Related[] | undefined)[]> {
  const answers: (readonly Related[] | undefined)[] = []
  for (const most of new Set(queries.map(({ params }) => params.limit ?? undefined))) {
    const limit = within('/limit', most ?? limits.relatedOfKindDefault, limits.relatedOfKind)
    const places = queries.flatMap(({ params }, n) => ((params.limit ?? undefined) === most ? [n] : []))
    const of = places.flatMap((n) => (queries[n] === undefined ? [] : [wanted(queries[n].obj)]))
    for (const [i, found] of (await listRelatedOf(context, caller, { of, limit })).entries())
      answers[places[i] ?? 0] = found
  }
  return answers
}

/** An error in place of an item is the error of that item's field, and of no other. */
const each = <T>(queries: Queries, ask: (organisation: string) => Promise<T>): Promise<(T | Error)[]> =>
  Promise.all(queries.map(({ obj }) => ask(obj.id).catch((error: Error) => error)))
