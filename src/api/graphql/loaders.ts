import { actions } from '../../actions/index.ts'
import { readConstituencies } from '../../actions/organisations.ts'
import type { Account } from '../../domain/account.ts'
import type { ConstituencyEntry, Organisation } from '../../domain/organisation.ts'
import type { Asked } from './asked.ts'

type Queries = readonly { readonly obj: Pick<Organisation, 'id'> }[]

/**
 * Edges that ask the node: mercurius gathers them over a page, so that each organisation is asked about once. Not cached beyond
 * that: a mutation between two fields of one request may change the answer.
 */
export const loaders = {
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

/** An error in place of an item is the error of that item's field, and of no other. */
const each = <T>(queries: Queries, ask: (organisation: string) => Promise<T>): Promise<(T | Error)[]> =>
  Promise.all(queries.map(({ obj }) => ask(obj.id).catch((error: Error) => error)))
